//! Recurring events expanded into instances.
//!
//! Rules run on local times, written as if they were UTC, so that an event keeps its time of day across a change of
//! offset; each result is then placed in the event's zone.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use rrule::RRuleSet;

use super::errors::ApiError;
use super::event::{Event, EventTime};
use super::zone::Zone;

/// The most instances one recurring event is expanded into: daily for two years.
pub const MOST_INSTANCES: usize = 730;
/// Steps after which a rule is given up, so that one without results ends.
const MOST_STEPS: usize = 100_000;

/// What bounds an expansion: `end > from` and `start < until`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// Instances that end at or before this are left out.
    pub from: Option<Timestamp>,
    /// Instances that start at or after this are left out.
    pub until: Option<Timestamp>,
}

/// Checks the lines a client sent.
pub fn validate(event: &Event, calendar_zone: &Zone) -> Result<(), ApiError> {
    if !event.is_recurring() {
        return Ok(());
    }
    if matches!(&event.start, EventTime::At { zone: None, .. }) {
        return Err(ApiError::required("Missing time zone definition for start time."));
    }
    Rules::read(event, calendar_zone).map(|_| ()).ok_or_else(|| ApiError::invalid("Invalid recurrence rule."))
}

/// The instances of a recurring event inside a window, exceptions not considered, in order.
pub fn expand(event: &Event, calendar_zone: &Zone, window: Window) -> Vec<Event> {
    let Some(rules) = Rules::read(event, calendar_zone) else {
        return Vec::new();
    };
    let duration = event.duration(calendar_zone);
    let days = match (&event.start, &event.end) {
        (EventTime::Day(start), EventTime::Day(end)) => (*end - *start).get_days(),
        _ => 0,
    };
    let mut found = Vec::new();
    for local in rules.starts() {
        let start = match &event.start {
            EventTime::Day(_) => EventTime::Day(local.date()),
            EventTime::At { zone, .. } => {
                EventTime::At { instant: rules.zone.instant(local), zone: zone.clone() }
            }
        };
        let end = match (&start, &event.end) {
            (EventTime::Day(day), _) => {
                EventTime::Day(day.saturating_add(jiff::Span::new().days(days.max(1))))
            }
            (EventTime::At { instant, .. }, EventTime::At { zone, .. }) => {
                EventTime::At { instant: *instant + duration, zone: zone.clone() }
            }
            (EventTime::At { instant, .. }, EventTime::Day(_)) => {
                EventTime::At { instant: *instant + duration, zone: None }
            }
        };
        if window.until.is_some_and(|until| start.instant(calendar_zone) >= until) {
            break;
        }
        let instance = event.instance(start, end);
        if instance.overlaps(window.from, window.until, calendar_zone) {
            found.push(instance);
            if found.len() == MOST_INSTANCES {
                break;
            }
        }
    }
    found
}

/// The instance with this id, if the recurring event has it.
pub fn instance_by_id(event: &Event, calendar_zone: &Zone, instance_id: &str) -> Option<Event> {
    let suffix = instance_id.strip_prefix(&event.id)?.strip_prefix('_')?;
    let around = if event.start.is_day() {
        calendar_zone.instant(Date::strptime("%Y%m%d", suffix).ok()?.at(0, 0, 0, 0))
    } else {
        let local = DateTime::strptime("%Y%m%dT%H%M%SZ", suffix).ok()?;
        Zone::utc().instant(local)
    };
    let day = SignedDuration::from_hours(36);
    let window = Window { from: Some(around - day), until: Some(around + day) };
    expand(event, calendar_zone, window).into_iter().find(|instance| instance.id == instance_id)
}

/// The lines of a recurrence, read.
struct Rules {
    zone: Zone,
    included: Vec<RRuleSet>,
    excluded: Vec<RRuleSet>,
    extra_dates: BTreeSet<DateTime>,
    excluded_dates: BTreeSet<DateTime>,
}

impl Rules {
    fn read(event: &Event, calendar_zone: &Zone) -> Option<Self> {
        let zone = match &event.start {
            EventTime::At { zone: Some(zone), .. } => zone.clone(),
            _ => calendar_zone.clone(),
        };
        let first = match &event.start {
            EventTime::Day(date) => date.at(0, 0, 0, 0),
            EventTime::At { instant, .. } => zone.local(*instant),
        };
        let mut rules = Self {
            included: Vec::new(),
            excluded: Vec::new(),
            extra_dates: BTreeSet::new(),
            excluded_dates: BTreeSet::new(),
            zone,
        };
        for line in event.recurrence() {
            let (name, value) = line.split_once(':')?;
            let (name, parameters) = name.split_once(';').unwrap_or((name, ""));
            match name.to_ascii_uppercase().as_str() {
                "RRULE" => rules.included.push(rules.rule(first, value)?),
                "EXRULE" => rules.excluded.push(rules.rule(first, value)?),
                "RDATE" => rules.extra_dates.extend(rules.dates(first, parameters, value)?),
                "EXDATE" => rules.excluded_dates.extend(rules.dates(first, parameters, value)?),
                // DTSTART and DTEND among them: Google refuses those here.
                _ => return None,
            }
        }
        if rules.included.is_empty() {
            rules.extra_dates.insert(first);
        }
        Some(rules)
    }

    fn rule(&self, first: DateTime, value: &str) -> Option<RRuleSet> {
        let mut parts = Vec::new();
        for part in value.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            if name.eq_ignore_ascii_case("UNTIL") {
                let until = self.until(first, value)?;
                parts.push(format!("UNTIL={}", until.strftime("%Y%m%dT%H%M%SZ")));
            } else {
                parts.push(part.to_ascii_uppercase());
            }
        }
        let text = format!("DTSTART:{}\nRRULE:{}", first.strftime("%Y%m%dT%H%M%SZ"), parts.join(";"));
        text.parse().ok()
    }

    /// `UNTIL` as a local time: it is given in UTC, or as a day, which counts to its end.
    fn until(&self, first: DateTime, value: &str) -> Option<DateTime> {
        if let Some(utc) = value.strip_suffix('Z') {
            let instant = Zone::utc().instant(DateTime::strptime("%Y%m%dT%H%M%S", utc).ok()?);
            return Some(self.zone.local(instant));
        }
        if let Ok(local) = DateTime::strptime("%Y%m%dT%H%M%S", value) {
            return Some(local);
        }
        let day = Date::strptime("%Y%m%d", value).ok()?;
        Some(day.to_datetime(first.time()))
    }

    fn dates(&self, first: DateTime, parameters: &str, value: &str) -> Option<Vec<DateTime>> {
        let zone = match parameters.split(';').find_map(|parameter| parameter.strip_prefix("TZID=")) {
            Some(name) => Zone::named(name)?,
            None => self.zone.clone(),
        };
        value
            .split(',')
            .map(|text| {
                if let Some(utc) = text.strip_suffix('Z') {
                    let local = DateTime::strptime("%Y%m%dT%H%M%S", utc).ok()?;
                    return Some(self.zone.local(Zone::utc().instant(local)));
                }
                if let Ok(local) = DateTime::strptime("%Y%m%dT%H%M%S", text) {
                    return Some(self.zone.local(zone.instant(local)));
                }
                let day = Date::strptime("%Y%m%d", text).ok()?;
                Some(day.to_datetime(first.time()))
            })
            .collect()
    }

    /// The local start times, in order.
    fn starts(&self) -> impl Iterator<Item = DateTime> {
        let mut sources: Vec<_> = self.included.iter().map(|rule| local_times(rule).peekable()).collect();
        let mut dates = self.extra_dates.iter().copied().peekable();
        let mut excluded: Vec<_> = self.excluded.iter().map(|rule| local_times(rule).peekable()).collect();
        let mut last = None;
        std::iter::from_fn(move || {
            loop {
                let next = sources
                    .iter_mut()
                    .filter_map(|source| source.peek().copied())
                    .chain(dates.peek().copied())
                    .min()?;
                for source in &mut sources {
                    source.next_if(|time| *time == next);
                }
                dates.next_if(|time| *time == next);
                let out = excluded.iter_mut().any(|rule| {
                    while rule.next_if(|time| *time < next).is_some() {}
                    rule.peek() == Some(&next)
                });
                if out || self.excluded_dates.contains(&next) || last == Some(next) {
                    continue;
                }
                last = Some(next);
                return Some(next);
            }
        })
    }
}

fn local_times(rule: &RRuleSet) -> impl Iterator<Item = DateTime> + use<'_> {
    rule.into_iter().take(MOST_STEPS).filter_map(|time| {
        let instant = Timestamp::from_second(time.timestamp()).ok()?;
        Some(Zone::utc().local(instant))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::google::event_body;

    fn event(start: &str, end: &str, zone: &str, recurrence: &[&str]) -> Event {
        let key = if start.len() == 10 { "date" } else { "dateTime" };
        let body = json!({
            "start": {key: start, "timeZone": zone}, "end": {key: end, "timeZone": zone}, "recurrence": recurrence,
        });
        let body = body.as_object().unwrap().clone();
        event_body::new_event("master".into(), body, &Zone::utc(), Timestamp::UNIX_EPOCH).unwrap()
    }

    fn starts(event: &Event, window: Window) -> Vec<String> {
        let zone = match &event.start {
            EventTime::At { zone: Some(zone), .. } => zone.clone(),
            _ => Zone::utc(),
        };
        let render = |instance: &Event| match &instance.start {
            EventTime::Day(date) => date.to_string(),
            EventTime::At { instant, .. } => zone.format(*instant),
        };
        expand(event, &Zone::utc(), window).iter().map(render).collect()
    }

    #[test]
    fn an_event_keeps_its_time_of_day_across_a_change_of_offset() {
        let weekly = event(
            "2026-03-22T09:00:00",
            "2026-03-22T09:30:00",
            "Europe/Berlin",
            &["RRULE:FREQ=WEEKLY;COUNT=3"],
        );
        assert_eq!(
            starts(&weekly, Window::default()),
            ["2026-03-22T09:00:00+01:00", "2026-03-29T09:00:00+02:00", "2026-04-05T09:00:00+02:00"]
        );
        let ids: Vec<String> = expand(&weekly, &Zone::utc(), Window::default())
            .into_iter()
            .map(|instance| instance.id)
            .collect();
        assert_eq!(ids[0], "master_20260322T080000Z");
        assert_eq!(ids[1], "master_20260329T070000Z");
    }

    #[test]
    fn until_is_in_utc_and_inclusive() {
        for (until, count) in [("20260324T160000Z", 3), ("20260324T155959Z", 2), ("20260324", 3)] {
            let rule = format!("RRULE:FREQ=DAILY;UNTIL={until}");
            let daily = event("2026-03-22T09:00:00", "2026-03-22T10:00:00", "America/Los_Angeles", &[&rule]);
            assert_eq!(starts(&daily, Window::default()).len(), count, "{until}");
        }
    }

    #[test]
    fn dates_are_added_and_taken_away() {
        let daily = event(
            "2026-06-01T09:00:00",
            "2026-06-01T10:00:00",
            "Europe/Berlin",
            &[
                "RRULE:FREQ=DAILY;COUNT=4",
                "EXDATE;TZID=Europe/Berlin:20260602T090000",
                "EXDATE:20260603T070000Z",
                "RDATE;TZID=Europe/Berlin:20260601T150000",
            ],
        );
        assert_eq!(
            starts(&daily, Window::default()),
            ["2026-06-01T09:00:00+02:00", "2026-06-01T15:00:00+02:00", "2026-06-04T09:00:00+02:00"]
        );
    }

    #[test]
    fn all_day_events_recur_by_day() {
        let yearly = event("2024-02-29", "2024-03-01", "UTC", &["RRULE:FREQ=YEARLY;COUNT=2"]);
        let found = expand(&yearly, &Zone::utc(), Window::default());
        assert_eq!(starts(&yearly, Window::default()), ["2024-02-29", "2028-02-29"]);
        assert_eq!(found[1].id, "master_20280229");
        assert_eq!(found[1].end, EventTime::Day(jiff::civil::date(2028, 3, 1)));
    }

    #[test]
    fn a_window_bounds_an_endless_rule() {
        let endless = event("2020-01-01T09:00:00", "2020-01-01T10:00:00", "UTC", &["RRULE:FREQ=DAILY"]);
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let window = Window { from: at("2026-01-01T10:00:00Z"), until: at("2026-01-03T09:00:00Z") };
        assert_eq!(starts(&endless, window), ["2026-01-02T09:00:00Z"], "both bounds are exclusive");
        assert_eq!(starts(&endless, Window::default()).len(), MOST_INSTANCES);
    }

    #[test]
    fn an_instance_is_found_by_its_id_and_only_if_it_exists() {
        let weekly = event(
            "2026-03-22T09:00:00",
            "2026-03-22T09:30:00",
            "Europe/Berlin",
            &["RRULE:FREQ=WEEKLY;COUNT=3"],
        );
        assert!(instance_by_id(&weekly, &Zone::utc(), "master_20260329T070000Z").is_some());
        for id in ["master_20260329T080000Z", "master_20260412T070000Z", "master_x", "other_20260329T070000Z"]
        {
            assert!(instance_by_id(&weekly, &Zone::utc(), id).is_none(), "{id}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for line in ["RRULE:FREQ=NEVER", "DTSTART:20260101T000000Z", "FREQ=DAILY", "EXDATE:yesterday"] {
            let body = json!({
                "start": {"dateTime": "2026-01-01T00:00:00Z", "timeZone": "UTC"},
                "end": {"dateTime": "2026-01-01T01:00:00Z"},
                "recurrence": [line],
            });
            let body = body.as_object().unwrap().clone();
            let result = event_body::new_event("master".into(), body, &Zone::utc(), Timestamp::UNIX_EPOCH);
            assert!(result.is_err(), "{line}");
        }
    }
}
