//! Bodies of Google's events.

use huddle_calendar_sync::domain::time::{Interval, Timestamp};
use serde_json::{Map, Value, json};

use crate::providers::agenda::{Event, Facts};

/// The private property that holds the key an event was created under: what the worker documents as its marker.
const KEY: &str = "calendarSyncKey";
/// The private property that names the last changes, the latest first.
const CHANGE: &str = "calendarSyncChange";

/// What a body says.
pub fn facts(body: &Map<String, Value>) -> Facts {
    let opaque = body.get("transparency").and_then(Value::as_str) != Some("transparent");
    let attendees = body.get("attendees").and_then(Value::as_array);
    let email = |entry: &Value| entry.get("email").and_then(Value::as_str).map(str::to_owned);
    Facts {
        confirmed: body.get("status").and_then(Value::as_str) != Some("tentative"),
        interval: interval(body),
        blocks: opaque,
        key: private(body, KEY).map(str::to_owned),
        attendees: attendees.into_iter().flatten().filter_map(email).collect(),
    }
}

/// The body of a new event.
pub fn creation(id: &str, mut body: Map<String, Value>) -> Map<String, Value> {
    body.remove("id");
    body.entry("status").or_insert_with(|| json!("confirmed"));
    body.insert("iCalUID".to_owned(), json!(format!("{id}@google.com")));
    body.insert("htmlLink".to_owned(), json!(format!("https://www.google.com/calendar/event?eid={id}")));
    if let Some(request) = body.get("conferenceData").and_then(|data| data.get("createRequest")) {
        let id = request.get("requestId").and_then(Value::as_str).unwrap_or_default();
        let point = json!({ "entryPointType": "video", "uri": format!("https://meet.google.com/{id}") });
        body.insert("conferenceData".to_owned(), json!({ "entryPoints": [point] }));
    }
    body
}

/// The last change a patch says it makes.
pub fn change(patch: &Map<String, Value>) -> Option<String> {
    private(patch, CHANGE).and_then(|changes| changes.split(',').next()).map(str::to_owned)
}

/// Patches a body: members replace, `null` removes, maps are merged.
pub fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (target.get_mut(name), value) {
            (_, Value::Null) => {
                target.remove(name);
            }
            (Some(Value::Object(inner)), Value::Object(changes)) => merge(inner, changes),
            (_, Value::Object(changes)) => {
                let mut inner = Map::new();
                merge(&mut inner, changes);
                target.insert(name.clone(), Value::Object(inner));
            }
            (_, value) => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

/// The event as Google shows it.
pub fn shown(event: &Event) -> Value {
    let mut shown = event.body.clone();
    shown.insert("id".to_owned(), json!(event.id));
    shown.insert("etag".to_owned(), json!(etag(event)));
    if event.deleted {
        shown.insert("status".to_owned(), json!("cancelled"));
    }
    Value::Object(shown)
}

/// Its version as a header carries it.
pub fn etag(event: &Event) -> String {
    format!("\"{}\"", event.version)
}

fn interval(body: &Map<String, Value>) -> Option<Interval> {
    let at = |name: &str| {
        let time = body.get(name)?;
        match time.get("dateTime").and_then(Value::as_str) {
            Some(instant) => Timestamp::parse_rfc3339(instant),
            None => Timestamp::parse_rfc3339(&format!("{}T00:00:00Z", time.get("date")?.as_str()?)),
        }
    };
    Interval::new(at("start")?, at("end")?)
}

fn private<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get("extendedProperties")?.get("private")?.get(name)?.as_str()
}
