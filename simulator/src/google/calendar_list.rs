//! `calendarList`: the calendars an account is subscribed to, with paging and sync.

use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::event_list::fixed_parameters;
use super::sync_tokens::{PageToken, SyncToken};
use super::wire;
use super::world::{Account, ListEntry, Role, World};

/// The largest page.
const LARGEST_PAGE: usize = 250;

/// `GET /users/me/calendarList`
pub fn list(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = account(call.world, &call.account)?;
    let of = format!("calendarList:{}", account.email);
    let parameters = fixed_parameters(&call.params);
    let page = match call.params.get("pageToken") {
        Some(token) => Some(PageToken::decode(token, &of, &parameters)?),
        None => None,
    };
    let least = match call.params.get("minAccessRole") {
        None => Role::FreeBusyReader,
        Some(name) => serde_json::from_value(json!(name))
            .map_err(|_| ApiError::invalid_parameter("minAccessRole", name))?,
    };
    let since = match (&page, call.params.get("syncToken")) {
        (Some(page), _) => page.since,
        (None, Some(_)) if call.params.get("minAccessRole").is_some() => {
            return Err(ApiError::bad_request("Sync token cannot be used with query restrictions."));
        }
        (None, Some(token)) => Some(SyncToken::decode(token, &of, account.list_sync_floor)?.since),
        (None, None) => None,
    };
    let show_deleted = call.params.boolean("showDeleted")?.unwrap_or(false) || since.is_some();
    let show_hidden = call.params.boolean("showHidden")?.unwrap_or(false) || since.is_some();
    let behaviour = &call.world.behaviour;
    let size = call.params.positive("maxResults")?.unwrap_or(100).min(LARGEST_PAGE);
    let size = size.min(behaviour.page_size_limit.unwrap_or(size)).max(1);
    let after = page.as_ref().map_or("", |page| page.after.as_str());
    let snapshot = page.as_ref().map_or(call.world.last_change(), |page| page.snapshot);

    let mut rest = account
        .list
        .iter()
        .filter(|(id, entry)| id.as_str() > after && since.is_none_or(|since| entry.change > since))
        .filter(|(_, entry)| (show_deleted || !entry.deleted) && (show_hidden || !entry.hidden))
        .filter(|(id, entry)| {
            entry.deleted || role(call.world, account, id).is_some_and(|role| role >= least)
        })
        .peekable();
    let shown: Vec<(&String, &ListEntry)> = rest.by_ref().take(size).collect();
    let mut body = Map::new();
    body.insert("kind".into(), "calendar#calendarList".into());
    body.insert("etag".into(), format!("\"p{}\"", call.world.last_change()).into());
    if rest.peek().is_some() {
        let token = PageToken {
            of,
            snapshot,
            since,
            after: shown.last().map_or(String::new(), |(id, _)| (*id).clone()),
            pages: page.map_or(0, |page| page.pages) + 1,
            parameters,
        };
        body.insert("nextPageToken".into(), token.encode().into());
    } else if call.params.get("minAccessRole").is_none() {
        body.insert("nextSyncToken".into(), SyncToken { of, since: snapshot }.encode().into());
    }
    let items: Vec<Value> =
        shown.into_iter().map(|(id, entry)| render(call.world, account, id, entry)).collect();
    body.insert("items".into(), Value::Array(items));
    Ok(Answer::Json(Value::Object(body)))
}

/// `GET /users/me/calendarList/{id}`
pub fn get(call: &mut Call<'_>, calendar: &str) -> Result<Answer, ApiError> {
    let id = World::resolve_calendar(&call.account, calendar);
    let account = account(call.world, &call.account)?;
    let entry = account.list.get(id).filter(|entry| !entry.deleted).ok_or_else(ApiError::not_found)?;
    if wire::is_not_modified(call.headers, &etag(entry)) {
        return Ok(Answer::NotModified);
    }
    Ok(Answer::Json(render(call.world, account, id, entry)))
}

/// `POST /users/me/calendarList`: subscribe to a calendar the account may see.
pub fn insert(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let body = call.json()?;
    let id =
        body.get("id").and_then(Value::as_str).ok_or_else(|| ApiError::required("Missing calendar id."))?;
    let id = World::resolve_calendar(&call.account, id).to_owned();
    let (_, role) = call.world.calendar(&call.account, &id)?;
    call.world.subscribe(&call.account, &id, role, true);
    change(call, &id, &body)
}

/// `PATCH` or `PUT /users/me/calendarList/{id}`
pub fn patch(call: &mut Call<'_>, calendar: &str) -> Result<Answer, ApiError> {
    let body = call.json()?;
    let id = World::resolve_calendar(&call.account, calendar).to_owned();
    change(call, &id, &body)
}

fn change(call: &mut Call<'_>, id: &str, body: &Map<String, Value>) -> Result<Answer, ApiError> {
    let number = call.world.next_change();
    let account = call.world.accounts.get_mut(&call.account).ok_or_else(ApiError::invalid_credentials)?;
    let entry = account.list.get_mut(id).filter(|entry| !entry.deleted).ok_or_else(ApiError::not_found)?;
    wire::check_if_match(call.headers, &etag(entry))?;
    entry.change = number;
    if let Some(selected) = body.get("selected").and_then(Value::as_bool) {
        entry.selected = selected;
    }
    if let Some(hidden) = body.get("hidden").and_then(Value::as_bool) {
        entry.hidden = hidden;
    }
    if let Some(name) = body.get("summaryOverride") {
        entry.summary_override = name.as_str().map(str::to_owned);
    }
    if let Some(color) = body.get("colorId").and_then(Value::as_str) {
        entry.color_id = color.to_owned();
    }
    let email = account.email.clone();
    call.world.notify_list(&email);
    get(call, id)
}

/// `DELETE /users/me/calendarList/{id}`
pub fn delete(call: &mut Call<'_>, calendar: &str) -> Result<Answer, ApiError> {
    let id = World::resolve_calendar(&call.account, calendar).to_owned();
    if id == call.account {
        return Err(ApiError::forbidden("The primary calendar cannot be removed from the list."));
    }
    let change = call.world.next_change();
    let account = call.world.accounts.get_mut(&call.account).ok_or_else(ApiError::invalid_credentials)?;
    let entry = account.list.get_mut(&id).filter(|entry| !entry.deleted).ok_or_else(ApiError::not_found)?;
    entry.deleted = true;
    entry.change = change;
    let email = account.email.clone();
    call.world.notify_list(&email);
    Ok(Answer::NoContent)
}

fn account<'a>(world: &'a World, email: &str) -> Result<&'a Account, ApiError> {
    world.accounts.get(email).ok_or_else(ApiError::invalid_credentials)
}

fn role(world: &World, account: &Account, calendar: &str) -> Option<Role> {
    world.calendars.get(calendar)?.access.get(&account.email).copied()
}

fn etag(entry: &ListEntry) -> String {
    format!("\"{}\"", 1_700_000_000_000_000u64 + entry.change)
}

fn render(world: &World, account: &Account, id: &str, entry: &ListEntry) -> Value {
    let mut shown = Map::new();
    shown.insert("kind".into(), "calendar#calendarListEntry".into());
    shown.insert("etag".into(), etag(entry).into());
    shown.insert("id".into(), id.into());
    let calendar = world.calendars.get(id);
    if entry.deleted {
        shown.insert("deleted".into(), true.into());
        return Value::Object(shown);
    }
    if let Some(calendar) = calendar {
        shown.insert("summary".into(), calendar.summary.as_str().into());
        if let Some(description) = &calendar.description {
            shown.insert("description".into(), description.as_str().into());
        }
        shown.insert("timeZone".into(), calendar.zone.name().into());
    }
    if let Some(name) = &entry.summary_override {
        shown.insert("summaryOverride".into(), name.as_str().into());
    }
    shown.insert("colorId".into(), entry.color_id.as_str().into());
    shown.insert("backgroundColor".into(), "#9fe1e7".into());
    shown.insert("foregroundColor".into(), "#000000".into());
    for (name, set) in
        [("hidden", entry.hidden), ("selected", entry.selected), ("primary", id == account.email)]
    {
        if set {
            shown.insert(name.into(), true.into());
        }
    }
    if let Some(role) = role(world, account, id) {
        shown.insert("accessRole".into(), role.name().into());
    }
    let reminders: Vec<Value> = entry
        .default_reminders
        .iter()
        .map(|(method, minutes)| json!({ "method": method, "minutes": minutes }))
        .collect();
    shown.insert("defaultReminders".into(), Value::Array(reminders));
    shown
        .insert("conferenceProperties".into(), json!({ "allowedConferenceSolutionTypes": ["hangoutsMeet"] }));
    Value::Object(shown)
}
