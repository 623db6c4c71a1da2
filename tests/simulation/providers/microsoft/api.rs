//! Graph v1.0, as far as the worker uses it.

use http::{Method, header::IF_MATCH};
use huddle_calendar_sync::ports::HttpResponse;
use serde_json::{Map, Value, json};

use super::{
    Microsoft, answers,
    busy::{self, working_hours},
    event, is_personal,
};
use crate::providers::{
    agenda::Event,
    dialect::{Call, Dialect},
    wire::{self, query, segments},
};

/// Answers a call, or a part of a batch.
pub fn answer(call: &mut Call<'_>) -> HttpResponse {
    let segments = segments(call.request, "/v1.0");
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let main = call.agenda.calendars_of(&call.account.email)[0].clone();
    match (call.request.method(), segments.as_slice()) {
        (&Method::GET, ["me", "mailboxSettings"]) => wire::json(
            200,
            &json!({ "timeZone": "W. Europe Standard Time", "workingHours": working_hours() }),
        ),
        (&Method::GET, ["me", "calendars"]) => list_calendars(call),
        (&Method::POST, ["me", "calendar", "getSchedule"]) => busy::schedules(call),
        (_, ["me", "events", id]) => of_event(call, id),
        (&Method::POST, ["me", "events", id, "cancel"]) => cancel(call, id),
        (_, ["me", "calendar", rest @ ..]) => of_calendar(call, &main, rest),
        (_, ["me", "calendars", calendar, rest @ ..]) => of_calendar(call, calendar, rest),
        _ => answers::error(400, "BadRequest", "Resource not found for the segment."),
    }
}

fn of_calendar(call: &mut Call<'_>, calendar: &str, rest: &[&str]) -> HttpResponse {
    let Some(place) = place_of(call, calendar) else { return answers::no_such_item() };
    match (call.request.method(), rest) {
        (&Method::GET, []) => wire::json(200, &entry(call, calendar, place)),
        (&Method::GET, ["calendarView"]) => busy::view(call, calendar),
        (&Method::GET, ["events"]) => search(call, calendar),
        (&Method::POST, ["events"]) => create(call, calendar),
        _ => answers::error(405, "Request_BadRequest", "Specified HTTP method is not allowed."),
    }
}

fn of_event(call: &mut Call<'_>, id: &str) -> HttpResponse {
    if !id.starts_with("AAMk") {
        return answers::error(400, "ErrorInvalidIdMalformed", "Id is malformed.");
    }
    let Some(event) = find(call, id) else { return answers::no_such_item() };
    let wanted = call.request.headers().get(IF_MATCH);
    if wanted.is_some_and(|wanted| wanted.as_bytes() != event::etag(&event).as_bytes()) {
        return answers::error(
            412,
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed.",
        );
    }
    match *call.request.method() {
        Method::GET => wire::json(200, &event::shown(&event, expands(call))),
        Method::PATCH => {
            let (patch, mut body) = (wire::object(call.request), event.body);
            event::merge(&mut body, &patch);
            let (facts, change) = (event::facts(&body), event::change(&patch));
            let changed = call.agenda.change(&event.calendar, id, body, facts, change, true);
            wire::json(200, &event::shown(changed, false))
        }
        Method::DELETE => {
            call.agenda.delete(&event.calendar, id, true);
            wire::empty(204)
        }
        _ => answers::error(405, "Request_BadRequest", "Specified HTTP method is not allowed."),
    }
}

fn cancel(call: &mut Call<'_>, id: &str) -> HttpResponse {
    let Some(event) = find(call, id) else { return answers::no_such_item() };
    if event.facts.attendees.is_empty() {
        return answers::error(400, "ErrorInvalidRequest", "Only meetings can be cancelled.");
    }
    call.agenda.delete(&event.calendar, id, true);
    wire::empty(202)
}

fn list_calendars(call: &Call<'_>) -> HttpResponse {
    let calendars = call.agenda.calendars_of(&call.account.email);
    let entries: Vec<Value> =
        calendars.iter().enumerate().map(|(place, id)| entry(call, id, place)).collect();
    wire::json(200, &json!({ "value": entries }))
}

/// By the only filter there is: an extended property's value.
fn search(call: &Call<'_>, calendar: &str) -> HttpResponse {
    let filter = query(call.request, "$filter").unwrap_or_default();
    let wanted = filter.rsplit('\'').nth(1).unwrap_or_default();
    let events =
        call.agenda.events(&call.account.email, calendar).into_iter().flat_map(|events| events.values());
    let found = events.filter(|event| !event.deleted && event.key() == Some(wanted));
    let found: Vec<Value> = found.map(|event| event::shown(event, expands(call))).collect();
    wire::json(200, &json!({ "value": found }))
}

/// An event of a transaction that is there already is not made again: some mailboxes answer with it, some only name it.
fn create(call: &mut Call<'_>, calendar: &str) -> HttpResponse {
    let mut body = wire::object(call.request);
    let transaction = body.get("transactionId").and_then(Value::as_str);
    let same = |event: &&Event| {
        !event.deleted && event.body.get("transactionId").and_then(Value::as_str) == transaction
    };
    let earlier = transaction.and_then(|_| call.agenda.all().find(same));
    if let Some(earlier) = earlier {
        return if is_personal(call.account) {
            wire::json(201, &event::shown(earlier, false))
        } else {
            answers::duplicate_transaction(&earlier.id)
        };
    }
    complete(call, &mut body);
    let facts = event::facts(&body);
    if facts.interval.is_none() {
        return answers::error(400, "ErrorInvalidRequest", "The event's times make no sense.");
    }
    let id = match &facts.key {
        Some(key) => Microsoft.event_id(key, call.agenda.made_under(key).count()),
        None => format!("AAMkown{:08}", call.agenda.deeds.len()),
    };
    wire::json(201, &event::shown(call.agenda.create(calendar, id, body, facts, true, call.now), false))
}

/// What Exchange adds to a new event.
fn complete(call: &Call<'_>, body: &mut Map<String, Value>) {
    let zone = body.get("start").map(|start| start["timeZone"].clone()).unwrap_or_default();
    body.insert("originalStartTimeZone".to_owned(), zone);
    if body.get("isOnlineMeeting") == Some(&Value::Bool(true)) && !is_personal(call.account) {
        let url = "https://teams.microsoft.com/l/meetup-join/0";
        body.insert("onlineMeeting".to_owned(), json!({ "joinUrl": url }));
    }
}

fn find(call: &Call<'_>, id: &str) -> Option<Event> {
    let calendars = call.agenda.calendars_of(&call.account.email);
    let event = call.agenda.find(id)?;
    (!event.deleted && calendars.contains(&event.calendar)).then(|| event.clone())
}

fn expands(call: &Call<'_>) -> bool {
    query(call.request, "$expand").is_some()
}

fn place_of(call: &Call<'_>, calendar: &str) -> Option<usize> {
    call.agenda.calendars_of(&call.account.email).iter().position(|id| id == calendar)
}

fn entry(call: &Call<'_>, calendar: &str, place: usize) -> Value {
    let conferences: &[&str] = if is_personal(call.account) { &[] } else { &["teamsForBusiness"] };
    json!({
        "id": calendar, "name": format!("Calendar {place}"), "isDefaultCalendar": place == 0, "canEdit": true,
        "owner": { "name": "", "address": call.account.email }, "allowedOnlineMeetingProviders": conferences,
    })
}
