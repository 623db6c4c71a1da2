//! Building requests to providers' APIs. Ids are percent-encoded, each as one whole path segment.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method,
    header::{ACCEPT, CONTENT_TYPE, IF_MATCH},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::form_urlencoded;

use crate::{
    config::BaseUrl,
    domain::{failure::Failure, ids::ETag},
    ports::HttpRequest,
};

/// Everything but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One call of a provider's API in the making.
#[derive(Debug)]
pub struct ApiCall {
    method: Method,
    url: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    if_match: Option<ETag>,
    body: Option<Value>,
}

impl ApiCall {
    /// A call of `path`, whose ids went through [`segment`] and which begins with a slash, below the API's base.
    pub fn new(method: Method, api: &BaseUrl, path: &str) -> Self {
        Self {
            method,
            url: api.join(path),
            query: Vec::new(),
            headers: Vec::new(),
            if_match: None,
            body: None,
        }
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Asks that only this version be touched (RFC 9110 section 13.1.1).
    pub fn if_match(mut self, etag: Option<&ETag>) -> Self {
        self.if_match = etag.cloned();
        self
    }

    /// Gives it a JSON body.
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The request, less its credential.
    pub fn build(self) -> Result<HttpRequest, Failure> {
        let mut url = self.url;
        if !self.query.is_empty() {
            url.push('?');
            url.push_str(&form_urlencoded::Serializer::new(String::new()).extend_pairs(self.query).finish());
        }
        let mut request =
            http::Request::builder().method(self.method).uri(url).header(ACCEPT, "application/json");
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
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
pub fn form(endpoint: &str, fields: &[(&str, &str)]) -> Result<HttpRequest, Failure> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    http::Request::post(endpoint)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .map_err(unbuildable)
}

fn unbuildable(error: http::Error) -> Failure {
    Failure::fatal("request_unbuildable", error)
}

/// An id as one path segment; refused as `field` when it cannot be one. Dot segments would be resolved away even when encoded, and lead to another resource.
pub fn segment(id: &str, field: &str) -> Result<String, Failure> {
    if matches!(id, "" | "." | "..") {
        return Err(Failure::rejected("bad_id", field, format!("{id:?} cannot be an id")));
    }
    Ok(utf8_percent_encode(id, SEGMENT).to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_whole_path_segments() {
        for (id, expected) in [
            ("primary", "primary"),
            ("ada@example.com", "ada%40example.com"),
            ("en.uk#holiday@group", "en.uk%23holiday%40group"),
            ("a/b?c=%2F", "a%2Fb%3Fc%3D%252F"),
            ("d e", "d%20e"),
        ] {
            assert_eq!(segment(id, "eventId").as_deref(), Ok(expected));
        }
    }

    #[test]
    fn ids_that_would_lead_elsewhere_are_refused() {
        for id in ["", ".", ".."] {
            assert_eq!(segment(id, "calendarId").unwrap_err().field(), Some("calendarId"));
        }
    }

    #[test]
    fn an_etag_no_header_can_hold_is_refused() {
        let etag = ETag::new("a\r\nX-Evil: 1");
        let api = crate::providers::fixtures::base_url("https://api.example");
        let failure = ApiCall::new(Method::GET, &api, "/x").if_match(Some(&etag)).build().unwrap_err();
        assert_eq!(failure.field(), Some("etag"));
    }

    proptest! {
        #[test]
        fn any_id_stays_in_its_segment(id in ".{1,40}") {
            if let Ok(segment) = segment(&id, "eventId") {
                let url = url::Url::parse(&format!("https://api.example/a/{segment}/b")).unwrap();
                prop_assert_eq!(url.path_segments().unwrap().count(), 3);
            }
        }
    }
}
