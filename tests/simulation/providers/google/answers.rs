//! The ways in which Google says no.

use huddle_calendar_sync::ports::HttpResponse;
use serde_json::json;

use crate::{
    dice::Dice,
    providers::{
        grants::TokenRefusal,
        wire::{self, with_retry_after},
    },
};

/// An error of the Calendar API.
pub fn error(status: u16, domain: &str, reason: &str, message: &str) -> HttpResponse {
    wire::json(
        status,
        &json!({ "error": {
            "code": status, "message": message,
            "errors": [{ "domain": domain, "reason": reason, "message": message }],
        }}),
    )
}

/// Nothing there.
pub fn not_found() -> HttpResponse {
    error(404, "global", "notFound", "Not Found")
}

/// An error of the token endpoint (RFC 6749 section 5.2).
pub fn refusal(refusal: TokenRefusal) -> HttpResponse {
    let (status, name, description) = match refusal {
        TokenRefusal::UnknownClient => (401, "invalid_client", "Unauthorized"),
        TokenRefusal::UnknownGrantType => (400, "unsupported_grant_type", "Invalid grant_type"),
        TokenRefusal::WorthlessCode => (400, "invalid_grant", "Malformed auth code."),
        TokenRefusal::WorthlessGrant | TokenRefusal::OtherOrganisation => {
            (400, "invalid_grant", "Token has been expired or revoked.")
        }
        TokenRefusal::NothingToRevoke => (400, "invalid_token", "Token expired or revoked"),
    };
    token_error(status, name, description)
}

fn token_error(status: u16, name: &str, description: &str) -> HttpResponse {
    wire::json(status, &json!({ "error": name, "error_description": description }))
}

/// Too many requests, in each of Google's ways to say so; with the seconds of `Retry-After` where there is one.
pub fn throttled(dice: &Dice, of_tokens: bool) -> (HttpResponse, Option<i64>) {
    if of_tokens {
        let wait = dice.between(1, 40);
        let answer = token_error(429, "rate_limit_exceeded", "Too many requests");
        return (with_retry_after(answer, wait), Some(wait));
    }
    match dice.between(0, 4) {
        0 => (error(403, "usageLimits", "rateLimitExceeded", "Rate Limit Exceeded"), None),
        1 => (error(429, "usageLimits", "rateLimitExceeded", "Rate Limit Exceeded"), None),
        _ => {
            let wait = dice.between(1, 120);
            let answer = error(
                *dice.pick(&[403, 429]),
                "usageLimits",
                "userRateLimitExceeded",
                "User Rate Limit Exceeded",
            );
            (with_retry_after(answer, wait), Some(wait))
        }
    }
}
