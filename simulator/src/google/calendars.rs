//! `calendars`: get, insert, patch, delete.

use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::oauth::grants::random;
use super::world::{Calendar, Role};
use super::zone::Zone;

/// `GET /calendars/{id}`
pub fn get(call: &mut Call<'_>, calendar: &str) -> Result<Answer, ApiError> {
    let (found, _) = call.world.calendar(&call.account, calendar)?;
    Ok(Answer::Json(render(found)))
}

/// `POST /calendars`: a secondary calendar that the account owns.
pub fn insert(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let body = call.json()?;
    let summary = text(&body, "summary").ok_or_else(|| ApiError::required("Missing title."))?;
    let zone = match text(&body, "timeZone") {
        Some(name) => named_zone(name)?,
        None => Zone::utc(),
    };
    let id = format!("c_{}@group.calendar.google.com", random(48).to_lowercase());
    call.world.add_calendar(&id, summary, zone, call.now);
    if let Some(calendar) = call.world.calendars.get_mut(&id) {
        calendar.description = text(&body, "description").map(str::to_owned);
    }
    call.world.subscribe(&call.account, &id, Role::Owner, true);
    get(call, &id)
}

/// `PATCH` or `PUT /calendars/{id}`
pub fn patch(call: &mut Call<'_>, calendar: &str) -> Result<Answer, ApiError> {
    let body = call.json()?;
    let zone = text(&body, "timeZone").map(named_zone).transpose()?;
    let change = call.world.next_change();
    let found = call.world.calendar_mut(&call.account, calendar, Role::Owner)?;
    if let Some(summary) = text(&body, "summary") {
        found.summary = summary.to_owned();
    }
    if let Some(description) = body.get("description") {
        found.description = description.as_str().map(str::to_owned);
    }
    if let Some(zone) = zone {
        found.zone = zone;
    }
    found.change = change;
    get(call, calendar)
}

/// `DELETE /calendars/{id}`: secondary calendars only.
pub fn delete(call: &mut Call<'_>, calendar: &str) -> Result<Answer, ApiError> {
    let id = call.world.calendar_as(&call.account, calendar, Role::Owner)?.id.clone();
    if call.world.accounts.contains_key(&id) {
        return Err(ApiError::new(
            400,
            "calendar",
            "cannotDeletePrimaryCalendar",
            "Cannot delete primary calendar.",
        ));
    }
    call.world.remove_calendar(&id);
    Ok(Answer::NoContent)
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn named_zone(name: &str) -> Result<Zone, ApiError> {
    Zone::named(name).ok_or_else(|| ApiError::invalid("Invalid time zone."))
}

fn render(calendar: &Calendar) -> Value {
    let mut shown = json!({
        "kind": "calendar#calendar",
        "etag": format!("\"{}\"", 1_600_000_000_000_000u64 + calendar.change),
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.zone.name(),
        "conferenceProperties": { "allowedConferenceSolutionTypes": ["hangoutsMeet"] },
    });
    if let Some(description) = &calendar.description {
        shown["description"] = description.as_str().into();
    }
    shown
}
