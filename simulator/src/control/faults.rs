//! Scripted faults: "the next N calls to this route go wrong like so".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::provider::Call;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fault {
    /// A fault without parameters.
    Plain(PlainFault),
    /// A delay, an answer made up on the spot, or both.
    Scripted(ScriptedAnswer),
}

/// Faults without parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlainFault {
    /// No answer, ever; the request has no effect.
    Hang,
    /// The request takes effect, the answer never comes.
    HangAfter,
    /// The connection is cut; the request has no effect.
    Cut,
    /// The request takes effect, then the connection is cut.
    CutAfter,
    /// The request takes effect, half of the answer's body is sent, then the connection is cut.
    CutBody,
    /// Notifications only: lost on the way.
    Drop,
    /// Notifications only: sent twice.
    Duplicate,
}

/// An answer instead of the real one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScriptedAnswer {
    /// HTTP status; without one the request is answered as usual (after the delay).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The provider's reason or error code; by default the one that fits the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The provider's message; by default the one that fits the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `Retry-After`: seconds, or any text (an HTTP date) sent as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Value>,
    /// Further headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A body to send as it is: text verbatim, anything else as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Wait so long before anything else, in milliseconds of real time.
    #[serde(default, rename = "delay_ms", alias = "delayMs", skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// The request takes effect although the answer says otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after: bool,
}

/// How often a rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// So many more calls.
    Count(u32),
    /// Until cleared.
    Forever(Forever),
}

/// The word `forever`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forever {
    /// Until cleared.
    Forever,
}

/// Which calls a rule is about, besides the route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Only this account's calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only calls that name this calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
}

/// One rule, as posted to `/control/faults`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The route's name; `*` for any, `events.*` for a group.
    pub route: String,
    /// Narrows the rule.
    #[serde(default, rename = "match")]
    pub only: Match,
    /// Let so many matching calls pass first.
    #[serde(default)]
    pub skip: u32,
    /// How many calls are hit; one unless said otherwise.
    #[serde(default = "once")]
    pub times: Times,
    /// What happens to them.
    pub fault: Fault,
}

fn once() -> Times {
    Times::Count(1)
}

impl Rule {
    fn fits(&self, call: &Call) -> bool {
        let route = match self.route.strip_suffix('*') {
            Some(prefix) => call.route.starts_with(prefix),
            None => self.route == call.route,
        };
        let wants = |wanted: &Option<String>, actual: &Option<String>| wanted.is_none() || wanted == actual;
        route && wants(&self.only.account, &call.account) && wants(&self.only.calendar, &call.calendar)
    }
}

/// A rule that is waiting, with its number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PendingRule {
    /// Given at posting; `DELETE /control/faults/{id}` takes it.
    pub id: u64,
    /// How many calls it has hit.
    pub hits: u32,
    /// The rule, with what is left of `skip` and `times`.
    #[serde(flatten)]
    pub rule: Rule,
}

/// All rules, in the order they were posted.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<PendingRule>,
    last_id: u64,
}

impl Faults {
    /// Adds a rule and returns its number.
    pub fn add(&mut self, rule: Rule) -> u64 {
        self.last_id += 1;
        self.rules.push(PendingRule { id: self.last_id, hits: 0, rule });
        self.last_id
    }

    /// The rules not yet used up.
    pub fn pending(&self) -> &[PendingRule] {
        &self.rules
    }

    /// Removes one rule; tells whether it was there.
    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|pending| pending.id != id);
        before != self.rules.len()
    }

    /// Removes every rule.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault for a call: the first rule that fits and does not let it pass.
    pub fn take(&mut self, call: &Call) -> Option<Fault> {
        let mut hit = None;
        for pending in &mut self.rules {
            if !pending.rule.fits(call) {
                continue;
            }
            if pending.rule.skip > 0 {
                pending.rule.skip -= 1;
                continue;
            }
            if let Times::Count(left) = &mut pending.rule.times {
                if *left == 0 {
                    continue;
                }
                *left -= 1;
            }
            pending.hits += 1;
            hit = Some(pending.rule.fault.clone());
            break;
        }
        self.rules.retain(|pending| pending.rule.times != Times::Count(0));
        hit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(value: Value) -> Rule {
        serde_json::from_value(value).unwrap()
    }

    fn call(route: &'static str, account: &str) -> Call {
        Call { route, account: Some(account.to_owned()), calendar: None }
    }

    #[test]
    fn a_rule_hits_as_often_as_it_says_and_then_is_gone() {
        let mut faults = Faults::default();
        faults.add(rule(json!({"route": "token", "times": 2, "fault": "cut"})));
        let hits = (0..3).filter(|_| faults.take(&call("token", "a@example.com")).is_some()).count();
        assert_eq!(hits, 2);
        assert!(faults.pending().is_empty());
    }

    #[test]
    fn skip_lets_calls_pass_first() {
        let mut faults = Faults::default();
        faults.add(rule(json!({"route": "events.list", "skip": 1, "fault": {"status": 503}})));
        assert_eq!(faults.take(&call("events.list", "a@example.com")), None);
        assert!(faults.take(&call("events.list", "a@example.com")).is_some());
    }

    #[test]
    fn a_rule_can_be_narrowed_to_an_account_and_widened_to_a_group() {
        let mut faults = Faults::default();
        faults.add(rule(
            json!({"route": "events.*", "match": {"account": "a@example.com"}, "times": "forever", "fault": "hang"}),
        ));
        assert_eq!(faults.take(&call("events.get", "b@example.com")), None);
        assert_eq!(faults.take(&call("token", "a@example.com")), None);
        for _ in 0..5 {
            assert_eq!(
                faults.take(&call("events.get", "a@example.com")),
                Some(Fault::Plain(PlainFault::Hang))
            );
        }
        faults.clear();
        assert_eq!(faults.take(&call("events.get", "a@example.com")), None);
    }

    #[test]
    fn rules_posted_first_apply_first() {
        let mut faults = Faults::default();
        faults.add(rule(json!({"route": "token", "fault": "cut"})));
        let second = faults.add(rule(json!({"route": "token", "fault": "hang"})));
        assert_eq!(faults.take(&call("token", "x")), Some(Fault::Plain(PlainFault::Cut)));
        assert!(faults.remove(second));
        assert!(!faults.remove(second));
    }

    #[test]
    fn a_misspelt_fault_is_refused() {
        for fault in [json!("explode"), json!({"statuss": 500})] {
            assert!(
                serde_json::from_value::<Rule>(json!({"route": "token", "fault": fault})).is_err(),
                "{fault}"
            );
        }
    }
}
