//! Microsoft's own part of the control API.

mod events;
mod home;
mod people;
mod push;
mod sessions;

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Microsoft;
use super::behaviour::Behaviour;
use super::throttle::Limits;
use super::zone::Zone;
use crate::control::provider::Provider as _;
use crate::control::routes::{Refusal, bad_request, not_found, parse};

type Reply = Result<Json<Value>, Refusal>;
type Sim = State<Arc<Microsoft>>;

/// The routes.
pub fn router(microsoft: &Arc<Microsoft>) -> Router {
    Router::new()
        .route("/", get(home::page))
        .route("/control/reset", post(reset))
        .route("/control/accounts", get(people::accounts).post(people::add_account))
        .route("/control/calendars", post(events::add_calendar))
        .route(
            "/control/events",
            get(events::true_events)
                .post(events::add_event)
                .patch(events::change_event)
                .delete(events::delete_event),
        )
        .route("/control/events/move", post(events::move_event))
        .route("/control/mailbox", post(people::set_mailbox))
        .route("/control/tenants", get(people::tenants).post(people::set_tenant))
        .route("/control/clients", post(sessions::add_client))
        .route("/control/grants", get(sessions::grants))
        .route("/control/grants/revoke", post(sessions::withdraw_consent))
        .route("/control/revoke", post(sessions::revoke_sessions))
        .route("/control/tokens/expire", post(sessions::expire_tokens))
        .route("/control/refresh-tokens/kill", post(sessions::kill_refresh_tokens))
        .route("/control/sync-tokens/expire", post(sessions::expire_delta_tokens))
        .route("/control/quota", get(quota).post(set_quota))
        .route("/control/behaviour", get(behaviour).post(set_behaviour))
        .route("/control/subscriptions", get(push::subscriptions))
        .route("/control/lifecycle", post(push::send_lifecycle))
        .route("/control/notify", post(push::notify))
        .route("/control/notifications", get(push::deliveries))
        .with_state(Arc::clone(microsoft))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    #[serde(default = "yes")]
    seed: bool,
    now: Option<Timestamp>,
}

fn yes() -> bool {
    true
}

async fn reset(State(microsoft): Sim, body: Bytes) -> Reply {
    let wanted: Reset = parse(&body)?;
    microsoft.control().reset();
    if let Some(now) = wanted.now {
        microsoft.control().clock.set(now);
    }
    microsoft.start_over(wanted.seed);
    Ok(Json(json!({ "now": microsoft.control().clock.now().to_string() })))
}

async fn quota(State(microsoft): Sim) -> Json<Value> {
    Json(json!(microsoft.world().throttle.limits))
}

async fn set_quota(State(microsoft): Sim, body: Bytes) -> Reply {
    let mut world = microsoft.world();
    world.throttle.limits = overlaid::<Limits>(&world.throttle.limits, &body)?;
    Ok(Json(json!(world.throttle.limits)))
}

async fn behaviour(State(microsoft): Sim) -> Json<Value> {
    Json(json!(microsoft.world().behaviour))
}

async fn set_behaviour(State(microsoft): Sim, body: Bytes) -> Reply {
    let mut world = microsoft.world();
    world.behaviour = overlaid::<Behaviour>(&world.behaviour, &body)?;
    Ok(Json(json!(world.behaviour)))
}

/// The settings with those in the body put over them.
fn overlaid<T: Serialize + DeserializeOwned>(current: &T, body: &[u8]) -> Result<T, Refusal> {
    let mut merged = json!(current);
    let changes: Map<String, Value> = parse(body)?;
    if let Some(merged) = merged.as_object_mut() {
        merged.extend(changes);
    }
    serde_json::from_value(merged).map_err(|error| bad_request(error.to_string()))
}

fn no_account(account: &str) -> Refusal {
    not_found(format!("no account {account}; GET /control/accounts lists them"))
}

fn zone(name: &str) -> Result<Zone, Refusal> {
    Zone::named(name).ok_or_else(|| bad_request(format!("no time zone {name}")))
}
