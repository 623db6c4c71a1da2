//! Microsoft's own part of the control API: accounts, events, consents, sessions, tokens, limits, subscriptions.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::behaviour::Behaviour;
use super::delta::Expiry;
use super::errors::{ApiError, Stamp};
use super::event::Window;
use super::identity::clients::Client;
use super::identity::grants::Party;
use super::mailbox::Calendar;
use super::schedule::weight;
use super::throttle::Limits;
use super::wire::{Params, Preferences};
use super::world::{PERSONAL_TENANT, World};
use super::zone::Zone;
use super::{Microsoft, calendars, events, ids, notifications, seed};
use crate::control::provider::Provider as _;
use crate::control::routes::{Refusal, bad_request, not_found, parse};

type Reply = Result<Json<Value>, Refusal>;
type Sim = State<Arc<Microsoft>>;

/// The routes.
pub fn router(microsoft: &Arc<Microsoft>) -> Router {
    Router::new()
        .route("/control/reset", post(reset))
        .route("/control/accounts", get(accounts).post(add_account))
        .route("/control/calendars", post(add_calendar))
        .route("/control/events", get(true_events).post(add_event).patch(change_event).delete(delete_event))
        .route("/control/events/move", post(move_event))
        .route("/control/mailbox", post(set_mailbox))
        .route("/control/tenants", get(tenants).post(set_tenant))
        .route("/control/clients", post(add_client))
        .route("/control/grants", get(grants))
        .route("/control/grants/revoke", post(withdraw_consent))
        .route("/control/revoke", post(revoke_sessions))
        .route("/control/tokens/expire", post(expire_tokens))
        .route("/control/refresh-tokens/kill", post(kill_refresh_tokens))
        .route("/control/sync-tokens/expire", post(expire_delta_tokens))
        .route("/control/quota", get(quota).post(set_quota))
        .route("/control/behaviour", get(behaviour).post(set_behaviour))
        .route("/control/subscriptions", get(subscriptions))
        .route("/control/lifecycle", post(send_lifecycle))
        .route("/control/notify", post(notify))
        .route("/control/notifications", get(deliveries))
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

async fn accounts(State(microsoft): Sim) -> Json<Value> {
    let world = microsoft.world();
    let accounts: Vec<Value> = world
        .accounts
        .values()
        .map(|account| {
            let shown =
                account.mailbox.calendars.values().map(|calendar| calendars::render(account, calendar));
            json!({
                "email": account.email,
                "name": account.name,
                "objectId": account.object_id,
                "tenant": account.tenant,
                "kind": if account.is_personal() { "personal" } else { "work" },
                "admin": account.is_admin,
                "timeZone": account.mailbox.zone.name(),
                "calendars": shown.collect::<Vec<_>>(),
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
    /// A tenant's GUID or domain; personal when absent.
    tenant: Option<String>,
    #[serde(default = "utc")]
    time_zone: String,
    #[serde(default)]
    admin: bool,
    /// In the default calendar.
    #[serde(default)]
    events: Vec<Map<String, Value>>,
}

fn utc() -> String {
    "UTC".to_owned()
}

async fn add_account(State(microsoft): Sim, body: Bytes) -> Reply {
    let new: NewAccount = parse(&body)?;
    let email = new.email.trim().to_ascii_lowercase();
    let zone = zone(&new.time_zone)?;
    {
        let mut world = microsoft.world();
        if world.accounts.contains_key(&email) {
            return Err(bad_request(format!("{email} exists already")));
        }
        let tenant = match &new.tenant {
            None => PERSONAL_TENANT.to_owned(),
            Some(name) => world
                .find_tenant(name)
                .map(|tenant| tenant.id.clone())
                .ok_or_else(|| not_found(format!("no tenant {name}")))?,
        };
        seed::add_account(&mut world, &email, new.name.as_deref().unwrap_or(&email), &tenant, zone);
        if let Some(account) = world.accounts.get_mut(&email) {
            account.is_admin = new.admin;
        }
    }
    for event in new.events {
        let target = Target { account: Some(email.clone()), ..Target::default() };
        let Json(_created) =
            edit(&microsoft, &target, event, |call, calendar| events::create(call, Some(calendar)))?;
    }
    notifications::send_changes(&microsoft);
    Ok(Json(json!({ "email": email })))
}

/// Which calendar, and what is done to it or on it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Target {
    account: Option<String>,
    /// A calendar's id or its name; the default one when absent.
    calendar: Option<String>,
    id: Option<String>,
    event: Option<Map<String, Value>>,
    /// A calendar's id or its name, to move an event to.
    to: Option<String>,
    name: Option<String>,
    can_edit: Option<bool>,
    time_min: Option<Timestamp>,
    time_max: Option<Timestamp>,
}

impl Target {
    fn account(&self) -> Result<&str, Refusal> {
        self.account.as_deref().ok_or_else(|| bad_request("account is missing"))
    }
}

fn find_calendar<'a>(world: &'a World, account: &str, wanted: Option<&str>) -> Result<&'a Calendar, Refusal> {
    let mailbox = world.mailbox(account).ok_or_else(|| no_account(account))?;
    let found = match wanted {
        None => mailbox.calendars.get(&mailbox.default_calendar),
        Some(wanted) => match mailbox.calendar_by_id(wanted) {
            Ok(calendar) => Some(calendar),
            Err(_) => mailbox.calendars.values().find(|calendar| calendar.name == wanted),
        },
    };
    found.ok_or_else(|| not_found(format!("no calendar {} of {account}", wanted.unwrap_or("(default)"))))
}

async fn add_calendar(State(microsoft): Sim, body: Bytes) -> Reply {
    let target: Target = parse(&body)?;
    let account = target.account()?.to_owned();
    let name = target.name.clone().ok_or_else(|| bad_request("name is missing"))?;
    let mut world = microsoft.world();
    let change = world.next_change();
    let mailbox = world
        .accounts
        .get_mut(&account)
        .map(|account| &mut account.mailbox)
        .ok_or_else(|| no_account(&account))?;
    let number = mailbox.add_calendar(&name, "auto", "", change);
    if let Some(calendar) = mailbox.calendars.get_mut(&number) {
        calendar.can_edit = target.can_edit.unwrap_or(true);
    }
    Ok(Json(json!({ "id": ids::calendar_id(mailbox.number, number) })))
}

/// The true state of a calendar, whatever the API would show: every event with an immutable id and in UTC, and with
/// `timeMin` and `timeMax` the occurrences and the merged busy times between them.
async fn true_events(State(microsoft): Sim, Query(target): Query<Target>) -> Reply {
    let mut world = microsoft.world();
    let account = target.account()?.to_owned();
    let calendar = find_calendar(&world, &account, target.calendar.as_deref())?.clone();
    let call = as_owner(&mut world, &microsoft, &account, &[]);
    let view = call.view(calendar.number).map_err(|error| refusal(&error))?;
    let home = view.home.clone();
    let mut state = json!({
        "calendar": ids::calendar_id(view.mailbox, calendar.number),
        "name": calendar.name,
        "timeZone": home.name(),
        "events": calendar.events.values().map(|event| view.event(event)).collect::<Vec<_>>(),
    });
    if let (Some(from), Some(until)) = (target.time_min, target.time_max) {
        let window = Window { from, until };
        let mut shown: Vec<_> =
            calendar.events.values().flat_map(|event| event.expand(window, &home)).collect();
        shown.sort_by_key(|event| event.starts(&home));
        state["view"] = shown.iter().map(|event| Value::Object(view.event(event))).collect();
        let mut busy: Vec<(Timestamp, Timestamp)> = Vec::new();
        for event in shown.iter().filter(|event| weight(event.text("showAs").unwrap_or("busy")) >= 2) {
            let (start, end) = (event.starts(&home).max(from), event.ends(&home).min(until));
            match busy.last_mut() {
                Some(last) if last.1 >= start => last.1 = last.1.max(end),
                _ => busy.push((start, end)),
            }
        }
        state["busy"] = busy
            .iter()
            .map(|(start, end)| json!({ "start": start.to_string(), "end": end.to_string() }))
            .collect();
    }
    Ok(Json(state))
}

async fn add_event(State(microsoft): Sim, body: Bytes) -> Reply {
    let target: Target = parse(&body)?;
    let event = target.event.clone().ok_or_else(|| bad_request("event is missing"))?;
    let reply = edit(&microsoft, &target, event, |call, calendar| events::create(call, Some(calendar)));
    notifications::send_changes(&microsoft);
    reply
}

async fn change_event(State(microsoft): Sim, body: Bytes) -> Reply {
    let target: Target = parse(&body)?;
    let id = target.id.clone().ok_or_else(|| bad_request("id is missing"))?;
    let event = target.event.clone().ok_or_else(|| bad_request("event is missing"))?;
    let reply = edit(&microsoft, &target, event, |call, _| events::update(call, &id));
    notifications::send_changes(&microsoft);
    reply
}

async fn delete_event(State(microsoft): Sim, Query(target): Query<Target>) -> Reply {
    let id = target.id.clone().ok_or_else(|| bad_request("id is missing"))?;
    let reply = edit(&microsoft, &target, Map::new(), |call, _| events::delete(call, &id));
    notifications::send_changes(&microsoft);
    reply
}

/// Moves an event to another calendar of the mailbox: its regular id changes, its immutable one does not.
async fn move_event(State(microsoft): Sim, body: Bytes) -> Reply {
    let target: Target = parse(&body)?;
    let account = target.account()?.to_owned();
    let id = target.id.as_deref().ok_or_else(|| bad_request("id is missing"))?;
    let reply = {
        let mut world = microsoft.world();
        let to = find_calendar(
            &world,
            &account,
            Some(target.to.as_deref().ok_or_else(|| bad_request("to is missing"))?),
        )?
        .number;
        let mailbox = world.mailbox(&account).ok_or_else(|| no_account(&account))?;
        let number = mailbox.number;
        let (from, key) = mailbox.find(id).map_err(|error| refusal(&error))?;
        let mut event =
            world.remove_event(&account, from, key.event).ok_or_else(|| not_found("no such event"))?;
        event.change = world.next_change();
        event.series_change = event.change;
        world.put_event(&account, to, event, "created");
        json!({
            "id": ids::event_id(ids::IdForm::Regular, number, to, key),
            "immutableId": ids::event_id(ids::IdForm::Immutable, number, to, key),
        })
    };
    notifications::send_changes(&microsoft);
    Ok(Json(reply))
}

/// Changes a calendar as its owner would in Outlook: no scopes, no limits.
fn edit(
    microsoft: &Microsoft,
    target: &Target,
    body: Map<String, Value>,
    change: impl FnOnce(&mut Call<'_>, &str) -> Result<Answer, ApiError>,
) -> Reply {
    let account = target.account()?.to_owned();
    let mut world = microsoft.world();
    let calendar = find_calendar(&world, &account, target.calendar.as_deref())?.number;
    let mailbox = world.mailbox(&account).map_or(0, |mailbox| mailbox.number);
    let id = ids::calendar_id(mailbox, calendar);
    let body = Value::Object(body).to_string();
    let mut call = as_owner(&mut world, microsoft, &account, body.as_bytes());
    match change(&mut call, &id) {
        Ok(Answer::Json(event) | Answer::Created(event)) => Ok(Json(event)),
        Ok(Answer::Accepted | Answer::NoContent) => Ok(Json(json!({}))),
        Err(error) => Err(refusal(&error)),
    }
}

/// A call as the mailbox's owner: immutable ids, UTC.
fn as_owner<'a>(world: &'a mut World, microsoft: &'a Microsoft, account: &str, body: &'a [u8]) -> Call<'a> {
    static NO_HEADERS: std::sync::LazyLock<HeaderMap> = std::sync::LazyLock::new(HeaderMap::new);
    Call {
        world,
        control: microsoft.control(),
        account: account.to_owned(),
        client_id: String::new(),
        params: Params::parse(b"$expand=singleValueExtendedProperties"),
        prefer: Preferences { immutable_ids: true, ..Preferences::default() },
        headers: &NO_HEADERS,
        body,
        now: microsoft.control().clock.now(),
        zone: Zone::utc(),
        origin: String::new(),
        path: String::new(),
    }
}

fn refusal(error: &ApiError) -> Refusal {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Json(error.body(&Stamp::anonymous(Timestamp::UNIX_EPOCH))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MailboxChange {
    account: String,
    time_zone: Option<String>,
}

/// Changes a mailbox's zone, and with it its working hours'.
async fn set_mailbox(State(microsoft): Sim, body: Bytes) -> Reply {
    let wanted: MailboxChange = parse(&body)?;
    let mut world = microsoft.world();
    let found = world.accounts.get_mut(&wanted.account).ok_or_else(|| no_account(&wanted.account))?;
    if let Some(name) = &wanted.time_zone {
        found.mailbox.zone = zone(name)?;
        found.mailbox.working_hours = super::mailbox::WorkingHours::office(&found.mailbox.zone);
    }
    Ok(Json(json!({ "account": wanted.account, "timeZone": found.mailbox.zone.name() })))
}

async fn tenants(State(microsoft): Sim) -> Json<Value> {
    let world = microsoft.world();
    let tenants: Vec<Value> = world
        .tenants
        .values()
        .map(|tenant| {
            json!({
                "id": tenant.id,
                "name": tenant.name,
                "domain": tenant.domain,
                "usersMayConsent": tenant.users_may_consent,
                "adminConsents": tenant.admin_consents,
            })
        })
        .collect();
    Json(json!({ "tenants": tenants }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TenantChange {
    tenant: String,
    users_may_consent: Option<bool>,
    /// Takes back what administrators granted.
    #[serde(default)]
    withdraw_admin_consent: bool,
}

async fn set_tenant(State(microsoft): Sim, body: Bytes) -> Reply {
    let wanted: TenantChange = parse(&body)?;
    let mut world = microsoft.world();
    let id = world.find_tenant(&wanted.tenant).map(|tenant| tenant.id.clone());
    let tenant = id
        .and_then(|id| world.tenants.get_mut(&id))
        .ok_or_else(|| not_found(format!("no tenant {}", wanted.tenant)))?;
    if let Some(may) = wanted.users_may_consent {
        tenant.users_may_consent = may;
    }
    if wanted.withdraw_admin_consent {
        tenant.admin_consents.clear();
    }
    Ok(Json(json!({ "id": tenant.id, "usersMayConsent": tenant.users_may_consent })))
}

async fn add_client(State(microsoft): Sim, body: Bytes) -> Reply {
    let client: Client = parse(&body)?;
    let id = client.client_id.clone();
    microsoft.world().clients.insert(id.clone(), client);
    Ok(Json(json!({ "clientId": id })))
}

async fn grants(State(microsoft): Sim) -> Json<Value> {
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
async fn withdraw_consent(State(microsoft): Sim, body: Bytes) -> Reply {
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
async fn revoke_sessions(State(microsoft): Sim, body: Bytes) -> Reply {
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

async fn expire_tokens(State(microsoft): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let now = microsoft.control().clock.now();
    let expired = microsoft.world().grants.expire_access(whose.account.as_deref(), now);
    Ok(Json(json!({ "expired": expired })))
}

async fn kill_refresh_tokens(State(microsoft): Sim, body: Bytes) -> Reply {
    let whose: Whose = parse(&body)?;
    let killed = microsoft.world().grants.kill_refresh(whose.account.as_deref());
    Ok(Json(json!({ "killed": killed })))
}

/// Makes delta tokens invalid; `as` says how they are refused.
async fn expire_delta_tokens(State(microsoft): Sim, body: Bytes) -> Reply {
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

async fn subscriptions(State(microsoft): Sim) -> Json<Value> {
    let now = microsoft.control().clock.now();
    let world = microsoft.world();
    let shown: Vec<Value> = world
        .subscriptions
        .all()
        .filter(|subscription| subscription.expires_at > now)
        .map(|subscription| {
            json!({
                "id": subscription.id,
                "account": subscription.account,
                "resource": subscription.resource,
                "changeType": subscription.change_types.join(","),
                "notificationUrl": subscription.notification_url,
                "lifecycleNotificationUrl": subscription.lifecycle_url,
                "expiresAt": subscription.expires_at.to_string(),
                "immutableIds": subscription.form == ids::IdForm::Immutable,
                "paused": subscription.paused,
            })
        })
        .collect();
    Json(json!({ "subscriptions": shown }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Lifecycle {
    subscription_id: String,
    event: String,
    /// After `reauthorizationRequired`: changes are lost until the subscription is reauthorised.
    #[serde(default)]
    pause: bool,
}

/// Sends a lifecycle notification; `subscriptionRemoved` takes the subscription away as well.
async fn send_lifecycle(State(microsoft): Sim, body: Bytes) -> Reply {
    let wanted: Lifecycle = parse(&body)?;
    let events = ["reauthorizationRequired", "subscriptionRemoved", "missed"];
    if !events.contains(&wanted.event.as_str()) {
        return Err(bad_request(format!("event is one of {}", events.join(", "))));
    }
    let id = &wanted.subscription_id;
    let pending = {
        let mut world = microsoft.world();
        let known =
            world.subscriptions.get(id).cloned().ok_or_else(|| not_found(format!("no subscription {id}")))?;
        if wanted.event == "subscriptionRemoved" {
            world.subscriptions.remove(id);
        } else if let Some(subscription) = world.subscriptions.get_mut(id) {
            subscription.paused |= wanted.pause;
        }
        notifications::lifecycle(&world, &known, &wanted.event)
    };
    let pending = pending.ok_or_else(|| bad_request("the subscription has no lifecycleNotificationUrl"))?;
    notifications::send(&microsoft, vec![pending], 0);
    Ok(Json(json!({ "sent": wanted.event })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Notify {
    subscription_id: String,
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

/// Sends notifications although nothing happened; each in a delivery of its own.
async fn notify(State(microsoft): Sim, body: Bytes) -> Reply {
    let wanted: Notify = parse(&body)?;
    let pending = {
        let world = microsoft.world();
        let known = world.subscriptions.get(&wanted.subscription_id);
        let known = known.ok_or_else(|| not_found(format!("no subscription {}", wanted.subscription_id)))?;
        notifications::without_cause(&world, known)
            .ok_or_else(|| bad_request("the calendar has no event to speak of"))?
    };
    for _ in 0..wanted.times {
        notifications::send_alone(&microsoft, pending.clone());
    }
    Ok(Json(json!({ "sent": wanted.times })))
}

async fn deliveries(State(microsoft): Sim) -> Json<Value> {
    Json(json!({ "notifications": microsoft.deliveries().all().collect::<Vec<_>>() }))
}

fn no_account(account: &str) -> Refusal {
    not_found(format!("no account {account}; GET /control/accounts lists them"))
}

fn zone(name: &str) -> Result<Zone, Refusal> {
    Zone::named(name).ok_or_else(|| bad_request(format!("no time zone {name}")))
}
