//! `cancel-event`: takes an event off the calendar and tells the people invited. One that is gone is a success.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    conflicts,
    work::{Done, Run, Task, Undone},
};
use crate::{
    domain::{
        connector::ConflictStrategy,
        failure::Failure,
        ids::{CalendarId, ETag, EventId},
    },
    ports::Ports,
    providers::{CALLS_TO_DELETE, Deletion},
    session::with_session,
};

/// What a producer writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = CancelEventPayload))]
pub struct Payload {
    /// Which event.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = String))]
    pub event_id: EventId,
    /// In which calendar; none given: the connector's booking calendar.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<String>))]
    pub calendar_id: Option<CalendarId>,
    /// Cancel only this version of it.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<String>))]
    pub etag: Option<ETag>,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = CancelEventResult))]
pub struct Cancellation<'a> {
    event_id: &'a EventId,
    calendar_id: &'a CalendarId,
    /// Whether it was off the calendar before.
    already_gone: bool,
}

/// A checked request.
#[derive(Debug)]
pub struct CancelEvent(Payload);

impl Task for CancelEvent {
    type Payload = Payload;

    fn check(payload: Payload) -> Result<Self, Failure> {
        if payload.event_id.as_str().is_empty() {
            return Err(Failure::rejected("empty_field", "eventId", "expected the id of an event"));
        }
        Ok(Self(payload))
    }

    async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone> {
        let calendar = run.booking_calendar(self.0.calendar_id.as_ref());
        let provider = run.app.providers.get(run.connector.provider)?.calendars();
        let Payload { event_id: event, etag, .. } = &self.0;
        let reapplies = run.connector.preferences.on_conflict == ConflictStrategy::Reapply;
        let deletion = with_session(run.app, run.connector, CALLS_TO_DELETE, async |session| {
            match session.call(provider.delete_event(&calendar, event, etag.as_ref())).await {
                Err(failure) if reapplies && conflicts::is_conflict(&failure) => {
                    session.call(provider.delete_event(&calendar, event, None)).await
                }
                other => other,
            }
        })
        .await
        .map_err(|failure| conflicts::told(run, event, &calendar, etag.as_ref(), failure))?;
        let gone = deletion == Deletion::AlreadyGone && !run.repeated;
        if gone && self.0.calendar_id.is_some() && !run.knows_calendar(&calendar) {
            // Providers say of an event in a calendar that does not exist what they say of one that is gone.
            let failure =
                Failure::rejected("unknown_calendar", "calendarId", "the account has no such calendar");
            return Err(failure.into());
        }
        let result = Cancellation { event_id: event, calendar_id: &calendar, already_gone: gone };
        Ok(Done::with(json!(result)))
    }
}
