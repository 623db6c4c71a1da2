//! Building requests to the Calendar API. Ids are percent-encoded, each as one whole path segment.

use bytes::Bytes;
use http::{
    HeaderValue, Method,
    header::{ACCEPT, CONTENT_TYPE, IF_MATCH},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::form_urlencoded;

use crate::{
    config::BaseUrl,
    domain::{
        failure::Failure,
        ids::{CalendarId, ETag, EventId},
    },
    ports::HttpRequest,
};

/// Everything but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One call of the Calendar API in the making.
#[derive(Debug)]
pub(super) struct ApiCall {
    method: Method,
    url: String,
    query: Vec<(&'static str, String)>,
    if_match: Option<ETag>,
    body: Option<Value>,
}

impl ApiCall {
    /// A call of `path` (constant, with its leading slash) at Google's API origin.
    pub(super) fn new(method: Method, api: &BaseUrl, path: &str) -> Self {
        Self { method, url: api.join(path), query: Vec::new(), if_match: None, body: None }
    }

    /// A call of a calendar's events.
    pub(super) fn events(method: Method, api: &BaseUrl, calendar: &CalendarId) -> Result<Self, Failure> {
        let calendar = segment(calendar.as_str(), "calendarId")?;
        Ok(Self::new(method, api, &format!("/calendar/v3/calendars/{calendar}/events")))
    }

    /// A call of one event.
    pub(super) fn event(
        method: Method,
        api: &BaseUrl,
        calendar: &CalendarId,
        event: &EventId,
    ) -> Result<Self, Failure> {
        let mut call = Self::events(method, api, calendar)?;
        call.url.push('/');
        call.url.push_str(&segment(event.as_str(), "eventId")?);
        Ok(call)
    }

    /// Adds a query parameter.
    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Asks that only this version be touched (RFC 9110 section 13.1.1).
    pub(super) fn if_match(mut self, etag: Option<&ETag>) -> Self {
        self.if_match = etag.cloned();
        self
    }

    /// Gives it a JSON body.
    pub(super) fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The request, less its credential.
    pub(super) fn build(self) -> Result<HttpRequest, Failure> {
        let mut url = self.url;
        if !self.query.is_empty() {
            url.push('?');
            url.push_str(&form_urlencoded::Serializer::new(String::new()).extend_pairs(self.query).finish());
        }
        let mut request =
            http::Request::builder().method(self.method).uri(url).header(ACCEPT, "application/json");
        if let Some(etag) = self.if_match {
            let value = HeaderValue::from_str(etag.as_str()).map_err(|_| {
                Failure::rejected("bad_etag", "etag", "expected an etag as the event carried it")
            })?;
            request = request.header(IF_MATCH, value);
        }
        let body = match self.body {
            Some(json) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Bytes::from(json.to_string())
            }
            None => Bytes::new(),
        };
        request.body(body).map_err(unbuildable)
    }
}

/// A form posted to one of the OAuth endpoints.
pub(super) fn form(endpoint: &BaseUrl, fields: &[(&str, &str)]) -> Result<HttpRequest, Failure> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    http::Request::post(endpoint.as_str())
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .map_err(unbuildable)
}

fn unbuildable(error: http::Error) -> Failure {
    Failure::fatal("request_unbuildable", error)
}

/// One path segment. Dot segments would be resolved away even when encoded, and lead to another resource.
fn segment(id: &str, field: &str) -> Result<String, Failure> {
    if matches!(id, "" | "." | "..") {
        return Err(Failure::rejected("bad_id", field, format!("{id:?} cannot be an id")));
    }
    Ok(utf8_percent_encode(id, SEGMENT).to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::providers::google::fixtures::api_url;

    fn path(calendar: &str, event: &str) -> Result<String, Failure> {
        let call = ApiCall::event(Method::GET, &api_url(), &calendar.into(), &event.into())?;
        Ok(call.build()?.uri().path().to_owned())
    }

    #[test]
    fn ids_are_whole_path_segments() {
        for (calendar, event, expected) in [
            ("primary", "abc", "/calendar/v3/calendars/primary/events/abc"),
            ("ada@example.com", "e", "/calendar/v3/calendars/ada%40example.com/events/e"),
            ("en.uk#holiday@group", "e", "/calendar/v3/calendars/en.uk%23holiday%40group/events/e"),
            ("a/b?c=%2F", "d e", "/calendar/v3/calendars/a%2Fb%3Fc%3D%252F/events/d%20e"),
        ] {
            assert_eq!(path(calendar, event).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn ids_that_would_lead_elsewhere_are_refused() {
        for (calendar, event, field) in
            [("", "e", "calendarId"), ("..", "e", "calendarId"), ("c", ".", "eventId")]
        {
            assert_eq!(path(calendar, event).unwrap_err().field(), Some(field));
        }
    }

    #[test]
    fn an_etag_no_header_can_hold_is_refused() {
        let etag = ETag::new("a\r\nX-Evil: 1");
        let failure = ApiCall::new(Method::GET, &api_url(), "/x").if_match(Some(&etag)).build().unwrap_err();
        assert_eq!(failure.field(), Some("etag"));
    }

    proptest! {
        #[test]
        fn any_id_stays_in_its_segment(calendar in ".{1,40}", event in ".{1,40}") {
            if let Ok(path) = path(&calendar, &event) {
                prop_assert_eq!(path.split('/').count(), 7);
            }
        }
    }
}
