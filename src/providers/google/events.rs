//! Events: created once, found again, read, changed and deleted.
//!
//! <https://developers.google.com/workspace/calendar/api/v3/reference/events>

use http::{Method, StatusCode};

use super::{
    errors::{Operation, classify, read},
    event_body::{AttendeeEntry, check_recurrence, insertion, patch as patch_body},
    wire::EventResource,
};
use crate::{
    config::BaseUrl,
    domain::{
        event::{CreationKey, Event, EventDraft, EventPatch, EventStatus},
        failure::{Action, Failure},
        ids::{CalendarId, ETag, EventId},
    },
    ports::{HttpRequest, HttpResponse},
    providers::{
        Deletion, Exchange, Pending, Step, out_of_step,
        requests::{ApiCall, segment},
        single,
    },
};

/// Creates an event under an id that follows from its key. When Google knows that id already, the event is read: it is
/// the one made before, unless somebody else's sits there.
pub(super) fn create(api: &BaseUrl, draft: EventDraft) -> Pending<Event> {
    Box::new(CreateEvent { api: api.clone(), draft, stage: Creation::Start })
}

/// The event made under `key`, cancelled or not.
pub(super) fn find(api: &BaseUrl, calendar: &CalendarId, key: &CreationKey) -> Pending<Option<Event>> {
    let request = read_request(api, calendar, &EventId::new(key.as_str()));
    let (calendar, key) = (calendar.clone(), key.clone());
    single(request, move |answer| match event(Operation::Event, answer, &calendar) {
        Ok(event) => Ok(is_ours(&event, &key).then_some(event)),
        Err(failure) if failure.action == Action::NotFound => Ok(None),
        Err(failure) => Err(failure),
    })
}

/// Reads an event. Google goes on answering for a deleted one: for us it is gone.
pub(super) fn get(api: &BaseUrl, calendar: &CalendarId, id: &EventId) -> Pending<Event> {
    let request = read_request(api, calendar, id);
    let calendar = calendar.clone();
    single(request, move |answer| event(Operation::Event, answer, &calendar).and_then(not_cancelled))
}

/// Changes an event. The people invited are told.
pub(super) fn update(
    api: &BaseUrl,
    calendar: &CalendarId,
    event: &EventId,
    patch: EventPatch,
    if_match: Option<&ETag>,
) -> Pending<Event> {
    Box::new(UpdateEvent {
        api: api.clone(),
        calendar: calendar.clone(),
        event: event.clone(),
        patch,
        if_match: if_match.cloned(),
        stage: Change::Start,
        readings: 0,
    })
}

/// Deletes an event. The people invited are told.
pub(super) fn delete(
    api: &BaseUrl,
    calendar: &CalendarId,
    id: &EventId,
    if_match: Option<&ETag>,
) -> Pending<Deletion> {
    let request = event_call(Method::DELETE, api, calendar, id)
        .and_then(|call| call.query("sendUpdates", "all").if_match(if_match).build());
    single(request, |answer| {
        if answer.status().is_success() {
            return Ok(Deletion::Deleted);
        }
        match classify(Operation::Event, answer) {
            failure if failure.action == Action::NotFound => Ok(Deletion::AlreadyGone),
            failure => Err(failure),
        }
    })
}

/// A call of a calendar's events.
fn events_call(method: Method, api: &BaseUrl, calendar: &CalendarId) -> Result<ApiCall, Failure> {
    let calendar = segment(calendar.as_str(), "calendarId")?;
    Ok(ApiCall::new(method, api, &format!("/calendar/v3/calendars/{calendar}/events")))
}

/// A call of one event.
fn event_call(
    method: Method,
    api: &BaseUrl,
    calendar: &CalendarId,
    event: &EventId,
) -> Result<ApiCall, Failure> {
    let (calendar, event) = (segment(calendar.as_str(), "calendarId")?, segment(event.as_str(), "eventId")?);
    Ok(ApiCall::new(method, api, &format!("/calendar/v3/calendars/{calendar}/events/{event}")))
}

fn read_request(api: &BaseUrl, calendar: &CalendarId, event: &EventId) -> Result<HttpRequest, Failure> {
    event_call(Method::GET, api, calendar, event)?.build()
}

fn event(operation: Operation, answer: &HttpResponse, calendar: &CalendarId) -> Result<Event, Failure> {
    read::<EventResource>(operation, answer)?.into_event(calendar)
}

fn not_cancelled(event: Event) -> Result<Event, Failure> {
    match event.status {
        EventStatus::Cancelled => Err(Failure::not_found("event_deleted", "the event was deleted before")),
        EventStatus::Confirmed | EventStatus::Tentative => Ok(event),
    }
}

/// Whether the event under the id that follows from `key` is the one made for it. Google promises nothing of a deleted
/// event but its id, which is a hash nobody else arrives at.
fn is_ours(event: &Event, key: &CreationKey) -> bool {
    match &event.marker {
        Some(marker) => marker.key == *key,
        None => event.status == EventStatus::Cancelled && event.id.as_str() == key.as_str(),
    }
}

enum Creation {
    Start,
    Inserting,
    Looking,
}

struct CreateEvent {
    api: BaseUrl,
    draft: EventDraft,
    stage: Creation,
}

impl CreateEvent {
    fn insert(&self) -> Result<HttpRequest, Failure> {
        check_recurrence(&self.draft.recurrence, Some(&self.draft.times))?;
        let mut call = events_call(Method::POST, &self.api, &self.draft.calendar)?;
        if self.draft.conference {
            call = call.query("conferenceDataVersion", "1");
        }
        let send_updates = if self.draft.attendees.is_empty() { "none" } else { "all" };
        call.query("sendUpdates", send_updates).json(insertion(&self.draft)).build()
    }

    fn found(&self, answer: &HttpResponse) -> Result<Event, Failure> {
        let event = event(Operation::Event, answer, &self.draft.calendar).map_err(|failure| match failure
            .action
        {
            // It exists, and then it does not: Google has not settled yet.
            Action::NotFound => {
                Failure::retry("provider_unsettled", "Google knows the event's id but not the event", None)
            }
            _ => failure,
        })?;
        if is_ours(&event, &self.draft.marker.key) {
            return Ok(event);
        }
        Err(Failure::conflict("event_id_taken", "another event, not made here, has the id of this one"))
    }
}

impl Exchange for CreateEvent {
    type Output = Event;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<Event>, Failure> {
        match (&self.stage, answer) {
            (Creation::Start, None) => {
                self.stage = Creation::Inserting;
                self.insert().map(Step::Send)
            }
            (Creation::Inserting, Some(answer)) if answer.status() == StatusCode::CONFLICT => {
                let failure = classify(Operation::CreateEvent, &answer);
                if failure.action != Action::Conflict {
                    return Err(failure);
                }
                self.stage = Creation::Looking;
                let id = EventId::new(self.draft.marker.key.as_str());
                read_request(&self.api, &self.draft.calendar, &id).map(Step::Send)
            }
            (Creation::Inserting, Some(answer)) => {
                event(Operation::CreateEvent, &answer, &self.draft.calendar).map(Step::Done)
            }
            (Creation::Looking, Some(answer)) => self.found(&answer).map(Step::Done),
            _ => Err(out_of_step()),
        }
    }
}

enum Change {
    Start,
    Reading,
    Patching {
        /// The patch rests on a version that we read, and nobody else named one.
        on_reading: bool,
    },
}

/// How often a patch that rests on a reading is tried again when the event changed in between.
const MOST_READINGS: u32 = 3;

struct UpdateEvent {
    api: BaseUrl,
    calendar: CalendarId,
    event: EventId,
    patch: EventPatch,
    if_match: Option<ETag>,
    stage: Change,
    readings: u32,
}

impl UpdateEvent {
    /// Whether the patch depends on what is there: a named change may have been made already, a new list of people would
    /// replace the answers of those who stay, and a new status would bring a deleted event back to life.
    fn rests_on_reading(&self) -> bool {
        self.patch.applied_by.is_some()
            || self.patch.attendees.as_ref().is_some_and(|list| !list.is_empty())
            || matches!(self.patch.status, Some(EventStatus::Confirmed | EventStatus::Tentative))
    }

    fn read(&mut self) -> Result<HttpRequest, Failure> {
        self.stage = Change::Reading;
        self.readings += 1;
        read_request(&self.api, &self.calendar, &self.event)
    }

    fn write(
        &self,
        version: Option<&ETag>,
        known: &[AttendeeEntry],
        made: &[CreationKey],
    ) -> Result<HttpRequest, Failure> {
        check_recurrence(self.patch.recurrence.as_deref().unwrap_or_default(), self.patch.times.as_ref())?;
        event_call(Method::PATCH, &self.api, &self.calendar, &self.event)?
            .query("conferenceDataVersion", "1")
            .query("sendUpdates", "all")
            .if_match(version)
            .json(patch_body(&self.calendar, &self.event, &self.patch, known, made))
            .build()
    }

    fn write_on(&mut self, answer: &HttpResponse) -> Result<Step<Event>, Failure> {
        let found: EventResource = read(Operation::Event, answer)?;
        let (known, made) = (found.attendees().to_vec(), found.changes());
        let event = not_cancelled(found.into_event(&self.calendar)?)?;
        if self.patch.applied_by.as_ref().is_some_and(|change| made.contains(change)) {
            return Ok(Step::Done(event));
        }
        self.stage = Change::Patching { on_reading: self.if_match.is_none() };
        self.write(self.if_match.as_ref().or(event.etag.as_ref()), &known, &made).map(Step::Send)
    }
}

impl Exchange for UpdateEvent {
    type Output = Event;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<Event>, Failure> {
        match (&self.stage, answer) {
            (Change::Start, None) if self.rests_on_reading() => self.read().map(Step::Send),
            (Change::Start, None) => {
                self.stage = Change::Patching { on_reading: false };
                self.write(self.if_match.as_ref(), &[], &[]).map(Step::Send)
            }
            (Change::Reading, Some(answer)) => self.write_on(&answer),
            (Change::Patching { on_reading: true }, Some(answer))
                if answer.status() == StatusCode::PRECONDITION_FAILED =>
            {
                if self.readings < MOST_READINGS {
                    return self.read().map(Step::Send);
                }
                Err(Failure::retry(
                    "event_keeps_changing",
                    "the event changed whenever it was about to be",
                    None,
                ))
            }
            (Change::Patching { .. }, Some(answer)) => {
                let event = event(Operation::Event, &answer, &self.calendar)?;
                // Google patches deleted events too, and leaves them deleted.
                if self.patch.status == Some(EventStatus::Cancelled) {
                    Ok(event)
                } else {
                    not_cancelled(event)
                }
                .map(Step::Done)
            }
            _ => Err(out_of_step()),
        }
    }
}

#[cfg(test)]
mod tests;
