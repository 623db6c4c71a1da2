//! `update-event`: changes an event. With an etag, only the version the producer saw; a conflict is answered by the
//! connector's strategy. The change is named in the event, so that it is not made, and mailed, twice.

use serde::Deserialize;
use serde_json::json;

use super::{
    conflicts,
    create_event::EventResult,
    event_fields::{self, EventFields},
    work::{Done, Run, Task, Undone},
};
use crate::{
    domain::{
        connector::ConflictStrategy,
        event::{CreationKey, Event, EventPatch, EventTimes},
        failure::Failure,
        ids::{CalendarId, ETag, EventId},
    },
    ports::Ports,
    providers::{CALLS_TO_UPDATE, CalendarProvider, Pending},
    session::{Session, with_session},
};

/// What a producer writes. Fields that are missing stay as they are.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = UpdateEventPayload))]
pub struct Payload {
    /// Which event.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = String))]
    pub event_id: EventId,
    /// In which calendar; none given: the connector's booking calendar.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<String>))]
    pub calendar_id: Option<CalendarId>,
    /// Change only this version of it.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<String>))]
    pub etag: Option<ETag>,
    /// New title.
    #[serde(default)]
    pub summary: Option<String>,
    /// New start; `start`, `end` and `timeZone` go together.
    #[serde(default)]
    pub start: Option<String>,
    /// New end.
    #[serde(default)]
    pub end: Option<String>,
    /// The zone of the new times.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Whether the new times are days.
    #[serde(default)]
    pub all_day: bool,
    /// Everything else.
    #[serde(flatten)]
    pub fields: EventFields,
}

/// A checked request.
#[derive(Debug)]
pub struct UpdateEvent {
    event: EventId,
    calendar: Option<CalendarId>,
    etag: Option<ETag>,
    patch: EventPatch,
}

impl Task for UpdateEvent {
    type Payload = Payload;

    fn check(payload: Payload) -> Result<Self, Failure> {
        if let Some(summary) = &payload.summary {
            event_fields::check_summary(summary)?;
        }
        let times = check_times(&payload)?;
        let fields = payload.fields.check(payload.all_day)?;
        let patch = EventPatch {
            summary: payload.summary,
            description: fields.description,
            location: fields.location,
            times,
            attendees: fields.attendees,
            conference: fields.conference,
            recurrence: fields.recurrence,
            reminders: fields.reminders,
            visibility: fields.visibility,
            transparency: fields.transparency,
            status: None,
            applied_by: None,
        };
        if patch == EventPatch::default() {
            return Err(Failure::refused("nothing_to_change", "expected at least one field to change"));
        }
        Ok(Self { event: payload.event_id, calendar: payload.calendar_id, etag: payload.etag, patch })
    }

    async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone> {
        let change = Change {
            provider: run.app.providers.get(run.connector.provider)?.calendars(),
            calendar: run.booking_calendar(self.calendar.as_ref()),
            event: self.event,
            etag: self.etag,
            strategy: run.connector.preferences.on_conflict,
            key: CreationKey::derive(&["update", run.asked.connector.as_str(), run.asked.task.as_str()]),
            patch: self.patch,
        };
        let planned = CALLS_TO_UPDATE + u32::from(change.patch.conference.is_some());
        let outcome =
            with_session(run.app, run.connector, planned, async |session| change.make(session).await).await;
        match outcome {
            Ok(event) => Ok(Done::with(json!(EventResult::from(event)))),
            Err(failure) => {
                Err(conflicts::told(run, &change.event, &change.calendar, change.etag.as_ref(), failure))
            }
        }
    }
}

fn check_times(payload: &Payload) -> Result<Option<EventTimes>, Failure> {
    match (&payload.start, &payload.end, &payload.time_zone) {
        (None, None, None) => Ok(None),
        (Some(start), Some(end), Some(zone)) => {
            event_fields::times(start, end, zone, payload.all_day).map(Some)
        }
        (start, end, _) => {
            let missing = if start.is_none() {
                "start"
            } else if end.is_none() {
                "end"
            } else {
                "timeZone"
            };
            Err(Failure::rejected("missing_field", missing, "expected start, end and timeZone together"))
        }
    }
}

/// One change to one event.
struct Change<'a> {
    provider: &'a dyn CalendarProvider,
    calendar: CalendarId,
    event: EventId,
    etag: Option<ETag>,
    strategy: ConflictStrategy,
    key: CreationKey,
    patch: EventPatch,
}

impl Change<'_> {
    async fn make<P: Ports>(&self, session: &mut Session<'_, P>) -> Result<Event, Failure> {
        match session.call(self.update(self.etag.as_ref())).await {
            Err(failure)
                if conflicts::is_conflict(&failure) && self.strategy == ConflictStrategy::Reapply =>
            {
                session.call(self.update(None)).await
            }
            other => other,
        }
    }

    fn update(&self, etag: Option<&ETag>) -> Pending<Event> {
        let patch = EventPatch { applied_by: Some(self.key.clone()), ..self.patch.clone() };
        self.provider.update_event(&self.calendar, &self.event, patch, etag)
    }
}
