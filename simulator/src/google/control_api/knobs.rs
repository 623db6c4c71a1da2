//! Quotas, behaviour, and notification channels.

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Reply, Sim};
use crate::control::provider::Provider as _;
use crate::control::routes::{Refusal, bad_request, not_found, parse};
use crate::google::behaviour::Behaviour;
use crate::google::delivery;
use crate::google::quota::Limits;

pub async fn quota(State(google): Sim) -> Json<Value> {
    Json(json!(google.world().quota.limits))
}

pub async fn set_quota(State(google): Sim, body: Bytes) -> Reply {
    let mut world = google.world();
    world.quota.limits = overlaid::<Limits>(&world.quota.limits, &body)?;
    Ok(Json(json!(world.quota.limits)))
}

pub async fn behaviour(State(google): Sim) -> Json<Value> {
    Json(json!(google.world().behaviour))
}

pub async fn set_behaviour(State(google): Sim, body: Bytes) -> Reply {
    let mut world = google.world();
    world.behaviour = overlaid::<Behaviour>(&world.behaviour, &body)?;
    Ok(Json(json!(world.behaviour)))
}

/// The settings with those in the body put over them.
fn overlaid<T: Serialize + serde::de::DeserializeOwned>(current: &T, body: &[u8]) -> Result<T, Refusal> {
    let mut merged = json!(current);
    let changes: Map<String, Value> = parse(body)?;
    if let Some(merged) = merged.as_object_mut() {
        merged.extend(changes);
    }
    serde_json::from_value(merged).map_err(|error| bad_request(error.to_string()))
}

pub async fn channels(State(google): Sim) -> Json<Value> {
    let now = google.control().clock.now();
    let world = google.world();
    let channels: Vec<Value> = world
        .channels
        .all()
        .filter(|channel| channel.expires_at > now)
        .map(|channel| {
            json!({
                "id": channel.id,
                "resourceId": channel.resource_id,
                "account": channel.account,
                "address": channel.address,
                "resourceUri": channel.resource_uri,
                "expiresAt": channel.expires_at.to_string(),
                "lastMessageNumber": channel.last_number,
            })
        })
        .collect();
    Json(json!({ "channels": channels }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Notify {
    channel_id: String,
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

pub async fn notify(State(google): Sim, body: Bytes) -> Reply {
    let wanted: Notify = parse(&body)?;
    for _ in 0..wanted.times {
        if !google.world().notify_without_cause(&wanted.channel_id) {
            return Err(not_found(format!("no channel {}", wanted.channel_id)));
        }
    }
    delivery::send_pending(&google);
    Ok(Json(json!({ "sent": wanted.times })))
}

pub async fn notifications(State(google): Sim) -> Json<Value> {
    Json(json!({ "notifications": google.deliveries().all().collect::<Vec<_>>() }))
}
