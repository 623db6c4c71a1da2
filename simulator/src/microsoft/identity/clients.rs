//! App registrations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The client that exists from the start: any organisation and personal accounts.
pub const DEFAULT_CLIENT_ID: &str = "sim-microsoft-client";
/// Its secret. It opens nothing but this simulator.
pub const DEFAULT_CLIENT_SECRET: &str = "sim-microsoft-secret";
/// A second client, of one organisation only.
pub const SINGLE_TENANT_CLIENT_ID: &str = "sim-microsoft-single-tenant";

/// Which accounts may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// Accounts of its own tenant.
    AzureADMyOrg,
    /// Accounts of any organisation.
    AzureADMultipleOrgs,
    /// Accounts of any organisation, and personal ones.
    AzureADandPersonalMicrosoftAccount,
    /// Personal accounts.
    PersonalMicrosoftAccount,
}

/// One app registration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Client {
    /// The application id.
    pub client_id: String,
    /// Its secret; never shown.
    #[serde(skip_serializing)]
    pub client_secret: String,
    /// What pages call it.
    #[serde(default = "unnamed")]
    pub name: String,
    /// The exact redirect URIs. Empty: any on `http://127.0.0.1` or `http://localhost`.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Which accounts may sign in.
    #[serde(default = "everybody")]
    pub audience: Audience,
    /// The tenant it is registered in.
    #[serde(default = "home")]
    pub tenant: String,
}

fn unnamed() -> String {
    "A calendar app".to_owned()
}

fn everybody() -> Audience {
    Audience::AzureADandPersonalMicrosoftAccount
}

fn home() -> String {
    crate::microsoft::seed::CONTOSO.to_owned()
}

impl Client {
    /// Whether this redirect URI is registered; the comparison is exact.
    pub fn accepts_redirect(&self, redirect_uri: &str) -> bool {
        if self.redirect_uris.is_empty() {
            is_loopback(redirect_uri)
        } else {
            self.redirect_uris.iter().any(|registered| registered == redirect_uri)
        }
    }
}

/// Whether a URI is plain HTTP to this machine.
pub fn is_loopback(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| {
        let host = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        url.scheme() == "http" && host && url.fragment().is_none()
    })
}

/// The clients that exist from the start.
pub fn default_clients() -> BTreeMap<String, Client> {
    let client = |id: &str, secret: &str, audience| Client {
        client_id: id.to_owned(),
        client_secret: secret.to_owned(),
        name: "Calendar Sync (development)".to_owned(),
        redirect_uris: Vec::new(),
        audience,
        tenant: home(),
    };
    let clients = [
        client(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, everybody()),
        client(SINGLE_TENANT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Audience::AzureADMyOrg),
    ];
    clients.into_iter().map(|client| (client.client_id.clone(), client)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_client_takes_loopback_addresses_only() {
        let client = &default_clients()[DEFAULT_CLIENT_ID];
        for (uri, accepted) in [
            ("http://127.0.0.1:8787/oauth/microsoft/callback", true),
            ("http://localhost:1/x", true),
            ("https://127.0.0.1/x", false),
            ("http://127.0.0.1.example.com/x", false),
            ("http://127.0.0.1:8787/x#fragment", false),
        ] {
            assert_eq!(client.accepts_redirect(uri), accepted, "{uri}");
        }
    }
}
