//! The ways in which Google says no.

use bytes::Bytes;
use huddle_calendar_sync::ports::HttpResponse;
use serde_json::json;

use super::json;
use crate::dice::Dice;

/// An error of the Calendar API.
pub fn error(status: u16, domain: &str, reason: &str, message: &str) -> HttpResponse {
    json(
        status,
        &json!({ "error": {
            "code": status, "message": message,
            "errors": [{ "domain": domain, "reason": reason, "message": message }],
        }}),
    )
}

/// A token nobody knows, or no longer.
pub fn unauthorized() -> HttpResponse {
    error(401, "global", "authError", "Invalid Credentials")
}

/// Nothing there.
pub fn not_found() -> HttpResponse {
    error(404, "global", "notFound", "Not Found")
}

/// An error of the token endpoint (RFC 6749 section 5.2).
pub fn token_error(status: u16, name: &str, description: &str) -> HttpResponse {
    json(status, &json!({ "error": name, "error_description": description }))
}

/// Something broke over there.
pub fn outage(dice: &Dice) -> HttpResponse {
    let status = *dice.pick(&[500, 502, 503, 503, 504]);
    if dice.chance(500) {
        return error(status, "global", "backendError", "Backend Error");
    }
    http::Response::builder().status(status).body(Bytes::from_static(b"<html>Error</html>")).unwrap()
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

fn with_retry_after(mut answer: HttpResponse, seconds: i64) -> HttpResponse {
    answer.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    answer
}
