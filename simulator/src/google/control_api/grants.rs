//! Clients, grants and tokens: registered, revoked, made to expire.

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Reply, Sim};
use crate::control::provider::Provider as _;
use crate::control::routes::parse;
use crate::google::oauth::clients::Client;
use crate::google::oauth::grants::Party;
use crate::google::world::World;

pub async fn add_client(State(google): Sim, body: Bytes) -> Reply {
    let client: Client = parse(&body)?;
    let id = client.client_id.clone();
    google.world().clients.insert(id.clone(), client);
    Ok(Json(json!({ "clientId": id })))
}

pub async fn grants(State(google): Sim) -> Json<Value> {
    let world = google.world();
    let grants: Vec<Value> = world
        .grants
        .all()
        .map(|(party, scopes)| {
            json!({
                "account": party.account,
                "clientId": party.client_id,
                "scopes": scopes,
                "liveRefreshTokens": world.grants.live_refresh_tokens(party),
            })
        })
        .collect();
    Json(json!({ "grants": grants }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Whose {
    account: Option<String>,
    client_id: Option<String>,
    calendar: Option<String>,
}

pub async fn revoke(State(google): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let mut world = google.world();
    let parties: Vec<Party> = world
        .grants
        .all()
        .map(|(party, _)| party.clone())
        .filter(|party| whose.account.as_ref().is_none_or(|account| *account == party.account))
        .filter(|party| whose.client_id.as_ref().is_none_or(|client| *client == party.client_id))
        .collect();
    let revoked = parties.iter().filter(|party| world.grants.revoke(party)).count();
    Ok(Json(json!({ "revoked": revoked })))
}

pub async fn expire_tokens(State(google): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let now = google.control().clock.now();
    let expired = google.world().grants.expire_access(whose.account.as_deref(), now);
    Ok(Json(json!({ "expired": expired })))
}

pub async fn kill_refresh_tokens(State(google): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let killed = google.world().grants.kill_refresh(whose.account.as_deref());
    Ok(Json(json!({ "killed": killed })))
}

pub async fn expire_sync_tokens(State(google): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let calendar = match (&whose.account, &whose.calendar) {
        (Some(account), Some(calendar)) => Some(World::resolve_calendar(account, calendar).to_owned()),
        (None, calendar) => calendar.clone(),
        (Some(_), None) => None,
    };
    let expired = google.world().expire_sync_tokens(whose.account.as_deref(), calendar.as_deref());
    Ok(Json(json!({ "calendars": expired })))
}
