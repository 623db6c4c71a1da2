//! Settings: read once from the environment, all problems told at once, values never printed.

use base64::{Engine, engine::general_purpose::STANDARD};
use url::Url;

use crate::{
    domain::secret::{ApiSecret, ClientSecret},
    gate::limits::LimitOverrides,
};

/// Everything an operator can set. README lists each with its meaning.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where people and providers reach this worker, without a trailing slash.
    pub public_base_url: BaseUrl,
    /// Exact URIs (`https://app.example/done`) or whole origins (`https://app.example/`) to send people back to.
    pub redirect_allowlist: Vec<String>,
    /// Development shows the playground on `/`, where on this machine one gets in without the key.
    pub development: bool,
    /// The operator's and the backend's key.
    pub api_key: ApiSecret,
    /// Signs connect links, administrators' links, access tokens and sessions.
    pub webhook_secret: ApiSecret,
    /// Current encryption key and those it replaced, 32 bytes each.
    pub encryption_keys: EncryptionKeys,
    /// Changed budgets (`GATE_LIMITS`).
    pub gate_limits: LimitOverrides,
    /// How to reach Google, where it is set up.
    pub google: Option<GoogleSettings>,
    /// How to reach Microsoft, where it is set up.
    pub microsoft: Option<MicrosoftSettings>,
}

/// The keys of the vault.
#[derive(Clone)]
pub struct EncryptionKeys {
    /// Seals and opens.
    pub current: [u8; 32],
    /// Only open.
    pub previous: Vec<[u8; 32]>,
}

impl std::fmt::Debug for EncryptionKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EncryptionKeys(1 current, {} previous)", self.previous.len())
    }
}

/// How to reach Google, and as whom.
#[derive(Debug, Clone)]
pub struct GoogleSettings {
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: ClientSecret,
    /// Authorization endpoint.
    pub auth_url: BaseUrl,
    /// Token endpoint.
    pub token_url: BaseUrl,
    /// Revocation endpoint.
    pub revoke_url: BaseUrl,
    /// Origin before `/calendar/v3` and `/batch/calendar/v3`.
    pub api_url: BaseUrl,
}

/// How to reach Microsoft's identity platform and Graph, and as whom.
#[derive(Debug, Clone)]
pub struct MicrosoftSettings {
    /// The application's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: ClientSecret,
    /// Origin before `/{tenant}/oauth2/v2.0`.
    pub login_url: BaseUrl,
    /// Base of Graph with its version.
    pub api_url: BaseUrl,
}

/// An http(s) URL without query, fragment or trailing slash, to which paths are appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The URL as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL with `path` (which starts with a slash) behind it.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

/// Settings that are missing or malformed: one line for each, naming the setting and never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("settings: {}", problems.join("; "))]
pub struct SettingsError {
    /// One line for each problem.
    pub problems: Vec<String>,
}

impl Settings {
    /// Reads the settings through `get`, which answers `None` for what is not set.
    pub fn parse(get: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut reader = Reader { get, problems: Vec::new() };
        let settings = Self {
            public_base_url: reader.required_url("PUBLIC_BASE_URL"),
            redirect_allowlist: reader.list("REDIRECT_ALLOWLIST"),
            development: reader.optional("ENVIRONMENT").as_deref() == Some("development"),
            api_key: ApiSecret::new(reader.secret("API_KEY", 16)),
            webhook_secret: ApiSecret::new(reader.secret("WEBHOOK_SECRET", 16)),
            encryption_keys: reader.encryption_keys(),
            gate_limits: reader.gate_limits(),
            google: reader.google(),
            microsoft: reader.microsoft(),
        };
        if settings.google.is_none() && settings.microsoft.is_none() {
            let problem = "no provider is set up: set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET";
            reader.problems.push(problem.to_owned());
        }
        if reader.problems.is_empty() {
            Ok(settings)
        } else {
            Err(SettingsError { problems: reader.problems })
        }
    }
}

/// Collects problems, so that an operator sees them all at once. What it returns after a problem is never used.
struct Reader<G> {
    get: G,
    problems: Vec<String>,
}

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.get)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problems.push(format!("{name} is not set"));
            String::new()
        })
    }

    fn secret(&mut self, name: &str, least: usize) -> String {
        let secret = self.required(name);
        if !secret.is_empty() && secret.len() < least {
            self.problems.push(format!("{name} is shorter than {least} characters"));
        }
        secret
    }

    fn required_url(&mut self, name: &str) -> BaseUrl {
        let text = self.required(name);
        if text.is_empty() { BaseUrl(text) } else { self.url(name, &text) }
    }

    fn url_or(&mut self, name: &str, default: &str) -> BaseUrl {
        let text = self.optional(name).unwrap_or_else(|| default.to_owned());
        self.url(name, &text)
    }

    fn url(&mut self, name: &str, text: &str) -> BaseUrl {
        let parsed = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "https" | "http") && url.host().is_some());
        if parsed.is_none_or(|url| url.query().is_some() || url.fragment().is_some()) {
            self.problems.push(format!("{name} is not an http(s) URL without query and fragment"));
        }
        BaseUrl(text.trim_end_matches('/').to_owned())
    }

    fn list(&mut self, name: &str) -> Vec<String> {
        self.required(name)
            .split([',', ' ', '\n'])
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn gate_limits(&mut self) -> LimitOverrides {
        let text = self.optional("GATE_LIMITS").unwrap_or_else(|| "{}".to_owned());
        LimitOverrides::parse(&text).unwrap_or_else(|error| {
            self.problems.push(format!("GATE_LIMITS: {error}"));
            LimitOverrides::default()
        })
    }

    fn google(&mut self) -> Option<GoogleSettings> {
        let (client_id, client_secret) = self.client("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET")?;
        Some(GoogleSettings {
            client_id,
            client_secret,
            auth_url: self.url_or("GOOGLE_AUTH_URL", "https://accounts.google.com/o/oauth2/v2/auth"),
            token_url: self.url_or("GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token"),
            revoke_url: self.url_or("GOOGLE_REVOKE_URL", "https://oauth2.googleapis.com/revoke"),
            api_url: self.url_or("GOOGLE_API_URL", "https://www.googleapis.com"),
        })
    }

    fn microsoft(&mut self) -> Option<MicrosoftSettings> {
        let (client_id, client_secret) = self.client("MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET")?;
        Some(MicrosoftSettings {
            client_id,
            client_secret,
            login_url: self.url_or("MICROSOFT_LOGIN_URL", "https://login.microsoftonline.com"),
            api_url: self.url_or("GRAPH_API_URL", "https://graph.microsoft.com/v1.0"),
        })
    }

    /// Who we are at a provider; `None` when neither is set, which says that the provider is not wanted.
    fn client(&mut self, id: &str, secret: &str) -> Option<(String, ClientSecret)> {
        if self.optional(id).is_none() && self.optional(secret).is_none() {
            return None;
        }
        Some((self.required(id), ClientSecret::new(self.required(secret))))
    }

    fn encryption_keys(&mut self) -> EncryptionKeys {
        let current = self.required("OAUTH_ENC_KEY");
        let current = if current.is_empty() { [0; 32] } else { self.key("OAUTH_ENC_KEY", &current) };
        let previous = self.optional("OAUTH_ENC_KEYS_PREVIOUS").unwrap_or_default();
        let previous = previous
            .split([',', ' '])
            .filter(|key| !key.is_empty())
            .map(|key| self.key("OAUTH_ENC_KEYS_PREVIOUS", key))
            .collect();
        EncryptionKeys { current, previous }
    }

    fn key(&mut self, name: &str, text: &str) -> [u8; 32] {
        STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).unwrap_or_else(|| {
            self.problems.push(format!("{name} is not 32 bytes in base64"));
            [0; 32]
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn complete() -> HashMap<&'static str, String> {
        HashMap::from([
            ("PUBLIC_BASE_URL", "https://calendar.example/".to_owned()),
            ("REDIRECT_ALLOWLIST", "https://app.example/done, https://app.example/other".to_owned()),
            ("API_KEY", "key-with-sixteen-or-more".to_owned()),
            ("WEBHOOK_SECRET", "secret-with-sixteen-or-more".to_owned()),
            ("OAUTH_ENC_KEY", STANDARD.encode([7; 32])),
            ("GOOGLE_CLIENT_ID", "id".to_owned()),
            ("GOOGLE_CLIENT_SECRET", "a-google-secret".to_owned()),
        ])
    }

    fn parse(settings: &HashMap<&'static str, String>) -> Result<Settings, SettingsError> {
        Settings::parse(|name| settings.get(name).cloned())
    }

    #[test]
    fn a_complete_environment_is_read_with_the_providers_own_addresses() {
        let settings = parse(&complete()).unwrap();
        assert_eq!(settings.public_base_url.join("/healthz"), "https://calendar.example/healthz");
        assert_eq!(settings.redirect_allowlist, ["https://app.example/done", "https://app.example/other"]);
        assert_eq!(settings.google.unwrap().api_url.as_str(), "https://www.googleapis.com");
        assert!(!settings.development);
    }

    #[test]
    fn a_provider_is_set_up_by_its_client_and_one_is_needed() {
        let mut settings = complete();
        assert!(parse(&settings).unwrap().microsoft.is_none());
        settings.insert("MICROSOFT_CLIENT_ID", "id".to_owned());
        assert_eq!(parse(&settings).unwrap_err().problems, ["MICROSOFT_CLIENT_SECRET is not set"]);
        settings.insert("MICROSOFT_CLIENT_SECRET", "a-microsoft-secret".to_owned());
        settings.remove("GOOGLE_CLIENT_ID");
        settings.remove("GOOGLE_CLIENT_SECRET");
        let both = parse(&settings).unwrap();
        assert!(both.google.is_none());
        let microsoft = both.microsoft.unwrap();
        assert_eq!(microsoft.login_url.as_str(), "https://login.microsoftonline.com");
        assert_eq!(microsoft.api_url.as_str(), "https://graph.microsoft.com/v1.0");
        settings.remove("MICROSOFT_CLIENT_ID");
        settings.remove("MICROSOFT_CLIENT_SECRET");
        let error = parse(&settings).unwrap_err();
        assert!(error.problems[0].starts_with("no provider is set up"), "{error}");
    }

    #[test]
    fn every_problem_is_named_at_once_and_no_value_is_shown() {
        let mut settings = complete();
        settings.remove("API_KEY");
        settings.insert("OAUTH_ENC_KEY", "c2hvcnQ=".to_owned());
        settings.insert("GOOGLE_API_URL", "ftp://files.example".to_owned());
        settings.insert("WEBHOOK_SECRET", "short".to_owned());
        let error = parse(&settings).unwrap_err();
        assert_eq!(
            error.problems,
            [
                "API_KEY is not set",
                "WEBHOOK_SECRET is shorter than 16 characters",
                "OAUTH_ENC_KEY is not 32 bytes in base64",
                "GOOGLE_API_URL is not an http(s) URL without query and fragment",
            ]
        );
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let shown = format!("{:?}", parse(&complete()).unwrap());
        for secret in ["key-with-sixteen", "secret-with-sixteen", "a-google-secret", "[7, 7"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}
