//! Events as another client would change them, and as they truly are.

use axum::Json;
use axum::extract::{Query, State};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::{Reply, Sim, Target, no_account};
use crate::control::provider::Provider as _;
use crate::control::routes::{Refusal, bad_request, not_found, parse};
use crate::google::api::{Answer, Call};
use crate::google::errors::ApiError;
use crate::google::event::View;
use crate::google::wire::Params;
use crate::google::world::{Role, World};
use crate::google::{Google, delivery, events, free_busy};

/// The true state of a calendar, whatever the API would show.
pub async fn true_events(State(google): Sim, Query(target): Query<Target>) -> Reply {
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

pub async fn add_event(State(google): Sim, body: Bytes) -> Reply {
    let target: Target = parse(&body)?;
    let reply = match &target.event {
        Some(event) => edit(&google, &target, event.clone(), events::insert),
        None if target.events.is_empty() => Err(bad_request("event or events is missing")),
        None => target
            .events
            .iter()
            .try_for_each(|event| edit(&google, &target, event.clone(), events::insert).map(drop))
            .map(|()| Json(json!({ "inserted": target.events.len() }))),
    };
    delivery::send_pending(&google);
    reply
}

pub fn put_event(
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
        events: Vec::new(),
        send_updates: None,
        time_min: None,
        time_max: None,
    };
    edit(google, &target, event, events::insert).map(drop)
}

pub async fn change_event(State(google): Sim, body: Bytes) -> Reply {
    let target: Target = parse(&body)?;
    let id = target.id.clone().ok_or_else(|| bad_request("id is missing"))?;
    let event = target.event.clone().ok_or_else(|| bad_request("event is missing"))?;
    let reply = edit(&google, &target, event, |call, calendar| {
        events::change(call, calendar, &id, events::Change::Patch)
    });
    delivery::send_pending(&google);
    reply
}

pub async fn delete_event(State(google): Sim, Query(target): Query<Target>) -> Reply {
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
