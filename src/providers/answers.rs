//! Reading what a provider's API answers. What is not understood is told by its first bytes, less the secrets.

use serde::de::DeserializeOwned;

use super::excerpt::excerpt;
use crate::{domain::failure::Failure, ports::HttpResponse};

/// The JSON of a successful answer of that provider's.
pub fn read_json<T: DeserializeOwned>(provider: &str, answer: &HttpResponse) -> Result<T, Failure> {
    let deserializer = &mut serde_json::Deserializer::from_slice(answer.body());
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        // The parser's own words would quote what it read.
        let path = error.path();
        unreadable(answer, format!("{provider}'s answer is not understood at {path}"))
    })
}

/// What an unsuccessful answer means that no documentation of that provider's has.
pub fn not_understood(provider: &str, answer: &HttpResponse) -> Failure {
    let status = answer.status().as_u16();
    unreadable(answer, format!("{provider} answered {status}, which is not understood"))
}

fn unreadable(answer: &HttpResponse, what: String) -> Failure {
    let body = excerpt(answer.body());
    Failure::fatal("provider_unreadable", format!("{what}: {body}"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::providers::fixtures::{answer, told};

    #[test]
    fn an_unreadable_answer_shows_where_and_its_first_bytes_and_no_secret() {
        #[derive(Debug, Deserialize)]
        struct Page {
            #[serde(rename = "items")]
            _items: Vec<String>,
        }
        for body in [
            r#"{"items": "ya29.A0ARrdaM-0123456789abcdefghij", "access_token": "tiny"}"#,
            r#"{"items": 1, "access_token": "tiny", "skipToken": "0123456789abcdefghij" "#,
        ] {
            let failure = read_json::<Page>("Acme", &answer(200, body)).unwrap_err();
            assert_eq!(told(&failure), ("fatal", "provider_unreadable", None));
            assert!(failure.message.starts_with("Acme's answer is not understood at items: {"), "{failure}");
            assert!(
                !failure.message.contains("0123456789") && !failure.message.contains("tiny"),
                "{failure}"
            );
        }
        let failure = not_understood("Acme", &answer(418, "<p>tea</p>"));
        assert_eq!(told(&failure), ("fatal", "provider_unreadable", None));
        assert_eq!(failure.message, "Acme answered 418, which is not understood: <p>tea</p>");
    }
}
