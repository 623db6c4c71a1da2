//! Google Calendar v3 and Google's OAuth 2.0.
//!
//! <https://developers.google.com/workspace/calendar/api/v3/reference>

mod calendars;
mod errors;
mod event_body;
mod events;
#[cfg(test)]
mod fixtures;
mod freebusy;
mod identity;
mod oauth;
mod scopes;
mod tokens;
mod wire;

use chrono::TimeDelta;

use super::{CalendarProvider, Deletion, Limits, OAuthProvider, Pending, Provider};
use crate::{
    config::GoogleSettings,
    domain::{
        busy::{FreeBusy, FreeBusyQuery},
        calendar::Calendar,
        connector::ProviderKind,
        event::{CreationKey, Event, EventDraft, EventPatch},
        ids::{CalendarId, ETag, EventId},
    },
};

/// Google, reached and signed in to as the operator set it up.
#[derive(Debug)]
pub struct Google {
    settings: GoogleSettings,
}

impl Google {
    /// Google with these settings.
    pub fn new(settings: &GoogleSettings) -> Self {
        Self { settings: settings.clone() }
    }
}

impl Provider for Google {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Google
    }

    /// What we promise to stay within (G7), well below Google's own published quota. Google names no limit on
    /// simultaneous requests; ours keeps one account from taking all connections of an isolate.
    fn limits(&self) -> Limits {
        Limits { requests: 500, window: TimeDelta::seconds(100), daily: Some(50_000), in_flight: 10 }
    }

    fn oauth(&self) -> &dyn OAuthProvider {
        self
    }

    fn calendars(&self) -> &dyn CalendarProvider {
        self
    }
}

impl CalendarProvider for Google {
    fn list_calendars(&self) -> Pending<Vec<Calendar>> {
        calendars::list(&self.settings.api_url)
    }

    fn free_busy(&self, query: FreeBusyQuery) -> Pending<FreeBusy> {
        freebusy::query(&self.settings.api_url, query)
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
        calendar: &CalendarId,
        event: &EventId,
        if_match: Option<&ETag>,
    ) -> Pending<Deletion> {
        events::delete(&self.settings.api_url, calendar, event, if_match)
    }
}
