//! Accounts, their mailboxes, and the organisations they belong to.

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::events::{Target, edit};
use super::{Reply, Sim, no_account, zone};
use crate::control::routes::{bad_request, not_found, parse};
use crate::microsoft::mailbox::WorkingHours;
use crate::microsoft::world::PERSONAL_TENANT;
use crate::microsoft::{calendars, events, notifications, seed};

pub(super) async fn accounts(State(microsoft): Sim) -> Json<Value> {
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

pub(super) fn utc() -> String {
    "UTC".to_owned()
}

pub(super) async fn add_account(State(microsoft): Sim, body: Bytes) -> Reply {
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
        let target = Target::of(&email);
        let Json(_created) =
            edit(&microsoft, &target, event, |call, calendar| events::create(call, Some(calendar)))?;
    }
    notifications::send_changes(&microsoft);
    Ok(Json(json!({ "email": email })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MailboxChange {
    account: String,
    time_zone: Option<String>,
}

/// Changes a mailbox's zone, and with it its working hours'.
pub(super) async fn set_mailbox(State(microsoft): Sim, body: Bytes) -> Reply {
    let wanted: MailboxChange = parse(&body)?;
    let mut world = microsoft.world();
    let found = world.accounts.get_mut(&wanted.account).ok_or_else(|| no_account(&wanted.account))?;
    if let Some(name) = &wanted.time_zone {
        found.mailbox.zone = zone(name)?;
        found.mailbox.working_hours = WorkingHours::office(&found.mailbox.zone);
    }
    Ok(Json(json!({ "account": wanted.account, "timeZone": found.mailbox.zone.name() })))
}

pub(super) async fn tenants(State(microsoft): Sim) -> Json<Value> {
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

pub(super) async fn set_tenant(State(microsoft): Sim, body: Bytes) -> Reply {
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
