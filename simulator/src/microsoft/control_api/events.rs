//! Calendars and events: changed as their owner would in Outlook, and read as they truly are.

use axum::Json;
use axum::extract::{Query, State};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Reply, Sim, no_account};
use crate::control::provider::Provider as _;
use crate::control::routes::{Refusal, bad_request, not_found, parse};
use crate::microsoft::api::{Answer, Call};
use crate::microsoft::errors::{ApiError, Stamp};
use crate::microsoft::event::Window;
use crate::microsoft::mailbox::Calendar;
use crate::microsoft::schedule::weight;
use crate::microsoft::wire::{Params, Preferences};
use crate::microsoft::world::World;
use crate::microsoft::zone::Zone;
use crate::microsoft::{Microsoft, events, ids, notifications};

/// Which calendar, and what is done to it or on it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Target {
    account: Option<String>,
    /// A calendar's id or its name; the default one when absent.
    calendar: Option<String>,
    id: Option<String>,
    event: Option<Map<String, Value>>,
    /// Many at once.
    events: Option<Vec<Map<String, Value>>>,
    /// A calendar's id or its name, to move an event to.
    to: Option<String>,
    name: Option<String>,
    can_edit: Option<bool>,
    time_min: Option<Timestamp>,
    time_max: Option<Timestamp>,
}

impl Target {
    /// The default calendar of an account.
    pub(super) fn of(account: &str) -> Self {
        Self { account: Some(account.to_owned()), ..Self::default() }
    }

    fn account(&self) -> Result<&str, Refusal> {
        self.account.as_deref().ok_or_else(|| bad_request("account is missing"))
    }
}

pub(super) fn find_calendar<'a>(
    world: &'a World,
    account: &str,
    wanted: Option<&str>,
) -> Result<&'a Calendar, Refusal> {
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

pub(super) async fn add_calendar(State(microsoft): Sim, body: Bytes) -> Reply {
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
pub(super) async fn true_events(State(microsoft): Sim, Query(target): Query<Target>) -> Reply {
    let mut world = microsoft.world();
    let account = target.account()?.to_owned();
    let calendar = find_calendar(&world, &account, target.calendar.as_deref())?.clone();
    let zone = world.mailbox(&account).map(|mailbox| mailbox.zone.name().to_owned());
    let call = as_owner(&mut world, &microsoft, &account, &[]);
    let view = call.view(calendar.number).map_err(|error| refusal(&error))?;
    let mut state = json!({
        "calendar": ids::calendar_id(view.mailbox, calendar.number),
        "name": calendar.name,
        "timeZone": zone,
        "events": calendar.events.values().map(|event| view.event(event)).collect::<Vec<_>>(),
    });
    if let (Some(from), Some(until)) = (target.time_min, target.time_max) {
        let window = Window { from, until };
        let mut shown: Vec<_> = calendar.events.values().flat_map(|event| event.expand(window)).collect();
        shown.sort_by_key(|event| event.starts());
        state["view"] = shown.iter().map(|event| Value::Object(view.event(event))).collect();
        let mut busy: Vec<(Timestamp, Timestamp)> = Vec::new();
        for event in shown.iter().filter(|event| weight(event.text("showAs").unwrap_or("busy")) >= 2) {
            let (start, end) = (event.starts().max(from), event.ends().min(until));
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

pub(super) async fn add_event(State(microsoft): Sim, body: Bytes) -> Reply {
    let target: Target = parse(&body)?;
    let create =
        |event| edit(&microsoft, &target, event, |call, calendar| events::create(call, Some(calendar)));
    let reply = match (target.event.clone(), target.events.clone()) {
        (Some(event), None) => create(event),
        (None, Some(list)) => {
            let created = list.into_iter().map(|event| create(event).map(|Json(event)| event));
            created.collect::<Result<Vec<Value>, Refusal>>().map(|events| Json(json!({ "events": events })))
        }
        _ => Err(bad_request("give either event or events")),
    };
    notifications::send_changes(&microsoft);
    reply
}

pub(super) async fn change_event(State(microsoft): Sim, body: Bytes) -> Reply {
    let target: Target = parse(&body)?;
    let id = target.id.clone().ok_or_else(|| bad_request("id is missing"))?;
    let event = target.event.clone().ok_or_else(|| bad_request("event is missing"))?;
    let reply = edit(&microsoft, &target, event, |call, _| events::update(call, &id));
    notifications::send_changes(&microsoft);
    reply
}

pub(super) async fn delete_event(State(microsoft): Sim, Query(target): Query<Target>) -> Reply {
    let id = target.id.clone().ok_or_else(|| bad_request("id is missing"))?;
    let reply = edit(&microsoft, &target, Map::new(), |call, _| events::delete(call, &id));
    notifications::send_changes(&microsoft);
    reply
}

/// Moves an event to another calendar of the mailbox: its regular id changes, its immutable one does not.
pub(super) async fn move_event(State(microsoft): Sim, body: Bytes) -> Reply {
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
pub(super) fn edit(
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
pub(super) fn as_owner<'a>(
    world: &'a mut World,
    microsoft: &'a Microsoft,
    account: &str,
    body: &'a [u8],
) -> Call<'a> {
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

pub(super) fn refusal(error: &ApiError) -> Refusal {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Json(error.body(&Stamp::anonymous(Timestamp::UNIX_EPOCH))))
}
