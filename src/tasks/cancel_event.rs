//! `cancel-event`: takes an event off the calendar and tells the people invited. One that is gone is a success.

use serde::Deserialize;
use serde_json::json;

use super::work::{Done, Run, Task, Undone};
use crate::{
    domain::{
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
        let deletion = with_session(run.app, run.connector, CALLS_TO_DELETE, async |session| {
            session.call(provider.delete_event(&calendar, &self.0.event_id, self.0.etag.as_ref())).await
        })
        .await
        .map_err(|failure| failure.under("payload"))?;
        Ok(Done::with(json!({
            "eventId": self.0.event_id,
            "calendarId": calendar,
            "alreadyGone": deletion == Deletion::AlreadyGone && !run.repeated,
        })))
    }
}
