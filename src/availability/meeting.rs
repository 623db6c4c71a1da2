//! When can these people meet? The service behind `find-slots` and `POST /v1/slots`.
//!
//! Where one provider knows everybody, it is asked once, on the organiser's behalf; what it suggests is offered as far as it
//! keeps the rules of the search. Else everybody's busy time is asked for and slots are found in what is left.
//! As long as anybody's time is not known, no slot is offered: not known is never free.

use serde::Serialize;
use serde_json::Value as Json;

use super::{
    Question, Span, answer, choose, primary, side_by_side,
    slot_request::Meeting,
    slots::{Person, SlotSearch},
};
use crate::{
    app::App,
    domain::{
        calendar::Calendar,
        connector::{Connector, ConnectorStatus},
        failure::Failure,
        ids::{CalendarId, ConnectorId},
        meeting::{MeetingTimes, MeetingTimesQuery},
        time::{Interval, Timestamp},
    },
    ports::{Clock, Ports},
    session::with_session,
};

/// Somebody who must be there.
#[derive(Debug, Clone, Copy)]
pub struct Participant<'a> {
    /// Their connector's id.
    pub id: &'a ConnectorId,
    /// Their connector and its calendars, if there is such a one and it may be asked about.
    pub account: Option<&'a (Connector, Vec<Calendar>)>,
}

/// What came of a search.
#[derive(Debug)]
pub struct Found {
    /// The answer.
    pub slots: Slots,
    /// The participants, by their place, who could not be asked, and why. They are in the answer too.
    pub failures: Vec<(usize, Failure)>,
}

/// When people can meet.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct Slots {
    /// The slots, earliest first. They may overlap: each is an offer of its own. Empty as long as anybody is unknown.
    pub slots: Vec<Span>,
    /// Whether everybody's time is known.
    pub complete: bool,
    /// Whose time is not known.
    pub unknown: Vec<Unknown>,
    /// Who found the slots.
    pub source: SlotSource,
    /// The zone `slots` are written in.
    pub time_zone: String,
    /// When the providers were asked, RFC 3339 in UTC.
    pub as_of: String,
}

/// Who found slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum SlotSource {
    /// The provider suggested them; there may be others.
    Provider,
    /// They were found in the time that nobody is busy.
    Computed,
}

/// Somebody whose time is not known: a connector as a whole, one of its calendars, or an attendee asked about through it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct Unknown {
    /// The connector that was asked.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = String))]
    pub connector_id: ConnectorId,
    /// The calendar it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<String>))]
    pub calendar_id: Option<CalendarId>,
    /// The attendee it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<String>))]
    pub attendee: Option<CalendarId>,
    /// A stable name of the reason, or the provider's.
    pub code: String,
    /// For a human.
    pub message: String,
    /// Whether asking again later may help, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
}

impl Slots {
    /// The answer as it is sent.
    pub fn to_json(&self) -> Result<Json, Failure> {
        serde_json::to_value(self).map_err(|error| Failure::fatal("answer_unwritable", error))
    }
}

/// Looks for slots. The first of `people` is the organiser.
pub async fn find<P: Ports>(app: &App<P>, people: &[Participant<'_>], meeting: &Meeting) -> Found {
    let search = SlotSearch { not_before: app.clock.now().plus(meeting.notice), ..meeting.search.clone() };
    let attendees = without_connector(people, meeting);
    match suggested(app, people, &attendees, meeting, &search).await {
        Ok(Some(times)) => {
            Findings { times, ..Findings::default() }.found(&search, SlotSource::Provider, app.clock.now())
        }
        Ok(None) => {
            let findings = computed(app, people, &attendees, meeting, &search).await;
            findings.found(&search, SlotSource::Computed, app.clock.now())
        }
        Err(failure) => {
            let mut findings = Findings::default();
            findings.not_asked(0, people, failure);
            findings.found(&search, SlotSource::Provider, app.clock.now())
        }
    }
}

/// What is known so far.
#[derive(Default)]
struct Findings {
    times: Vec<Interval>,
    unknown: Vec<Unknown>,
    failures: Vec<(usize, Failure)>,
}

impl Findings {
    fn not_asked(&mut self, place: usize, people: &[Participant<'_>], failure: Failure) {
        self.unknown.extend(people.get(place).map(|participant| Unknown {
            connector_id: participant.id.clone(),
            calendar_id: None,
            attendee: None,
            code: failure.code.to_string(),
            message: failure.message.clone(),
            retryable: Some(failure.is_retryable()),
        }));
        self.failures.push((place, failure));
    }

    fn found(self, search: &SlotSearch, source: SlotSource, as_of: Timestamp) -> Found {
        let slots = Slots {
            slots: self.times.iter().map(|slot| Span::written(*slot, &search.zone)).collect(),
            complete: self.unknown.is_empty(),
            unknown: self.unknown,
            source,
            time_zone: search.zone.name().to_owned(),
            as_of: as_of.to_rfc3339(),
        };
        Found { slots, failures: self.failures }
    }
}

/// The attendees who are not among the participants already.
fn without_connector(people: &[Participant<'_>], meeting: &Meeting) -> Vec<String> {
    let known: Vec<String> = people.iter().filter_map(address).collect();
    meeting.attendees.iter().filter(|address| !known.contains(*address)).cloned().collect()
}

fn address(participant: &Participant<'_>) -> Option<String> {
    let (connector, _) = participant.account?;
    connector.email.as_ref().map(|email| email.to_ascii_lowercase())
}

/// What the provider suggests, as far as it keeps the rules; `None` when it cannot be asked or has nothing to offer. Fails
/// only when asking it again later may help.
async fn suggested<P: Ports>(
    app: &App<P>,
    people: &[Participant<'_>],
    attendees: &[String],
    meeting: &Meeting,
    search: &SlotSearch,
) -> Result<Option<Vec<Interval>>, Failure> {
    let Some(query) = for_provider(people, attendees, meeting, search) else { return Ok(None) };
    let organiser = query.organiser.clone();
    let Some(exchange) = app.providers.get(organiser.provider)?.calendars().meeting_times(query) else {
        return Ok(None);
    };
    match with_session(app, &organiser, 1, async |session| session.call(exchange).await).await {
        Ok(MeetingTimes::Known(mut times)) => {
            times.retain(|time| search.offers(*time));
            times.sort_unstable();
            times.dedup();
            times.truncate(search.limit);
            Ok((!times.is_empty()).then_some(times))
        }
        Ok(MeetingTimes::NotKnown) => Ok(None),
        Err(failure) if failure.is_retryable() => Err(failure),
        Err(failure) => {
            tracing::info!(connector = %organiser.id, %failure, "the provider's search is left out");
            Ok(None)
        }
    }
}

/// The question for the one provider that knows everybody; `None` when they are not all of one tenant, or when it is about
/// something no provider looks at: other calendars than the main ones, our own working hours, buffers.
fn for_provider(
    people: &[Participant<'_>],
    attendees: &[String],
    meeting: &Meeting,
    search: &SlotSearch,
) -> Option<MeetingTimesQuery> {
    let (organiser, _) = people.first()?.account?;
    organiser.tenant.as_ref()?;
    let plain =
        meeting.calendars.is_none() && search.buffer_before.is_zero() && search.buffer_after.is_zero();
    let suits = |(connector, calendars): &(Connector, Vec<Calendar>)| {
        let main = primary(calendars).cloned().unwrap_or_else(CalendarId::primary);
        (connector.provider, &connector.tenant) == (organiser.provider, &organiser.tenant)
            && connector.status == ConnectorStatus::Active
            && choose(connector, calendars, None) == [main]
            && (meeting.at_any_hour || connector.preferences.working_hours.is_none())
    };
    if !plain || !people.iter().all(|participant| participant.account.is_some_and(suits)) {
        return None;
    }
    let mut others: Vec<String> = Vec::with_capacity(people.len() + attendees.len());
    let own = people.first().and_then(address)?;
    for address in people.iter().map(address).chain(attendees.iter().cloned().map(Some)) {
        let address = address?;
        if address != own && !others.contains(&address) {
            others.push(address);
        }
    }
    (!others.is_empty()).then_some(MeetingTimesQuery {
        organiser: organiser.clone(),
        people: others,
        window: Interval::new(search.window.start().max(search.not_before), search.window.end())?,
        duration: search.duration,
        step: search.step,
        at_most: search.limit,
        at_any_hour: meeting.at_any_hour,
    })
}

/// Slots in the time that nobody is busy.
async fn computed<P: Ports>(
    app: &App<P>,
    people: &[Participant<'_>],
    attendees: &[String],
    meeting: &Meeting,
    search: &SlotSearch,
) -> Findings {
    let window = search.looked_at();
    let connectors: Vec<Option<&Connector>> =
        people.iter().map(|participant| participant.account.map(|(connector, _)| connector)).collect();
    let answers = side_by_side(&connectors, async |place| {
        let Some((connector, calendars)) = people.get(place).and_then(|participant| participant.account)
        else {
            return Err(Failure::not_found("connector_not_found", "there is no such connector"));
        };
        let named = if place == 0 { meeting.calendars.as_deref() } else { None };
        let mut asked = choose(connector, calendars, named);
        if place == 0 {
            asked.extend(attendees.iter().map(CalendarId::new));
        }
        let question = Question { calendars: Some(asked), window, zone: search.zone.clone() };
        let busy = super::busy(app, connector, calendars, &question).await?;
        let working = if meeting.at_any_hour { None } else { answer::working_week(connector, &busy) };
        Ok((Person { busy: busy.busy, working }, busy.unknown))
    })
    .await;
    let mut findings = Findings::default();
    let mut persons = Vec::with_capacity(people.len());
    for (place, (participant, answer)) in people.iter().zip(answers).enumerate() {
        match answer {
            Ok((person, unknown)) => {
                persons.push(person);
                findings.unknown.extend(unknown.into_iter().map(|(calendar, reason)| {
                    let is_attendee = place == 0 && attendees.iter().any(|one| one == calendar.as_str());
                    let (attendee, calendar_id) =
                        if is_attendee { (Some(calendar), None) } else { (None, Some(calendar)) };
                    Unknown {
                        connector_id: participant.id.clone(),
                        calendar_id,
                        attendee,
                        code: reason.code,
                        message: reason.message,
                        retryable: None,
                    }
                }));
            }
            Err(failure) => findings.not_asked(place, people, failure),
        }
    }
    if findings.unknown.is_empty() {
        findings.times = search.find(&persons);
    }
    findings
}

#[cfg(test)]
mod tests;
