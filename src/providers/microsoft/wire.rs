//! Graph's events as they come, and their conversion into ours. What may be missing, is optional.
//!
//! <https://learn.microsoft.com/en-us/graph/api/resources/event>

use chrono::NaiveDate;
use serde_json::Value;

use super::{
    recurrence::{self, Beginning},
    schedule,
};
use crate::domain::{
    event::{Attendee, CreationKey, Event, EventStatus, EventTimes, Marker},
    failure::Failure,
    ids::{CalendarId, ETag, EventId, HoldId},
    time::{Interval, Timestamp},
    zone::Zone,
};

/// The extended property that holds an event's creation key. The set is ours: other programs do not look into it.
pub(super) const KEY_PROPERTY: &str = "String {5d1f3f0c-7b52-4b0e-9d6a-0c2f6a3e8b41} Name calendarSyncKey";
/// The extended property that holds the id of the hold an event is.
pub(super) const HOLD_PROPERTY: &str = "String {5d1f3f0c-7b52-4b0e-9d6a-0c2f6a3e8b41} Name calendarSyncHold";
/// The extended property that names the last changes we made, the latest first, with commas between.
pub(super) const CHANGE_PROPERTY: &str =
    "String {5d1f3f0c-7b52-4b0e-9d6a-0c2f6a3e8b41} Name calendarSyncChange";

/// The event, as one of `calendar`. Our own properties are there only in the answer to a request that asks for them.
pub(super) fn event(value: &Value, calendar: &CalendarId) -> Result<Event, Failure> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let times = times(value)?;
    let id = text("id").ok_or_else(|| odd("id", "a text"))?;
    Ok(Event {
        id: EventId::new(id),
        calendar: calendar.clone(),
        etag: text("@odata.etag").map(ETag::new),
        status: match value["showAs"].as_str() {
            _ if value["isCancelled"] == true => EventStatus::Cancelled,
            Some("tentative") => EventStatus::Tentative,
            _ => EventStatus::Confirmed,
        },
        recurrence: beginning(value, times.as_ref())
            .map(|begins| recurrence::to_lines(&value["recurrence"], &begins))
            .unwrap_or_default(),
        times,
        summary: text("subject"),
        attendees: attendees(value).iter().filter_map(attendee).collect(),
        marker: marker(value),
        html_link: text("webLink"),
        conference_url: value["onlineMeeting"]["joinUrl"].as_str().map(str::to_owned),
        ical_uid: text("iCalUId"),
    })
}

/// The changes of ours the event remembers, the latest first.
pub(super) fn changes(value: &Value) -> Vec<CreationKey> {
    let list = property(value, CHANGE_PROPERTY).unwrap_or_default();
    list.split(',').filter_map(CreationKey::parse).collect()
}

/// The people invited, with everything Graph says about them.
pub(super) fn attendees(value: &Value) -> &[Value] {
    value["attendees"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The address of somebody invited.
pub(super) fn address(attendee: &Value) -> Option<&str> {
    attendee["emailAddress"]["address"].as_str()
}

/// When a series begins, in the zone it recurs in; `None` for what is no series.
pub(super) fn beginning(value: &Value, times: Option<&EventTimes>) -> Option<Beginning> {
    let recurrence = value["recurrence"].as_object()?;
    let zone = recurrence.get("range").and_then(|range| range["recurrenceTimeZone"].as_str());
    let times = match (times?, zone.and_then(Zone::named)) {
        (EventTimes::Timed { interval, .. }, Some(zone)) => EventTimes::Timed { interval: *interval, zone },
        (times, _) => times.clone(),
    };
    Some(Beginning::of(&times))
}

fn attendee(entry: &Value) -> Option<Attendee> {
    let email = address(entry)?;
    // Exchange repeats the address where there is no name.
    let name = entry["emailAddress"]["name"].as_str().filter(|name| !name.is_empty() && *name != email);
    Some(Attendee {
        email: email.to_owned(),
        display_name: name.map(str::to_owned),
        optional: entry["type"] == "optional",
    })
}

fn marker(value: &Value) -> Option<Marker> {
    Some(Marker {
        key: CreationKey::parse(property(value, KEY_PROPERTY)?)?,
        hold: property(value, HOLD_PROPERTY).map(HoldId::new),
    })
}

/// The value of an extended property. Graph may write the set's id in capitals.
fn property<'a>(value: &'a Value, id: &str) -> Option<&'a str> {
    let properties = value["singleValueExtendedProperties"].as_array()?;
    let is_it =
        |property: &&Value| property["id"].as_str().is_some_and(|given| given.eq_ignore_ascii_case(id));
    properties.iter().find(is_it)?["value"].as_str()
}

/// `None` for an event without duration, which no half-open span can say.
fn times(value: &Value) -> Result<Option<EventTimes>, Failure> {
    let (start, end) = (&value["start"], &value["end"]);
    if start.is_null() || end.is_null() {
        return Ok(None);
    }
    let zone = value["originalStartTimeZone"].as_str().and_then(Zone::named).unwrap_or_else(Zone::utc);
    if value["isAllDay"] == true {
        let (start, end) = (date(start, "start")?, date(end, "end")?);
        return Ok((start < end).then_some(EventTimes::AllDay { start, end, zone }));
    }
    let interval = Interval::new(instant(start, "start")?, instant(end, "end")?);
    Ok(interval.map(|interval| EventTimes::Timed { interval, zone }))
}

fn date(time: &Value, path: &str) -> Result<NaiveDate, Failure> {
    schedule::local(time).map(|local| local.date()).ok_or_else(|| odd(path, "a date"))
}

fn instant(time: &Value, path: &str) -> Result<Timestamp, Failure> {
    schedule::instant(time).ok_or_else(|| odd(path, "a time"))
}

fn odd(path: &str, expected: &str) -> Failure {
    Failure::fatal("provider_unreadable", format!("Graph's event has not {expected} at {path}"))
}
