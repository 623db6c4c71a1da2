//! Events: created once, found again, read, changed, cancelled and deleted.
//!
//! <https://learn.microsoft.com/en-us/graph/api/resources/event>

use http::Method;
use serde_json::{Value, json};

use super::{
    errors::{Operation, classify, known_transaction, read},
    event_body::{self, Found},
    pages,
    requests::{calendar_path, event_path, graph, graph_with_html},
    wire::{self, CHANGE_PROPERTY, HOLD_PROPERTY, KEY_PROPERTY},
};
use crate::{
    config::BaseUrl,
    domain::{
        event::{CreationKey, Event, EventDraft, EventPatch, EventStatus},
        failure::{Action, Failure},
        ids::{CalendarId, ETag, EventId},
    },
    ports::{HttpRequest, HttpResponse},
    providers::{Deletion, Exchange, Pending, Step, out_of_step, requests::ApiCall, single},
};

/// Creates an event under a `transactionId`, by which Graph knows a request that is repeated: it answers with the event
/// made before, or with a refusal that may name it, and then the event is read or looked for.
pub(super) fn create(api: &BaseUrl, draft: EventDraft) -> Pending<Event> {
    Box::new(CreateEvent { api: api.clone(), draft, stage: Creation::Start })
}

/// The event made under `key`. One that somebody deleted is not found: Graph shows deleted events only to those who may
/// read the person's mail.
pub(super) fn find(api: &BaseUrl, calendar: &CalendarId, key: &CreationKey) -> Pending<Option<Event>> {
    // The key is hex digits: nothing to escape.
    let filter = format!(
        "singleValueExtendedProperties/Any(ep: ep/id eq '{KEY_PROPERTY}' and ep/value eq '{}')",
        key.as_str()
    );
    let request = calendar_path(calendar).and_then(|path| {
        with_properties(graph(Method::GET, api, &format!("{path}/events"))).query("$filter", filter).build()
    });
    let (calendar, key) = (calendar.clone(), key.clone());
    pages::all(api, Operation::Calendar, request, move |events| {
        for event in events {
            let event = wire::event(event, &calendar)?;
            if event.marker.as_ref().is_some_and(|marker| marker.key == key) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    })
}

/// Reads an event. One that its organiser called off is gone for us.
pub(super) fn get(api: &BaseUrl, calendar: &CalendarId, id: &EventId) -> Pending<Event> {
    let request = event_path(id).and_then(|path| with_properties(graph(Method::GET, api, &path)).build());
    let calendar = calendar.clone();
    single(request, move |answer| event(answer, &calendar).and_then(not_cancelled))
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
        found: None,
        stage: Change::Start,
        readings: 0,
    })
}

/// Takes an event off the calendar. A meeting is cancelled by its organiser, which tells the people invited; everything
/// else is deleted.
pub(super) fn delete(api: &BaseUrl, id: &EventId, if_match: Option<&ETag>) -> Pending<Deletion> {
    Box::new(DeleteEvent {
        api: api.clone(),
        event: id.clone(),
        if_match: if_match.cloned(),
        stage: Removal::Start,
    })
}

/// Asks for our own properties too.
fn with_properties(call: ApiCall) -> ApiCall {
    call.query(
        "$expand",
        format!(
            "singleValueExtendedProperties($filter=id eq '{KEY_PROPERTY}' or id eq '{HOLD_PROPERTY}' or id eq '{CHANGE_PROPERTY}')"
        ),
    )
}

fn event(answer: &HttpResponse, calendar: &CalendarId) -> Result<Event, Failure> {
    wire::event(&read(Operation::Event, answer)?, calendar)
}

fn not_cancelled(event: Event) -> Result<Event, Failure> {
    match event.status {
        EventStatus::Cancelled => {
            Err(Failure::not_found("event_deleted", "the event was called off by its organiser"))
        }
        EventStatus::Confirmed | EventStatus::Tentative => Ok(event),
    }
}

/// What conferences a calendar's meetings can have.
fn providers_request(api: &BaseUrl, calendar: &CalendarId) -> Result<HttpRequest, Failure> {
    graph(Method::GET, api, &calendar_path(calendar)?)
        .query("$select", "id,allowedOnlineMeetingProviders")
        .build()
}

/// Outlook ignores the wish for a conference it cannot fulfil, and invites people to a meeting without one; so who wishes
/// for one is refused before. Personal accounts have no Teams, and nor have some at work.
fn check_teams(answer: &HttpResponse) -> Result<(), Failure> {
    let calendar: Value = read(Operation::Calendar, answer)?;
    let mut providers = calendar["allowedOnlineMeetingProviders"].as_array().into_iter().flatten();
    if providers.any(|provider| provider == "teamsForBusiness") {
        return Ok(());
    }
    Err(Failure::rejected(
        "conference_not_supported",
        "conference",
        "meetings of this calendar cannot have a Teams conference: personal accounts have none",
    ))
}

enum Creation {
    Start,
    AskingForTeams,
    Inserting,
    /// The event that Graph says was made before.
    Reading,
    Looking(Pending<Option<Event>>),
}

struct CreateEvent {
    api: BaseUrl,
    draft: EventDraft,
    stage: Creation,
}

impl CreateEvent {
    fn insert(&mut self) -> Result<HttpRequest, Failure> {
        self.stage = Creation::Inserting;
        let path = format!("{}/events", calendar_path(&self.draft.calendar)?);
        graph(Method::POST, &self.api, &path).json(event_body::insertion(&self.draft)?).build()
    }

    /// Graph does not show our properties here.
    fn created(&self, answer: &HttpResponse) -> Result<Event, Failure> {
        let event = wire::event(&read(Operation::Calendar, answer)?, &self.draft.calendar)?;
        Ok(Event { marker: Some(self.draft.marker.clone()), ..event })
    }

    /// Reads the event that Graph names, which the person may have moved to another calendar since; without a name it is
    /// looked for where it was made.
    fn earlier(&mut self, named: Option<EventId>) -> Result<Step<Event>, Failure> {
        match named {
            Some(id) => {
                self.stage = Creation::Reading;
                with_properties(graph(Method::GET, &self.api, &event_path(&id)?)).build().map(Step::Send)
            }
            None => {
                let mut looking = find(&self.api, &self.draft.calendar, &self.draft.marker.key);
                let first = looking.step(None)?;
                self.stage = Creation::Looking(looking);
                found(first)
            }
        }
    }

    /// The event that Graph named, if it is there and ours.
    fn recognised(&mut self, answer: &HttpResponse) -> Result<Step<Event>, Failure> {
        let key = &self.draft.marker.key;
        match event(answer, &self.draft.calendar) {
            Ok(event) if event.marker.as_ref().is_some_and(|marker| marker.key == *key) => {
                Ok(Step::Done(event))
            }
            Err(failure) if failure.action != Action::NotFound => Err(failure),
            Ok(_) | Err(_) => self.earlier(None),
        }
    }
}

impl Exchange for CreateEvent {
    type Output = Event;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<Event>, Failure> {
        match (&mut self.stage, answer) {
            (Creation::Start, None) if self.draft.conference => {
                // What is refused by ourselves costs no request.
                event_body::insertion(&self.draft)?;
                self.stage = Creation::AskingForTeams;
                providers_request(&self.api, &self.draft.calendar).map(Step::Send)
            }
            (Creation::AskingForTeams, Some(answer)) => {
                check_teams(&answer)?;
                self.insert().map(Step::Send)
            }
            (Creation::Start, None) => self.insert().map(Step::Send),
            (Creation::Inserting, Some(answer)) => match known_transaction(&answer) {
                Some(known) => self.earlier(known.event),
                None => self.created(&answer).map(Step::Done),
            },
            (Creation::Reading, Some(answer)) => self.recognised(&answer),
            (Creation::Looking(looking), Some(answer)) => looking.step(Some(answer)).and_then(found),
            _ => Err(out_of_step()),
        }
    }
}

/// A look for the event that Graph says is there.
fn found(step: Step<Option<Event>>) -> Result<Step<Event>, Failure> {
    match step {
        Step::Send(request) => Ok(Step::Send(request)),
        Step::Done(Some(event)) => Ok(Step::Done(event)),
        Step::Done(None) => Err(Failure::retry(
            "provider_unsettled",
            "Graph knows the event's transaction but not the event",
            None,
        )),
    }
}

enum Change {
    Start,
    Reading,
    AskingForTeams,
    Patching,
}

/// How often a patch that rests on a reading is tried again when the event changed in between.
const MOST_READINGS: u32 = 3;

struct UpdateEvent {
    api: BaseUrl,
    calendar: CalendarId,
    event: EventId,
    patch: EventPatch,
    if_match: Option<ETag>,
    found: Option<Found>,
    stage: Change,
    readings: u32,
}

impl UpdateEvent {
    fn read(&mut self) -> Result<HttpRequest, Failure> {
        self.stage = Change::Reading;
        self.readings += 1;
        let path = event_path(&self.event)?;
        with_properties(graph_with_html(Method::GET, &self.api, &path)).build()
    }

    fn write(&mut self) -> Result<HttpRequest, Failure> {
        self.stage = Change::Patching;
        let found = self.found.as_ref();
        let version = self.if_match.as_ref().or(found.and_then(|found| found.event.etag.as_ref()));
        graph(Method::PATCH, &self.api, &event_path(&self.event)?)
            .if_match(version)
            .json(event_body::patch(&self.patch, found)?)
            .build()
    }

    fn write_on(&mut self, answer: &HttpResponse) -> Result<Step<Event>, Failure> {
        let raw: Value = read(Operation::Event, answer)?;
        let event = not_cancelled(wire::event(&raw, &self.calendar)?)?;
        let made = wire::changes(&raw);
        if self.patch.applied_by.as_ref().is_some_and(|change| made.contains(change)) {
            return Ok(Step::Done(event));
        }
        let found = Found { raw, event };
        let wants_teams = self.patch.conference == Some(true) && !found.is_online();
        self.found = Some(found);
        if wants_teams {
            self.stage = Change::AskingForTeams;
            return providers_request(&self.api, &self.calendar).map(Step::Send);
        }
        self.write().map(Step::Send)
    }

    /// Somebody else changed the event just now.
    fn overtaken(&mut self, failure: Failure) -> Result<Step<Event>, Failure> {
        match (&self.if_match, &self.found) {
            (None, Some(_)) if self.readings < MOST_READINGS => self.read().map(Step::Send),
            (None, Some(_)) => Err(Failure::retry(
                "event_keeps_changing",
                "the event changed whenever it was about to be",
                None,
            )),
            // No version was named: two writes met.
            (None, None) => Err(Failure::retry("provider_write_conflict", failure.message, None)),
            (Some(_), _) => Err(failure),
        }
    }

    /// Graph does not show our properties here.
    fn changed(&mut self, answer: &HttpResponse) -> Result<Event, Failure> {
        let event = not_cancelled(event(answer, &self.calendar)?)?;
        let marker = self.found.take().and_then(|found| found.event.marker);
        Ok(Event { marker, ..event })
    }
}

impl Exchange for UpdateEvent {
    type Output = Event;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<Event>, Failure> {
        match (&self.stage, answer) {
            (Change::Start, None) if event_body::rests_on_reading(&self.patch) => self.read().map(Step::Send),
            (Change::Start, None) => self.write().map(Step::Send),
            (Change::Reading, Some(answer)) => self.write_on(&answer),
            (Change::AskingForTeams, Some(answer)) => {
                check_teams(&answer)?;
                self.write().map(Step::Send)
            }
            (Change::Patching, Some(answer)) if answer.status().is_success() => {
                self.changed(&answer).map(Step::Done)
            }
            (Change::Patching, Some(answer)) => match classify(Operation::Event, &answer) {
                failure if failure.action == Action::Conflict => self.overtaken(failure),
                failure => Err(failure),
            },
            _ => Err(out_of_step()),
        }
    }
}

enum Removal {
    Start,
    Reading,
    Removing,
}

struct DeleteEvent {
    api: BaseUrl,
    event: EventId,
    if_match: Option<ETag>,
    stage: Removal,
}

impl DeleteEvent {
    fn read(&mut self) -> Result<HttpRequest, Failure> {
        self.stage = Removal::Reading;
        graph(Method::GET, &self.api, &event_path(&self.event)?)
            .query("$select", "id,isOrganizer,attendees")
            .build()
    }

    /// Cancelling takes no version, so it is compared here; somebody may come between, as anywhere without one.
    fn remove(&mut self, answer: &HttpResponse) -> Result<HttpRequest, Failure> {
        let raw: Value = read(Operation::Event, answer)?;
        let version = raw["@odata.etag"].as_str();
        if let Some(wanted) = &self.if_match
            && version != Some(wanted.as_str())
        {
            return Err(Failure::conflict("event_changed", "the event was changed since it was read"));
        }
        self.stage = Removal::Removing;
        let path = event_path(&self.event)?;
        if raw["isOrganizer"] == true && !wire::attendees(&raw).is_empty() {
            return graph(Method::POST, &self.api, &format!("{path}/cancel")).json(json!({})).build();
        }
        graph(Method::DELETE, &self.api, &path).if_match(self.if_match.as_ref()).build()
    }
}

impl Exchange for DeleteEvent {
    type Output = Deletion;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<Deletion>, Failure> {
        let gone = |failure: Failure| match failure.action {
            Action::NotFound => Ok(Step::Done(Deletion::AlreadyGone)),
            _ => Err(failure),
        };
        match (&self.stage, answer) {
            (Removal::Start, None) => self.read().map(Step::Send),
            (Removal::Reading, Some(answer)) => self.remove(&answer).map(Step::Send).or_else(gone),
            (Removal::Removing, Some(answer)) if answer.status().is_success() => {
                Ok(Step::Done(Deletion::Deleted))
            }
            (Removal::Removing, Some(answer)) => gone(classify(Operation::Event, &answer)),
            _ => Err(out_of_step()),
        }
    }
}

#[cfg(test)]
mod tests;
