//! Microsoft's canned answers (`tests/fixtures/microsoft`) and settings for this folder's tests.

pub(super) use crate::providers::fixtures::{answer, drive, first, json, shown};
use crate::{
    config::{BaseUrl, MicrosoftSettings},
    ports::HttpResponse,
    providers::fixtures,
};

/// Microsoft as an operator would set it up, with nothing overridden.
pub(super) fn settings() -> MicrosoftSettings {
    fixtures::settings(&[]).microsoft.unwrap()
}

/// Graph's own base.
pub(super) fn api_url() -> BaseUrl {
    settings().api_url
}

/// An answer of Microsoft's.
pub(super) fn stored(name: &str) -> HttpResponse {
    fixtures::stored(&format!("microsoft/{name}"))
}
