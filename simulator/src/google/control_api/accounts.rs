//! Accounts, their calendars, and who may see which.

use axum::Json;
use axum::extract::{Query, State};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::events::put_event;
use super::{Reply, Sim, Target, no_account};
use crate::control::provider::Provider as _;
use crate::control::routes::{Refusal, bad_request, not_found, parse};
use crate::google::world::{Role, World};
use crate::google::zone::Zone;
use crate::google::{Google, delivery};

pub async fn accounts(State(google): Sim) -> Json<Value> {
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

pub async fn add_account(State(google): Sim, body: Bytes) -> Reply {
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

pub async fn add_calendar(State(google): Sim, body: Bytes) -> Reply {
    let new: NewCalendar = parse(&body)?;
    let account = new.account.clone().ok_or_else(|| bad_request("account is missing"))?;
    let id = create_calendar(&google, &account, new)?;
    delivery::send_pending(&google);
    Ok(Json(json!({ "id": id })))
}

fn create_calendar(google: &Google, account: &str, new: NewCalendar) -> Result<String, Refusal> {
    let now = google.control().clock.now();
    let id = new.id.unwrap_or_else(|| {
        format!("c_{}@group.calendar.google.com", crate::google::oauth::grants::random(16).to_lowercase())
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

pub async fn remove_calendar(State(google): Sim, Query(target): Query<Target>) -> Reply {
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
pub async fn set_access(State(google): Sim, body: Bytes) -> Reply {
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

fn zone(name: &str) -> Result<Zone, Refusal> {
    Zone::named(name).ok_or_else(|| bad_request(format!("no time zone {name}")))
}
