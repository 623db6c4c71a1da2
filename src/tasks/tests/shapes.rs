//! The published shapes of what is told: of notifications, each type with its `data`, and of tasks' results.

use serde_json::{Map, Value as Json, json};
use utoipa::OpenApi;

use crate::{
    availability::{Availability, meeting::Slots},
    domain::notification::{Notification, NotificationType, data},
    oauth::disconnect::Disconnection,
    tasks::{
        TaskType, cancel_event, cancel_hold, confirm_hold, create_event::EventResult, place_hold,
        refresh_token,
    },
};

#[derive(OpenApi)]
#[openapi(components(schemas(
    Notification,
    data::TaskSucceeded<'_>,
    data::TaskFailed<'_>,
    data::ConnectorConnected<'_>,
    data::ReauthRequired<'_>,
    data::ConnectorDisconnected<'_>,
    data::ScopesInsufficient<'_>,
    data::HoldExpired<'_>,
    data::ConflictDetected<'_>,
    refresh_token::Refreshed,
    Availability,
    Slots,
    EventResult,
    cancel_event::Cancellation<'_>,
    place_hold::PlacedHold<'_>,
    confirm_hold::ConfirmedHold<'_>,
    cancel_hold::Cancellation<'_>,
    Disconnection,
)))]
struct Told;

/// The shape of a notification's `data`.
fn data_of(kind: NotificationType) -> &'static str {
    match kind {
        NotificationType::TaskSucceeded => "TaskSucceeded",
        NotificationType::TaskFailed => "TaskFailed",
        NotificationType::ConnectorConnected => "ConnectorConnected",
        NotificationType::ReauthRequired => "ReauthRequired",
        NotificationType::ConnectorDisconnected => "ConnectorDisconnected",
        NotificationType::ScopesInsufficient => "ScopesInsufficient",
        NotificationType::HoldExpired => "HoldExpired",
        NotificationType::ConflictDetected => "ConflictDetected",
    }
}

/// A task's name in those of shapes, and the shape of its result.
fn result_of(kind: TaskType) -> (&'static str, &'static str) {
    match kind {
        TaskType::RefreshToken => ("RefreshToken", "RefreshTokenResult"),
        TaskType::CheckAvailability => ("CheckAvailability", "Availability"),
        TaskType::FindSlots => ("FindSlots", "Slots"),
        TaskType::CreateEvent => ("CreateEvent", "EventResult"),
        TaskType::UpdateEvent => ("UpdateEvent", "EventResult"),
        TaskType::CancelEvent => ("CancelEvent", "CancelEventResult"),
        TaskType::PlaceHold => ("PlaceHold", "PlaceHoldResult"),
        TaskType::ConfirmHold => ("ConfirmHold", "ConfirmHoldResult"),
        TaskType::CancelHold => ("CancelHold", "CancelHoldResult"),
        TaskType::Disconnect => ("Disconnect", "Disconnection"),
    }
}

/// The shapes, as `#/components/schemas/` of an OpenAPI document.
pub fn told() -> Map<String, Json> {
    let components = serde_json::to_value(Told::openapi().components).unwrap();
    let mut shapes = components["schemas"].as_object().cloned().unwrap();
    split(
        &mut shapes,
        "TaskSucceeded",
        TaskType::ALL.map(|kind| (kind.as_str(), result_of(kind))),
        succeeded,
    );
    let notifications = NotificationType::ALL.map(|kind| (kind.as_str(), (data_of(kind), data_of(kind))));
    split(&mut shapes, "Notification", notifications, |notification, data| {
        notification["properties"]["data"] = reference(data);
    });
    shapes
}

/// Any task's result.
pub fn any_result() -> Json {
    let mut results: Vec<_> = TaskType::ALL.map(|kind| result_of(kind).1).into();
    results.dedup();
    json!({ "description": "What came of it, by type; once it succeeded.",
            "anyOf": results.into_iter().map(reference).collect::<Vec<_>>() })
}

/// The `data` that tells such a result, or where to read it.
fn succeeded(data: &mut Json, result: &str) {
    data["properties"]["result"] = reference(result);
    data["properties"]["resultUrl"] = json!({ "type": "string",
        "description": "In place of a result too large for the queue: where to read it, `GET /v1/tasks/{id}`." });
    data["required"].as_array_mut().unwrap().retain(|name| name != "result");
    data["if"] = json!({ "required": ["resultUrl"] });
    data["else"] = json!({ "required": ["result"] });
}

/// Replaces a shape by the choice of one for each `type`. They are given as the type, what goes before the shape's name to be
/// its own, and what `specialise` makes it of.
fn split<const N: usize>(
    shapes: &mut Map<String, Json>,
    name: &str,
    kinds: [(&str, (&str, &str)); N],
    specialise: impl Fn(&mut Json, &str),
) {
    let mut common = shapes.remove(name).unwrap();
    let description = common.as_object_mut().unwrap().remove("description");
    let (mut choices, mut mapping) = (Vec::new(), Map::new());
    for (kind, (title, detail)) in kinds {
        let mut shape = common.clone();
        shape["properties"]["type"] = json!({ "const": kind });
        specialise(&mut shape, detail);
        let title = format!("{title}{name}");
        choices.push(reference(&title));
        mapping.insert(kind.to_owned(), reference(&title)["$ref"].clone());
        shapes.insert(title, shape);
    }
    let discriminator = json!({ "propertyName": "type", "mapping": mapping });
    let choice = json!({ "description": description, "oneOf": choices, "discriminator": discriminator });
    shapes.insert(name.to_owned(), choice);
}

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
