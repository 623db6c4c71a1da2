//! Bodies of Outlook's events.

use huddle_calendar_sync::domain::time::{Interval, Timestamp};
use jiff::{civil::DateTime, tz::TimeZone};
use serde_json::{Map, Value, json};

use crate::providers::agenda::{Event, Facts};

/// How the extended property ends that holds the key an event was created under: what the worker documents as its marker.
const KEY: &str = "Name calendarSyncKey";
/// How the extended property ends that names the last changes, the latest first.
const CHANGE: &str = "Name calendarSyncChange";
/// The extended properties of an event.
const PROPERTIES: &str = "singleValueExtendedProperties";

/// What a body says.
pub fn facts(body: &Map<String, Value>) -> Facts {
    let shown_as = body.get("showAs").and_then(Value::as_str).unwrap_or("busy");
    let attendees = body.get("attendees").and_then(Value::as_array);
    let email = |entry: &Value| entry["emailAddress"]["address"].as_str().map(str::to_owned);
    Facts {
        confirmed: shown_as != "tentative",
        interval: interval(body),
        blocks: !matches!(shown_as, "free" | "workingElsewhere"),
        key: property(body, KEY).map(str::to_owned),
        attendees: attendees.into_iter().flatten().filter_map(email).collect(),
    }
}

/// The last change a patch says it makes.
pub fn change(patch: &Map<String, Value>) -> Option<String> {
    property(patch, CHANGE).and_then(|changes| changes.split(',').next()).map(str::to_owned)
}

/// Patches a body: what is named is replaced, save that extended properties are replaced one by one.
pub fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    let mut properties = target.get(PROPERTIES).and_then(Value::as_array).cloned().unwrap_or_default();
    for property in patch.get(PROPERTIES).and_then(Value::as_array).into_iter().flatten() {
        properties.retain(|known| known["id"] != property["id"]);
        properties.push(property.clone());
    }
    target.extend(patch.clone());
    target.insert(PROPERTIES.to_owned(), Value::from(properties));
}

/// The event as Graph shows it, in UTC; with our properties only to those who ask for them.
pub fn shown(event: &Event, with_properties: bool) -> Value {
    let mut shown = event.body.clone();
    if !with_properties {
        shown.remove(PROPERTIES);
    }
    if let Some(interval) = event.facts.interval {
        shown.insert("start".to_owned(), date_time(interval.start()));
        shown.insert("end".to_owned(), date_time(interval.end()));
    }
    shown.insert("id".to_owned(), json!(event.id));
    shown.insert("@odata.etag".to_owned(), json!(etag(event)));
    shown.insert("isOrganizer".to_owned(), json!(true));
    shown.insert("isCancelled".to_owned(), json!(false));
    shown.insert("iCalUId".to_owned(), json!(format!("040000008200E{}", event.id)));
    shown.insert(
        "webLink".to_owned(),
        json!(format!("https://outlook.office365.com/owa/?itemid={}", event.id)),
    );
    Value::Object(shown)
}

/// Its version as a header carries it.
pub fn etag(event: &Event) -> String {
    format!("W/\"{}\"", event.version)
}

fn interval(body: &Map<String, Value>) -> Option<Interval> {
    Interval::new(instant(body.get("start")?)?, instant(body.get("end")?)?)
}

/// The instant of a `dateTimeTimeZone` in one of the few zones there are.
pub fn instant(time: &Value) -> Option<Timestamp> {
    let local: DateTime = time["dateTime"].as_str()?.parse().ok()?;
    let zone = match time["timeZone"].as_str()? {
        "UTC" => TimeZone::UTC,
        "W. Europe Standard Time" => TimeZone::get("Europe/Berlin").ok()?,
        _ => return None,
    };
    let instant = zone.to_zoned(local).ok()?.timestamp();
    Some(Timestamp::from_millis(instant.as_millisecond()))
}

/// An instant as a `dateTimeTimeZone`.
pub fn date_time(instant: Timestamp) -> Value {
    let instant = jiff::Timestamp::from_millisecond(instant.as_millis()).unwrap();
    let local = TimeZone::UTC.to_datetime(instant);
    json!({ "dateTime": format!("{local:.7}"), "timeZone": "UTC" })
}

fn property<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let mut properties = body.get(PROPERTIES)?.as_array()?.iter();
    properties.find(|property| property["id"].as_str().is_some_and(|id| id.ends_with(name)))?["value"]
        .as_str()
}
