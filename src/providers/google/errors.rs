//! What Google's answers mean for us: every status and reason code becomes a [`Failure`] that says what to do next.
//!
//! <https://developers.google.com/workspace/calendar/api/guides/errors>

use chrono::TimeDelta;
use http::header::WWW_AUTHENTICATE;
use serde::{Deserialize, de::DeserializeOwned};

use super::scopes::Capability;
use crate::{
    domain::failure::Failure,
    ports::HttpResponse,
    providers::{
        answers::{not_understood, read_json},
        excerpt::excerpt,
        retry_after::retry_after,
    },
};

/// Who answers, in messages.
const WHO: &str = "Google";

/// How long to leave an account alone whose calendar quota is used up: Google says minutes to hours, and no number.
const QUOTA_REST: TimeDelta = TimeDelta::minutes(15);
/// How long to leave a project alone whose daily quota is used up.
const DAILY_REST: TimeDelta = TimeDelta::hours(1);

/// What was being attempted: it says which scope was needed and what a 404 is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// Finding out who the account is.
    Identify,
    /// Listing calendars.
    ListCalendars,
    /// Asking for busy time.
    FreeBusy,
    /// Adding an event to a calendar.
    CreateEvent,
    /// Reading or changing an event.
    Event,
}

impl Operation {
    fn capability(self) -> Option<Capability> {
        match self {
            Self::Identify => None,
            Self::ListCalendars => Some(Capability::ListCalendars),
            Self::FreeBusy => Some(Capability::FreeBusy),
            Self::CreateEvent | Self::Event => Some(Capability::Events),
        }
    }

    fn not_found(self) -> Failure {
        match self {
            Self::Event => Failure::not_found("event_not_found", "Google has no such event, or no longer"),
            _ => Failure::not_found("calendar_not_found", "Google has no such calendar for this account"),
        }
    }
}

/// Reads the JSON of a successful answer; everything else is classified.
pub(super) fn read<T: DeserializeOwned>(operation: Operation, response: &HttpResponse) -> Result<T, Failure> {
    if response.status().is_success() { read_json(WHO, response) } else { Err(classify(operation, response)) }
}

/// What an unsuccessful answer means: the table is in ARCHITECTURE.md.
pub(super) fn classify(operation: Operation, response: &HttpResponse) -> Failure {
    let wait = retry_after(response.headers());
    let status = response.status().as_u16();
    let said = match Said::read(response.body()) {
        Some(said) => said,
        // Front ends answer these without Google's JSON; the status says all that matters.
        None if matches!(status, 401 | 408 | 429 | 500..) || response.body().is_empty() => Said::default(),
        None => return not_understood(WHO, response),
    };
    let message = said.message();
    match (status, said.reason.as_str()) {
        (401, _) => Failure::reauthorize("grant_refused", "Google refuses the account's access token"),
        (403 | 429, "quotaExceeded" | "calendarUsageLimitsExceeded") => {
            throttled(&message, wait.or(Some(QUOTA_REST)))
        }
        (403 | 429, "dailyLimitExceeded" | "dailyLimitExceededUnreg") => {
            throttled(&message, wait.or(Some(DAILY_REST)))
        }
        (429, _) => throttled(&message, wait),
        (403, "insufficientPermissions" | "ACCESS_TOKEN_SCOPE_INSUFFICIENT") => {
            scope_missing(operation, response)
        }
        (403, "accessNotConfigured" | "SERVICE_DISABLED") => Failure::fatal(
            "provider_api_disabled",
            format!("enable the Google Calendar API in the project of GOOGLE_CLIENT_ID: {message}"),
        ),
        (403, reason) if said.domain == "usageLimits" || reason.ends_with("LimitExceeded") => {
            throttled(&message, wait)
        }
        (403, "forbiddenForNonOrganizer") => {
            Failure::refused("not_organizer", format!("only the organizer may change this: {message}"))
        }
        (403, _) => Failure::refused("forbidden", format!("Google does not allow this: {message}")),
        (404, _) => operation.not_found(),
        (410, "fullSyncRequired" | "updatedMinTooLongAgo") => Failure::not_found(
            "sync_cursor_expired",
            "Google no longer knows the sync token; sync everything anew",
        ),
        (410, _) => Failure::not_found("event_deleted", "the event was deleted before"),
        // Two writes met at Google; nothing was decided, so the same request may succeed.
        (409, "conflict") => Failure::retry("provider_write_conflict", message, wait),
        (409, _) => Failure::conflict("event_exists", "Google has, or had, an event with this id"),
        (412, _) => Failure::conflict("event_changed", "the event was changed since it was read"),
        (408 | 500.., _) => {
            Failure::retry("provider_unavailable", format!("Google answered {status}: {message}"), wait)
        }
        (400, "timeRangeEmpty") => Failure::rejected("empty_interval", "timeMax", message),
        (400, "timeRangeTooLong") => Failure::rejected("interval_too_long", "timeMax", message),
        (400, "parseError") => not_understood(WHO, response),
        (400, _) | (413, _) => {
            Failure::refused("provider_rejected", format!("Google refused the request: {message}"))
        }
        _ => not_understood(WHO, response),
    }
}

fn throttled(message: &str, wait: Option<TimeDelta>) -> Failure {
    Failure::retry("provider_throttled", format!("Google asks us to slow down: {message}"), wait)
}

/// Names the scope to ask for: the one we know the operation takes, else what the challenge lists (RFC 6750 section 3).
fn scope_missing(operation: Operation, response: &HttpResponse) -> Failure {
    let challenged = || {
        let challenge = response.headers().get(WWW_AUTHENTICATE)?.to_str().ok()?;
        let (_, scopes) = challenge.split_once("scope=\"")?;
        Some(scopes.split_once('"')?.0.split(' ').next()?.to_owned())
    };
    let advice = |scope: &str| {
        format!("the person has not granted the scope {scope}; connect the account again and allow it")
    };
    match operation.capability().map(Capability::asked).or_else(challenged) {
        Some(scope) => Failure::unscoped("scope_missing", scope.as_str(), advice(&scope)),
        None => Failure::refused("scope_missing", advice("it needs")),
    }
}

/// The parts of Google's error body that decide something.
#[derive(Debug, Default)]
struct Said {
    domain: String,
    reason: String,
    message: String,
}

impl Said {
    /// Reads either of Google's two forms: `errors[].{domain,reason}` (Calendar) and `details[].reason` (newer front
    /// ends). `None` for anything that is not an error in JSON.
    fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            error: ErrorObject,
        }
        #[derive(Deserialize)]
        struct ErrorObject {
            #[serde(default)]
            message: Option<String>,
            #[serde(default)]
            errors: Vec<Reason>,
            #[serde(default)]
            details: Vec<Reason>,
        }
        #[derive(Deserialize)]
        struct Reason {
            #[serde(default)]
            domain: Option<String>,
            #[serde(default)]
            reason: Option<String>,
        }
        let error = serde_json::from_slice::<Body>(body).ok()?.error;
        let first = error.errors.into_iter().chain(error.details).find(|entry| entry.reason.is_some());
        let (domain, reason) = first.map_or((None, None), |entry| (entry.domain, entry.reason));
        Some(Self {
            domain: domain.unwrap_or_default(),
            reason: reason.unwrap_or_default(),
            message: error.message.unwrap_or_default(),
        })
    }

    /// For a human: what Google said and its reason code, secrets removed.
    fn message(&self) -> String {
        match (excerpt(self.message.as_bytes()), excerpt(self.reason.as_bytes())) {
            (message, reason) if reason.is_empty() => message,
            (message, reason) if message.is_empty() => reason,
            (message, reason) => format!("{message} ({reason})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::providers::{
        fixtures::told,
        google::fixtures::{answer, stored},
    };

    #[test]
    fn every_status_and_reason_says_what_to_do() {
        use Operation::{CreateEvent, Event, FreeBusy, ListCalendars};
        for (file, operation, action, code, after) in [
            ("400_invalid", CreateEvent, "rejected", "provider_rejected", None),
            ("400_time_range_empty", FreeBusy, "rejected", "empty_interval", None),
            ("400_time_range_too_long", FreeBusy, "rejected", "interval_too_long", None),
            ("400_parse_error", CreateEvent, "fatal", "provider_unreadable", None),
            ("401_auth_error", Event, "reauthorize", "grant_refused", None),
            ("403_rate_limit", Event, "retry", "provider_throttled", None),
            ("403_rate_limit_retry_after", Event, "retry", "provider_throttled", Some(7)),
            ("403_user_rate_limit", Event, "retry", "provider_throttled", None),
            ("403_quota", CreateEvent, "retry", "provider_throttled", Some(15 * 60)),
            ("403_calendar_usage_limits", CreateEvent, "retry", "provider_throttled", Some(15 * 60)),
            ("403_daily_limit", Event, "retry", "provider_throttled", Some(60 * 60)),
            ("403_insufficient_permissions", FreeBusy, "rejected", "scope_missing", None),
            ("403_scope_insufficient_detail", ListCalendars, "rejected", "scope_missing", None),
            ("403_access_not_configured", ListCalendars, "fatal", "provider_api_disabled", None),
            ("403_forbidden", Event, "rejected", "forbidden", None),
            ("403_required_access_level", Event, "rejected", "forbidden", None),
            ("403_forbidden_for_non_organizer", Event, "rejected", "not_organizer", None),
            ("404_not_found", Event, "not found", "event_not_found", None),
            ("404_not_found", CreateEvent, "not found", "calendar_not_found", None),
            ("409_duplicate", CreateEvent, "conflict", "event_exists", None),
            ("409_conflict", Event, "retry", "provider_write_conflict", None),
            ("410_deleted", Event, "not found", "event_deleted", None),
            ("410_full_sync_required", Event, "not found", "sync_cursor_expired", None),
            ("410_updated_min_too_long_ago", Event, "not found", "sync_cursor_expired", None),
            ("412_condition_not_met", Event, "conflict", "event_changed", None),
            ("429_rate_limit_seconds", Event, "retry", "provider_throttled", Some(30)),
            ("429_rate_limit_date", Event, "retry", "provider_throttled", Some(90)),
            ("429_html", Event, "retry", "provider_throttled", None),
            ("500_backend_error", Event, "retry", "provider_unavailable", None),
            ("502_html", Event, "retry", "provider_unavailable", None),
            ("503_unavailable_retry_after", Event, "retry", "provider_unavailable", Some(120)),
            ("404_html", Event, "fatal", "provider_unreadable", None),
            ("403_html", Event, "fatal", "provider_unreadable", None),
            ("302_redirect", Event, "fatal", "provider_unreadable", None),
            ("418_teapot", Event, "fatal", "provider_unreadable", None),
        ] {
            let failure = classify(operation, &stored(&format!("errors/{file}.http")));
            assert_eq!(told(&failure), (action, code, after), "{file}: {failure}");
        }
    }

    #[test]
    fn a_missing_scope_is_named() {
        for (operation, scope) in [
            (Operation::FreeBusy, "auth/calendar.freebusy;"),
            (Operation::Event, "auth/calendar.events;"),
            // Nothing we know of ours: the challenge names one.
            (Operation::Identify, "auth/calendar;"),
        ] {
            let failure = classify(operation, &stored("errors/403_insufficient_permissions.http"));
            assert!(failure.message.contains(scope), "{operation:?}: {failure}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_classified(status in 100u16..1000, body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = classify(Operation::Event, &answer(status, body));
        }

        #[test]
        fn any_json_is_classified(status in 400u16..600, reason in ".{0,30}", domain in ".{0,20}") {
            let body = serde_json::json!({"error": {"errors": [{"domain": domain, "reason": reason}]}});
            let _ = classify(Operation::CreateEvent, &answer(status, body.to_string()));
        }
    }
}
