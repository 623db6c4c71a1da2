//! Google's canned answers (`tests/fixtures/google`) and settings for this folder's tests.

pub(super) use crate::providers::fixtures::{answer, drive, first, json, shown};
use crate::{
    config::{BaseUrl, GoogleSettings},
    ports::HttpResponse,
    providers::fixtures,
};

/// Google as an operator would set it up, with nothing overridden.
pub(super) fn settings() -> GoogleSettings {
    fixtures::settings(&[]).google.unwrap()
}

/// Google's own API origin.
pub(super) fn api_url() -> BaseUrl {
    settings().api_url
}

/// An answer of Google's.
pub(super) fn stored(name: &str) -> HttpResponse {
    fixtures::stored(&format!("google/{name}"))
}
