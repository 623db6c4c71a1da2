//! `freeBusy.query`.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::event::millis;
use super::recurrence::{self, Window};
use super::world::{Calendar, Role};
use super::zone::Zone;
use crate::control::faults::Fault;
use crate::control::provider;

/// The most calendars one query may expand to.
const MOST_CALENDARS: u64 = 50;
/// The longest range. Google names no figure; three months have been refused and 90 days accepted.
const LONGEST_RANGE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The route's name for faults that hit single calendars of a query.
pub const CALENDAR_ROUTE: &str = "freeBusy.calendar";

/// `POST /freeBusy`
pub fn query(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let body = call.json()?;
    let time = |name: &str| {
        let text = body.get(name).and_then(Value::as_str);
        let text = text.ok_or_else(|| ApiError::required(format!("Missing {name} parameter.")))?;
        text.parse::<Timestamp>().map_err(|_| ApiError::bad_request("Bad Request"))
    };
    let (from, until) = (time("timeMin")?, time("timeMax")?);
    if until <= from {
        return Err(ApiError::time_range_empty());
    }
    if until.duration_since(from) > LONGEST_RANGE {
        return Err(ApiError::time_range_too_long());
    }
    let zone = match body.get("timeZone").and_then(Value::as_str) {
        None => Zone::utc(),
        Some(name) => Zone::named(name).ok_or_else(|| ApiError::invalid("Invalid time zone."))?,
    };
    let limit = match body.get("calendarExpansionMax") {
        None => MOST_CALENDARS,
        Some(value) => value
            .as_u64()
            .filter(|limit| (1..=MOST_CALENDARS).contains(limit))
            .ok_or_else(|| ApiError::invalid("Invalid value for calendarExpansionMax."))?,
    };
    let items = body.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut calendars = Map::new();
    for item in items {
        let Some(id) = item.get("id").and_then(Value::as_str) else {
            return Err(ApiError::required("Missing calendar id."));
        };
        let entry = if items.len() as u64 > limit {
            failed("tooManyCalendarsRequested", "global")
        } else {
            one_calendar(call, id, from, until, &zone)
        };
        calendars.insert(id.to_owned(), entry);
    }
    Ok(Answer::Json(json!({
        "kind": "calendar#freeBusy",
        "timeMin": millis(from),
        "timeMax": millis(until),
        "calendars": calendars,
    })))
}

fn failed(reason: &str, domain: &str) -> Value {
    json!({ "errors": [{ "domain": domain, "reason": reason }], "busy": [] })
}

fn one_calendar(call: &Call<'_>, id: &str, from: Timestamp, until: Timestamp, zone: &Zone) -> Value {
    let scripted = call.control.faults().take(&provider::Call {
        route: CALENDAR_ROUTE,
        account: Some(call.account.clone()),
        calendar: Some(id.to_owned()),
    });
    if let Some(fault) = scripted {
        let reason = match fault {
            Fault::Scripted(answer) => answer.reason,
            Fault::Plain(_) => None,
        };
        return failed(reason.as_deref().unwrap_or("internalError"), "global");
    }
    // Whoever may see an address's calendar at all may see when it is busy.
    match call.world.calendar(&call.account, id) {
        Ok((calendar, role)) if role >= Role::FreeBusyReader => {
            let busy: Vec<Value> = busy_times(calendar, from, until)
                .into_iter()
                .map(|(start, end)| json!({ "start": zone.format(start), "end": zone.format(end) }))
                .collect();
            json!({ "busy": busy })
        }
        _ => failed("notFound", "global"),
    }
}

/// The busy times of a calendar inside a range, cut to it, merged, in order.
pub fn busy_times(calendar: &Calendar, from: Timestamp, until: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let window = Window { from: Some(from), until: Some(until) };
    let mut times = Vec::new();
    for event in calendar.events.values() {
        let master = event.origin.as_ref().and_then(|origin| calendar.events.get(&origin.master));
        if !event.is_busy() || master.is_some_and(super::event::Event::is_cancelled) {
            continue;
        }
        let found = if event.is_recurring() {
            let mut instances = recurrence::expand(event, &calendar.zone, window);
            instances.retain(|instance| !calendar.events.contains_key(&instance.id));
            instances
        } else {
            vec![event.clone()]
        };
        for event in found {
            if event.overlaps(window.from, window.until, &calendar.zone) {
                let start = event.start.instant(&calendar.zone).max(from);
                let end = event.end.instant(&calendar.zone).min(until);
                if start < end {
                    times.push((start, end));
                }
            }
        }
    }
    merge(times)
}

/// Overlapping and touching times become one.
fn merge(mut times: Vec<(Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
    times.sort();
    let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (start, end) in times {
        match merged.last_mut() {
            Some((_, last)) if start <= *last => *last = (*last).max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_and_touching_times_become_one() {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let times = [(30, 40), (0, 10), (10, 20), (15, 18), (41, 42)];
        let merged = merge(times.iter().map(|(a, b)| (at(*a), at(*b))).collect());
        assert_eq!(merged, [(at(0), at(20)), (at(30), at(40)), (at(41), at(42))]);
    }
}
