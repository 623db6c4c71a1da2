//! Microsoft's canned answers (`tests/fixtures/microsoft`) and settings for this folder's tests.

pub(super) use crate::providers::fixtures::{answer, drive, first, json, shown};
use crate::{
    config::{BaseUrl, MicrosoftSettings},
    domain::{
        connector::{Connector, ConnectorStatus, Preferences, ProviderKind},
        ids::{AccountId, ConnectorId, UserId},
        time::Timestamp,
        zone::Zone,
    },
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

/// A connected work account in Berlin, `ada@contoso.example`.
pub(super) fn connector() -> Connector {
    let now = Timestamp::from_seconds(1_767_225_600);
    Connector {
        id: ConnectorId::new("con"),
        user: UserId::new("user"),
        workspace: None,
        provider: ProviderKind::Microsoft,
        tenant: Some("c0a7050a-1111-4000-8000-0000000000c0".to_owned()),
        account: AccountId::new("1"),
        email: Some("ada@contoso.example".to_owned()),
        status: ConnectorStatus::Active,
        scopes: vec![],
        zone: Zone::named("Europe/Berlin").unwrap(),
        preferences: Preferences::default(),
        generation: 1,
        created_at: now,
        updated_at: now,
    }
}
