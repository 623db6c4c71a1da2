//! `create-event`: puts an event on the calendar, once. What the provider knows the event by is derived from the task, so
//! doing it again finds what was done.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    event_fields::{self, EventFields},
    work::{Done, Run, Task, Undone},
};
use crate::{
    domain::{
        event::{CreationKey, Event, EventDraft, EventStatus, EventTimes, Marker, Transparency, Visibility},
        failure::Failure,
        ids::{CalendarId, ETag, EventId},
    },
    ports::Ports,
    session::with_session,
};

/// What a producer writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = CreateEventPayload))]
pub struct Payload {
    /// Title.
    pub summary: String,
    /// First instant (RFC 3339, or local in `timeZone`), or first day of an all-day event.
    pub start: String,
    /// First instant after it, or the day after its last.
    pub end: String,
    /// IANA or Windows name of the zone it is shown and recurs in.
    pub time_zone: String,
    /// Whether `start` and `end` are days.
    #[serde(default)]
    pub all_day: bool,
    /// Where; none given: the connector's booking calendar.
    #[serde(default)]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<String>))]
    pub calendar_id: Option<CalendarId>,
    /// Everything else.
    #[serde(flatten)]
    pub fields: EventFields,
}

/// A checked request.
#[derive(Debug)]
pub struct CreateEvent {
    summary: String,
    times: EventTimes,
    calendar: Option<CalendarId>,
    fields: EventFields,
}

impl Task for CreateEvent {
    type Payload = Payload;

    fn check(payload: Payload) -> Result<Self, Failure> {
        event_fields::check_summary(&payload.summary)?;
        Ok(Self {
            summary: payload.summary,
            times: event_fields::times(&payload.start, &payload.end, &payload.time_zone, payload.all_day)?,
            calendar: payload.calendar_id,
            fields: payload.fields.check(payload.all_day)?,
        })
    }

    async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone> {
        let draft = EventDraft {
            calendar: run.booking_calendar(self.calendar.as_ref()),
            marker: Marker { key: key(run), hold: None },
            summary: self.summary,
            description: self.fields.description,
            location: self.fields.location,
            times: self.times,
            attendees: self.fields.attendees.unwrap_or_default(),
            conference: self.fields.conference.unwrap_or(false),
            recurrence: self.fields.recurrence.unwrap_or_default(),
            reminders: self.fields.reminders,
            visibility: self.fields.visibility.unwrap_or(Visibility::Default),
            transparency: self.fields.transparency.unwrap_or(Transparency::Opaque),
            status: EventStatus::Confirmed,
        };
        let provider = run.app.providers.get(run.connector.provider)?.calendars();
        // To look for the event, and for what the calendar's conferences are, is a call each.
        let planned = 1 + u32::from(run.repeated) + u32::from(draft.conference);
        let event = with_session(run.app, run.connector, planned, async |session| {
            if run.repeated
                && let Some(event) =
                    session.call(provider.find_event(&draft.calendar, &draft.marker.key)).await?
            {
                return Ok(event);
            }
            session.call(provider.create_event(draft)).await
        })
        .await?;
        Ok(Done::with(json!(EventResult::from(event))))
    }
}

fn key<P: Ports>(run: &Run<'_, P>) -> CreationKey {
    CreationKey::derive(&["event", run.asked.connector.as_str(), run.asked.task.as_str()])
}

/// An event as results show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct EventResult {
    event_id: EventId,
    calendar_id: CalendarId,
    status: EventStatus,
    /// Its version: an `update-event` or `cancel-event` that names it touches no later one.
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<ETag>,
    /// The page that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    html_link: Option<String>,
    /// Where to join the video conference.
    #[serde(skip_serializing_if = "Option::is_none")]
    conference_url: Option<String>,
    /// RFC 5545 UID.
    #[serde(skip_serializing_if = "Option::is_none")]
    i_cal_uid: Option<String>,
    /// How it repeats, in RFC 5545 lines; absent for what is not a series.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recurrence: Vec<String>,
}

impl From<Event> for EventResult {
    fn from(event: Event) -> Self {
        Self {
            event_id: event.id,
            calendar_id: event.calendar,
            status: event.status,
            etag: event.etag,
            html_link: event.html_link,
            conference_url: event.conference_url,
            i_cal_uid: event.ical_uid,
            recurrence: event.recurrence,
        }
    }
}
