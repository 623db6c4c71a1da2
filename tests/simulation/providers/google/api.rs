//! The Calendar API v3, as far as the worker uses it.

use http::{Method, header::IF_MATCH};
use huddle_calendar_sync::{
    domain::time::{Interval, Timestamp},
    ports::HttpResponse,
};
use serde_json::{Map, Value, json};

use super::{
    answers::{error, not_found},
    event,
};
use crate::providers::{
    agenda::Event,
    dialect::Call,
    wire::{self, query, segments},
};

/// Answers a call.
pub fn answer(call: Call<'_>) -> HttpResponse {
    let segments = segments(call.request, "/calendar/v3");
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.request.method(), segments.as_slice()) {
        (&Method::GET, ["users", "me", "calendarList"]) => list_calendars(&call),
        (&Method::GET, ["users", "me", "calendarList", "primary"]) => {
            wire::json(200, &entry(&call, &call.account.email))
        }
        (&Method::POST, ["freeBusy"]) => free_busy(&call),
        (&Method::POST, ["calendars", calendar, "events"]) => insert(call, calendar),
        (&Method::GET, ["calendars", calendar, "events", id]) => get(&call, calendar, id),
        (&Method::PATCH, ["calendars", calendar, "events", id]) => patch(call, calendar, id),
        (&Method::DELETE, ["calendars", calendar, "events", id]) => delete(call, calendar, id),
        _ => not_found(),
    }
}

fn list_calendars(call: &Call<'_>) -> HttpResponse {
    let calendars = call.agenda.calendars_of(&call.account.email);
    let items: Vec<Value> = calendars.iter().map(|id| entry(call, id)).collect();
    wire::json(200, &json!({ "kind": "calendar#calendarList", "items": items }))
}

fn free_busy(call: &Call<'_>) -> HttpResponse {
    let body = wire::object(call.request);
    let instant = |name: &str| body.get(name)?.as_str().and_then(Timestamp::parse_rfc3339);
    let Some(window) =
        instant("timeMin").and_then(|start| instant("timeMax").and_then(|end| Interval::new(start, end)))
    else {
        return error(400, "global", "timeRangeEmpty", "The requested time range is empty.");
    };
    let items = body.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut calendars = Map::new();
    for item in items {
        let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
        let answer = match call.agenda.events(&call.account.email, resolve(call, id)) {
            None => json!({ "errors": [{ "domain": "global", "reason": "notFound" }], "busy": [] }),
            Some(events) => {
                let busy = events.values().filter_map(Event::blocks);
                let busy = busy.filter_map(|busy| busy.intersection(window)).map(
                    |busy| json!({ "start": busy.start().to_rfc3339(), "end": busy.end().to_rfc3339() }),
                );
                json!({ "busy": busy.collect::<Vec<_>>() })
            }
        };
        calendars.insert(id.to_owned(), answer);
    }
    wire::json(200, &json!({ "kind": "calendar#freeBusy", "calendars": calendars }))
}

fn insert(call: Call<'_>, calendar: &str) -> HttpResponse {
    let body = wire::object(call.request);
    let calendar = resolve(&call, calendar).to_owned();
    let Some(events) = call.agenda.events(&call.account.email, &calendar) else { return not_found() };
    let id = match body.get("id").and_then(Value::as_str) {
        Some(id) if events.contains_key(id) => {
            return error(409, "global", "duplicate", "The requested identifier already exists.");
        }
        Some(id) if !id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'v').contains(&byte)) => {
            return error(400, "global", "invalid", "Invalid resource id value.");
        }
        Some(id) => id.to_owned(),
        None => format!("own{:08}", call.agenda.deeds.len()),
    };
    let body = event::creation(&id, body);
    let facts = event::facts(&body);
    let tell = tells(&call);
    wire::json(200, &event::shown(call.agenda.create(&calendar, id, body, facts, tell, call.now)))
}

fn get(call: &Call<'_>, calendar: &str, id: &str) -> HttpResponse {
    match find(call, calendar, id) {
        Some(event) => wire::json(200, &event::shown(event)),
        None => not_found(),
    }
}

fn patch(call: Call<'_>, calendar: &str, id: &str) -> HttpResponse {
    let Some(event) = find(&call, calendar, id) else { return not_found() };
    if let Some(refusal) = precondition(&call, event) {
        return refusal;
    }
    let (patch, mut body) = (wire::object(call.request), event.body.clone());
    event::merge(&mut body, &patch);
    let (facts, change) = (event::facts(&body), event::change(&patch));
    let (calendar, tell) = (event.calendar.clone(), tells(&call));
    if patch.contains_key("status") {
        call.agenda.revive(&calendar, id);
    }
    wire::json(200, &event::shown(call.agenda.change(&calendar, id, body, facts, change, tell)))
}

fn delete(call: Call<'_>, calendar: &str, id: &str) -> HttpResponse {
    let Some(event) = find(&call, calendar, id) else { return not_found() };
    if event.deleted {
        return error(410, "global", "deleted", "Resource has been deleted");
    }
    if let Some(refusal) = precondition(&call, event) {
        return refusal;
    }
    let (calendar, tell) = (event.calendar.clone(), tells(&call));
    call.agenda.delete(&calendar, id, tell);
    wire::empty(204)
}

fn find<'a>(call: &'a Call<'_>, calendar: &str, id: &str) -> Option<&'a Event> {
    call.agenda.events(&call.account.email, resolve(call, calendar))?.get(id)
}

fn resolve<'a>(call: &Call<'a>, calendar: &'a str) -> &'a str {
    if calendar == "primary" { &call.account.email } else { calendar }
}

fn tells(call: &Call<'_>) -> bool {
    query(call.request, "sendUpdates").as_deref() == Some("all")
}

fn precondition(call: &Call<'_>, event: &Event) -> Option<HttpResponse> {
    let wanted = call.request.headers().get(IF_MATCH)?.to_str().ok()?;
    (wanted != event::etag(event)).then(|| error(412, "global", "conditionNotMet", "Precondition Failed"))
}

fn entry(call: &Call<'_>, calendar: &str) -> Value {
    json!({
        "kind": "calendar#calendarListEntry", "id": calendar, "summary": calendar, "timeZone": "Europe/Berlin",
        "accessRole": "owner", "primary": calendar == call.account.email, "selected": true,
    })
}
