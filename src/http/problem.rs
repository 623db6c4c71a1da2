//! Errors as callers see them: `application/problem+json` (RFC 9457) with a stable `code` and the offending `field`.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::domain::failure::{Action, Failure};

/// How long a caller should wait when nobody knows better.
const DEFAULT_RETRY_AFTER: TimeDelta = TimeDelta::seconds(5);

/// One error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    failure: Failure,
}

/// The body of an error answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = Problem))]
pub struct ProblemBody<'a> {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What the status means.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// A stable name of the problem in snake_case.
    code: &'a str,
    /// What is wrong and what to do about it, for a human.
    detail: &'a str,
    /// Path of the offending field, such as `payload.attendees[0].email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// Whether the same request may succeed later.
    retryable: bool,
}

impl Problem {
    /// A failure under another status than its kind would have.
    pub fn with_status(status: StatusCode, failure: Failure) -> Self {
        Self { status, failure }
    }

    /// A request that makes no sense, told with the field where one is to blame.
    pub fn bad_request(code: &'static str, message: impl std::fmt::Display) -> Self {
        Self::with_status(StatusCode::BAD_REQUEST, Failure::refused(code, message))
    }

    /// Nobody we know.
    pub fn unauthorized(message: &str) -> Self {
        Self::with_status(StatusCode::UNAUTHORIZED, Failure::refused("unauthorized", message))
    }

    /// Somebody we know, who may not do this.
    pub fn forbidden(message: &str) -> Self {
        Self::with_status(StatusCode::FORBIDDEN, Failure::refused("forbidden", message))
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What went wrong.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// How long to wait before asking again, in whole seconds, for problems that pass.
    pub fn retry_after_s(&self) -> Option<i64> {
        let after = match self.failure.action {
            Action::Retry { after } => after.unwrap_or(DEFAULT_RETRY_AFTER),
            Action::Wait { after } => after,
            _ => return None,
        };
        // Rounded up: to the second is never too early.
        Some(((after.num_milliseconds() + 999) / 1000).max(1))
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = match failure.action {
            Action::Retry { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Action::Wait { .. } => StatusCode::TOO_MANY_REQUESTS,
            Action::Reauthorize | Action::Conflict => StatusCode::CONFLICT,
            Action::Rejected(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Action::NotFound => StatusCode::NOT_FOUND,
            Action::Fatal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, failure }
    }
}

impl From<crate::ports::DbError> for Problem {
    fn from(error: crate::ports::DbError) -> Self {
        Failure::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!(code = %self.failure.code, message = %self.failure.message, "answered with an error");
        }
        let body = ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: &self.failure.code,
            detail: &self.failure.message,
            field: self.failure.field(),
            retryable: self.failure.is_retryable(),
        };
        let mut response = Response::new(Body::from(serde_json::to_vec(&body).unwrap_or_default()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::block_on;

    #[test]
    fn every_kind_of_failure_has_its_status() {
        for (failure, status, retry_after) in [
            (Failure::retry("x", "", Some(TimeDelta::seconds(7))), 503, Some(7)),
            (Failure::retry("x", "", None), 503, Some(5)),
            (Failure::wait("x", "", TimeDelta::milliseconds(1001)), 429, Some(2)),
            (Failure::reauthorize("x", ""), 409, None),
            (Failure::rejected("x", "f", ""), 422, None),
            (Failure::not_found("x", ""), 404, None),
            (Failure::conflict("x", ""), 409, None),
            (Failure::fatal("x", ""), 500, None),
        ] {
            let problem = Problem::from(failure);
            assert_eq!((problem.status.as_u16(), problem.retry_after_s()), (status, retry_after));
        }
    }

    #[test]
    fn the_answer_is_a_problem_document() {
        let response = Problem::from(Failure::rejected("bad_value", "payload.start", "expected an instant"))
            .into_response();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        let body = block_on(axum::body::to_bytes(response.into_body(), 10_000)).unwrap();
        insta::assert_snapshot!(String::from_utf8_lossy(&body), @r#"{"type":"about:blank","title":"Unprocessable Entity","status":422,"code":"bad_value","detail":"expected an instant","field":"payload.start","retryable":false}"#);
    }
}
