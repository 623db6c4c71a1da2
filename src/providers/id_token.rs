//! Reading OpenID Connect id tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// The claims of an id token that was issued to `client_id`. Who issued it is for the caller to check; its signature is not
/// checked at all: it came straight from the token endpoint over TLS (OpenID Connect Core section 3.1.3.7, point 6).
pub fn claims_for(client_id: &str, id_token: &str) -> Option<Value> {
    let payload = id_token.split('.').nth(1)?.trim_end_matches('=');
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let ours = match claims.get("aud")? {
        Value::Array(audiences) => audiences.iter().any(|audience| audience == client_id),
        audience => audience == client_id,
    };
    ours.then_some(claims)
}

/// A claim's text, if it has any.
pub fn text<'a>(claims: &'a Value, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// An id token with these claims, as far as anybody here looks at it.
#[cfg(test)]
pub fn unsigned(claims: &Value) -> String {
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_for_us_alone_or_among_others_is_read() {
        for (audience, ours) in [
            (json!("us"), true),
            (json!(["them", "us"]), true),
            (json!("them"), false),
            (json!([]), false),
            (Value::Null, false),
        ] {
            let claims = claims_for("us", &unsigned(&json!({"aud": audience, "sub": "1"})));
            assert_eq!(claims.as_ref().and_then(|claims| text(claims, "sub")), ours.then_some("1"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_ignored(text in ".{0,100}", payload in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = claims_for("us", &text);
            let _ = claims_for("us", &format!("a.{}.b", URL_SAFE_NO_PAD.encode(&payload)));
        }
    }
}
