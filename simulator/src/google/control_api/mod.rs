//! Google's own part of the control API: accounts, events, grants, tokens, quotas, notifications.

mod accounts;
mod events;
mod grants;
mod home;
mod knobs;

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::world::{Role, World};
use super::{Google, seed};
use crate::control::provider::Provider as _;
use crate::control::routes::{Refusal, bad_request, not_found, parse};

type Reply = Result<Json<Value>, Refusal>;
type Sim = State<Arc<Google>>;

/// The routes.
pub fn router(google: &Arc<Google>) -> Router {
    Router::new()
        .route("/", get(home::page))
        .route("/control/reset", post(reset))
        .route("/control/accounts", get(accounts::accounts).post(accounts::add_account))
        .route("/control/calendars", post(accounts::add_calendar).delete(accounts::remove_calendar))
        .route("/control/access", post(accounts::set_access))
        .route(
            "/control/events",
            get(events::true_events)
                .post(events::add_event)
                .patch(events::change_event)
                .delete(events::delete_event),
        )
        .route("/control/clients", post(grants::add_client))
        .route("/control/grants", get(grants::grants))
        .route("/control/grants/revoke", post(grants::revoke))
        .route("/control/tokens/expire", post(grants::expire_tokens))
        .route("/control/refresh-tokens/kill", post(grants::kill_refresh_tokens))
        .route("/control/sync-tokens/expire", post(grants::expire_sync_tokens))
        .route("/control/quota", get(knobs::quota).post(knobs::set_quota))
        .route("/control/behaviour", get(knobs::behaviour).post(knobs::set_behaviour))
        .route("/control/channels", get(knobs::channels))
        .route("/control/notify", post(knobs::notify))
        .route("/control/notifications", get(knobs::notifications))
        .with_state(Arc::clone(google))
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

async fn reset(State(google): Sim, body: Bytes) -> Reply {
    let wanted: Reset = parse(&body)?;
    google.control().reset();
    if let Some(now) = wanted.now {
        google.control().clock.set(now);
    }
    google.start_over(wanted.seed);
    Ok(Json(json!({ "now": google.control().clock.now().to_string() })))
}

/// Which calendar, and what is done to it or on it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Target {
    account: Option<String>,
    calendar: Option<String>,
    id: Option<String>,
    role: Option<Role>,
    event: Option<Map<String, Value>>,
    /// Many at once; insertions only.
    #[serde(default)]
    events: Vec<Map<String, Value>>,
    #[serde(default)]
    send_updates: Option<String>,
    time_min: Option<Timestamp>,
    time_max: Option<Timestamp>,
}

impl Target {
    fn account(&self) -> Result<&str, Refusal> {
        self.account.as_deref().ok_or_else(|| bad_request("account is missing"))
    }

    fn calendar(&self) -> &str {
        self.calendar.as_deref().unwrap_or("primary")
    }
}

fn no_account(account: &str) -> Refusal {
    not_found(format!("no account {account}; GET /control/accounts lists them"))
}

/// Fills the world anew.
pub fn fresh_world(seeded: bool, now: Timestamp) -> World {
    let mut world = World::default();
    if seeded {
        seed::seed(&mut world, now);
    }
    world
}
