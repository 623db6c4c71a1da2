//! The Calendar API v3, as far as the worker uses it.

use http::{Method, header::IF_MATCH};
use huddle_calendar_sync::{
    domain::time::{Interval, Timestamp},
    ports::{HttpRequest, HttpResponse},
};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{
    agenda::{Agenda, Event},
    answers::{error, not_found},
    json as json_answer,
};

/// Answers somebody who is known. `path` is what follows `/calendar/v3`.
pub fn answer(
    agenda: &mut Agenda,
    account: &str,
    path: &str,
    request: &HttpRequest,
    now: Timestamp,
) -> HttpResponse {
    let segments: Vec<String> = path
        .trim_start_matches('/')
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let call = Call { agenda, account, request, now };
    match (request.method(), segments.as_slice()) {
        (&Method::GET, ["users", "me", "calendarList"]) => call.list_calendars(),
        (&Method::GET, ["users", "me", "calendarList", "primary"]) => {
            json_answer(200, &entry(account, account))
        }
        (&Method::POST, ["freeBusy"]) => call.free_busy(),
        (&Method::POST, ["calendars", calendar, "events"]) => call.insert(calendar),
        (&Method::GET, ["calendars", calendar, "events", id]) => call.get(calendar, id),
        (&Method::PATCH, ["calendars", calendar, "events", id]) => call.patch(calendar, id),
        (&Method::DELETE, ["calendars", calendar, "events", id]) => call.delete(calendar, id),
        _ => not_found(),
    }
}

struct Call<'a> {
    agenda: &'a mut Agenda,
    account: &'a str,
    request: &'a HttpRequest,
    now: Timestamp,
}

impl Call<'_> {
    fn list_calendars(self) -> HttpResponse {
        let calendars = self.agenda.calendars_of(self.account);
        let items: Vec<Value> = calendars.iter().map(|id| entry(self.account, id)).collect();
        json_answer(200, &json!({ "kind": "calendar#calendarList", "items": items }))
    }

    fn free_busy(self) -> HttpResponse {
        let body = self.body();
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
            let answer = match self.agenda.events(self.account, id) {
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
        json_answer(200, &json!({ "kind": "calendar#freeBusy", "calendars": calendars }))
    }

    fn insert(self, calendar: &str) -> HttpResponse {
        let body = self.body();
        let Some(events) = self.agenda.events(self.account, calendar) else { return not_found() };
        let id = match body.get("id").and_then(Value::as_str) {
            Some(id) if events.contains_key(id) => {
                return error(409, "global", "duplicate", "The requested identifier already exists.");
            }
            Some(id) if !id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'v').contains(&byte)) => {
                return error(400, "global", "invalid", "Invalid resource id value.");
            }
            Some(id) => id.to_owned(),
            None => format!("own{:08}", self.agenda.deeds.len()),
        };
        let invite = self.query("sendUpdates").as_deref() == Some("all");
        let calendar = self.resolve(calendar);
        json_answer(200, &self.agenda.create(&calendar, id, body, invite, self.now).shown())
    }

    fn get(self, calendar: &str, id: &str) -> HttpResponse {
        match self.event(calendar, id) {
            Some(event) => json_answer(200, &event.shown()),
            None => not_found(),
        }
    }

    fn patch(self, calendar: &str, id: &str) -> HttpResponse {
        let Some(event) = self.event(calendar, id) else { return not_found() };
        if let Some(refusal) = self.precondition(event) {
            return refusal;
        }
        let tell = self.query("sendUpdates").as_deref() == Some("all");
        let (calendar, body) = (self.resolve(calendar), self.body());
        json_answer(200, &self.agenda.patch(&calendar, id, &body, tell).shown())
    }

    fn delete(self, calendar: &str, id: &str) -> HttpResponse {
        let Some(event) = self.event(calendar, id) else { return not_found() };
        if event.is_deleted() {
            return error(410, "global", "deleted", "Resource has been deleted");
        }
        if let Some(refusal) = self.precondition(event) {
            return refusal;
        }
        let tell = self.query("sendUpdates").as_deref() == Some("all");
        let calendar = self.resolve(calendar);
        self.agenda.delete(&calendar, id, tell);
        http::Response::builder().status(204).body(bytes::Bytes::new()).unwrap()
    }

    fn event(&self, calendar: &str, id: &str) -> Option<&Event> {
        self.agenda.events(self.account, calendar)?.get(id)
    }

    fn resolve(&self, calendar: &str) -> String {
        if calendar == "primary" { self.account.to_owned() } else { calendar.to_owned() }
    }

    fn precondition(&self, event: &Event) -> Option<HttpResponse> {
        let wanted = self.request.headers().get(IF_MATCH)?.to_str().ok()?;
        (wanted != event.etag()).then(|| error(412, "global", "conditionNotMet", "Precondition Failed"))
    }

    fn body(&self) -> Map<String, Value> {
        serde_json::from_slice(self.request.body()).unwrap_or_default()
    }

    fn query(&self, name: &str) -> Option<String> {
        let query = self.request.uri().query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

fn entry(account: &str, calendar: &str) -> Value {
    json!({
        "kind": "calendar#calendarListEntry", "id": calendar, "summary": calendar, "timeZone": "Europe/Berlin",
        "accessRole": "owner", "primary": calendar == account, "selected": true,
    })
}
