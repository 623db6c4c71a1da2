//! Events: created once, found again, read, changed and deleted.
//!
//! <https://developers.google.com/workspace/calendar/api/v3/reference/events>

use http::{Method, StatusCode};

use super::{
    errors::{Operation, classify, read},
    event_body::{insertion, patch as patch_body},
    requests::ApiCall,
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
    providers::{Deletion, Exchange, Pending, Step, out_of_step, single},
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
    })
}

/// Deletes an event. The people invited are told.
pub(super) fn delete(
    api: &BaseUrl,
    calendar: &CalendarId,
    id: &EventId,
    if_match: Option<&ETag>,
) -> Pending<Deletion> {
    let request = ApiCall::event(Method::DELETE, api, calendar, id)
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

fn read_request(api: &BaseUrl, calendar: &CalendarId, event: &EventId) -> Result<HttpRequest, Failure> {
    ApiCall::event(Method::GET, api, calendar, event)?.build()
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
        let mut call = ApiCall::events(Method::POST, &self.api, &self.draft.calendar)?;
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
    Patching,
}

struct UpdateEvent {
    api: BaseUrl,
    calendar: CalendarId,
    event: EventId,
    patch: EventPatch,
    if_match: Option<ETag>,
    stage: Change,
}

impl UpdateEvent {
    fn write(&self, known: &[super::event_body::AttendeeEntry]) -> Result<HttpRequest, Failure> {
        ApiCall::event(Method::PATCH, &self.api, &self.calendar, &self.event)?
            .query("conferenceDataVersion", "1")
            .query("sendUpdates", "all")
            .if_match(self.if_match.as_ref())
            .json(patch_body(&self.calendar, &self.event, &self.patch, known))
            .build()
    }
}

impl Exchange for UpdateEvent {
    type Output = Event;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<Event>, Failure> {
        match (&self.stage, answer) {
            // A new list of people replaces the old one with their answers: those who stay keep theirs.
            (Change::Start, None) if self.patch.attendees.as_ref().is_some_and(|list| !list.is_empty()) => {
                self.stage = Change::Reading;
                read_request(&self.api, &self.calendar, &self.event).map(Step::Send)
            }
            (Change::Start, None) => {
                self.stage = Change::Patching;
                self.write(&[]).map(Step::Send)
            }
            (Change::Reading, Some(answer)) => {
                let known: EventResource = read(Operation::Event, &answer)?;
                self.stage = Change::Patching;
                self.write(known.attendees()).map(Step::Send)
            }
            (Change::Patching, Some(answer)) => {
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
