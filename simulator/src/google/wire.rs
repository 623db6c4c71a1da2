//! Reading requests and writing answers: query parameters, JSON bodies, etags.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::errors::ApiError;
use crate::control::provider::{Request, Response};

/// The parameters of a query or form, in order; a name may repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `application/x-www-form-urlencoded` text.
    pub fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// Those of a request's query.
    pub fn of_query(request: &Request) -> Self {
        Self::parse(request.uri().query().unwrap_or("").as_bytes())
    }

    /// The first value of a parameter; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every parameter, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// `true` or `false`; anything else is an error.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some("true" | "True" | "1") => Ok(Some(true)),
            Some("false" | "False" | "0") => Ok(Some(false)),
            Some(other) => Err(ApiError::invalid_parameter(name, other)),
        }
    }

    /// A whole number of at least one.
    pub fn positive(&self, name: &str) -> Result<Option<usize>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => match text.parse::<usize>() {
                Ok(number) if number > 0 => Ok(Some(number)),
                _ => Err(ApiError::invalid_parameter(name, text)),
            },
        }
    }

    /// An RFC 3339 instant; the offset is mandatory.
    pub fn instant(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => match text.parse::<Timestamp>() {
                Ok(instant) => Ok(Some(instant)),
                Err(_) => Err(ApiError::bad_request("Bad Request")),
            },
        }
    }
}

/// A body that must be a JSON object; an empty body is an empty object.
pub fn json_object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(ApiError::parse_error()),
    }
}

/// An answer with a JSON body.
pub fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = http::Response::new(Bytes::from(format!("{value:#}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, max-age=0, must-revalidate"));
    if let Some(etag) = value.get("etag").and_then(Value::as_str).and_then(|tag| tag.parse().ok()) {
        headers.insert(ETAG, etag);
    }
    response
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Response {
    let mut response = http::Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// An HTML page.
pub fn html(status: StatusCode, page: String) -> Response {
    let mut response = http::Response::new(Bytes::from(page));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A 302 to another address.
pub fn redirect(to: &str) -> Response {
    let mut response = empty(StatusCode::FOUND);
    if let Ok(location) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Whether `If-Match` allows a change to the resource with this etag.
pub fn check_if_match(headers: &HeaderMap, etag: &str) -> Result<(), ApiError> {
    match header_text(headers, "if-match") {
        Some(wanted) if !matches_etag(wanted, etag) => Err(ApiError::condition_not_met()),
        _ => Ok(()),
    }
}

/// Whether `If-None-Match` says that the caller has this version already.
pub fn is_not_modified(headers: &HeaderMap, etag: &str) -> bool {
    header_text(headers, "if-none-match").is_some_and(|known| matches_etag(known, etag))
}

fn matches_etag(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|tag| tag == "*" || tag == etag)
}

/// A header's text.
pub fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The bearer token of a request, from the header or the `access_token` parameter.
pub fn bearer_token(request: &Request) -> Option<String> {
    let header = header_text(request.headers(), "authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    header.or_else(|| Params::of_query(request).get("access_token").map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_typed_and_may_repeat() {
        let params = Params::parse(b"a=1&a=2&b=&c=true&n=0&t=2026-03-01T09:00:00%2B01:00&u=2026-03-01");
        assert_eq!(params.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(params.get("b"), None);
        assert_eq!(params.boolean("c"), Ok(Some(true)));
        assert!(params.positive("n").is_err());
        assert_eq!(params.instant("t").unwrap().unwrap().to_string(), "2026-03-01T08:00:00Z");
        assert!(params.instant("u").is_err(), "a date without an offset is refused");
    }

    #[test]
    fn if_match_accepts_the_star_and_lists() {
        let mut headers = HeaderMap::new();
        assert!(check_if_match(&headers, "\"1\"").is_ok());
        for (value, fits) in [("\"1\"", true), ("*", true), ("\"0\", \"1\"", true), ("\"2\"", false)] {
            headers.insert("if-match", value.parse().unwrap());
            assert_eq!(check_if_match(&headers, "\"1\"").is_ok(), fits, "{value}");
        }
    }
}
