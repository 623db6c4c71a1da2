//! Calendar API errors in Google's body shape.
//!
//! <https://developers.google.com/workspace/calendar/api/guides/errors>

use bytes::Bytes;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::control::faults::ScriptedAnswer;
use crate::control::provider::Response;

/// One error of the Calendar API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status, also `error.code`.
    pub status: u16,
    /// `error.errors[0].domain`.
    pub domain: &'static str,
    /// `error.errors[0].reason`.
    pub reason: String,
    /// `error.message`.
    pub message: String,
    extras: Box<Extras>,
}

/// What only some errors carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Extras {
    /// `error.errors[0].message` where it differs from `error.message`.
    inner_message: Option<&'static str>,
    /// `locationType` and `location`.
    location: Option<(&'static str, String)>,
    /// `error.status`, the RPC code, where Google sends one.
    rpc_status: Option<&'static str>,
    /// `error.details[0]`.
    detail: Option<Value>,
    /// The `WWW-Authenticate` header.
    challenge: Option<String>,
}

impl ApiError {
    /// An error with the given parts and nothing optional.
    pub fn new(
        status: u16,
        domain: &'static str,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { status, domain, reason: reason.into(), message: message.into(), extras: Box::default() }
    }

    fn at_parameter(mut self, name: &str) -> Self {
        self.extras.location = Some(("parameter", name.to_owned()));
        self
    }

    fn at_header(mut self, name: &str) -> Self {
        self.extras.location = Some(("header", name.to_owned()));
        self
    }

    /// 400: a parameter or field has a value that does not fit.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "global", "invalid", message)
    }

    /// 400: a query parameter has a value that does not fit.
    pub fn invalid_parameter(name: &str, value: &str) -> Self {
        Self::new(
            400,
            "global",
            "invalidParameter",
            format!("Invalid value '{value}'. Values must match the documented type of {name}."),
        )
        .at_parameter(name)
    }

    /// 400: two parameters exclude each other, or one lacks another.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "global", "badRequest", message)
    }

    /// 400: something is missing.
    pub fn required(message: impl Into<String>) -> Self {
        Self::new(400, "global", "required", message)
    }

    /// 400: the body is not the JSON it should be.
    pub fn parse_error() -> Self {
        Self::new(400, "global", "parseError", "Parse Error")
    }

    /// 400: the range ends before it begins.
    pub fn time_range_empty() -> Self {
        Self::new(400, "calendar", "timeRangeEmpty", "The specified time range is empty.")
            .at_parameter("timeMax")
    }

    /// 400: the range of a free/busy query is beyond what Google allows.
    pub fn time_range_too_long() -> Self {
        Self::new(400, "calendar", "timeRangeTooLong", "The requested time range is too long.")
            .at_parameter("timeMax")
    }

    /// 401: no access token.
    pub fn login_required() -> Self {
        let mut error = Self::new(
                401,
                "global",
                "required",
                "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
            )
            .at_header("Authorization");
        error.extras.inner_message = Some("Login Required.");
        error.extras.rpc_status = Some("UNAUTHENTICATED");
        error.extras.challenge = Some("Bearer realm=\"https://accounts.google.com/\"".to_owned());
        error
    }

    /// 401: an access token that is unknown, expired or revoked.
    pub fn invalid_credentials() -> Self {
        let mut error = Self::new(
                401,
                "global",
                "authError",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
            )
            .at_header("Authorization");
        error.extras.inner_message = Some("Invalid Credentials");
        error.extras.rpc_status = Some("UNAUTHENTICATED");
        error.extras.challenge =
            Some("Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"".to_owned());
        error
    }

    /// 403: the token lacks every scope that `method` (such as `calendar.v3.Events.Insert`) takes.
    pub fn insufficient_scopes(method: &str, accepted: &[&str]) -> Self {
        let accepted: Vec<String> = accepted.iter().map(|scope| super::scopes::full_name(scope)).collect();
        let mut error = Self::new(
            403,
            "global",
            "insufficientPermissions",
            "Request had insufficient authentication scopes.",
        );
        error.extras.inner_message = Some("Insufficient Permission");
        error.extras.rpc_status = Some("PERMISSION_DENIED");
        error.extras.detail = Some(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
            "metadata": { "service": "calendar-json.googleapis.com", "method": method },
        }));
        error.extras.challenge = Some(format!(
            "Bearer realm=\"https://accounts.google.com/\", error=\"insufficient_scope\", scope=\"{}\"",
            accepted.join(" ")
        ));
        error
    }

    /// 403: the account may not do this on this calendar.
    pub fn requires_access(level: &str) -> Self {
        Self::new(
            403,
            "calendar",
            "requiredAccessLevel",
            format!("You need to have {level} access to this calendar."),
        )
    }

    /// 403: not allowed, whatever the access level.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "global", "forbidden", message)
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::new(404, "global", "notFound", "Not Found")
    }

    /// 409: an event with this id exists, or existed.
    pub fn duplicate() -> Self {
        Self::new(409, "global", "duplicate", "The requested identifier already exists.")
    }

    /// 410: deleted before.
    pub fn deleted() -> Self {
        Self::new(410, "global", "deleted", "Resource has been deleted")
    }

    /// 410: the sync token is no longer valid.
    pub fn full_sync_required() -> Self {
        Self::new(
            410,
            "calendar",
            "fullSyncRequired",
            "Sync token is no longer valid, a full sync is required.",
        )
        .at_parameter("syncToken")
    }

    /// 410: `updatedMin` is too old.
    pub fn updated_min_too_long_ago() -> Self {
        Self::new(
            410,
            "calendar",
            "updatedMinTooLongAgo",
            "The requested minimum modification time lies too far in the past.",
        )
        .at_parameter("updatedMin")
    }

    /// 412: the etag does not match.
    pub fn condition_not_met() -> Self {
        Self::new(412, "global", "conditionNotMet", "Precondition Failed").at_header("If-Match")
    }

    /// A quota is used up; `status` is 403 or 429, as Google answers either.
    pub fn quota(status: u16, reason: &str) -> Self {
        let message = match reason {
            "userRateLimitExceeded" => "User Rate Limit Exceeded",
            "quotaExceeded" | "calendarUsageLimitsExceeded" => "Calendar usage limits exceeded.",
            "dailyLimitExceeded" => "Daily Limit Exceeded",
            _ => "Rate Limit Exceeded",
        };
        Self::new(status, "usageLimits", reason, message)
    }

    /// The error a fault asks for; what it leaves out is filled in as at Google.
    pub fn scripted(answer: &ScriptedAnswer) -> Self {
        let status = answer.status.unwrap_or(500);
        let mut error = match (status, answer.reason.as_deref()) {
            (401, None | Some("authError")) => Self::invalid_credentials(),
            (403, None) => Self::quota(403, "rateLimitExceeded"),
            (403, Some("insufficientPermissions")) => {
                Self::insufficient_scopes("calendar.v3.Calendar", &["calendar"])
            }
            (403, Some("forbiddenForNonOrganizer")) => Self::new(
                403,
                "calendar",
                "forbiddenForNonOrganizer",
                "Shared properties can only be changed by the organizer of the event.",
            ),
            (403, Some("forbidden")) => Self::forbidden("Forbidden"),
            (403, Some("requiredAccessLevel")) => Self::requires_access("writer"),
            (403, Some("accessNotConfigured")) => Self::new(
                403,
                "usageLimits",
                "accessNotConfigured",
                "Google Calendar API has not been used in project 000000000000 before or it is disabled.",
            ),
            (403, Some(reason)) => Self::quota(403, reason),
            (404, None | Some("notFound")) => Self::not_found(),
            (409, None | Some("duplicate")) => Self::duplicate(),
            (409, Some("conflict")) => Self::new(409, "global", "conflict", "Conflict"),
            (410, None | Some("fullSyncRequired")) => Self::full_sync_required(),
            (410, Some("deleted")) => Self::deleted(),
            (410, Some("updatedMinTooLongAgo")) => Self::updated_min_too_long_ago(),
            (412, None | Some("conditionNotMet")) => Self::condition_not_met(),
            (429, reason) => Self::quota(429, reason.unwrap_or("rateLimitExceeded")),
            (400, Some("timeRangeEmpty")) => Self::time_range_empty(),
            (400, Some("timeRangeTooLong")) => Self::time_range_too_long(),
            (400, None) => Self::bad_request("Bad Request"),
            (503, None) => {
                let mut error =
                    Self::new(503, "global", "backendError", "The service is currently unavailable.");
                error.extras.rpc_status = Some("UNAVAILABLE");
                error
            }
            (500.., None) => Self::new(status, "global", "backendError", "Backend Error"),
            (_, reason) => {
                let reason = reason.unwrap_or("unknown").to_owned();
                let message = reason.clone();
                Self::new(status, "global", reason, message)
            }
        };
        if let Some(message) = &answer.message {
            error.message.clone_from(message);
            error.extras.inner_message = None;
        }
        error
    }

    /// The `error` object's JSON.
    pub fn body(&self) -> Value {
        let mut first = Map::new();
        first.insert("message".into(), self.extras.inner_message.unwrap_or(&self.message).into());
        first.insert("domain".into(), self.domain.into());
        first.insert("reason".into(), self.reason.as_str().into());
        if let Some((kind, name)) = &self.extras.location {
            first.insert("locationType".into(), (*kind).into());
            first.insert("location".into(), name.as_str().into());
        }
        let mut error = Map::new();
        error.insert("code".into(), self.status.into());
        error.insert("message".into(), self.message.as_str().into());
        error.insert("errors".into(), json!([first]));
        if let Some(status) = self.extras.rpc_status {
            error.insert("status".into(), status.into());
        }
        if let Some(detail) = &self.extras.detail {
            error.insert("details".into(), json!([detail]));
        }
        json!({ "error": error })
    }

    /// The whole answer.
    pub fn into_response(self) -> Response {
        let mut response = http::Response::new(Bytes::from(format!("{:#}\n", self.body())));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
        if let Some(challenge) = self.extras.challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripted(value: Value) -> Value {
        ApiError::scripted(&serde_json::from_value(value).unwrap()).body()
    }

    #[test]
    fn a_scripted_status_gets_the_body_google_sends_with_it() {
        for (script, code, domain, reason) in [
            (json!({"status": 401}), 401, "global", "authError"),
            (json!({"status": 403}), 403, "usageLimits", "rateLimitExceeded"),
            (json!({"status": 403, "reason": "quotaExceeded"}), 403, "usageLimits", "quotaExceeded"),
            (json!({"status": 403, "reason": "forbidden"}), 403, "global", "forbidden"),
            (json!({"status": 404}), 404, "global", "notFound"),
            (json!({"status": 409}), 409, "global", "duplicate"),
            (json!({"status": 410}), 410, "calendar", "fullSyncRequired"),
            (json!({"status": 410, "reason": "deleted"}), 410, "global", "deleted"),
            (json!({"status": 412}), 412, "global", "conditionNotMet"),
            (json!({"status": 429}), 429, "usageLimits", "rateLimitExceeded"),
            (json!({"status": 500}), 500, "global", "backendError"),
            (json!({"status": 503}), 503, "global", "backendError"),
        ] {
            let body = scripted(script.clone());
            let first = &body["error"]["errors"][0];
            assert_eq!(body["error"]["code"], code, "{script}");
            assert_eq!((&first["domain"], &first["reason"]), (&json!(domain), &json!(reason)), "{script}");
        }
    }

    #[test]
    fn a_missing_scope_is_named_in_the_challenge() {
        let response =
            ApiError::insufficient_scopes("calendar.v3.Events.Insert", &["calendar", "calendar.events"])
                .into_response();
        assert_eq!(response.status(), 403);
        assert_eq!(
            response.headers()["www-authenticate"],
            "Bearer realm=\"https://accounts.google.com/\", error=\"insufficient_scope\", \
             scope=\"https://www.googleapis.com/auth/calendar https://www.googleapis.com/auth/calendar.events\""
        );
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["error"]["details"][0]["reason"], "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
        assert_eq!(body["error"]["status"], "PERMISSION_DENIED");
    }
}
