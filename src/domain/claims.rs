//! Claims that a provider wants to see proved before it gives access again: a second factor, say, or a fresh sign-in.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest request for claims that is kept, in bytes: it travels in a URL.
const LONGEST: usize = 2_000;

/// What a claims challenge asks for, in the form of OpenID Connect Core section 5.5: a JSON object. It is no secret, but it
/// comes from outside and goes into URLs and rows, so that its form and length are checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(String);

impl Claims {
    /// Takes the text of a challenge, if it is a JSON object of bearable length.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() <= LONGEST)
            .then(|| object(text))
            .flatten()
            .map(|object| Self(Value::Object(object).to_string()))
    }

    /// The JSON, on one line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its members.
    pub fn members(&self) -> Map<String, Value> {
        object(&self.0).unwrap_or_default()
    }
}

fn object(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_object_is_taken_and_nothing_else() {
        let claims = Claims::parse("{ \"access_token\":\n {\"acrs\": {\"value\": \"c1\"}} }").unwrap();
        assert_eq!(claims.as_str(), r#"{"access_token":{"acrs":{"value":"c1"}}}"#);
        assert!(claims.members().contains_key("access_token"));
        let long = format!("{{\"a\":\"{}\"}}", "b".repeat(LONGEST));
        for text in ["", "[]", "null", "\"text\"", "{", "{} {}", &long] {
            assert_eq!(Claims::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_stays_what_it_is(text in "[{}\"a:, ]{0,20}") {
            if let Some(claims) = Claims::parse(&text) {
                prop_assert_eq!(Claims::parse(claims.as_str()), Some(claims));
            }
        }
    }
}
