//! What comes in: bodies capped before they are parsed, and query strings, with errors that name the field.

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header, request::Parts};
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::domain::failure::Failure;

/// The largest body taken, in bytes.
pub const LARGEST_BODY: usize = 64 * 1024;

/// A JSON body.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        require_type(&parts.headers, &["application/json"], "+json")?;
        parse_json(&read(&parts.headers, body).await?).map(Self)
    }
}

/// The fields of an HTML form, in order.
pub struct FormBody(pub Vec<(String, String)>);

impl FormBody {
    /// The value of a field; empty counts as absent, as browsers send every field.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
        value.filter(|value| !value.is_empty())
    }
}

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        require_type(&parts.headers, &["application/x-www-form-urlencoded"], "x-www-form-urlencoded")?;
        let bytes = read(&parts.headers, body).await?;
        Ok(Self(url::form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

/// The query string.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Query(params) = Query::try_from_uri(&parts.uri)
            .map_err(|rejection| Problem::bad_request("bad_query", rejection.body_text()))?;
        Ok(Self(params))
    }
}

/// The variable parts of the path.
pub struct Segments<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(segments) = Path::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::bad_request("bad_path", rejection.body_text()))?;
        Ok(Self(segments))
    }
}

fn require_type(headers: &HeaderMap, exact: &[&str], suffix: &str) -> Result<(), Problem> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if exact.contains(&essence.as_str()) || essence.ends_with(suffix) {
        return Ok(());
    }
    Err(Problem::with_status(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Failure::refused("unsupported_media_type", format!("expected a body of type {}", exact.join(" or "))),
    ))
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::with_status(
            StatusCode::PAYLOAD_TOO_LARGE,
            Failure::refused("body_too_large", format!("expected at most {LARGEST_BODY} bytes")),
        )
    };
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > LARGEST_BODY) {
        return Err(too_large());
    }
    // The reader stops at the cap, so a body that lies about its length costs no more. A connection that breaks off
    // looks the same to us, and nobody is left to read the answer.
    to_bytes(body, LARGEST_BODY).await.map_err(|_| too_large())
}

fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde reads a list as a struct, field by field; nobody means that.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(match serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
            Ok(_) => Failure::refused("not_an_object", "expected a JSON object").into(),
            Err(error) => Problem::bad_request("malformed_json", format!("the body is not JSON: {error}")),
        });
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.inner();
        if !inner.is_data() {
            return Problem::bad_request("malformed_json", format!("the body is not JSON: {inner}"));
        }
        unfit(&path, inner).into()
    })?;
    deserializer
        .end()
        .map_err(|error| Problem::bad_request("malformed_json", format!("the body is not JSON: {error}")))?;
    Ok(value)
}

/// A value that does not fit, told with its path.
pub(super) fn unfit(path: &str, error: &serde_json::Error) -> Failure {
    let message = error.to_string();
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match (path, missing) {
        (".", Some(field)) => Failure::rejected("missing_field", field, "this field is required"),
        (path, Some(field)) => {
            Failure::rejected("missing_field", format!("{path}.{field}"), "this field is required")
        }
        (".", None) => Failure::refused("wrong_type", message),
        (path, None) => Failure::rejected("wrong_type", path, message),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::testing::block_on;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only reading it matters")]
    struct Asked {
        name: String,
        list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only reading it matters")]
    struct Inner {
        number: u8,
    }

    fn ask(content_type: &str, body: impl Into<Body>) -> Result<Asked, (u16, String, Option<String>)> {
        let request =
            http::Request::post("/").header(header::CONTENT_TYPE, content_type).body(body.into()).unwrap();
        block_on(JsonBody::<Asked>::from_request(request, &())).map(|body| body.0).map_err(|problem| {
            let failure = problem.failure();
            (problem.status().as_u16(), failure.code.to_string(), failure.field().map(str::to_owned))
        })
    }

    #[test]
    fn a_body_that_fits_is_taken() {
        for content_type in
            ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json"]
        {
            ask(content_type, r#"{"name": "a", "list": [{"number": 1}], "more": true}"#).unwrap();
        }
    }

    #[test]
    fn each_fault_is_told_with_its_field() {
        for (body, status, code, field) in [
            ("", 400, "malformed_json", None),
            ("{", 400, "malformed_json", None),
            (r#"{"name": "a", "list": []} x"#, 400, "malformed_json", None),
            ("[]", 422, "not_an_object", None),
            (r#"["a", []]"#, 422, "not_an_object", None),
            ("7", 422, "not_an_object", None),
            ("{}", 422, "missing_field", Some("name")),
            (r#"{"name": 7, "list": []}"#, 422, "wrong_type", Some("name")),
            (r#"{"name": "a", "list": [{}]}"#, 422, "missing_field", Some("list[0].number")),
            (
                r#"{"name": "a", "list": [{"number": 1}, {"number": 300}]}"#,
                422,
                "wrong_type",
                Some("list[1].number"),
            ),
        ] {
            let expected = (status, code.to_owned(), field.map(str::to_owned));
            assert_eq!(ask("application/json", body).unwrap_err(), expected, "{body}");
        }
    }

    #[test]
    fn another_content_type_is_not_read() {
        for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
            assert_eq!(ask(content_type, "{}").unwrap_err().0, 415, "{content_type}");
        }
    }

    #[test]
    fn a_body_over_the_cap_is_not_read_whatever_it_says_of_itself() {
        let filler = "x".repeat(LARGEST_BODY);
        let body = format!(r#"{{"name": "{filler}", "list": []}}"#);
        assert_eq!(ask("application/json", body.clone()).unwrap_err().0, 413);
        let chunks = body
            .into_bytes()
            .chunks(1000)
            .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
            .collect::<Vec<_>>();
        assert_eq!(
            ask("application/json", Body::from_stream(futures_util::stream::iter(chunks))).unwrap_err().0,
            413
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_get_through(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(ask("application/json", bytes).is_err());
        }
    }
}
