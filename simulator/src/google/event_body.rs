//! Event bodies as clients send them: checked, and merged into events.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::errors::ApiError;
use super::event::{Event, EventTime};
use super::recurrence;
use super::zone::Zone;

/// Fields that clients may write. Anything else they send is ignored, as at Google; `start`, `end` and
/// `conferenceData` are handled apart.
const WRITABLE: [&str; 25] = [
    "anyoneCanAddSelf",
    "attachments",
    "attendees",
    "birthdayProperties",
    "colorId",
    "conferenceData",
    "description",
    "eventType",
    "extendedProperties",
    "focusTimeProperties",
    "guestsCanInviteOthers",
    "guestsCanModify",
    "guestsCanSeeOtherGuests",
    "iCalUID",
    "location",
    "outOfOfficeProperties",
    "recurrence",
    "reminders",
    "source",
    "status",
    "summary",
    "transparency",
    "visibility",
    "workingLocationProperties",
    "gadget",
];

/// A new event from the body of an insert or import.
pub fn new_event(
    id: String,
    body: Map<String, Value>,
    calendar_zone: &Zone,
    now: Timestamp,
) -> Result<Event, ApiError> {
    let start = time(&body, "start", calendar_zone)?;
    let end = time(&body, "end", calendar_zone)?;
    let mut event = Event {
        id,
        fields: Map::new(),
        start,
        end,
        origin: None,
        created: now,
        updated: now,
        change: 0,
        sequence: 0,
        withdrawn: Vec::new(),
        conference_due: None,
    };
    for (name, value) in body {
        if WRITABLE.contains(&name.as_str()) && !value.is_null() {
            event.fields.insert(name, value);
        }
    }
    finish(&mut event, calendar_zone)?;
    Ok(event)
}

/// The event with a PATCH applied: objects merge, arrays are replaced, `null` clears.
pub fn patched(event: &Event, body: Map<String, Value>, calendar_zone: &Zone) -> Result<Event, ApiError> {
    let mut after = event.clone();
    let merged_time = |name: &str, current: &EventTime| match body.get(name) {
        None => Ok(current.clone()),
        Some(patch) => {
            let mut merged = current.render(calendar_zone);
            merge(&mut merged, patch.clone());
            EventTime::parse(&merged, name, calendar_zone)
        }
    };
    after.start = merged_time("start", &event.start)?;
    after.end = merged_time("end", &event.end)?;
    for (name, value) in body {
        if !WRITABLE.contains(&name.as_str()) || name == "iCalUID" {
            continue;
        }
        if value.is_null() {
            after.fields.remove(&name);
        } else {
            let field = after.fields.entry(name).or_insert(Value::Null);
            merge(field, value);
        }
    }
    settle_change(event, after, calendar_zone)
}

/// The event with a PUT applied: what the body leaves out goes back to its default.
pub fn replaced(event: &Event, body: Map<String, Value>, calendar_zone: &Zone) -> Result<Event, ApiError> {
    if let Some(sequence) = body.get("sequence").and_then(Value::as_u64)
        && sequence < event.sequence
    {
        return Err(ApiError::invalid(
            "Invalid sequence value. The specified sequence number is below the current sequence number of the resource. Re-fetch the resource and use its sequence number on the following request.",
        ));
    }
    let mut after = event.clone();
    after.start = time(&body, "start", calendar_zone)?;
    after.end = time(&body, "end", calendar_zone)?;
    after.fields.retain(|name, _| {
        !WRITABLE.contains(&name.as_str()) || matches!(name.as_str(), "iCalUID" | "eventType")
    });
    for (name, value) in body {
        if WRITABLE.contains(&name.as_str()) && name != "iCalUID" && !value.is_null() {
            after.fields.insert(name, value);
        }
    }
    settle_change(event, after, calendar_zone)
}

fn settle_change(before: &Event, mut after: Event, calendar_zone: &Zone) -> Result<Event, ApiError> {
    if before.origin.is_some() {
        // An exception does not recur, whatever the body says.
        after.fields.remove("recurrence");
    }
    finish(&mut after, calendar_zone)?;
    if before.text("eventType") != after.text("eventType") {
        return Err(ApiError::new(
            400,
            "calendar",
            "eventTypeRestriction",
            "The event type cannot be changed.",
        ));
    }
    if before.start != after.start || before.end != after.end || before.recurrence() != after.recurrence() {
        after.sequence += 1;
    }
    Ok(after)
}

/// Deep merge as PATCH defines it.
fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    target.remove(&name);
                } else {
                    merge(target.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (target, patch) => *target = patch,
    }
}

fn time(body: &Map<String, Value>, name: &str, calendar_zone: &Zone) -> Result<EventTime, ApiError> {
    let value = body.get(name).ok_or_else(|| ApiError::required(format!("Missing {name} time.")))?;
    EventTime::parse(value, name, calendar_zone)
}

/// Checks the event as a whole and fills in defaults.
fn finish(event: &mut Event, calendar_zone: &Zone) -> Result<(), ApiError> {
    if event.start.is_day() != event.end.is_day() {
        return Err(ApiError::invalid("Start and end times must either both be date or both be dateTime."));
    }
    let (start, end) = (event.start.instant(calendar_zone), event.end.instant(calendar_zone));
    if end < start || (event.start.is_day() && end == start) {
        return Err(ApiError::time_range_empty());
    }
    one_of(event, "status", &["confirmed", "tentative", "cancelled"])?;
    one_of(event, "transparency", &["opaque", "transparent"])?;
    one_of(event, "visibility", &["default", "public", "private", "confidential"])?;
    one_of(
        event,
        "eventType",
        &["default", "outOfOffice", "focusTime", "workingLocation", "birthday", "fromGmail"],
    )?;
    for name in ["summary", "description", "location", "iCalUID"] {
        if event.fields.get(name).is_some_and(|value| !value.is_string()) {
            return Err(ApiError::parse_error());
        }
    }
    check_attendees(event)?;
    check_reminders(event)?;
    check_extended_properties(event)?;
    check_recurrence(event)?;
    recurrence::validate(event, calendar_zone)?;

    // Google does not show what is at its default.
    for (name, default) in [("transparency", "opaque"), ("visibility", "default")] {
        if event.text(name) == Some(default) {
            event.fields.remove(name);
        }
    }
    let uid = format!("{}@google.com", event.id);
    let defaults = [
        ("status", json!("confirmed")),
        ("eventType", json!("default")),
        ("iCalUID", json!(uid)),
        ("reminders", json!({ "useDefault": true })),
    ];
    for (name, value) in defaults {
        event.fields.entry(name).or_insert(value);
    }
    Ok(())
}

fn one_of(event: &Event, name: &str, allowed: &[&str]) -> Result<(), ApiError> {
    match event.fields.get(name) {
        None => Ok(()),
        Some(Value::String(value)) if allowed.contains(&value.as_str()) => Ok(()),
        Some(other) => {
            Err(ApiError::invalid(format!("Invalid value for: {other} is not a valid value for {name}")))
        }
    }
}

fn check_attendees(event: &mut Event) -> Result<(), ApiError> {
    let Some(attendees) = event.fields.get_mut("attendees") else {
        return Ok(());
    };
    let Some(attendees) = attendees.as_array_mut() else {
        return Err(ApiError::parse_error());
    };
    for attendee in attendees {
        let Some(attendee) = attendee.as_object_mut() else {
            return Err(ApiError::parse_error());
        };
        let email = attendee.get("email").and_then(Value::as_str).unwrap_or("");
        let valid = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
        if !valid || email.contains(char::is_whitespace) {
            return Err(ApiError::invalid("Invalid attendee email."));
        }
        attendee.entry("responseStatus").or_insert_with(|| json!("needsAction"));
    }
    Ok(())
}

fn check_reminders(event: &Event) -> Result<(), ApiError> {
    let Some(reminders) = event.fields.get("reminders") else {
        return Ok(());
    };
    let overrides = reminders.get("overrides").and_then(Value::as_array);
    let overrides: Vec<&Value> = overrides.into_iter().flatten().collect();
    if reminders["useDefault"] == true && !overrides.is_empty() {
        return Err(ApiError::new(
            400,
            "calendar",
            "cannotUseDefaultRemindersAndSpecifyOverride",
            "Cannot specify both default reminders and overrides at the same time.",
        ));
    }
    let valid = |reminder: &&Value| {
        let minutes = reminder["minutes"].as_u64();
        matches!(reminder["method"].as_str(), Some("email" | "popup"))
            && minutes.is_some_and(|minutes| minutes <= 40_320)
    };
    if overrides.len() > 5 || !overrides.iter().all(valid) {
        return Err(ApiError::invalid("Invalid reminder override."));
    }
    Ok(())
}

fn check_extended_properties(event: &Event) -> Result<(), ApiError> {
    let Some(properties) = event.fields.get("extendedProperties") else {
        return Ok(());
    };
    for kind in ["private", "shared"] {
        for (name, value) in properties.get(kind).and_then(Value::as_object).into_iter().flatten() {
            let fits = value.as_str().is_some_and(|text| text.chars().count() <= 1024);
            if name.chars().count() > 44 || !fits {
                return Err(ApiError::invalid(format!("Invalid extended property: {name}")));
            }
        }
    }
    Ok(())
}

fn check_recurrence(event: &mut Event) -> Result<(), ApiError> {
    match event.fields.get("recurrence") {
        None => Ok(()),
        Some(Value::Array(lines)) if lines.is_empty() => {
            event.fields.remove("recurrence");
            Ok(())
        }
        Some(Value::Array(lines)) if lines.iter().all(Value::is_string) => Ok(()),
        Some(_) => Err(ApiError::parse_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(body: Value) -> Result<Event, ApiError> {
        let body = body.as_object().unwrap().clone();
        new_event("abcde".into(), body, &Zone::utc(), Timestamp::UNIX_EPOCH)
    }

    fn hour() -> Value {
        json!({
            "summary": "Planning",
            "start": {"dateTime": "2026-05-04T09:00:00+02:00", "timeZone": "Europe/Berlin"},
            "end": {"dateTime": "2026-05-04T10:00:00+02:00", "timeZone": "Europe/Berlin"},
        })
    }

    fn with(mut body: Value, name: &str, value: Value) -> Value {
        body[name] = value;
        body
    }

    #[test]
    fn a_body_that_google_refuses_is_refused_with_its_reason() {
        let cases = [
            (json!({}), "required"),
            (json!({"start": {"dateTime": "2026-05-04T09:00:00Z"}}), "required"),
            (with(hour(), "end", json!({"date": "2026-05-05"})), "invalid"),
            (with(hour(), "end", json!({"dateTime": "2026-05-04T06:00:00Z"})), "timeRangeEmpty"),
            (with(hour(), "start", json!({"dateTime": "2026-05-04T09:00:00"})), "required"),
            (with(hour(), "start", json!({"dateTime": "soon"})), "invalid"),
            (
                with(hour(), "start", json!({"dateTime": "2026-05-04T09:00:00", "timeZone": "Mars/Base"})),
                "invalid",
            ),
            (with(hour(), "status", json!("maybe")), "invalid"),
            (with(hour(), "attendees", json!([{"email": "nobody"}])), "invalid"),
            (with(hour(), "recurrence", json!(["RRULE:FREQ=SOMETIMES"])), "invalid"),
            (
                with(
                    hour(),
                    "reminders",
                    json!({"useDefault": true, "overrides": [{"method": "popup", "minutes": 5}]}),
                ),
                "cannotUseDefaultRemindersAndSpecifyOverride",
            ),
            (with(hour(), "extendedProperties", json!({"private": {"k".repeat(45): "v"}})), "invalid"),
        ];
        for (body, reason) in cases {
            assert_eq!(create(body.clone()).unwrap_err().reason, reason, "{body}");
        }
    }

    #[test]
    fn a_patch_merges_objects_replaces_arrays_and_clears_with_null() {
        let body = json!({
            "location": "Room 1",
            "attendees": [{"email": "a@example.com"}, {"email": "b@example.com"}],
            "extendedProperties": {"private": {"a": "1", "b": "2"}},
        });
        let mut event = hour();
        event.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let event = create(event).unwrap();
        let patch = json!({
            "location": null,
            "attendees": [{"email": "c@example.com"}],
            "extendedProperties": {"private": {"b": "3", "a": null}},
            "end": {"dateTime": "2026-05-04T11:00:00+02:00"},
        });
        let after = patched(&event, patch.as_object().unwrap().clone(), &Zone::utc()).unwrap();
        assert_eq!(after.text("summary"), Some("Planning"));
        assert_eq!(after.text("location"), None);
        assert_eq!(
            after.fields["attendees"],
            json!([{"email": "c@example.com", "responseStatus": "needsAction"}])
        );
        assert_eq!(after.fields["extendedProperties"], json!({"private": {"b": "3"}}));
        assert_eq!(after.end.instant(&Zone::utc()).to_string(), "2026-05-04T09:00:00Z");
        assert_eq!(after.end.render(&Zone::utc())["timeZone"], "Europe/Berlin", "the zone is kept");
        assert_eq!(after.sequence, 1);
    }

    #[test]
    fn an_update_drops_what_it_does_not_name() {
        let event = create(with(hour(), "location", json!("Room 1"))).unwrap();
        let after = replaced(&event, hour().as_object().unwrap().clone(), &Zone::utc()).unwrap();
        assert_eq!(after.text("location"), None);
        assert_eq!(after.text("iCalUID"), Some("abcde@google.com"));
        assert_eq!(after.sequence, 0, "its times did not change");
    }

    #[test]
    fn the_kind_of_an_event_cannot_change() {
        let event = create(hour()).unwrap();
        let patch = json!({"eventType": "outOfOffice"});
        let error = patched(&event, patch.as_object().unwrap().clone(), &Zone::utc()).unwrap_err();
        assert_eq!(error.reason, "eventTypeRestriction");
    }
}
