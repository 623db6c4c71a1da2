//! What Graph's answers mean for us: every status and code becomes a [`Failure`] that says what to do next.
//!
//! <https://learn.microsoft.com/en-us/graph/errors>

use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    domain::{failure::Failure, ids::EventId},
    ports::HttpResponse,
    providers::{
        answers::{not_understood, read_json},
        excerpt::excerpt,
        retry_after::retry_after,
    },
};

/// Who answers, in messages.
const WHO: &str = "Graph";

/// What was being attempted: it says which scope was needed and what a 404 is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// Finding out who the account is.
    Identify,
    /// Reading the mailbox's settings.
    MailboxSettings,
    /// Listing calendars, or events of a calendar.
    Calendar,
    /// Reading or changing an event.
    Event,
}

impl Operation {
    fn scope(self) -> &'static str {
        match self {
            Self::Identify => "User.Read",
            Self::MailboxSettings => "MailboxSettings.Read",
            Self::Calendar | Self::Event => "Calendars.ReadWrite",
        }
    }

    fn not_found(self) -> Failure {
        match self {
            Self::Event => Failure::not_found("event_not_found", "Outlook has no such event, or no longer"),
            _ => Failure::not_found("calendar_not_found", "Outlook has no such calendar for this account"),
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
    let (code, message) = match said(response.body()) {
        Some(said) => said,
        // Front ends answer these without Graph's JSON; the status says all that matters.
        None if matches!(status, 401 | 408 | 429 | 500..) || response.body().is_empty() => Default::default(),
        None => return not_understood(WHO, response),
    };
    match (status, code.as_str()) {
        // Two writes met at Exchange and nothing was decided, or a version was named: the caller knows.
        (409 | 412, "ErrorIrresolvableConflict") | (412, _) => {
            Failure::conflict("event_changed", "the event was changed since it was read")
        }
        (401, _) => Failure::reauthorize("grant_refused", "Microsoft refuses the account's access token"),
        (429, _) | (403, "ErrorExceededConnectionCount" | "activityLimitReached") => {
            Failure::retry("provider_throttled", format!("Microsoft asks us to slow down: {message}"), wait)
        }
        (403, "ErrorAccessDenied" | "Authorization_RequestDenied" | "AccessDenied" | "accessDenied") => {
            scope_missing(operation, &message)
        }
        (403, _) => Failure::refused("forbidden", format!("Microsoft does not allow this: {message}")),
        (404, "MailboxNotEnabledForRESTAPI" | "MailboxNotSupportedForRESTAPI") => Failure::refused(
            "mailbox_unavailable",
            "the account has no mailbox in Exchange Online, and so no calendar",
        ),
        (404, _) => operation.not_found(),
        (410, _) | (_, "SyncStateNotFound" | "syncStateNotFound" | "resyncRequired") => Failure::not_found(
            "sync_cursor_expired",
            "Microsoft no longer knows the delta token; sync everything anew",
        ),
        (409, _) | (400, "ErrorDuplicateTransactionId") => {
            Failure::retry("provider_write_conflict", message, wait)
        }
        (507, "ErrorQuotaExceeded") => Failure::refused("mailbox_full", "the account's mailbox is full"),
        (408 | 500.., _) => {
            Failure::retry("provider_unavailable", format!("Graph answered {status}: {message}"), wait)
        }
        (400, "ErrorInvalidIdMalformed") => operation.not_found(),
        (400, "TimeZoneNotSupportedException") => Failure::rejected("unknown_time_zone", "timeZone", message),
        (400, "ErrorCalendarEndDateIsEarlierThanStartDate") => {
            Failure::rejected("empty_interval", "end", message)
        }
        (400, "ErrorInvalidRecipients") => Failure::rejected("bad_address", "attendees", message),
        (400, code) if code.starts_with("ErrorRecurrence") => {
            Failure::rejected("bad_recurrence", "recurrence", message)
        }
        (400 | 405 | 413 | 415 | 422, _) => {
            Failure::refused("provider_rejected", format!("Microsoft refused the request: {message}"))
        }
        _ => not_understood(WHO, response),
    }
}

/// A transaction in which Graph made an event before.
pub(super) struct KnownTransaction {
    /// The event, where Graph says which.
    pub event: Option<EventId>,
}

/// Whether an answer to a creation says that its transaction was made before, with other content: Exchange does so with 400
/// or 409, and names the event or not. None of that is documented.
pub(super) fn known_transaction(response: &HttpResponse) -> Option<KnownTransaction> {
    if !response.status().is_client_error() {
        return None;
    }
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let error = &body["error"];
    let known = response.status() == StatusCode::CONFLICT || error["code"] == "ErrorDuplicateTransactionId";
    let event = error["@event.existingEventId"].as_str().filter(|id| !id.is_empty()).map(EventId::new);
    known.then_some(KnownTransaction { event })
}

fn scope_missing(operation: Operation, message: &str) -> Failure {
    let scope = operation.scope();
    Failure::unscoped(
        "scope_missing",
        scope,
        format!(
            "the person has not granted the scope {scope}, or may not do this ({message}); connect the account again and allow it"
        ),
    )
}

/// Code and message of Graph's error body; `None` for anything that is not one.
fn said(body: &[u8]) -> Option<(String, String)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    let code = error.get("code")?.as_str()?.to_owned();
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    Some((code, excerpt(message.as_bytes())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::providers::{
        fixtures::told,
        microsoft::fixtures::{answer, stored},
    };

    #[test]
    fn every_status_and_code_says_what_to_do() {
        use Operation::{Calendar, Event, Identify, MailboxSettings};
        for (file, operation, action, code, after) in [
            ("400_invalid_request", Event, "rejected", "provider_rejected", None),
            ("400_not_organizer", Event, "rejected", "provider_rejected", None),
            ("400_request_body_read", Calendar, "rejected", "provider_rejected", None),
            ("400_property_validation", Calendar, "rejected", "provider_rejected", None),
            ("400_invalid_id_malformed", Event, "not found", "event_not_found", None),
            ("400_invalid_id_malformed", Calendar, "not found", "calendar_not_found", None),
            ("400_time_zone_not_supported", Calendar, "rejected", "unknown_time_zone", None),
            ("400_duplicate_transaction", Calendar, "retry", "provider_write_conflict", None),
            ("400_invalid_recipients", Calendar, "rejected", "bad_address", None),
            ("400_end_before_start", Event, "rejected", "empty_interval", None),
            ("400_recurrence_end_date_too_small", Event, "rejected", "bad_recurrence", None),
            ("400_recurrence_has_no_occurrence", Calendar, "rejected", "bad_recurrence", None),
            ("400_sync_state_not_found", Calendar, "not found", "sync_cursor_expired", None),
            ("401_invalid_authentication_token", Event, "reauthorize", "grant_refused", None),
            ("401_empty", Identify, "reauthorize", "grant_refused", None),
            ("403_error_access_denied", Event, "rejected", "scope_missing", None),
            ("403_authorization_request_denied", Identify, "rejected", "scope_missing", None),
            ("403_error_exceeded_connection_count", Calendar, "retry", "provider_throttled", None),
            ("403_forbidden", Event, "rejected", "forbidden", None),
            ("404_item_not_found", Event, "not found", "event_not_found", None),
            ("404_item_not_found", Calendar, "not found", "calendar_not_found", None),
            ("404_mailbox_not_enabled", MailboxSettings, "rejected", "mailbox_unavailable", None),
            ("405_method_not_allowed", Event, "rejected", "provider_rejected", None),
            ("408_empty", Event, "retry", "provider_unavailable", None),
            ("409_conflict", Event, "retry", "provider_write_conflict", None),
            ("409_duplicate_transaction", Calendar, "retry", "provider_write_conflict", None),
            ("409_irresolvable_conflict", Event, "conflict", "event_changed", None),
            ("410_sync_state_not_found", Calendar, "not found", "sync_cursor_expired", None),
            ("410_resync_required", Calendar, "not found", "sync_cursor_expired", None),
            ("412_irresolvable_conflict", Event, "conflict", "event_changed", None),
            ("413_request_too_large", Event, "rejected", "provider_rejected", None),
            ("429_application_throttled", Event, "retry", "provider_throttled", Some(30)),
            ("429_too_many_requests_date", Event, "retry", "provider_throttled", Some(90)),
            ("429_html", Event, "retry", "provider_throttled", None),
            ("500_internal_server_error", Event, "retry", "provider_unavailable", None),
            ("502_html", Event, "retry", "provider_unavailable", None),
            ("503_server_busy", Event, "retry", "provider_unavailable", Some(120)),
            ("503_mailbox_move", Event, "retry", "provider_unavailable", None),
            ("504_unknown_error", Event, "retry", "provider_unavailable", None),
            ("507_quota_exceeded", Calendar, "rejected", "mailbox_full", None),
            ("509_bandwidth", Event, "retry", "provider_unavailable", None),
            ("302_redirect", Event, "fatal", "provider_unreadable", None),
            ("403_html", Event, "fatal", "provider_unreadable", None),
            ("404_html", Event, "fatal", "provider_unreadable", None),
            ("418_teapot", Event, "fatal", "provider_unreadable", None),
        ] {
            let failure = classify(operation, &stored(&format!("errors/{file}.http")));
            assert_eq!(told(&failure), (action, code, after), "{file}: {failure}");
        }
    }

    #[test]
    fn what_a_caller_can_mend_is_named() {
        for (file, field) in [
            ("400_time_zone_not_supported", "timeZone"),
            ("400_invalid_recipients", "attendees"),
            ("400_end_before_start", "end"),
            ("400_recurrence_has_no_occurrence", "recurrence"),
        ] {
            let failure = classify(Operation::Event, &stored(&format!("errors/{file}.http")));
            assert_eq!(failure.field(), Some(field), "{file}");
        }
        for (operation, scope) in [
            (Operation::Identify, "User.Read,"),
            (Operation::MailboxSettings, "MailboxSettings.Read,"),
            (Operation::Calendar, "Calendars.ReadWrite,"),
            (Operation::Event, "Calendars.ReadWrite,"),
        ] {
            let failure = classify(operation, &stored("errors/403_error_access_denied.http"));
            assert!(failure.message.contains(scope), "{operation:?}: {failure}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_classified(status in 100u16..1000, body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = classify(Operation::Event, &answer(status, body));
        }

        #[test]
        fn any_json_is_classified(status in 400u16..600, code in ".{0,30}", message in ".{0,30}") {
            let body = serde_json::json!({"error": {"code": code, "message": message}});
            let _ = classify(Operation::Calendar, &answer(status, body.to_string()));
        }
    }
}
