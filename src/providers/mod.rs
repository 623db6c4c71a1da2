//! Providers, sans-IO: requests are built and answers parsed by pure code; paging and the like are small step machines.
//! A provider is a folder with the same files in each; the registry below is the only place that names them all.
//!
//! Machines never see a credential: whoever drives them adds it, refreshes it after a 401, and sends the request again.

mod answers;
mod excerpt;
mod exchange;
#[cfg(test)]
mod fixtures;
mod google;
mod id_token;
mod microsoft;
mod requests;
mod retry_after;
mod single;
mod token_answer;
mod traits;

pub use exchange::{Batched, Exchange, Pending, Step};
pub use google::Google;
pub use microsoft::Microsoft;
pub use single::{out_of_step, single};
pub use traits::{
    AccountProfile, AdminConsentRequest, AuthorizationRefusal, AuthorizationRequest, CALLS_TO_DELETE,
    CALLS_TO_UPDATE, CHANGES_KEPT, CalendarProvider, CodeExchange, Deletion, Limits, OAuthProvider, Provider,
    Refresh, TokenGrant,
};

use crate::{
    config::Settings,
    domain::{connector::ProviderKind, failure::Failure},
};

/// Every provider this worker serves.
pub struct Registry {
    providers: Vec<Box<dyn Provider>>,
}

impl Registry {
    /// The providers, set up as the operator wishes. Adding a provider is adding its folder and a line here.
    pub fn new(settings: &Settings) -> Self {
        let google =
            settings.google.as_ref().map(|google| Box::new(Google::new(google)) as Box<dyn Provider>);
        let microsoft = settings.microsoft.as_ref().map(|microsoft| Box::new(Microsoft::new(microsoft)) as _);
        Self { providers: google.into_iter().chain(microsoft).collect() }
    }

    /// Exactly these providers.
    pub fn of(providers: Vec<Box<dyn Provider>>) -> Self {
        Self { providers }
    }

    /// The provider of that kind.
    pub fn get(&self, kind: ProviderKind) -> Result<&dyn Provider, Failure> {
        self.providers.iter().map(AsRef::as_ref).find(|provider| provider.kind() == kind).ok_or_else(|| {
            Failure::refused("provider_not_set_up", format!("{} is not set up here", kind.title()))
        })
    }
}
