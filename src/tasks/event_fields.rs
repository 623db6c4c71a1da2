//! The fields that describe an event in payloads, and their checks; shared by the tasks that write events.

use serde::Deserialize;

use crate::domain::{
    event::{Attendee, EventTimes, Reminder, Transparency, Visibility, is_address},
    event_time::{parse_date, parse_instant},
    failure::Failure,
    recurrence,
    time::Interval,
    zone::Zone,
};

/// The longest title, in characters.
const LONGEST_SUMMARY: usize = 1024;
/// The longest description, in characters: what Google takes.
const LONGEST_DESCRIPTION: usize = 8192;
/// The most people one event can invite.
const MOST_ATTENDEES: usize = 200;
/// The most reminders of one event, and the longest time before it in minutes: what Google takes.
const MOST_REMINDERS: usize = 5;
const LONGEST_REMINDER: u32 = 40_320;

/// What a payload may say about an event, besides its title and times. All optional.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct EventFields {
    /// Body text.
    pub description: Option<String>,
    /// Place.
    pub location: Option<String>,
    /// Who is invited; in an update, the whole new list.
    pub attendees: Option<Vec<Attendee>>,
    /// Whether to make a video conference.
    pub conference: Option<bool>,
    /// RFC 5545 `RRULE:`, `RDATE:`, `EXDATE:` lines.
    pub recurrence: Option<Vec<String>>,
    /// Reminders instead of the calendar's default ones.
    pub reminders: Option<Vec<Reminder>>,
    /// Who sees it.
    pub visibility: Option<Visibility>,
    /// Whether it blocks time.
    pub transparency: Option<Transparency>,
}

impl EventFields {
    /// Checks what is there; `all_day` is whether the event's own times are dates.
    pub fn check(mut self, all_day: bool) -> Result<Self, Failure> {
        limit(self.description.as_deref(), LONGEST_DESCRIPTION, "description")?;
        limit(self.location.as_deref(), LONGEST_SUMMARY, "location")?;
        if let Some(attendees) = self.attendees.take() {
            self.attendees = Some(check_attendees(attendees)?);
        }
        if let Some(lines) = &self.recurrence {
            recurrence::check(lines, all_day)?;
        }
        for (place, reminder) in self.reminders.iter().flatten().enumerate() {
            if reminder.minutes > LONGEST_REMINDER {
                let field = format!("reminders[{place}].minutes");
                return Err(Failure::rejected(
                    "out_of_range",
                    field,
                    format!("expected at most {LONGEST_REMINDER}"),
                ));
            }
        }
        if self.reminders.as_ref().is_some_and(|reminders| reminders.len() > MOST_REMINDERS) {
            return Err(Failure::rejected(
                "too_many",
                "reminders",
                format!("expected at most {MOST_REMINDERS}"),
            ));
        }
        Ok(self)
    }
}

/// Checks a title.
pub fn check_summary(summary: &str) -> Result<(), Failure> {
    limit(Some(summary), LONGEST_SUMMARY, "summary")
}

/// The times of an event from a payload's `start`, `end`, `timeZone` and `allDay`. Dates are whole days, the end being the
/// day after the last one; instants carry an offset or are local times in the zone.
pub fn times(start: &str, end: &str, time_zone: &str, all_day: bool) -> Result<EventTimes, Failure> {
    let zone = Zone::checked(time_zone, "timeZone")?;
    if all_day {
        let (first, after) = (parse_date(start, "start")?, parse_date(end, "end")?);
        if first < after {
            return Ok(EventTimes::AllDay { start: first, end: after, zone });
        }
        return Err(Failure::rejected(
            "empty_interval",
            "end",
            format!("expected a day after {first}: the end of an all-day event is the day after its last"),
        ));
    }
    Ok(EventTimes::Timed { interval: slot(start, end, &zone)?, zone })
}

/// A slot from a payload's `start` and `end`.
pub fn slot(start: &str, end: &str, zone: &Zone) -> Result<Interval, Failure> {
    Interval::checked(parse_instant(start, zone, "start")?, parse_instant(end, zone, "end")?, "end")
}

/// Drops repeated addresses, so that nobody is invited twice.
fn check_attendees(attendees: Vec<Attendee>) -> Result<Vec<Attendee>, Failure> {
    if attendees.len() > MOST_ATTENDEES {
        return Err(Failure::rejected("too_many", "attendees", format!("expected at most {MOST_ATTENDEES}")));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut checked = Vec::with_capacity(attendees.len());
    for (place, attendee) in attendees.into_iter().enumerate() {
        if !is_address(&attendee.email) {
            let field = format!("attendees[{place}].email");
            return Err(Failure::rejected("bad_address", field, "expected an e-mail address"));
        }
        if seen.insert(attendee.email.to_ascii_lowercase()) {
            checked.push(attendee);
        }
    }
    Ok(checked)
}

fn limit(text: Option<&str>, most: usize, field: &str) -> Result<(), Failure> {
    match text {
        Some(text) if text.chars().count() > most => {
            Err(Failure::rejected("field_too_long", field, format!("expected at most {most} characters")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attendee(email: &str) -> Attendee {
        Attendee { email: email.to_owned(), display_name: None, optional: false }
    }

    #[test]
    fn an_address_named_twice_is_invited_once() {
        let fields = EventFields {
            attendees: Some(vec![
                attendee("a@example.com"),
                attendee("A@Example.com"),
                attendee("b@example.com"),
            ]),
            ..EventFields::default()
        };
        assert_eq!(fields.check(false).unwrap().attendees.unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_address_is_named_by_its_place() {
        for text in [
            "",
            "a",
            "@example.com",
            "a@",
            "a b@example.com",
            "a@b@c",
            "A <a@example.com>",
            "a@example.com,b@example.com",
        ] {
            let fields = EventFields {
                attendees: Some(vec![attendee("ok@example.com"), attendee(text)]),
                ..EventFields::default()
            };
            assert_eq!(fields.check(false).unwrap_err().field(), Some("attendees[1].email"), "{text}");
        }
    }

    #[test]
    fn all_day_events_end_on_the_day_after_their_last() {
        let times = times("2026-03-29", "2026-03-30", "Europe/Berlin", true);
        assert!(matches!(times, Ok(EventTimes::AllDay { zone, .. }) if zone.name() == "Europe/Berlin"));
        assert_eq!(
            super::times("2026-03-29", "2026-03-29", "Europe/Berlin", true).unwrap_err().field(),
            Some("end")
        );
    }
}
