//! The ways in which Microsoft says no.

use base64::{Engine, engine::general_purpose::STANDARD};
use huddle_calendar_sync::ports::HttpResponse;
use serde_json::{Value, json};

use crate::{
    dice::Dice,
    providers::{
        grants::TokenRefusal,
        wire::{self, with_retry_after},
    },
};

/// The body of an error of Graph's.
pub fn error_body(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message, "innerError": { "request-id": "0" } } })
}

/// An error of Graph's.
pub fn error(status: u16, code: &str, message: &str) -> HttpResponse {
    wire::json(status, &error_body(code, message))
}

/// The transaction was made before, and this is the event.
pub fn duplicate_transaction(event: &str) -> HttpResponse {
    let mut body = error_body("ErrorDuplicateTransactionId", "The transaction was made before.");
    body["error"]["@event.existingEventId"] = json!(event);
    wire::json(400, &body)
}

/// No such event.
pub fn no_such_item() -> HttpResponse {
    error(404, "ErrorItemNotFound", "The specified object was not found in the store.")
}

/// A token that is worth nothing, or nothing any more: the account's access was `withdrawn`, and another sign-in is demanded
/// by a claims challenge.
pub fn unauthorized(withdrawn: bool) -> HttpResponse {
    let mut challenge =
        "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\""
            .to_owned();
    if withdrawn {
        let claims = STANDARD.encode(r#"{"access_token":{"nbf":{"essential":true,"value":"1772442000"}}}"#);
        challenge.push_str(&format!(", error=\"insufficient_claims\", claims=\"{claims}\""));
    }
    let mut answer =
        error(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.");
    answer.headers_mut().insert(http::header::WWW_AUTHENTICATE, challenge.parse().unwrap());
    answer
}

/// An error of the token endpoint: OAuth's word, and a number.
pub fn refusal(refusal: TokenRefusal) -> HttpResponse {
    let (status, name, number, description) = match refusal {
        TokenRefusal::UnknownClient => (401, "invalid_client", 7_000_215, "Invalid client secret provided."),
        TokenRefusal::UnknownGrantType => {
            (400, "unsupported_grant_type", 70_003, "The grant type is not supported.")
        }
        TokenRefusal::WorthlessCode => {
            (400, "invalid_grant", 54_005, "OAuth2 Authorization code was already redeemed.")
        }
        TokenRefusal::WorthlessGrant => {
            (400, "invalid_grant", 50_173, "The provided grant has expired due to it being revoked.")
        }
        TokenRefusal::OtherOrganisation => {
            (400, "invalid_grant", 50_020, "User account from identity provider does not exist in tenant.")
        }
        TokenRefusal::NothingToRevoke => (404, "invalid_request", 900_144, "There is no such endpoint."),
    };
    token_error(status, name, number, description)
}

fn token_error(status: u16, name: &str, number: u32, description: &str) -> HttpResponse {
    wire::json(
        status,
        &json!({
            "error": name, "error_description": format!("AADSTS{number}: {description} Trace ID: 0"),
            "error_codes": [number], "trace_id": "0", "correlation_id": "0",
        }),
    )
}

/// Too many requests, with the seconds of `Retry-After` where there is one. Exchange also does so with 503.
pub fn throttled(dice: &Dice, of_tokens: bool) -> (HttpResponse, Option<i64>) {
    if of_tokens {
        let wait = dice.between(1, 40);
        let answer = token_error(429, "temporarily_unavailable", 90_055, "Too many requests.");
        return (with_retry_after(answer, wait), Some(wait));
    }
    let answer = error(429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.");
    if dice.chance(200) {
        return (answer, None);
    }
    let wait = dice.between(1, 120);
    (with_retry_after(answer, wait), Some(wait))
}
