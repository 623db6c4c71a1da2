//! Google's own part of the control API: accounts, events, grants, tokens, quotas, notifications.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::behaviour::Behaviour;
use super::errors::ApiError;
use super::event::View;
use super::oauth::clients::Client;
use super::oauth::grants::Party;
use super::quota::Limits;
use super::wire::Params;
use super::world::{Role, World};
use super::zone::Zone;
use super::{Google, delivery, events, free_busy, seed};
use crate::control::provider::Provider as _;
use crate::control::routes::{Refusal, bad_request, not_found, parse};

type Reply = Result<Json<Value>, Refusal>;
type Sim = State<Arc<Google>>;

/// The routes.
pub fn router(google: &Arc<Google>) -> Router {
    Router::new()
        .route("/control/reset", post(reset))
        .route("/control/accounts", get(accounts).post(add_account))
        .route("/control/calendars", post(add_calendar).delete(remove_calendar))
        .route("/control/access", post(set_access))
        .route("/control/events", get(true_events).post(add_event).patch(change_event).delete(delete_event))
        .route("/control/clients", post(add_client))
        .route("/control/grants", get(grants))
        .route("/control/grants/revoke", post(revoke))
        .route("/control/tokens/expire", post(expire_tokens))
        .route("/control/refresh-tokens/kill", post(kill_refresh_tokens))
        .route("/control/sync-tokens/expire", post(expire_sync_tokens))
        .route("/control/quota", get(quota).post(set_quota))
        .route("/control/behaviour", get(behaviour).post(set_behaviour))
        .route("/control/channels", get(channels))
        .route("/control/notify", post(notify))
        .route("/control/notifications", get(notifications))
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

async fn accounts(State(google): Sim) -> Json<Value> {
    let world = google.world();
    let accounts: Vec<Value> = world
        .accounts
        .values()
        .map(|account| {
            let calendars: Vec<Value> = account
                .list
                .iter()
                .filter(|(_, entry)| !entry.deleted)
                .filter_map(|(id, _)| world.calendars.get(id))
                .map(|calendar| {
                    json!({
                        "id": calendar.id,
                        "summary": calendar.summary,
                        "timeZone": calendar.zone.name(),
                        "role": calendar.access.get(&account.email),
                    })
                })
                .collect();
            json!({
                "email": account.email,
                "name": account.name,
                "timeZone": account.time_zone,
                "calendars": calendars,
            })
        })
        .collect();
    Json(json!({ "accounts": accounts }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewAccount {
    email: String,
    name: Option<String>,
    #[serde(default = "utc")]
    time_zone: String,
    #[serde(default)]
    calendars: Vec<NewCalendar>,
    /// On the primary calendar.
    #[serde(default)]
    events: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewCalendar {
    /// Only where a calendar is added to an account that exists.
    account: Option<String>,
    id: Option<String>,
    summary: String,
    time_zone: Option<String>,
    #[serde(default = "owner")]
    role: Role,
    #[serde(default)]
    events: Vec<Map<String, Value>>,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn owner() -> Role {
    Role::Owner
}

async fn add_account(State(google): Sim, body: Bytes) -> Reply {
    let new: NewAccount = parse(&body)?;
    let email = new.email.trim().to_ascii_lowercase();
    let now = google.control().clock.now();
    let zone = zone(&new.time_zone)?;
    {
        let mut world = google.world();
        if world.accounts.contains_key(&email) {
            return Err(bad_request(format!("{email} exists already")));
        }
        world.add_account(&email, new.name.as_deref().unwrap_or(&email), zone, now);
    }
    for calendar in new.calendars {
        create_calendar(&google, &email, calendar)?;
    }
    for event in new.events {
        put_event(&google, &email, "primary", event)?;
    }
    delivery::send_pending(&google);
    Ok(Json(json!({ "email": email })))
}

async fn add_calendar(State(google): Sim, body: Bytes) -> Reply {
    let new: NewCalendar = parse(&body)?;
    let account = new.account.clone().ok_or_else(|| bad_request("account is missing"))?;
    let id = create_calendar(&google, &account, new)?;
    delivery::send_pending(&google);
    Ok(Json(json!({ "id": id })))
}

fn create_calendar(google: &Google, account: &str, new: NewCalendar) -> Result<String, Refusal> {
    let now = google.control().clock.now();
    let id = new.id.unwrap_or_else(|| {
        format!("c_{}@group.calendar.google.com", super::oauth::grants::random(16).to_lowercase())
    });
    {
        let mut world = google.world();
        let known = world.accounts.get(account).ok_or_else(|| no_account(account))?;
        let zone = zone(new.time_zone.as_deref().unwrap_or(&known.time_zone))?;
        if !world.calendars.contains_key(&id) {
            world.add_calendar(&id, &new.summary, zone, now);
        }
        world.subscribe(account, &id, new.role, true);
    }
    for event in new.events {
        put_event(google, account, &id, event)?;
    }
    Ok(id)
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

async fn remove_calendar(State(google): Sim, Query(target): Query<Target>) -> Reply {
    let account = target.account()?;
    let id = World::resolve_calendar(account, target.calendar()).to_owned();
    if google.world().accounts.contains_key(&id) {
        return Err(bad_request("a primary calendar cannot be removed"));
    }
    google.world().remove_calendar(&id);
    delivery::send_pending(&google);
    Ok(Json(json!({ "removed": id })))
}

/// Changes who may do what, which no sync and no notification reports.
async fn set_access(State(google): Sim, body: Bytes) -> Reply {
    let target: Target = parse(&body)?;
    let account = target.account()?.to_owned();
    let mut world = google.world();
    let id = World::resolve_calendar(&account, target.calendar()).to_owned();
    let calendar = world.calendars.get_mut(&id).ok_or_else(|| not_found(format!("no calendar {id}")))?;
    match target.role {
        Some(role) => calendar.access.insert(account.clone(), role),
        None => calendar.access.remove(&account),
    };
    Ok(Json(json!({ "account": account, "calendar": id, "role": target.role })))
}

/// The true state of a calendar, whatever the API would show.
async fn true_events(State(google): Sim, Query(target): Query<Target>) -> Reply {
    let world = google.world();
    let account = target.account()?;
    let id = World::resolve_calendar(account, target.calendar());
    let calendar = world.calendars.get(id).ok_or_else(|| not_found(format!("no calendar {id}")))?;
    let view = View { zone: &calendar.zone, role: Role::Owner, minimal_cancelled: false };
    let (live, cancelled): (Vec<_>, Vec<_>) = calendar
        .events
        .keys()
        .filter_map(|id| calendar.event(id).ok())
        .partition(|event| !event.is_cancelled());
    let mut state = json!({
        "calendar": calendar.id,
        "timeZone": calendar.zone.name(),
        "events": live.iter().map(|event| event.render(&view)).collect::<Vec<_>>(),
        "cancelled": cancelled.iter().map(|event| event.render(&view)).collect::<Vec<_>>(),
    });
    if let (Some(from), Some(until)) = (target.time_min, target.time_max) {
        let busy = free_busy::busy_times(calendar, from, until);
        state["busy"] = busy
            .into_iter()
            .map(|(start, end)| json!({ "start": start.to_string(), "end": end.to_string() }))
            .collect();
    }
    Ok(Json(state))
}

async fn add_event(State(google): Sim, body: Bytes) -> Reply {
    let target: Target = parse(&body)?;
    let event = target.event.clone().ok_or_else(|| bad_request("event is missing"))?;
    let reply = edit(&google, &target, event, events::insert);
    delivery::send_pending(&google);
    reply
}

fn put_event(
    google: &Google,
    account: &str,
    calendar: &str,
    event: Map<String, Value>,
) -> Result<(), Refusal> {
    let target = Target {
        account: Some(account.to_owned()),
        calendar: Some(calendar.to_owned()),
        id: None,
        role: None,
        event: None,
        send_updates: None,
        time_min: None,
        time_max: None,
    };
    edit(google, &target, event, events::insert).map(drop)
}

async fn change_event(State(google): Sim, body: Bytes) -> Reply {
    let target: Target = parse(&body)?;
    let id = target.id.clone().ok_or_else(|| bad_request("id is missing"))?;
    let event = target.event.clone().ok_or_else(|| bad_request("event is missing"))?;
    let reply = edit(&google, &target, event, |call, calendar| {
        events::change(call, calendar, &id, events::Change::Patch)
    });
    delivery::send_pending(&google);
    reply
}

async fn delete_event(State(google): Sim, Query(target): Query<Target>) -> Reply {
    let id = target.id.clone().ok_or_else(|| bad_request("id is missing"))?;
    let reply = edit(&google, &target, Map::new(), |call, calendar| events::delete(call, calendar, &id));
    delivery::send_pending(&google);
    reply
}

/// Changes a calendar as its owner would in another client: no scopes, no quota.
fn edit(
    google: &Google,
    target: &Target,
    body: Map<String, Value>,
    change: impl FnOnce(&mut Call<'_>, &str) -> Result<Answer, ApiError>,
) -> Reply {
    let account = target.account()?.to_owned();
    let now = google.control().clock.now();
    let mut world = google.world();
    if !world.accounts.contains_key(&account) {
        return Err(no_account(&account));
    }
    let id = World::resolve_calendar(&account, target.calendar()).to_owned();
    let calendar = world.calendars.get_mut(&id).ok_or_else(|| not_found(format!("no calendar {id}")))?;
    let role = calendar.access.insert(account.clone(), Role::Owner);
    let query =
        format!("conferenceDataVersion=1&sendUpdates={}", target.send_updates.as_deref().unwrap_or("none"));
    let body = Value::Object(body).to_string();
    let mut call = Call {
        world: &mut world,
        control: google.control(),
        account: account.clone(),
        client_id: String::new(),
        params: Params::parse(query.as_bytes()),
        headers: &HeaderMap::new(),
        body: body.as_bytes(),
        now,
    };
    let result = change(&mut call, &id);
    if let Some(calendar) = world.calendars.get_mut(&id) {
        match role {
            Some(role) => calendar.access.insert(account, role),
            None => calendar.access.remove(&account),
        };
    }
    match result {
        Ok(Answer::Json(event)) => Ok(Json(event)),
        Ok(Answer::NoContent | Answer::NotModified) => Ok(Json(json!({}))),
        Err(error) => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
            Err((status, Json(error.body())))
        }
    }
}

async fn add_client(State(google): Sim, body: Bytes) -> Reply {
    let client: Client = parse(&body)?;
    let id = client.client_id.clone();
    google.world().clients.insert(id.clone(), client);
    Ok(Json(json!({ "clientId": id })))
}

async fn grants(State(google): Sim) -> Json<Value> {
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

async fn revoke(State(google): Sim, body: Bytes) -> Reply {
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

async fn expire_tokens(State(google): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let now = google.control().clock.now();
    let expired = google.world().grants.expire_access(whose.account.as_deref(), now);
    Ok(Json(json!({ "expired": expired })))
}

async fn kill_refresh_tokens(State(google): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let killed = google.world().grants.kill_refresh(whose.account.as_deref());
    Ok(Json(json!({ "killed": killed })))
}

async fn expire_sync_tokens(State(google): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let calendar = match (&whose.account, &whose.calendar) {
        (Some(account), Some(calendar)) => Some(World::resolve_calendar(account, calendar).to_owned()),
        (None, calendar) => calendar.clone(),
        (Some(_), None) => None,
    };
    let expired = google.world().expire_sync_tokens(whose.account.as_deref(), calendar.as_deref());
    Ok(Json(json!({ "calendars": expired })))
}

async fn quota(State(google): Sim) -> Json<Value> {
    Json(json!(google.world().quota.limits))
}

async fn set_quota(State(google): Sim, body: Bytes) -> Reply {
    let mut world = google.world();
    world.quota.limits = overlaid::<Limits>(&world.quota.limits, &body)?;
    Ok(Json(json!(world.quota.limits)))
}

async fn behaviour(State(google): Sim) -> Json<Value> {
    Json(json!(google.world().behaviour))
}

async fn set_behaviour(State(google): Sim, body: Bytes) -> Reply {
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

async fn channels(State(google): Sim) -> Json<Value> {
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

async fn notify(State(google): Sim, body: Bytes) -> Reply {
    let wanted: Notify = parse(&body)?;
    for _ in 0..wanted.times {
        if !google.world().notify_without_cause(&wanted.channel_id) {
            return Err(not_found(format!("no channel {}", wanted.channel_id)));
        }
    }
    delivery::send_pending(&google);
    Ok(Json(json!({ "sent": wanted.times })))
}

async fn notifications(State(google): Sim) -> Json<Value> {
    Json(json!({ "notifications": google.deliveries().all().collect::<Vec<_>>() }))
}

fn no_account(account: &str) -> Refusal {
    not_found(format!("no account {account}; GET /control/accounts lists them"))
}

fn zone(name: &str) -> Result<Zone, Refusal> {
    Zone::named(name).ok_or_else(|| bad_request(format!("no time zone {name}")))
}

/// Fills the world anew.
pub fn fresh_world(seeded: bool, now: Timestamp) -> World {
    let mut world = World::default();
    if seeded {
        seed::seed(&mut world, now);
    }
    world
}
