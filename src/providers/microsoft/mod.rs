//! Outlook and Microsoft 365: the identity platform v2.0 and the calendars of Microsoft Graph v1.0.
//!
//! <https://learn.microsoft.com/en-us/graph/api/resources/calendar-overview>

mod admin_consent;
mod batch;
mod calendar_view;
mod calendars;
mod challenge;
mod errors;
mod event_body;
mod events;
#[cfg(test)]
mod fixtures;
mod freebusy;
mod identity;
mod meeting_times;
mod oauth;
mod pages;
mod recurrence;
mod requests;
mod schedule;
mod scopes;
mod sign_in_errors;
mod tenant;
mod tokens;
mod wire;
mod working_hours;
mod zones;

use chrono::TimeDelta;

use super::{CalendarProvider, Deletion, Limits, OAuthProvider, Pending, Provider};
use crate::{
    config::MicrosoftSettings,
    domain::{
        busy::{FreeBusy, FreeBusyQuery},
        calendar::Calendar,
        connector::ProviderKind,
        event::{CreationKey, Event, EventDraft, EventPatch},
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

impl CalendarProvider for Microsoft {
    fn list_calendars(&self) -> Pending<Vec<Calendar>> {
        calendars::list(&self.settings.api_url)
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

    fn create_event(&self, draft: EventDraft) -> Pending<Event> {
        events::create(&self.settings.api_url, draft)
    }

    fn find_event(&self, calendar: &CalendarId, key: &CreationKey) -> Pending<Option<Event>> {
        events::find(&self.settings.api_url, calendar, key)
    }

    fn get_event(&self, calendar: &CalendarId, event: &EventId) -> Pending<Event> {
        events::get(&self.settings.api_url, calendar, event)
    }

    fn update_event(
        &self,
        calendar: &CalendarId,
        event: &EventId,
        patch: EventPatch,
        if_match: Option<&ETag>,
    ) -> Pending<Event> {
        events::update(&self.settings.api_url, calendar, event, patch, if_match)
    }

    fn delete_event(
        &self,
        _calendar: &CalendarId,
        event: &EventId,
        if_match: Option<&ETag>,
    ) -> Pending<Deletion> {
        events::delete(&self.settings.api_url, event, if_match)
    }
}
