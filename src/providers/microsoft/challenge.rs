//! Claims: what we say we can do, and what Microsoft wants to see proved before it gives access again.
//!
//! We declare `cp1`, the capability to answer claims challenges. With it Graph's access tokens live for up to a day, and
//! Graph refuses one the moment its session ends or a policy changes (continuous access evaluation) with a 401 that says
//! which claims a new token must have.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/claims-challenge>

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::header::WWW_AUTHENTICATE;
use serde_json::{Value, json};

use crate::{domain::claims::Claims, ports::HttpResponse, providers::token_answer::Refusal};

/// The `claims` of a request: those a challenge asked for, and our capability.
pub(super) fn requested(claims: Option<&Claims>) -> String {
    let mut members = claims.map(Claims::members).unwrap_or_default();
    let access_token = members.entry("access_token").or_insert_with(|| json!({}));
    if !access_token.is_object() {
        *access_token = json!({});
    }
    access_token["xms_cc"] = json!({ "values": ["cp1"] });
    Value::Object(members).to_string()
}

/// What a refusal wants to see proved: Graph says so in a header, the token endpoint in its JSON.
pub(super) fn of(refusal: &HttpResponse) -> Option<Claims> {
    let headers = refusal.headers().get_all(WWW_AUTHENTICATE);
    let of_graph = headers.iter().filter_map(|header| in_header(header.to_str().ok()?)).next();
    of_graph.or_else(|| Claims::parse(Refusal::read(refusal).text("claims")))
}

fn in_header(header: &str) -> Option<Claims> {
    if !header.contains("error=\"insufficient_claims\"") {
        return None;
    }
    let encoded =
        header.split_once("claims=\"").map(|(_, rest)| rest).and_then(|rest| rest.split('"').next())?;
    // Either alphabet, padded or not.
    let encoded = encoded.trim_end_matches('=').replace('+', "-").replace('/', "_");
    Claims::parse(std::str::from_utf8(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::providers::microsoft::fixtures::{answer, stored};

    fn refused_with(header: &str) -> HttpResponse {
        let mut response = answer(401, "");
        response.headers_mut().insert(WWW_AUTHENTICATE, header.parse().unwrap());
        response
    }

    #[test]
    fn what_a_challenge_asks_for_is_requested_together_with_our_capability() {
        assert_eq!(requested(None), r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
        for (challenge, expected) in [
            (
                r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#,
                r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"},"xms_cc":{"values":["cp1"]}}}"#,
            ),
            (
                r#"{"id_token":{"acr":null},"access_token":7}"#,
                r#"{"access_token":{"xms_cc":{"values":["cp1"]}},"id_token":{"acr":null}}"#,
            ),
        ] {
            let requested: Value =
                serde_json::from_str(&requested(Claims::parse(challenge).as_ref())).unwrap();
            assert_eq!(requested, serde_json::from_str::<Value>(expected).unwrap());
        }
    }

    #[test]
    fn both_kinds_of_challenge_are_heard() {
        let claims = of(&stored("errors/401_claims_challenge.http")).unwrap();
        assert_eq!(claims.as_str(), r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#);
        let claims = of(&stored("token/50076_mfa_required.http")).unwrap();
        assert!(claims.as_str().contains("capolids"), "{claims:?}");
    }

    #[test]
    fn a_refusal_that_is_no_challenge_is_none() {
        let encoded = STANDARD.encode(r#"{"a":"?>?>"}"#);
        let challenge = |error: &str, claims: &str| {
            of(&refused_with(&format!("Bearer realm=\"\", error=\"{error}\", claims=\"{claims}\"")))
        };
        assert!(challenge("insufficient_claims", &encoded).is_some(), "{encoded}");
        assert!(challenge("insufficient_claims", encoded.trim_end_matches('=')).is_some());
        assert_eq!(challenge("invalid_token", &encoded), None);
        assert_eq!(challenge("insufficient_claims", "not base64!"), None);
        assert_eq!(challenge("insufficient_claims", &STANDARD.encode("[]")), None);
        assert_eq!(of(&refused_with("Bearer error=\"insufficient_claims\"")), None);
        assert_eq!(of(&answer(401, "")), None);
        assert_eq!(of(&stored("token/50173_revoked.http")), None);
    }
}
