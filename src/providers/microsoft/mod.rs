//! Outlook and Microsoft 365: the identity platform v2.0 and the calendars of Microsoft Graph v1.0.
//!
//! <https://learn.microsoft.com/en-us/graph/api/resources/calendar-overview>

mod admin_consent;
mod batch;
mod calendar_view;
mod challenge;
mod errors;
#[cfg(test)]
mod fixtures;
mod freebusy;
mod identity;
mod meeting_times;
mod oauth;
mod requests;
mod schedule;
mod scopes;
mod sign_in_errors;
mod tenant;
mod tokens;
mod working_hours;

use chrono::TimeDelta;

use super::{CalendarProvider, Deletion, Limits, OAuthProvider, Pending, Provider, single};
use crate::{
    config::MicrosoftSettings,
    domain::{
        busy::{FreeBusy, FreeBusyQuery},
        calendar::Calendar,
        connector::ProviderKind,
        event::{CreationKey, Event, EventDraft, EventPatch},
        failure::Failure,
        ids::{CalendarId, ETag, EventId},
        meeting::{MeetingTimes, MeetingTimesQuery},
    },
};

/// Microsoft, reached and signed in to as the operator set it up.
#[derive(Debug)]
pub struct Microsoft {
    settings: MicrosoftSettings,
}

impl Microsoft {
    /// Microsoft with these settings.
    pub fn new(settings: &MicrosoftSettings) -> Self {
        Self { settings: settings.clone() }
    }
}

impl Provider for Microsoft {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Microsoft
    }

    /// Outlook's limits per application and mailbox: <https://learn.microsoft.com/en-us/graph/throttling-limits#outlook-service-limits>.
    fn limits(&self) -> Limits {
        Limits { requests: 10_000, window: TimeDelta::minutes(10), daily: None, in_flight: 4 }
    }

    fn oauth(&self) -> &dyn OAuthProvider {
        self
    }

    fn calendars(&self) -> &dyn CalendarProvider {
        self
    }
}

// PLACEHOLDERS below: each is replaced by the module that owns it (calendars.rs and events.rs; freebusy.rs).

fn missing<T: 'static>() -> Pending<T> {
    single(Err(Failure::fatal("placeholder", "not written yet")), |_| Err(Failure::fatal("placeholder", "")))
}

impl CalendarProvider for Microsoft {
    fn list_calendars(&self) -> Pending<Vec<Calendar>> {
        missing()
    }
    fn tells_working_hours(&self) -> bool {
        true
    }
    fn free_busy(&self, query: FreeBusyQuery) -> Pending<FreeBusy> {
        freebusy::query(&self.settings.api_url, query)
    }
    fn meeting_times(&self, query: MeetingTimesQuery) -> Option<Pending<MeetingTimes>> {
        meeting_times::find(&self.settings.api_url, &query)
    }
    fn create_event(&self, _draft: EventDraft) -> Pending<Event> {
        missing()
    }
    fn find_event(&self, _calendar: &CalendarId, _key: &CreationKey) -> Pending<Option<Event>> {
        missing()
    }
    fn get_event(&self, _calendar: &CalendarId, _event: &EventId) -> Pending<Event> {
        missing()
    }
    fn update_event(
        &self,
        _calendar: &CalendarId,
        _event: &EventId,
        _patch: EventPatch,
        _if_match: Option<&ETag>,
    ) -> Pending<Event> {
        missing()
    }
    fn delete_event(
        &self,
        _calendar: &CalendarId,
        _event: &EventId,
        _if_match: Option<&ETag>,
    ) -> Pending<Deletion> {
        missing()
    }
}
