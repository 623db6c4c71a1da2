//! What a client may write into an event, checked and put in Graph's form.
//!
//! <https://learn.microsoft.com/en-us/graph/api/resources/event>

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Time;
use serde_json::{Map, Value, json};

use super::errors::ApiError;
use super::event::{Event, Kind};
use super::event_view::html_of;
use super::recurrence::Recurrence;
use super::zone::read_date_time;

/// Properties that a client may send and Graph does not take from it.
const READ_ONLY: [&str; 26] = [
    "attachments",
    "bodyPreview",
    "calendar",
    "cancelledOccurrences",
    "changeKey",
    "createdDateTime",
    "exceptionOccurrences",
    "extensions",
    "hasAttachments",
    "iCalUId",
    "id",
    "instances",
    "isCancelled",
    "isDraft",
    "isOrganizer",
    "lastModifiedDateTime",
    "multiValueExtendedProperties",
    "occurrenceId",
    "onlineMeeting",
    "onlineMeetingUrl",
    "organizer",
    "originalStart",
    "originalStartTimeZone",
    "responseStatus",
    "seriesMasterId",
    "type",
];
const BOOLEANS: [&str; 4] = ["isReminderOn", "responseRequested", "allowNewTimeProposals", "hideAttendees"];
const CHOICES: [(&str, &[&str]); 3] = [
    ("showAs", &["free", "tentative", "busy", "oof", "workingElsewhere", "unknown"]),
    ("importance", &["low", "normal", "high"]),
    ("sensitivity", &["normal", "personal", "private", "confidential"]),
];

/// The plain properties of a new event before the client's own.
pub fn defaults() -> Map<String, Value> {
    let fields = json!({
        "subject": "",
        "body": {"contentType": "html", "content": ""},
        "categories": [],
        "reminderMinutesBeforeStart": 15,
        "isReminderOn": true,
        "importance": "normal",
        "sensitivity": "normal",
        "showAs": "busy",
        "responseRequested": true,
        "allowNewTimeProposals": true,
        "hideAttendees": false,
        "location": {"displayName": "", "locationType": "default", "uniqueIdType": "unknown", "address": {}, "coordinates": {}},
        "locations": [],
        "attendees": [],
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Who writes, and whether it is a new event.
#[derive(Clone, Copy, Debug)]
pub struct Writing {
    /// The event is being created.
    pub creating: bool,
    /// Work accounts have Teams; personal ones do not.
    pub teams: bool,
}

/// Writes a client's properties into an event; the event is unusable after an error.
pub fn apply(event: &mut Event, body: &Map<String, Value>, writing: Writing) -> Result<(), ApiError> {
    let timed = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    if writing.creating && !(timed("start") && timed("end")) {
        return Err(ApiError::property_required(if timed("start") { "end" } else { "start" }));
    }
    if let Some(all_day) = body.get("isAllDay") {
        event.all_day = boolean("isAllDay", all_day)?;
    }
    if timed("start") {
        (event.start, event.start_zone) = read_date_time(&body["start"], "start")?;
    }
    if timed("end") {
        (event.end, event.end_zone) = read_date_time(&body["end"], "end")?;
    }
    let was_online = event.online_meeting.is_some();
    for (name, value) in body {
        if name.starts_with('@') || name.contains("@odata.") || READ_ONLY.contains(&name.as_str()) {
            continue;
        }
        match name.as_str() {
            "isAllDay" | "start" | "end" | "recurrence" | "originalEndTimeZone" | "uid" | "webLink" => {}
            "subject" => set(event, name, Value::from(text_or_null(name, value)?.unwrap_or(""))),
            "body" => set(event, name, item_body(value)?),
            "location" => set_locations(event, std::slice::from_ref(value))?,
            "locations" => set_locations(event, list(name, value)?)?,
            "attendees" => set_attendees(event, list(name, value)?)?,
            "categories" => {
                let names = list(name, value)?;
                if !names.iter().all(Value::is_string) {
                    return Err(wrong(name));
                }
                set(event, name, value.clone());
            }
            "reminderMinutesBeforeStart" => {
                set(event, name, value.as_i64().ok_or_else(|| wrong(name))?.into());
            }
            "transactionId" if writing.creating => {
                event.transaction_id = text_or_null(name, value)?.map(str::to_owned);
            }
            "transactionId" => {
                return Err(ApiError::property_invalid("The property 'transactionId' cannot be changed."));
            }
            "isOnlineMeeting" => {
                // One way: a meeting that has Teams keeps it.
                if boolean(name, value)? && writing.teams && event.online_meeting.is_none() {
                    event.online_meeting = Some(teams_meeting());
                }
            }
            "onlineMeetingProvider" => {
                text_or_null(name, value)?;
            }
            "singleValueExtendedProperties" => set_properties(event, list(name, value)?)?,
            name if BOOLEANS.contains(&name) => {
                let value = boolean(name, value)?;
                set(event, name, value.into());
            }
            name => match CHOICES.iter().find(|(known, _)| *known == name) {
                Some((_, choices)) if value.as_str().is_some_and(|text| choices.contains(&text)) => {
                    set(event, name, value.clone());
                }
                Some(_) => return Err(wrong(name)),
                None => return Err(ApiError::unknown_property(name, "event")),
            },
        }
    }
    join_text_and_meeting(event, was_online, body.contains_key("body"));
    set_recurrence(event, body.get("recurrence"), timed("start") || timed("end"))?;
    check_times(event)
}

/// The text of an online meeting ends in how to join it; a new text without that takes the meeting offline.
fn join_text_and_meeting(event: &mut Event, was_online: bool, rewritten: bool) {
    let url =
        event.online_meeting.as_ref().and_then(|meeting| meeting["joinUrl"].as_str()).map(str::to_owned);
    let Some(url) = url else { return };
    let html = html_of(event.fields.get("body").unwrap_or(&Value::Null));
    if was_online {
        if rewritten && !html.contains(&url) {
            event.online_meeting = None;
        }
        return;
    }
    let line = "_".repeat(80);
    let line = format!("<div style=\"width:100%; height:20px\"><span>{line}</span>\r\n</div>");
    let joining =
        format!("{line}\r\n<div class=\"me-email-text\"><a href=\"{url}\">Join</a></div>\r\n{line}");
    let text = html.split("</body>").next().unwrap_or_default();
    let content = format!("{text}{joining}\r\n</body></html>");
    set(event, "body", json!({ "contentType": "html", "content": content }));
}

fn set_recurrence(event: &mut Event, value: Option<&Value>, moved: bool) -> Result<(), ApiError> {
    match value {
        Some(_) if event.key.day.is_some() => {
            return Err(ApiError::invalid_request(
                "A recurrence cannot be set on an occurrence of a series.",
            ));
        }
        Some(Value::Null) => event.recurrence = None,
        Some(value) => {
            let recurrence = Recurrence::read(value, event.start.date(), event.start_zone.name())?;
            event.recurrence = Some(recurrence);
        }
        None if moved => {
            // The series follows its start: same pattern, counted from the new day.
            if let Some(recurrence) = &event.recurrence {
                let mut shown = recurrence.render();
                shown["range"]["startDate"] = event.start.date().to_string().into();
                event.recurrence =
                    Some(Recurrence::read(&shown, event.start.date(), event.start_zone.name())?);
            }
        }
        None => return Ok(()),
    }
    // A changed pattern forgets what was changed on single days.
    event.exceptions = BTreeMap::new();
    event.cancelled_days = BTreeSet::new();
    if event.key.day.is_none() {
        event.kind = if event.recurrence.is_some() { Kind::Master } else { Kind::Single };
    }
    if let Some(first) = event.recurrence.as_ref().and_then(|rule| rule.starts(event.start).next()) {
        // A series starts with its first occurrence, which need not be on the day it was asked to start.
        let length = event.end.duration_since(event.start);
        event.start = first;
        event.end = first.saturating_add(length);
    }
    Ok(())
}

fn check_times(event: &Event) -> Result<(), ApiError> {
    if event.all_day {
        for (time, name) in [(event.start, "Start"), (event.end, "End")] {
            if time.time() != Time::midnight() {
                return Err(ApiError::property_invalid(format!(
                    "The Event.{name} property for an all-day event needs to be set to midnight."
                )));
            }
        }
        if event.start_zone.name() != event.end_zone.name() {
            return Err(ApiError::property_invalid(
                "The Event.Start and Event.End properties for an all-day event need to be in the same time zone.",
            ));
        }
        if event.end <= event.start {
            return Err(ApiError::property_invalid(
                "The duration of an event marked as All day must be at least 24 hours.",
            ));
        }
    }
    if event.ends() < event.starts() {
        return Err(ApiError::new(
            400,
            "ErrorCalendarEndDateIsEarlierThanStartDate",
            "The end date of the event is earlier than its start date.",
        ));
    }
    Ok(())
}

fn set(event: &mut Event, name: &str, value: Value) {
    event.fields.insert(name.to_owned(), value);
}

fn wrong(name: &str) -> ApiError {
    ApiError::new(400, "RequestBodyRead", format!("The value of the property '{name}' cannot be read."))
}

fn boolean(name: &str, value: &Value) -> Result<bool, ApiError> {
    value.as_bool().ok_or_else(|| wrong(name))
}

fn text_or_null<'a>(name: &str, value: &'a Value) -> Result<Option<&'a str>, ApiError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(wrong(name)),
    }
}

fn list<'a>(name: &str, value: &'a Value) -> Result<&'a [Value], ApiError> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| wrong(name))
}

fn item_body(value: &Value) -> Result<Value, ApiError> {
    let kind = match value.get("contentType").and_then(Value::as_str) {
        None => "text",
        Some(kind) if kind.eq_ignore_ascii_case("html") => "html",
        Some(kind) if kind.eq_ignore_ascii_case("text") => "text",
        Some(_) => return Err(wrong("body")),
    };
    let content = text_or_null("body", value.get("content").unwrap_or(&Value::Null))?.unwrap_or("");
    Ok(json!({ "contentType": kind, "content": content }))
}

fn set_locations(event: &mut Event, given: &[Value]) -> Result<(), ApiError> {
    let mut locations = Vec::new();
    for location in given.iter().filter(|location| !location.is_null()) {
        let mut fields = location.as_object().ok_or_else(|| wrong("location"))?.clone();
        let name = fields.get("displayName").and_then(Value::as_str).unwrap_or("").to_owned();
        if name.is_empty() {
            continue;
        }
        fields.insert("displayName".into(), name.as_str().into());
        fields.entry("locationType").or_insert_with(|| "default".into());
        fields.entry("uniqueId").or_insert_with(|| name.into());
        fields.entry("uniqueIdType").or_insert_with(|| "private".into());
        locations.push(Value::Object(fields));
    }
    let empty = defaults().remove("location").unwrap_or_default();
    set(event, "location", locations.first().cloned().unwrap_or(empty));
    set(event, "locations", locations.into());
    Ok(())
}

fn set_attendees(event: &mut Event, given: &[Value]) -> Result<(), ApiError> {
    let before = event.fields.get("attendees").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut attendees = Vec::new();
    for attendee in given {
        let email = &attendee["emailAddress"];
        let address = email["address"].as_str().filter(|address| address.contains('@')).ok_or_else(|| {
            ApiError::new(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
        })?;
        let kind = match attendee["type"].as_str() {
            None => "required",
            Some(kind @ ("required" | "optional" | "resource")) => kind,
            Some(_) => return Err(wrong("attendees")),
        };
        let same = |known: &&Value| {
            known["emailAddress"]["address"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(address))
        };
        let status = before.iter().find(same).map_or_else(
            || json!({"response": "none", "time": "0001-01-01T00:00:00Z"}),
            |known| known["status"].clone(),
        );
        let name = email["name"].as_str().filter(|name| !name.is_empty()).unwrap_or(address);
        attendees.push(json!({
            "type": kind,
            "status": status,
            "emailAddress": { "name": name, "address": address },
        }));
    }
    set(event, "attendees", attendees.into());
    Ok(())
}

fn set_properties(event: &mut Event, given: &[Value]) -> Result<(), ApiError> {
    for property in given {
        let id =
            property["id"].as_str().filter(|id| id.split_whitespace().count() >= 3).ok_or_else(|| {
                ApiError::new(
                    400,
                    "ErrorInvalidProperty",
                    "The extended property's id is not of the form 'Type {guid} Name name'.",
                )
            })?;
        event.properties.retain(|(known, _)| !known.eq_ignore_ascii_case(id));
        if let Some(value) = text_or_null("value", &property["value"])? {
            event.properties.push((id.to_owned(), value.to_owned()));
        }
    }
    Ok(())
}

fn teams_meeting() -> Value {
    let thread = format!("{:032x}", fastrand::u128(..));
    json!({
        "joinUrl": format!("https://teams.microsoft.com/l/meetup-join/19%3ameeting_{thread}%40thread.v2/0"),
        "conferenceId": fastrand::u32(100_000_000..999_999_999).to_string(),
        "tollNumber": "+1 555-555-0100",
    })
}
