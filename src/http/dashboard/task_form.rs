//! A form for each task: its fields as a person fills them in, and the message they make.

use chrono::{Days, NaiveDateTime, NaiveTime, TimeDelta};
use serde_json::{Map, Value, json};

use super::field::{Field, Input, field, keep};
use crate::{
    domain::{connector::Connector, failure::Failure, time::Timestamp},
    http::body::FormBody,
    tasks::TaskType,
};

/// A task's form.
#[derive(Debug, Clone)]
pub(super) struct TaskForm {
    /// Which task.
    pub kind: TaskType,
    /// What it does, in a sentence.
    pub explanation: &'static str,
    /// What is asked.
    pub fields: Vec<Field>,
    /// Whether it is shown unfolded.
    pub open: bool,
}

/// The forms of all tasks, filled in such that each can be sent as it is where that is possible: tomorrow, in the
/// account's own time zone.
pub(super) fn forms(connector: &Connector, now: Timestamp) -> Vec<TaskForm> {
    let zone = connector.zone.name();
    let tomorrow = |hour: u32, minute: u32| {
        let day = connector.zone.local(now).date().checked_add_days(Days::new(1)).unwrap_or_default();
        day.and_time(NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default())
    };
    let at = |time: NaiveDateTime| time.format("%Y-%m-%dT%H:%M").to_string();
    let end_of_week = tomorrow(0, 0) + TimeDelta::days(7);
    let hold = format!("hold-{}", now.as_seconds() % 1_000_000);
    let zone_field = || field("timeZone", "Time zone", Input::Text).required().with(zone);
    let calendar = || field("calendarId", "Calendar (its id; empty: the booking calendar)", Input::Text);
    vec![
        TaskForm {
            kind: TaskType::CheckAvailability,
            explanation: "When is this account busy?",
            fields: vec![
                field("timeMin", "From", Input::Time).required().with(at(tomorrow(0, 0))),
                field("timeMax", "Until", Input::Time).required().with(at(end_of_week)),
                zone_field(),
                field("calendars", "Calendars (ids with commas between; empty: those preferred)", Input::Ids),
            ],
            open: true,
        },
        TaskForm {
            kind: TaskType::FindSlots,
            explanation: "When can several people meet?",
            fields: vec![
                field("timeMin", "From", Input::Time).required().with(at(tomorrow(0, 0))),
                field("timeMax", "Until", Input::Time).required().with(at(end_of_week)),
                zone_field(),
                field("durationMinutes", "Minutes it takes", Input::Number).required().with("30"),
                field(
                    "connectorIds",
                    "Who else (connectors' ids with commas between, of the same user or workspace)",
                    Input::Ids,
                ),
                field("attendees", "People without a connector (addresses with commas between)", Input::Ids),
                field("bufferAfterMinutes", "Minutes free after it", Input::Number),
                field("ignoreWorkingHours", "At any hour", Input::Switch),
            ],
            open: false,
        },
        TaskForm {
            kind: TaskType::CreateEvent,
            explanation: "Put an event on the calendar, once.",
            fields: vec![
                field("summary", "Title", Input::Text).required().with("Planning"),
                field("start", "Start", Input::Time).required().with(at(tomorrow(10, 0))),
                field("end", "End", Input::Time).required().with(at(tomorrow(10, 30))),
                zone_field(),
                field("attendees", "People to invite (addresses with commas between)", Input::Addresses),
                field("location", "Place", Input::Text),
                field("description", "Description", Input::Text),
                field("recurrence", "Recurrence (RRULE:… lines)", Input::Lines),
                field("conference", "With a video conference", Input::Switch),
                calendar(),
            ],
            open: false,
        },
        TaskForm {
            kind: TaskType::PlaceHold,
            explanation: "Keep a slot free for a while, by a tentative event.",
            fields: vec![
                field("holdId", "Hold id", Input::Text).required().with(hold.clone()),
                field("start", "Start", Input::Time).required().with(at(tomorrow(14, 0))),
                field("end", "End", Input::Time).required().with(at(tomorrow(14, 30))),
                zone_field(),
                field("title", "Title", Input::Text),
                field("expiresAt", "Runs out (empty: in 15 minutes)", Input::Time),
                field("allowConflicts", "Even if the slot is taken", Input::Switch),
                calendar(),
            ],
            open: false,
        },
        TaskForm {
            kind: TaskType::ConfirmHold,
            explanation: "Turn a hold into an event.",
            fields: vec![
                field("holdId", "Hold id", Input::Text).required().with(hold.clone()),
                field("summary", "Title", Input::Text).with("Confirmed meeting"),
                field("attendees", "People to invite (addresses with commas between)", Input::Addresses),
                field("conference", "With a video conference", Input::Switch),
            ],
            open: false,
        },
        TaskForm {
            kind: TaskType::CancelHold,
            explanation: "Give a hold up.",
            fields: vec![field("holdId", "Hold id", Input::Text).required().with(hold)],
            open: false,
        },
        TaskForm {
            kind: TaskType::UpdateEvent,
            explanation: "Change an event.",
            fields: vec![
                field("eventId", "Event id", Input::Text).required(),
                field("summary", "New title", Input::Text),
                field("start", "New start", Input::Time),
                field("end", "New end", Input::Time),
                field("timeZone", "Time zone of the new times", Input::Text),
                field("location", "New place", Input::Text),
                field("description", "New description", Input::Text),
                field(
                    "attendees",
                    "The whole new list of people (addresses with commas between)",
                    Input::Addresses,
                ),
                field("etag", "Only if it is still this version (etag)", Input::Text),
                calendar(),
            ],
            open: false,
        },
        TaskForm {
            kind: TaskType::CancelEvent,
            explanation: "Take an event off the calendar and tell the people invited.",
            fields: vec![
                field("eventId", "Event id", Input::Text).required(),
                field("etag", "Only if it is still this version (etag)", Input::Text),
                calendar(),
            ],
            open: false,
        },
        TaskForm {
            kind: TaskType::RefreshToken,
            explanation: "Make sure a good access token is at hand.",
            fields: vec![field("force", "Even if the one held is good", Input::Switch)],
            open: false,
        },
    ]
}

/// The message a filled-in form makes.
pub(super) fn message(form: &TaskForm, connector: &Connector, filled: &FormBody) -> Value {
    let mut payload = Map::new();
    for field in &form.fields {
        if let Some(value) = filled.get(field.name) {
            payload.insert(field.name.to_owned(), field.input.to_json(value));
        }
    }
    json!({ "type": form.kind.as_str(), "connectorId": connector.id, "payload": payload })
}

/// The forms with one of them as it was filled in, unfolded, and what is wrong with it.
pub(super) fn keep_filled(forms: &mut [TaskForm], kind: TaskType, filled: &FormBody, failure: &Failure) {
    for form in forms {
        form.open = form.kind == kind;
        if form.open {
            keep(&mut form.fields, filled, failure);
        }
    }
}
