//! The bodies of event writes: a new event, or the fields of a patch.

use serde_json::{Map, Value, json};

use super::wire::{CHANGE_PROPERTY, HOLD_PROPERTY, KEY_PROPERTY};
use crate::{
    domain::{
        event::{Attendee, CreationKey, EventDraft, EventPatch, EventTimes, Marker, Reminder, Visibility},
        failure::Failure,
        ids::{CalendarId, EventId},
    },
    providers::CHANGES_KEPT,
};

/// An attendee as Google has them, with their answer and whatever else it says.
pub(super) type AttendeeEntry = Map<String, Value>;

/// The body of `events.insert`.
pub(super) fn insertion(draft: &EventDraft) -> Value {
    let mut body = Map::new();
    // The creation key's hex digits are all letters of base32hex, which Google asks of client-chosen ids.
    body.insert("id".into(), draft.marker.key.as_str().into());
    body.insert("summary".into(), draft.summary.as_str().into());
    insert_some(&mut body, "description", draft.description.as_deref());
    insert_some(&mut body, "location", draft.location.as_deref());
    let (start, end) = times(&draft.times);
    body.insert("start".into(), start);
    body.insert("end".into(), end);
    if !draft.attendees.is_empty() {
        body.insert("attendees".into(), draft.attendees.iter().map(attendee).collect());
    }
    if draft.conference {
        body.insert("conferenceData".into(), conference(draft.marker.key.as_str()));
    }
    if !draft.recurrence.is_empty() {
        body.insert("recurrence".into(), json!(draft.recurrence));
    }
    insert_some(&mut body, "reminders", draft.reminders.as_deref().map(reminders));
    if draft.visibility != Visibility::Default {
        body.insert("visibility".into(), json!(draft.visibility));
    }
    body.insert("transparency".into(), json!(draft.transparency));
    body.insert("status".into(), json!(draft.status));
    body.insert("extendedProperties".into(), json!({ "private": marker(&draft.marker) }));
    Value::Object(body)
}

/// The body of `events.patch`. `known` are the people invited so far, whose answers are kept, `made` the changes of ours so
/// far, latest first, which stay known: Google replaces each as a whole.
pub(super) fn patch(
    calendar: &CalendarId,
    event: &EventId,
    patch: &EventPatch,
    known: &[AttendeeEntry],
    made: &[CreationKey],
) -> Value {
    let mut body = Map::new();
    insert_some(&mut body, "summary", patch.summary.as_deref());
    insert_some(&mut body, "description", patch.description.as_deref());
    insert_some(&mut body, "location", patch.location.as_deref());
    if let Some(new) = &patch.times {
        let (start, end) = times(new);
        body.insert("start".into(), without_the_other_form(start));
        body.insert("end".into(), without_the_other_form(end));
    }
    if let Some(attendees) = &patch.attendees {
        let merged: Vec<Value> = attendees.iter().map(|new| merged_attendee(new, known)).collect();
        body.insert("attendees".into(), merged.into());
    }
    if let Some(wanted) = patch.conference {
        let conference = if wanted { conference(&conference_request(calendar, event)) } else { Value::Null };
        body.insert("conferenceData".into(), conference);
    }
    insert_some(&mut body, "recurrence", patch.recurrence.as_deref().map(|lines| json!(lines)));
    insert_some(&mut body, "reminders", patch.reminders.as_deref().map(reminders));
    insert_some(&mut body, "visibility", patch.visibility.map(|visibility| json!(visibility)));
    insert_some(&mut body, "transparency", patch.transparency.map(|transparency| json!(transparency)));
    insert_some(&mut body, "status", patch.status.map(|status| json!(status)));
    if let Some(change) = &patch.applied_by {
        let changes: Vec<&str> =
            [change].into_iter().chain(made).take(CHANGES_KEPT).map(CreationKey::as_str).collect();
        // The marker's properties stay: a patch merges this map.
        body.insert(
            "extendedProperties".into(),
            json!({ "private": { CHANGE_PROPERTY: changes.join(",") } }),
        );
    }
    Value::Object(body)
}

/// Google repeats an event by the clocks of a zone, which it must know by name. Whole days repeat anywhere.
pub(super) fn check_recurrence(lines: &[String], times: Option<&EventTimes>) -> Result<(), Failure> {
    match times {
        Some(EventTimes::Timed { zone, .. }) if !lines.is_empty() && zone.iana_name().is_none() => {
            Err(Failure::rejected(
                "recurrence_not_supported",
                "recurrence[0]",
                "Google repeats events by the clocks of zones of the IANA database, and this is none",
            ))
        }
        _ => Ok(()),
    }
}

fn insert_some(body: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        body.insert(name.to_owned(), value.into());
    }
}

fn times(times: &EventTimes) -> (Value, Value) {
    match times {
        EventTimes::Timed { interval, zone } => {
            // Without a zone, as one that is nothing but its rules, an event is shown in its calendar's.
            let time = |instant| {
                let mut time = json!({ "dateTime": zone.to_rfc3339(instant) });
                if let Some(name) = zone.iana_name() {
                    time["timeZone"] = name.into();
                }
                time
            };
            (time(interval.start()), time(interval.end()))
        }
        EventTimes::AllDay { start, end, .. } => {
            (json!({ "date": start.to_string() }), json!({ "date": end.to_string() }))
        }
    }
}

/// A patch merges objects: an event that becomes all-day would keep its `dateTime`, unless that is taken away.
fn without_the_other_form(mut time: Value) -> Value {
    if let Value::Object(fields) = &mut time {
        for name in ["date", "dateTime", "timeZone"] {
            fields.entry(name).or_insert(Value::Null);
        }
    }
    time
}

fn attendee(attendee: &Attendee) -> Value {
    let mut entry = AttendeeEntry::new();
    entry.insert("email".into(), attendee.email.as_str().into());
    insert_some(&mut entry, "displayName", attendee.display_name.as_deref());
    if attendee.optional {
        entry.insert("optional".into(), true.into());
    }
    Value::Object(entry)
}

fn merged_attendee(new: &Attendee, known: &[AttendeeEntry]) -> Value {
    let same = |entry: &&AttendeeEntry| {
        let email = entry.get("email").and_then(Value::as_str);
        email.is_some_and(|email| email.eq_ignore_ascii_case(&new.email))
    };
    let Some(known) = known.iter().find(same) else {
        return attendee(new);
    };
    let mut entry = known.clone();
    insert_some(&mut entry, "displayName", new.display_name.as_deref());
    entry.insert("optional".into(), new.optional.into());
    Value::Object(entry)
}

fn reminders(reminders: &[Reminder]) -> Value {
    json!({ "useDefault": false, "overrides": reminders })
}

fn conference(request: &str) -> Value {
    json!({
        "createRequest": { "requestId": request, "conferenceSolutionKey": { "type": "hangoutsMeet" } }
    })
}

/// Names the wish for a conference. Google ignores a request id it has seen, so asking again changes nothing; an event
/// of ours that was created with a conference keeps it, because its id is the key it was created with.
fn conference_request(calendar: &CalendarId, event: &EventId) -> String {
    CreationKey::parse(event.as_str())
        .unwrap_or_else(|| CreationKey::derive(&["conference", calendar.as_str(), event.as_str()]))
        .as_str()
        .to_owned()
}

fn marker(marker: &Marker) -> Value {
    let mut properties = Map::new();
    properties.insert(KEY_PROPERTY.into(), marker.key.as_str().into());
    insert_some(&mut properties, HOLD_PROPERTY, marker.hold.as_ref().map(|hold| hold.as_str()));
    Value::Object(properties)
}
