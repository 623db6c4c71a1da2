//! Calls of Graph: every one asks for immutable ids, so that an event keeps its id when it is moved, and for times in UTC.
//!
//! <https://learn.microsoft.com/en-us/graph/outlook-immutable-id>

use http::{HeaderName, HeaderValue, Method};

use crate::{
    config::BaseUrl,
    domain::{
        failure::Failure,
        ids::{CalendarId, EventId},
    },
    providers::requests::{ApiCall, segment},
};

/// What every call prefers. Bodies as text: as HTML, Exchange wraps them into a document of its own.
pub(super) const PREFERENCES: &str =
    "IdType=\"ImmutableId\", outlook.timezone=\"UTC\", outlook.body-content-type=\"text\"";
/// The same for a body that is to be changed and not only read.
const PREFERENCES_WITH_HTML: &str =
    "IdType=\"ImmutableId\", outlook.timezone=\"UTC\", outlook.body-content-type=\"html\"";

/// A call of `path` below Graph's base.
pub(super) fn graph(method: Method, api: &BaseUrl, path: &str) -> ApiCall {
    preferring(PREFERENCES, method, api, path)
}

/// The same, with bodies as Exchange keeps them.
pub(super) fn graph_with_html(method: Method, api: &BaseUrl, path: &str) -> ApiCall {
    preferring(PREFERENCES_WITH_HTML, method, api, path)
}

fn preferring(preferences: &'static str, method: Method, api: &BaseUrl, path: &str) -> ApiCall {
    ApiCall::new(method, api, path)
        .header(HeaderName::from_static("prefer"), HeaderValue::from_static(preferences))
}

/// The call of a page's `@odata.nextLink`, followed to the letter, but only within Graph: it is sent with the account's token.
pub(super) fn next_page(api: &BaseUrl, link: &str) -> Result<ApiCall, Failure> {
    match link.strip_prefix(api.as_str()) {
        Some(path) if path.starts_with('/') => Ok(graph(Method::GET, api, path)),
        _ => Err(Failure::fatal(
            "provider_unreadable",
            "a page of Graph's names a next one that is not Graph's",
        )),
    }
}

/// The path of a calendar: `/me/calendar` for the account's main one, by whichever name.
pub(super) fn calendar_path(calendar: &CalendarId) -> Result<String, Failure> {
    if *calendar == CalendarId::primary() {
        return Ok("/me/calendar".to_owned());
    }
    Ok(format!("/me/calendars/{}", segment(calendar.as_str(), "calendarId")?))
}

/// The path of an event. Its id alone names it, in whichever calendar of the mailbox it is.
pub(super) fn event_path(event: &EventId) -> Result<String, Failure> {
    Ok(format!("/me/events/{}", segment(event.as_str(), "eventId")?))
}
