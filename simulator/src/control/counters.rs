//! Calls per route, account and status: what budget tests read.

use std::collections::BTreeMap;

use serde::Serialize;

use super::provider::Call;

/// Calls of one route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteCount {
    /// Calls that arrived.
    pub total: u64,
    /// The same by account (`-` where no account is known).
    pub by_account: BTreeMap<String, u64>,
    /// Answers by status; `cut` and `hang` for calls never answered.
    pub by_status: BTreeMap<String, u64>,
}

/// Everything counted since the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// Calls of every route together.
    pub total: u64,
    /// By the route's name.
    pub routes: BTreeMap<&'static str, RouteCount>,
    /// The most calls of one account to the provider's API that were open at the same time: sign-in and notifications
    /// do not count, and a batch counts by its parts.
    pub max_in_flight: BTreeMap<String, u64>,
    #[serde(skip)]
    in_flight: BTreeMap<String, u64>,
}

impl Counters {
    /// A call has arrived.
    pub fn begin(&mut self, call: &Call) {
        self.total += 1;
        let account = account_of(call);
        let route = self.routes.entry(call.route).or_default();
        route.total += 1;
        *route.by_account.entry(account.to_owned()).or_default() += 1;
        if !occupies(call) {
            return;
        }
        let open = self.in_flight.entry(account.to_owned()).or_default();
        *open += 1;
        let most = self.max_in_flight.entry(account.to_owned()).or_default();
        *most = (*most).max(*open);
    }

    /// How a call was answered.
    pub fn answered(&mut self, call: &Call, status: &str) {
        let route = self.routes.entry(call.route).or_default();
        *route.by_status.entry(status.to_owned()).or_default() += 1;
    }

    /// A call is over, answered or not.
    pub fn end(&mut self, call: &Call) {
        if !occupies(call) {
            return;
        }
        if let Some(open) = self.in_flight.get_mut(account_of(call)) {
            *open = open.saturating_sub(1);
        }
    }

    /// How many calls of an account to the provider's API are open now.
    pub fn open(&self, account: &str) -> u64 {
        self.in_flight.get(account).copied().unwrap_or(0)
    }

    /// Starts counting anew; calls still open stay open.
    pub fn reset(&mut self) {
        *self = Self { in_flight: std::mem::take(&mut self.in_flight), ..Self::default() };
    }
}

/// Whether a call is one of those that run side by side at the provider's API.
fn occupies(call: &Call) -> bool {
    let aside =
        ["authorize", "adminconsent", "batch", "discovery", "revoke", "token", "tokeninfo", "userinfo"];
    !aside.contains(&call.route) && !call.route.starts_with("notification")
}

fn account_of(call: &Call) -> &str {
    call.account.as_deref().unwrap_or("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_route_account_and_concurrency() {
        let mut counters = Counters::default();
        let call = Call { route: "events.get", account: Some("a@example.com".into()), calendar: None };
        counters.begin(&call);
        counters.begin(&call);
        counters.answered(&call, "200");
        counters.end(&call);
        counters.begin(&call);
        assert_eq!(counters.routes["events.get"].by_account["a@example.com"], 3);
        assert_eq!(counters.routes["events.get"].by_status["200"], 1);
        assert_eq!(counters.max_in_flight["a@example.com"], 2);

        for route in ["batch", "token", "notification.lifecycle"] {
            counters.begin(&Call { route, ..call.clone() });
        }
        assert_eq!(counters.open("a@example.com"), 2, "neither a batch nor sign-in counts");

        counters.reset();
        assert_eq!(counters.total, 0);
        counters.begin(&call);
        assert_eq!(counters.max_in_flight["a@example.com"], 3, "the two open calls are still open");
    }
}
