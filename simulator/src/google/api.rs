//! One authorised call of the Calendar API, and the table from method to code.

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::errors::ApiError;
use super::operation::{Kind, Operation};
use super::wire::{self, Params};
use super::world::World;
use super::{calendar_list, calendars, event_list, events, fields, free_busy, settings, watch};
use crate::control::Control;
use crate::control::provider::{Request, Response};

/// One authorised call.
pub struct Call<'a> {
    /// The simulated Google.
    pub world: &'a mut World,
    /// Outbox and faults.
    pub control: &'a Control,
    /// Whose token it was.
    pub account: String,
    /// Which client's token it was.
    pub client_id: String,
    /// The query.
    pub params: Params,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, not yet read.
    pub body: &'a [u8],
    /// The simulated time.
    pub now: Timestamp,
}

impl Call<'_> {
    /// The body as a JSON object.
    pub fn json(&self) -> Result<Map<String, Value>, ApiError> {
        wire::json_object(self.body)
    }
}

/// What a method answers when all is well.
pub enum Answer {
    /// 200 with JSON.
    Json(Value),
    /// 204.
    NoContent,
    /// 304.
    NotModified,
}

/// Answers a request to the Calendar API.
pub fn answer(
    world: &mut World,
    control: &Control,
    operation: &Operation,
    request: &Request,
    now: Timestamp,
) -> Response {
    let params = Params::of_query(request);
    let mask = params.get("fields").map(str::to_owned);
    let result = authorise(world, operation.kind, request, now).and_then(|(account, client_id)| {
        super::conference::settle(world, now);
        let mut call = Call {
            world,
            control,
            account,
            client_id,
            params,
            headers: request.headers(),
            body: request.body(),
            now,
        };
        perform(&mut call, operation)
    });
    let result = result.and_then(|answer| match (answer, &mask) {
        (Answer::Json(value), Some(mask)) => fields::select(value, mask).map(Answer::Json),
        (answer, _) => Ok(answer),
    });
    match result {
        Ok(Answer::Json(value)) => wire::json(StatusCode::OK, &value),
        Ok(Answer::NoContent) => wire::empty(StatusCode::NO_CONTENT),
        Ok(Answer::NotModified) => wire::empty(StatusCode::NOT_MODIFIED),
        Err(error) => error.into_response(),
    }
}

fn authorise(
    world: &mut World,
    kind: Kind,
    request: &Request,
    now: Timestamp,
) -> Result<(String, String), ApiError> {
    let token = wire::bearer_token(request).ok_or_else(ApiError::login_required)?;
    let token = world.grants.access(&token, now).ok_or_else(ApiError::invalid_credentials)?;
    kind.check_scopes(&token.scopes)?;
    let (account, client_id) = (token.party.account.clone(), token.party.client_id.clone());
    world.quota.admit(&account, now)?;
    Ok((account, client_id))
}

fn perform(call: &mut Call<'_>, operation: &Operation) -> Result<Answer, ApiError> {
    let calendar = operation.calendar.as_deref().unwrap_or("primary");
    let event = operation.event.as_deref().unwrap_or_default();
    match operation.kind {
        Kind::CalendarListList => calendar_list::list(call),
        Kind::CalendarListGet => calendar_list::get(call, calendar),
        Kind::CalendarListInsert => calendar_list::insert(call),
        Kind::CalendarListPatch => calendar_list::patch(call, calendar),
        Kind::CalendarListDelete => calendar_list::delete(call, calendar),
        Kind::CalendarListWatch => watch::watch_list(call),
        Kind::CalendarsGet => calendars::get(call, calendar),
        Kind::CalendarsInsert => calendars::insert(call),
        Kind::CalendarsPatch => calendars::patch(call, calendar),
        Kind::CalendarsDelete => calendars::delete(call, calendar),
        Kind::EventsList => event_list::list(call, calendar),
        Kind::EventsInsert => events::insert(call, calendar),
        Kind::EventsImport => events::import(call, calendar),
        Kind::EventsGet => events::get(call, calendar, event),
        Kind::EventsPatch => events::change(call, calendar, event, events::Change::Patch),
        Kind::EventsUpdate => events::change(call, calendar, event, events::Change::Replace),
        Kind::EventsDelete => events::delete(call, calendar, event),
        Kind::EventsMove => events::move_to(call, calendar, event),
        Kind::EventsInstances => event_list::instances(call, calendar, event),
        Kind::EventsWatch => watch::watch_events(call, calendar),
        Kind::FreeBusy => free_busy::query(call),
        Kind::SettingsList => settings::list(call),
        Kind::SettingsGet => settings::get(call, calendar),
        Kind::ChannelsStop => watch::stop(call),
    }
}
