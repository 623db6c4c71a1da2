//! When people are busy: `getSchedule` for those of the organisation, `calendarView` for everybody's own calendars.

use huddle_calendar_sync::{
    domain::time::{Interval, Timestamp},
    ports::HttpResponse,
};
use serde_json::{Value, json};

use super::{answers, event, is_personal};
use crate::providers::{
    Account,
    agenda::Event,
    dialect::Call,
    wire::{self, query},
};

/// The working hours of everybody.
pub fn working_hours() -> Value {
    json!({
        "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "startTime": "08:00:00.0000000", "endTime": "17:00:00.0000000",
        "timeZone": { "name": "W. Europe Standard Time" },
    })
}

/// `getSchedule`: the main calendars of people of the organisation, by their addresses.
pub fn schedules(call: &Call<'_>) -> HttpResponse {
    if is_personal(call.account) {
        return answers::error(400, "BadRequest", "This API is not supported for MSA accounts");
    }
    let body = wire::object(call.request);
    let at = |name: &str| body.get(name).and_then(event::instant);
    let window = at("startTime").and_then(|start| at("endTime").and_then(|end| Interval::new(start, end)));
    let Some(window) = window else {
        return answers::error(400, "ErrorInvalidTimeInterval", "The time interval is invalid.");
    };
    let addresses = body.get("schedules").and_then(Value::as_array).cloned().unwrap_or_default();
    let schedules: Vec<Value> = addresses
        .iter()
        .map(|address| {
            let address = address.as_str().unwrap_or_default();
            let colleague = |account: &&Account| {
                account.email == address && account.tenant == call.account.tenant
            };
            match call.accounts.iter().find(colleague) {
                None => json!({
                    "scheduleId": address, "availabilityView": "", "scheduleItems": [],
                    "error": { "responseCode": "ErrorMailRecipientNotFound", "message": "Unable to resolve." },
                }),
                Some(colleague) => schedule(call, colleague, window),
            }
        })
        .collect();
    wire::json(200, &json!({ "value": schedules }))
}

fn schedule(call: &Call<'_>, colleague: &Account, window: Interval) -> Value {
    let main = &call.agenda.calendars_of(&colleague.email)[0];
    let events = call.agenda.events(&colleague.email, main).into_iter().flat_map(|events| events.values());
    let items: Vec<Value> = events
        .filter_map(|event| {
            let busy = event.blocks()?.intersection(window)?;
            let (start, end) = (event::date_time(busy.start()), event::date_time(busy.end()));
            let status = if event.facts.confirmed { "busy" } else { "tentative" };
            Some(json!({ "status": status, "start": start, "end": end }))
        })
        .collect();
    json!({
        "scheduleId": colleague.email, "availabilityView": "0", "scheduleItems": items,
        "workingHours": working_hours(),
    })
}

/// `calendarView`: what is on a calendar in a while.
pub fn view(call: &Call<'_>, calendar: &str) -> HttpResponse {
    let at = |name: &str| query(call.request, name).and_then(|text| Timestamp::parse_rfc3339(&text));
    let window =
        at("startDateTime").and_then(|start| at("endDateTime").and_then(|end| Interval::new(start, end)));
    let (Some(window), Some(events)) = (window, call.agenda.events(&call.account.email, calendar)) else {
        return answers::no_such_item();
    };
    let inside = |event: &&Event| {
        !event.deleted && event.facts.interval.is_some_and(|interval| interval.overlaps(window))
    };
    let events: Vec<Value> = events.values().filter(inside).map(|event| event::shown(event, false)).collect();
    wire::json(200, &json!({ "value": events }))
}
