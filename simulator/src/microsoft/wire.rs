//! Reading requests and writing answers: query parameters, JSON bodies, `Prefer`, etags.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value};

use super::errors::ApiError;
use crate::control::provider::{Request, Response};

/// The parameters of a query or form, in order; names are compared without regard to case.
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
        self.0
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .find(|value| !value.is_empty())
    }

    /// Every parameter, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same parameters with one of them set anew, as a query string.
    pub fn with(&self, name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(key, _)| !key.eq_ignore_ascii_case(name));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept);
        query.append_pair(name, value);
        // Graph writes the dollar sign of its own parameters as it is.
        query.finish().replace("%24", "$")
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Result<Option<usize>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| {
                ApiError::invalid_query(format!("Invalid value '{text}' for {name} query option found."))
            }),
        }
    }
}

/// What the `Prefer` headers ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// `outlook.timezone`, by name.
    pub time_zone: Option<String>,
    /// `IdType="ImmutableId"`.
    pub immutable_ids: bool,
    /// `outlook.body-content-type="text"`.
    pub text_bodies: bool,
    /// `odata.maxpagesize`.
    pub page_size: Option<usize>,
}

impl Preferences {
    /// Reads every `Prefer` header.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut read = Self::default();
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        for part in values.flat_map(|value| value.split([',', ';'])) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "outlook.timezone" => read.time_zone = Some(value.to_owned()),
                "idtype" => read.immutable_ids = value.eq_ignore_ascii_case("ImmutableId"),
                "outlook.body-content-type" => read.text_bodies = value.eq_ignore_ascii_case("text"),
                "odata.maxpagesize" => read.page_size = value.parse().ok().filter(|size| *size > 0),
                _ => {}
            }
        }
        read
    }

    /// What `Preference-Applied` says; empty when nothing was asked for.
    pub fn applied(&self) -> String {
        let zone = self.time_zone.as_ref().map(|zone| format!("outlook.timezone=\"{zone}\""));
        let ids = self.immutable_ids.then(|| "IdType=\"ImmutableId\"".to_owned());
        let bodies = self.text_bodies.then(|| "outlook.body-content-type=\"text\"".to_owned());
        let size = self.page_size.map(|size| format!("odata.maxpagesize={size}"));
        [zone, ids, bodies, size].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// A body that must be a JSON object; an empty body is an empty object.
pub fn json_object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(ApiError::unreadable_body()),
    }
}

/// An answer with a JSON body.
pub fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = http::Response::new(Bytes::from(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(
            "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
        ),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
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

/// A header's text.
pub fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The bearer token of a request.
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The origin that the caller reached this server at, for links in answers; `https` where a proxy in front says so.
pub fn origin(request: &Request) -> String {
    let secure = header_text(request.headers(), "x-forwarded-proto") == Some("https");
    let scheme = if secure { "https" } else { "http" };
    format!("{scheme}://{}", header_text(request.headers(), "host").unwrap_or("127.0.0.1:8791"))
}

/// Whether `If-Match` allows a change to the resource with this etag.
pub fn check_if_match(headers: &HeaderMap, etag: &str) -> Result<(), ApiError> {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    match header_text(headers, "if-match") {
        None => Ok(()),
        Some(list) if list.split(',').any(|tag| tag.trim() == "*" || weak(tag) == weak(etag)) => Ok(()),
        Some(_) => Err(ApiError::irresolvable_conflict()),
    }
}

/// Decodes one path segment; an empty or malformed one names nothing.
pub fn decode_segment(segment: &str) -> Option<String> {
    if segment.is_empty() {
        return None;
    }
    // `+` is itself in a path, unlike in a query.
    let pair = format!("v={}", segment.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_names_have_no_case_and_can_be_replaced() {
        let params = Params::parse(b"startdatetime=2026&$skip=10&$top=5");
        assert_eq!(params.get("startDateTime"), Some("2026"));
        assert_eq!(params.with("$skip", "20"), "startdatetime=2026&$top=5&$skip=20");
        assert_eq!(params.number("$top"), Ok(Some(5)));
        assert!(Params::parse(b"$top=many").number("$top").is_err());
    }

    #[test]
    fn preferences_come_in_one_header_or_in_several() {
        let mut headers = HeaderMap::new();
        headers.append(
            "prefer",
            "outlook.timezone=\"Pacific Standard Time\", IdType=\"ImmutableId\"".parse().unwrap(),
        );
        headers.append("prefer", "odata.maxpagesize=7".parse().unwrap());
        headers.append("prefer", "outlook.body-content-type=text".parse().unwrap());
        assert_eq!(
            Preferences::of(&headers),
            Preferences {
                time_zone: Some("Pacific Standard Time".into()),
                immutable_ids: true,
                text_bodies: true,
                page_size: Some(7),
            }
        );
        assert_eq!(Preferences::of(&HeaderMap::new()), Preferences::default());
    }

    #[test]
    fn if_match_compares_weakly() {
        let mut headers = HeaderMap::new();
        assert!(check_if_match(&headers, "W/\"a\"").is_ok());
        for (value, fits) in [("W/\"a\"", true), ("\"a\"", true), ("*", true), ("W/\"b\"", false)] {
            headers.insert("if-match", value.parse().unwrap());
            assert_eq!(check_if_match(&headers, "W/\"a\"").is_ok(), fits, "{value}");
        }
    }
}
