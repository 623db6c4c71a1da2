//! Registered OAuth clients and their redirect URIs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The client that exists from the start.
pub const DEFAULT_CLIENT_ID: &str = "sim-google-client";
/// Its secret. It opens nothing but this simulator.
pub const DEFAULT_CLIENT_SECRET: &str = "sim-google-secret";

/// One OAuth client.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Client {
    /// The client's id.
    pub client_id: String,
    /// The client's secret; never shown.
    #[serde(skip_serializing)]
    pub client_secret: String,
    /// What the consent page calls it.
    #[serde(default = "unnamed")]
    pub name: String,
    /// The exact redirect URIs. Empty: any on `http://127.0.0.1` or `http://localhost`.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Publishing status "Testing": refresh tokens live seven days.
    #[serde(default)]
    pub testing: bool,
}

fn unnamed() -> String {
    "A calendar app".to_owned()
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

/// The registered clients by id, at first only the default one.
pub fn default_clients() -> BTreeMap<String, Client> {
    let client = Client {
        client_id: DEFAULT_CLIENT_ID.to_owned(),
        client_secret: DEFAULT_CLIENT_SECRET.to_owned(),
        name: "Calendar Sync".to_owned(),
        redirect_uris: Vec::new(),
        testing: false,
    };
    BTreeMap::from([(client.client_id.clone(), client)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_client_takes_loopback_addresses_only() {
        let client = &default_clients()[DEFAULT_CLIENT_ID];
        for (uri, accepted) in [
            ("http://127.0.0.1:8787/oauth/google/callback", true),
            ("http://localhost:1/x", true),
            ("http://[::1]:8787/x", true),
            ("https://127.0.0.1/x", false),
            ("http://127.0.0.1.example.com/x", false),
            ("http://localhost@example.com/x", false),
            ("http://127.0.0.1:8787/x#fragment", false),
            ("nonsense", false),
        ] {
            assert_eq!(client.accepts_redirect(uri), accepted, "{uri}");
        }
    }

    #[test]
    fn registered_redirect_uris_are_compared_exactly() {
        let mut client = default_clients()[DEFAULT_CLIENT_ID].clone();
        client.redirect_uris = vec!["https://app.example.com/cb".into()];
        assert!(client.accepts_redirect("https://app.example.com/cb"));
        assert!(!client.accepts_redirect("https://app.example.com/cb/"));
        assert!(!client.accepts_redirect("http://127.0.0.1/cb"));
    }
}
