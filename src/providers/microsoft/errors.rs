//! What Graph's answers mean for us: every status and code becomes a [`Failure`] that says what to do next.
//!
//! <https://learn.microsoft.com/en-us/graph/errors>

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    domain::failure::Failure,
    ports::HttpResponse,
    providers::{excerpt::excerpt, retry_after::retry_after},
};

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
    if !response.status().is_success() {
        return Err(classify(operation, response));
    }
    let deserializer = &mut serde_json::Deserializer::from_slice(response.body());
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        // The parser's own words would quote what it read.
        let path = error.path();
        let body = excerpt(response.body());
        Failure::fatal("provider_unreadable", format!("Graph's answer is not understood at {path}: {body}"))
    })
}

/// What an unsuccessful answer means (design section 6).
pub(super) fn classify(operation: Operation, response: &HttpResponse) -> Failure {
    let wait = retry_after(response.headers());
    let status = response.status().as_u16();
    let (code, message) = match said(response.body()) {
        Some(said) => said,
        // Front ends answer these without Graph's JSON; the status says all that matters.
        None if matches!(status, 401 | 408 | 429 | 500..) || response.body().is_empty() => Default::default(),
        None => return not_understood(response),
    };
    match (status, code.as_str()) {
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
        (412, _) => Failure::conflict("event_changed", "the event was changed since it was read"),
        (409, _) => Failure::retry("provider_write_conflict", message, wait),
        (408 | 500.., _) => {
            Failure::retry("provider_unavailable", format!("Graph answered {status}: {message}"), wait)
        }
        (400, "ErrorInvalidIdMalformed") => operation.not_found(),
        (400 | 405 | 413 | 415 | 422, _) => {
            Failure::refused("provider_rejected", format!("Microsoft refused the request: {message}"))
        }
        _ => not_understood(response),
    }
}

fn scope_missing(operation: Operation, message: &str) -> Failure {
    let scope = operation.scope();
    Failure::refused(
        "scope_missing",
        format!(
            "the person has not granted the scope {scope}, or may not do this ({message}); connect the account again and allow it"
        ),
    )
}

fn not_understood(response: &HttpResponse) -> Failure {
    let status = response.status().as_u16();
    let body = excerpt(response.body());
    Failure::fatal("provider_unreadable", format!("Graph answered {status}, which is not understood: {body}"))
}

/// Code and message of Graph's error body; `None` for anything that is not one.
fn said(body: &[u8]) -> Option<(String, String)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    let code = error.get("code")?.as_str()?.to_owned();
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    Some((code, excerpt(message.as_bytes())))
}
