//! Requests and answers, whoever they are for.

use bytes::Bytes;
use http::{Method, header::AUTHORIZATION};
use huddle_calendar_sync::ports::{HttpRequest, HttpResponse};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

/// The fields of a form, in their order.
pub type Form = Vec<(String, String)>;

/// The token of a request to an API.
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    request.headers().get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// A parameter of a URL.
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The form a request brings.
pub fn form(request: &HttpRequest) -> Form {
    if request.method() != Method::POST {
        return Vec::new();
    }
    form_urlencoded::parse(request.body()).into_owned().collect()
}

/// A field of a form.
pub fn field<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// A parameter of a request.
pub fn query(request: &HttpRequest, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// What is between the slashes of a path below `base`.
pub fn segments(request: &HttpRequest, base: &str) -> Vec<String> {
    let path = request.uri().path().trim_start_matches(base).trim_start_matches('/');
    path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
}

/// The object a request brings; an empty one where it brings none.
pub fn object(request: &HttpRequest) -> Map<String, Value> {
    serde_json::from_slice(request.body()).unwrap_or_default()
}

/// An answer of that status in JSON.
pub fn json(status: u16, body: &Value) -> HttpResponse {
    http::Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Bytes::from(body.to_string()))
        .unwrap()
}

/// An answer without a body.
pub fn empty(status: u16) -> HttpResponse {
    http::Response::builder().status(status).body(Bytes::new()).unwrap()
}

/// A page of some front end that broke.
pub fn broken(status: u16) -> HttpResponse {
    http::Response::builder().status(status).body(Bytes::from_static(b"<html>Error</html>")).unwrap()
}

/// The answer with a wish to be left alone for so many seconds.
pub fn with_retry_after(mut answer: HttpResponse, seconds: i64) -> HttpResponse {
    answer.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    answer
}
