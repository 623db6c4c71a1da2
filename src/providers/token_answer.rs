//! What a token endpoint answers, for every provider: a grant (RFC 6749 section 5.1) or a refusal (section 5.2).
//!
//! Nothing of a grant's body is ever shown.

use chrono::TimeDelta;
use serde_json::Value;

use super::TokenGrant;
use crate::{
    domain::{
        failure::Failure,
        secret::{AccessToken, RefreshToken},
    },
    ports::HttpResponse,
};

/// How long a token works whose answer does not say (RFC 6749 section 5.1 only recommends it).
const USUAL_LIFETIME: i64 = 3600;
/// No access token is believed to work longer.
const LONGEST_LIFETIME: i64 = 24 * 3600;

/// What a token endpoint is asked to do: the same error means another thing for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Exchanging a code that a browser just brought.
    ExchangeCode,
    /// Exchanging a refresh token, with nobody there.
    Refresh,
}

/// The grant of an answer of success.
pub fn read_grant(answer: &HttpResponse) -> Result<TokenGrant, Failure> {
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let access_token = text("access_token").ok_or_else(|| {
        Failure::fatal("token_answer_unreadable", "the token endpoint's answer holds no access token")
    })?;
    let lifetime = body.get("expires_in").and_then(Value::as_i64).unwrap_or(USUAL_LIFETIME);
    Ok(TokenGrant {
        access_token: AccessToken::new(access_token),
        lifetime: TimeDelta::seconds(lifetime.clamp(0, LONGEST_LIFETIME)),
        refresh_token: text("refresh_token").map(RefreshToken::new),
        scopes: text("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        id_token: text("id_token").map(AccessToken::new),
    })
}

/// A refusal's JSON; without members where the body is something else.
#[derive(Debug, Default)]
pub struct Refusal(Value);

impl Refusal {
    /// The refusal of an unsuccessful answer.
    pub fn read(answer: &HttpResponse) -> Self {
        Self(serde_json::from_slice(answer.body()).unwrap_or_default())
    }

    /// A member's text, or none.
    pub fn text(&self, name: &str) -> &str {
        self.member(name).as_str().unwrap_or_default()
    }

    /// A member.
    pub fn member(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{
        domain::failure::Action,
        providers::fixtures::{answer, json},
    };

    #[test]
    fn a_grant_is_read_as_far_as_it_goes() {
        let full = json!({
            "access_token": "ya29.a", "expires_in": 3599, "refresh_token": "1//r", "token_type": "Bearer",
            "scope": "openid https://www.googleapis.com/auth/calendar.events", "id_token": "h.p.s",
            "refresh_token_expires_in": 604_799
        });
        let grant = read_grant(&json(full)).unwrap();
        assert_eq!(grant.access_token.expose(), "ya29.a");
        assert_eq!(grant.lifetime, TimeDelta::seconds(3599));
        assert_eq!(grant.refresh_token.unwrap().expose(), "1//r");
        assert_eq!(grant.scopes, ["openid", "https://www.googleapis.com/auth/calendar.events"]);
        assert_eq!(grant.id_token.unwrap().expose(), "h.p.s");

        let grant = read_grant(&json(json!({"access_token": "ya29.b", "refresh_token": ""}))).unwrap();
        assert_eq!(grant.lifetime, TimeDelta::seconds(3600));
        assert!(grant.refresh_token.is_none() && grant.scopes.is_empty() && grant.id_token.is_none());
    }

    #[test]
    fn an_answer_without_an_access_token_is_fatal_and_not_shown() {
        for body in [json!({}), json!({"access_token": ""}), json!({"refresh_token": "1//s3cret"}), json!([])]
        {
            let failure = read_grant(&json(body)).unwrap_err();
            assert_eq!((failure.action, failure.code.as_ref()), (Action::Fatal, "token_answer_unreadable"));
            assert!(!failure.message.contains("s3cret"));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_error_or_a_grant(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_grant(&answer(200, body.clone()));
            let _ = Refusal::read(&answer(400, body)).text("error");
        }

        #[test]
        fn any_lifetime_is_brought_into_bounds(expires_in in any::<i64>()) {
            let grant = read_grant(&json(json!({"access_token": "a", "expires_in": expires_in}))).unwrap();
            prop_assert!(grant.lifetime >= TimeDelta::zero() && grant.lifetime <= TimeDelta::days(1));
        }
    }
}
