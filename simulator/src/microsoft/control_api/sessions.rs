//! Consents, sessions, tokens.

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::events::find_calendar;
use super::{Reply, Sim, no_account};
use crate::control::provider::Provider as _;
use crate::control::routes::{bad_request, parse};
use crate::microsoft::delta::Expiry;
use crate::microsoft::identity::clients::Client;
use crate::microsoft::identity::grants::Party;

pub(super) async fn add_client(State(microsoft): Sim, body: Bytes) -> Reply {
    let client: Client = parse(&body)?;
    let id = client.client_id.clone();
    microsoft.world().clients.insert(id.clone(), client);
    Ok(Json(json!({ "clientId": id })))
}

pub(super) async fn grants(State(microsoft): Sim) -> Json<Value> {
    let world = microsoft.world();
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
    /// Whether access tokens die too; at Microsoft they live on for up to an hour.
    #[serde(default)]
    access_tokens: bool,
    /// Whether Graph answers access tokens with a claims challenge (continuous access evaluation).
    #[serde(default)]
    challenge: bool,
    #[serde(rename = "as")]
    how: Option<Expiry>,
}

/// Takes a consent back, as on myapps.microsoft.com: from now on refreshing fails with AADSTS65001.
pub(super) async fn withdraw_consent(State(microsoft): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let now = microsoft.control().clock.now();
    let mut world = microsoft.world();
    let parties: Vec<Party> = world
        .grants
        .all()
        .map(|(party, _)| party.clone())
        .filter(|party| whose.account.as_ref().is_none_or(|account| *account == party.account))
        .filter(|party| whose.client_id.as_ref().is_none_or(|client| *client == party.client_id))
        .collect();
    let revoked = parties.iter().filter(|party| world.grants.withdraw(party)).count();
    if whose.access_tokens {
        world.grants.expire_access(whose.account.as_deref(), now);
    }
    Ok(Json(json!({ "revoked": revoked })))
}

/// Ends an account's sessions, as an administrator does: refreshing fails with AADSTS50173.
pub(super) async fn revoke_sessions(State(microsoft): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let account = whose.account.as_deref().ok_or_else(|| bad_request("account is missing"))?;
    let now = microsoft.control().clock.now();
    let mut world = microsoft.world();
    // A token of this very millisecond is from before.
    let valid_from = now + jiff::SignedDuration::from_millis(1);
    world.accounts.get_mut(account).ok_or_else(|| no_account(account))?.sessions_valid_from =
        Some(valid_from);
    if whose.access_tokens {
        world.grants.expire_access(Some(account), now);
    }
    if whose.challenge {
        world.grants.challenge_access(account);
    }
    Ok(Json(json!({ "account": account, "tokensValidFrom": valid_from.to_string() })))
}

pub(super) async fn expire_tokens(State(microsoft): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let now = microsoft.control().clock.now();
    let expired = microsoft.world().grants.expire_access(whose.account.as_deref(), now);
    Ok(Json(json!({ "expired": expired })))
}

pub(super) async fn kill_refresh_tokens(State(microsoft): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let killed = microsoft.world().grants.kill_refresh(whose.account.as_deref());
    Ok(Json(json!({ "killed": killed })))
}

/// Makes delta tokens invalid; `as` says how they are refused.
pub(super) async fn expire_delta_tokens(State(microsoft): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let mut world = microsoft.world();
    let calendar = match (&whose.account, &whose.calendar) {
        (Some(account), Some(calendar)) => Some(find_calendar(&world, account, Some(calendar))?.number),
        _ => None,
    };
    let how = whose.how.unwrap_or(Expiry::Gone);
    let expired = world.deltas.expire(whose.account.as_deref(), calendar, how);
    Ok(Json(json!({ "expired": expired })))
}
