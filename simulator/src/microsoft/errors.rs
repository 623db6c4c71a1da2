//! Graph's errors: status, code, message, and the body they come in.
//!
//! <https://learn.microsoft.com/en-us/graph/errors>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::wire;
use crate::control::faults::ScriptedAnswer;
use crate::control::provider::{Request, Response};

const CHALLENGE: &str = "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\"";

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Graph's code: what clients branch on.
    pub code: String,
    /// For people.
    pub message: String,
    /// Headers that come with it.
    pub headers: Vec<(&'static str, String)>,
    /// The event that a transaction made before.
    pub existing_event: Option<String>,
}

/// What every answer carries: when it was made, and the ids it can be found by.
#[derive(Clone, Debug)]
pub struct Stamp {
    now: Timestamp,
    request_id: String,
    client_request_id: String,
}

impl Stamp {
    /// For the answer to a request.
    pub fn of(request: &Request, now: Timestamp) -> Self {
        let request_id = uuid();
        let client = wire::header_text(request.headers(), "client-request-id").map(str::to_owned);
        Self { now, client_request_id: client.unwrap_or_else(|| request_id.clone()), request_id }
    }

    /// For an answer whose request is not at hand.
    pub fn anonymous(now: Timestamp) -> Self {
        let request_id = uuid();
        Self { now, client_request_id: request_id.clone(), request_id }
    }

    /// Adds `request-id` and its companions to an answer.
    pub fn onto(&self, mut response: Response) -> Response {
        let diagnostic = r#"{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"5","ScaleUnit":"000","RoleInstance":"SIM0"}}"#;
        let headers = [
            ("request-id", self.request_id.as_str()),
            ("client-request-id", &self.client_request_id),
            ("x-ms-ags-diagnostic", diagnostic),
        ];
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A random version 4 UUID.
pub fn uuid() -> String {
    let bits = (fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

impl ApiError {
    /// Any error.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            headers: Vec::new(),
            existing_event: None,
        }
    }

    fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// 401: no token.
    pub fn token_missing() -> Self {
        Self::new(401, "InvalidAuthenticationToken", "Access token is empty.")
            .with_header("www-authenticate", CHALLENGE)
    }

    /// 401: a token that is unknown or not for Graph.
    pub fn token_invalid() -> Self {
        Self::new(
            401,
            "InvalidAuthenticationToken",
            "IDX14100: JWT is not well formed, there are no dots (.).",
        )
        .with_header("www-authenticate", CHALLENGE)
    }

    /// 401: a token past its life.
    pub fn token_expired() -> Self {
        Self::new(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
            .with_header("www-authenticate", CHALLENGE)
    }

    /// 401 with a claims challenge (continuous access evaluation).
    pub fn claims_challenge(claims: &str) -> Self {
        let claims = STANDARD.encode(claims);
        let challenge = format!("{CHALLENGE}, error=\"insufficient_claims\", claims=\"{claims}\"");
        Self::new(
            401,
            "InvalidAuthenticationToken",
            "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
        )
        .with_header("www-authenticate", challenge)
    }

    /// 403 of the mailbox: the token lacks the scope.
    pub fn access_denied() -> Self {
        Self::new(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    }

    /// 403 of the directory: the token lacks the scope.
    pub fn insufficient_privileges() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    /// 400: personal accounts have no such thing.
    pub fn not_for_personal_accounts() -> Self {
        Self::new(400, "BadRequest", "This API is not supported for MSA accounts")
    }

    /// 404: no such item.
    pub fn item_not_found() -> Self {
        Self::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    }

    /// 400: an id that never was one.
    pub fn id_malformed() -> Self {
        Self::new(400, "ErrorInvalidIdMalformed", "Id is malformed.")
    }

    /// 404: no such route.
    pub fn no_such_segment(segment: &str) -> Self {
        Self::new(400, "BadRequest", format!("Resource not found for the segment '{segment}'."))
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    }

    /// 412: the etag does not match.
    pub fn irresolvable_conflict() -> Self {
        Self::new(
            412,
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.",
        )
    }

    /// 400: a transaction is repeated with other content than the event was made from. Not documented.
    pub fn duplicate_transaction(event: Option<String>) -> Self {
        let message = "Your request can't be completed. An event with the same transactionId already exists.";
        Self { existing_event: event, ..Self::new(400, "ErrorDuplicateTransactionId", message) }
    }

    /// 400: not JSON.
    pub fn unreadable_body() -> Self {
        Self::new(
            400,
            "BadRequest",
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
        )
    }

    /// 400: a property the type does not have.
    pub fn unknown_property(name: &str, of: &str) -> Self {
        Self::new(
            400,
            "RequestBodyRead",
            format!(
                "The property '{name}' does not exist on type 'microsoft.graph.{of}'. Make sure to only use property names that are defined by the type or mark the type as open type."
            ),
        )
    }

    /// 400: a property that must be there.
    pub fn property_required(name: &str) -> Self {
        Self::new(400, "ErrorPropertyValidationFailure", format!("The property '{name}' is required."))
    }

    /// 400: a property with a value it cannot have.
    pub fn property_invalid(message: impl Into<String>) -> Self {
        Self::new(400, "ErrorPropertyValidationFailure", message)
    }

    /// 400: a request that makes no sense.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(400, "ErrorInvalidRequest", message)
    }

    /// 400: a query option.
    pub fn invalid_query(message: impl Into<String>) -> Self {
        Self::new(400, "ErrorInvalidUrlQuery", message)
    }

    /// 400: a `$filter` that cannot be used.
    pub fn invalid_filter(message: impl Into<String>) -> Self {
        Self::new(400, "ErrorInvalidUrlQueryFilter", message)
    }

    /// 400: a date that is none.
    pub fn bad_date(text: &str) -> Self {
        Self::new(400, "ErrorInvalidParameter", format!("The value '{text}' is not a valid date and time."))
    }

    /// 400: a zone nobody knows.
    pub fn time_zone_not_supported(name: &str) -> Self {
        Self::new(
            400,
            "TimeZoneNotSupportedException",
            format!(
                "A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'."
            ),
        )
    }

    /// 429 of the mailbox.
    pub fn throttled(limit: &str, retry_after_s: i64) -> Self {
        Self::new(429, "ApplicationThrottled", format!("Application is over its {limit} limit."))
            .with_header("retry-after", retry_after_s.max(1).to_string())
    }

    /// 410: the delta token is no longer known.
    pub fn sync_state_not_found() -> Self {
        let generation = fastrand::u32(100..900);
        Self::new(
            410,
            "SyncStateNotFound",
            format!(
                "The sync state generation is not found; generation={generation};[highest={0}][{0}][{1}][{2}].",
                generation + 8,
                generation + 6,
                generation + 7
            ),
        )
    }

    /// The error a fault asks for; what it leaves out is filled in as at Graph.
    pub fn scripted(answer: &ScriptedAnswer) -> Self {
        let status = answer.status.unwrap_or(500);
        let reason = answer.reason.as_deref();
        let mut error = match (status, reason) {
            (401, None) => Self::token_expired(),
            (401, Some("claims" | "insufficient_claims")) => {
                Self::claims_challenge(r#"{"access_token":{"nbf":{"essential":true,"value":"1800000000"}}}"#)
            }
            (403, None | Some("ErrorAccessDenied")) => Self::access_denied(),
            (404, None | Some("ErrorItemNotFound")) => Self::item_not_found(),
            (409, None) => Self::new(409, "ErrorConflict", "The operation conflicts with another."),
            (410, None | Some("SyncStateNotFound" | "syncStateNotFound")) => Self::sync_state_not_found(),
            (410, Some("resyncRequired")) => Self::new(410, "resyncRequired", "Resync required."),
            (412, None | Some("ErrorIrresolvableConflict")) => Self::irresolvable_conflict(),
            (429, None | Some("ApplicationThrottled" | "MailboxConcurrency")) => {
                Self { headers: Vec::new(), ..Self::throttled("MailboxConcurrency", 1) }
            }
            (429, Some("TooManyRequests")) => Self::new(429, "TooManyRequests", "Too many requests"),
            (400, None) => Self::invalid_request("Your request can't be completed."),
            (500, None) => Self::new(
                500,
                "ErrorInternalServerError",
                "An internal server error occurred. The operation failed.",
            ),
            (502, None) => Self::new(
                502,
                "BadGateway",
                "The server received an invalid response from an upstream server.",
            ),
            (503, None) => Self::new(
                503,
                "ErrorServerBusy",
                "The server cannot service this request right now. Try again later.",
            ),
            (504, None) => Self::new(504, "UnknownError", "The request timed out."),
            (507, None) => Self::new(507, "ErrorQuotaExceeded", "The mailbox is full."),
            (509, None) => Self::new(509, "BandwidthLimitExceeded", "The bandwidth limit has been exceeded."),
            (_, None) => Self::new(status, "UnknownError", ""),
            (_, Some(code)) => Self::new(status, code, code),
        };
        if let Some(message) = &answer.message {
            error.message.clone_from(message);
        }
        error
    }

    /// The `error` object's JSON.
    pub fn body(&self, stamp: &Stamp) -> Value {
        let mut body = json!({ "error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": stamp.now.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
                "request-id": stamp.request_id,
                "client-request-id": stamp.client_request_id,
            },
        }});
        if let Some(event) = &self.existing_event {
            body["error"]["@event.existingEventId"] = json!(event);
        }
        body
    }

    /// The whole answer.
    pub fn into_response(self, stamp: &Stamp) -> Response {
        let mut response = http::Response::new(Bytes::from(self.body(stamp).to_string()));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        stamp.onto(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripted(value: Value) -> ApiError {
        ApiError::scripted(&serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_scripted_status_gets_the_code_graph_sends_with_it() {
        for (script, code) in [
            (json!({"status": 401}), "InvalidAuthenticationToken"),
            (json!({"status": 403}), "ErrorAccessDenied"),
            (json!({"status": 404}), "ErrorItemNotFound"),
            (json!({"status": 410}), "SyncStateNotFound"),
            (json!({"status": 400, "reason": "syncStateNotFound"}), "syncStateNotFound"),
            (json!({"status": 412}), "ErrorIrresolvableConflict"),
            (json!({"status": 429}), "ApplicationThrottled"),
            (json!({"status": 500}), "ErrorInternalServerError"),
            (json!({"status": 503}), "ErrorServerBusy"),
            (json!({"status": 509}), "BandwidthLimitExceeded"),
            (json!({"status": 404, "reason": "MailboxNotEnabledForRESTAPI"}), "MailboxNotEnabledForRESTAPI"),
        ] {
            assert_eq!(scripted(script.clone()).code, code, "{script}");
        }
    }

    #[test]
    fn a_claims_challenge_carries_its_claims_in_base64() {
        let response = scripted(json!({"status": 401, "reason": "claims"}))
            .into_response(&Stamp::anonymous(Timestamp::UNIX_EPOCH));
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        let claims = challenge.split("claims=\"").nth(1).unwrap().trim_end_matches('"');
        let claims = String::from_utf8(STANDARD.decode(claims).unwrap()).unwrap();
        assert!(claims.contains("access_token"), "{claims}");
        assert!(challenge.contains("error=\"insufficient_claims\""));
    }

    #[test]
    fn errors_carry_the_ids_their_answer_can_be_found_by() {
        let request =
            http::Request::builder().header("client-request-id", "mine").body(Bytes::new()).unwrap();
        let response = ApiError::item_not_found().into_response(&Stamp::of(&request, Timestamp::UNIX_EPOCH));
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["error"]["innerError"]["client-request-id"], "mine");
        assert_eq!(
            body["error"]["innerError"]["request-id"],
            response.headers()["request-id"].to_str().unwrap()
        );
        assert_eq!(uuid().as_bytes()[14], b'4');
    }
}
