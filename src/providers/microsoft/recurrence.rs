//! Recurrence: an RFC 5545 rule as Graph's `patternedRecurrence`, and back. What the two do not share is refused: a series
//! that differs from what was asked for on some days only is worse than none.
//!
//! Two habits of Outlook decide much here. A day of the month that a month lacks is its last day, where RFC 5545 skips the
//! month. And a series begins on the first day of its pattern, where RFC 5545 counts the start whatever the rule says.
//!
//! <https://learn.microsoft.com/en-us/graph/api/resources/patternedrecurrence>

mod pattern;

use chrono::{Days, NaiveDate, NaiveDateTime};
use ical::recur::{IcalRecurDateTime, IcalRecurRule};
use serde_json::{Value, json};

use self::pattern::Pattern;
use super::zones::GraphZone;
use crate::domain::{event::EventTimes, failure::Failure, time::Timestamp, zone::Zone};

/// Exchange takes no larger interval, and no more occurrences.
const MOST: u32 = 999;

/// When a series begins: what its rule leaves open follows from it.
#[derive(Debug, Clone)]
pub(super) struct Beginning {
    /// What clocks show.
    local: NaiveDateTime,
    /// Where; `None` for whole days.
    zone: Option<Zone>,
    /// The name Graph is told; `None` where it knows no such zone.
    zone_name: Option<&'static str>,
}

impl Beginning {
    /// The beginning of a series whose first occurrence is at `times`.
    pub(super) fn of(times: &EventTimes) -> Self {
        match times {
            EventTimes::Timed { interval, zone } => {
                let known = GraphZone::of(zone);
                let zone_name = known.as_ref().map(|known| known.name);
                let rules = known.map_or_else(|| zone.clone(), |known| known.rules);
                Self { local: rules.local(interval.start()), zone: Some(rules), zone_name }
            }
            EventTimes::AllDay { start, zone, .. } => {
                let zone_name = Some(GraphZone::of_days(zone, *start).name);
                Self { local: NaiveDateTime::from(*start), zone: None, zone_name }
            }
        }
    }

    fn day(&self) -> NaiveDate {
        self.local.date()
    }

    /// The last day on which an occurrence may still begin, for an `UNTIL`.
    fn last_day(&self, until: IcalRecurDateTime) -> Option<NaiveDate> {
        let bound = NaiveDate::from_ymd_opt(until.year, until.month.into(), until.day.into())?;
        let Some(zone) = &self.zone else { return Some(bound) };
        let bound = Timestamp::from_seconds(until.seconds());
        let day = zone.local(bound).date();
        let begins = zone.instant(day.and_time(self.local.time()))?;
        if begins <= bound { Some(day) } else { day.checked_sub_days(Days::new(1)) }
    }

    /// The `UNTIL` for a last day.
    fn until(&self, day: NaiveDate) -> Option<String> {
        let Some(zone) = &self.zone else { return Some(day.format("%Y%m%d").to_string()) };
        let last = zone.instant(day.and_time(self.local.time()))?;
        Some(last.to_chrono().format("%Y%m%dT%H%M%SZ").to_string())
    }
}

/// `patternedRecurrence` for the lines of a series. They have been checked before ([`crate::domain::recurrence::check`]).
/// A refusal names its line as `recurrence[i]`.
pub(super) fn to_graph(lines: &[String], begins: &Beginning) -> Result<Value, Failure> {
    let mut recurrence = Value::Null;
    for (index, line) in lines.iter().enumerate() {
        let refused =
            |why: String| Failure::rejected("recurrence_not_supported", format!("recurrence[{index}]"), why);
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        if !name.eq_ignore_ascii_case("RRULE") {
            return Err(refused(
                "Outlook takes a rule alone: change or cancel single occurrences instead".to_owned(),
            ));
        }
        let rule = IcalRecurRule::parse(value).map_err(|error| refused(error.to_string()))?;
        recurrence = patterned(&rule, begins).map_err(refused)?;
    }
    Ok(recurrence)
}

fn patterned(rule: &IcalRecurRule, begins: &Beginning) -> Result<Value, String> {
    for (name, absent) in [
        ("BYSECOND", rule.by_second.is_empty()),
        ("BYMINUTE", rule.by_minute.is_empty()),
        ("BYHOUR", rule.by_hour.is_empty()),
        ("BYYEARDAY", rule.by_year_day.is_empty()),
        ("BYWEEKNO", rule.by_week_no.is_empty()),
    ] {
        if !absent {
            return Err(format!("Outlook has no {name}"));
        }
    }
    if rule.interval > MOST || rule.count.is_some_and(|count| count > MOST) {
        return Err(format!("Outlook takes an INTERVAL and a COUNT of at most {MOST}"));
    }
    let zone = begins
        .zone_name
        .ok_or("Outlook repeats events by the clocks of zones it knows, and knows none such")?;
    let pattern = Pattern::of_rule(rule, begins.day())?;
    if !pattern.falls_on(begins.day()) {
        return Err(format!("Outlook begins a series on a day of its rule, which {} is not", begins.day()));
    }
    let mut range = json!({
        "type": "noEnd",
        "startDate": begins.day().to_string(),
        "recurrenceTimeZone": zone,
    });
    if let Some(count) = rule.count {
        range["type"] = "numbered".into();
        range["numberOfOccurrences"] = count.into();
    } else if let Some(until) = rule.until {
        let last = begins.last_day(until).filter(|last| *last >= begins.day());
        let last = last.ok_or("UNTIL is before the start")?;
        range["type"] = "endDate".into();
        range["endDate"] = last.to_string().into();
    }
    Ok(json!({ "pattern": pattern.to_json(rule.interval), "range": range }))
}

/// The recurrence of a series that is to begin elsewhere. It goes along: a series that repeats on the day it begins on does so
/// afterwards, one with days of its own keeps them. It ends as before.
pub(super) fn moved(recurrence: &Value, old: &Beginning, new: &Beginning) -> Result<Value, Failure> {
    let refused = |why: String| Failure::rejected("recurrence_not_supported", "start", why);
    let rule = rule(&recurrence["pattern"], old).ok_or_else(|| {
        refused("the series repeats in a way not known here; move it in Outlook".to_owned())
    })?;
    let rule = IcalRecurRule::parse(&rule).map_err(|error| refused(error.to_string()))?;
    let mut moved =
        patterned(&rule, new).map_err(|why| refused(format!("{why}; give the new recurrence too")))?;
    let range = &recurrence["range"];
    let end = match range["type"].as_str() {
        Some("numbered") => "numberOfOccurrences",
        Some("endDate") => "endDate",
        _ => return Ok(moved),
    };
    moved["range"]["type"] = range["type"].clone();
    moved["range"][end] = range[end].clone();
    Ok(moved)
}

/// The lines of a `patternedRecurrence`; none for what is no series, and for patterns newer than this code.
pub(super) fn to_lines(recurrence: &Value, begins: &Beginning) -> Vec<String> {
    line(recurrence, begins).into_iter().collect()
}

fn line(recurrence: &Value, begins: &Beginning) -> Option<String> {
    let range = &recurrence["range"];
    let rule = rule(&recurrence["pattern"], begins)?;
    Some(match range["type"].as_str()? {
        "numbered" => format!("RRULE:{rule};COUNT={}", range["numberOfOccurrences"].as_u64()?),
        "endDate" => {
            format!("RRULE:{rule};UNTIL={}", begins.until(range["endDate"].as_str()?.parse().ok()?)?)
        }
        _ => format!("RRULE:{rule}"),
    })
}

/// The rule for a pattern, without an end.
fn rule(pattern: &Value, begins: &Beginning) -> Option<String> {
    let interval = pattern["interval"].as_u64().unwrap_or(1).max(1);
    let parts = Pattern::of_json(pattern)?.to_parts(interval, begins.day());
    Some(if interval > 1 { format!("{parts};INTERVAL={interval}") } else { parts })
}

#[cfg(test)]
mod tests;
