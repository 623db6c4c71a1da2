//! The published schema of tasks and notifications is the one of the types. `UPDATE_SCHEMA=1 npm run test:unit -- schema` writes
//! it anew; `npm run schema` does so too, and writes the TypeScript types from it.

use std::path::Path;

use serde_json::{Map, Value as Json, json};
use utoipa::OpenApi;

use super::shapes;
use crate::tasks::{
    TaskType, cancel_event, cancel_hold, check_availability, confirm_hold, create_event, disconnect,
    event_fields, place_hold, refresh_token, update_event,
};

#[derive(OpenApi)]
#[openapi(components(schemas(
    event_fields::EventFields,
    refresh_token::Payload,
    check_availability::Payload,
    create_event::Payload,
    update_event::Payload,
    cancel_event::Payload,
    place_hold::Payload,
    confirm_hold::Payload,
    cancel_hold::Payload,
    disconnect::Payload,
    crate::availability::slot_request::SlotRequest,
)))]
struct Types;

/// The name under which a task's payload stands in the schema.
fn payload_name(kind: TaskType) -> &'static str {
    match kind {
        TaskType::RefreshToken => "RefreshTokenPayload",
        TaskType::CheckAvailability => "CheckAvailabilityPayload",
        TaskType::FindSlots => "FindSlotsPayload",
        TaskType::CreateEvent => "CreateEventPayload",
        TaskType::UpdateEvent => "UpdateEventPayload",
        TaskType::CancelEvent => "CancelEventPayload",
        TaskType::PlaceHold => "PlaceHoldPayload",
        TaskType::ConfirmHold => "ConfirmHoldPayload",
        TaskType::CancelHold => "CancelHoldPayload",
        TaskType::Disconnect => "DisconnectPayload",
    }
}

/// The types as `$defs` of a JSON Schema.
fn definitions() -> Map<String, Json> {
    let mut components = serde_json::to_value(Types::openapi().components).unwrap();
    components["schemas"].as_object_mut().unwrap().extend(shapes::told());
    let text = components["schemas"].to_string().replace("#/components/schemas/", "#/$defs/");
    serde_json::from_str(&text).unwrap()
}

fn task(kind: TaskType) -> Json {
    json!({
        "type": "object",
        "title": format!("{}Task", payload_name(kind).trim_end_matches("Payload")),
        "required": ["type", "connectorId", "payload"],
        "properties": {
            "type": { "const": kind.as_str() },
            "connectorId": { "type": "string", "minLength": 1, "maxLength": 256, "description": "Of which connector." },
            "payload": { "$ref": format!("#/$defs/{}", payload_name(kind)) },
            "retryCount": { "type": "integer", "minimum": 0, "description": "Informative; attempts are counted by the worker." },
            "id": { "type": "string", "minLength": 1, "maxLength": 256,
                    "description": "Idempotency key, unique per connector; without one the queue message's id serves." },
            "correlationId": { "type": "string", "minLength": 1, "maxLength": 256, "description": "Echoed in the result." },
        },
    })
}

/// The definitions that `roots` refer to, directly or not.
fn reachable(mut all: Map<String, Json>, roots: &Json) -> Map<String, Json> {
    let mut kept = Map::new();
    let mut texts = vec![roots.to_string()];
    while let Some(text) = texts.pop() {
        for name in text.split("#/$defs/").skip(1).filter_map(|rest| rest.split('"').next()) {
            if let Some(definition) = all.remove(name) {
                texts.push(definition.to_string());
                kept.insert(name.to_owned(), definition);
            }
        }
    }
    kept
}

fn calendar_task() -> Json {
    let tasks = json!(TaskType::ALL.map(task));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "CalendarTask",
        "description": "A message of the queue calendar-tasks, and the body of POST /v1/tasks. Unknown fields are ignored.",
        "oneOf": tasks,
        "$defs": reachable(definitions(), &tasks),
    })
}

fn notification() -> Json {
    let all = definitions();
    let mut schema = all["Notification"].clone();
    let fields = schema.as_object_mut().unwrap();
    fields.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    fields.insert("title".to_owned(), json!("Notification"));
    let root = Json::Object(fields.clone());
    fields.insert("$defs".to_owned(), Json::Object(reachable(all, &root)));
    schema
}

fn is_current(file: &str, schema: &Json) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(file);
    let text = format!("{schema:#}\n");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == text, "{} is not that of the types: run `npm run schema`", path.display());
}

#[test]
fn the_published_schema_of_tasks_is_current() {
    is_current("calendar-task.schema.json", &calendar_task());
}

#[test]
fn the_published_schema_of_notifications_is_current() {
    is_current("notification.schema.json", &notification());
}
