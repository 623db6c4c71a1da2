//! Connecting a Google account: where to send the browser, and what its errors mean when it comes back.
//!
//! <https://developers.google.com/identity/protocols/oauth2/web-server>

use url::Url;

use super::{Google, identity, scopes, tokens};
use crate::{
    domain::{failure::Failure, secret::RefreshToken},
    providers::{
        AccountProfile, AuthorizationRefusal, AuthorizationRequest, CodeExchange, OAuthProvider, Pending,
        Refresh, TokenGrant, excerpt::excerpt,
    },
};

impl OAuthProvider for Google {
    fn default_scopes(&self) -> Vec<String> {
        scopes::defaults()
    }

    fn missing_scopes(&self, granted: &[String]) -> Vec<String> {
        scopes::missing(granted)
    }

    fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> Result<Url, Failure> {
        let mut url = Url::parse(self.settings.auth_url.as_str())
            .map_err(|_| Failure::fatal("bad_settings", "GOOGLE_AUTH_URL is no URL"))?;
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("scope", &request.scopes.join(" "))
            .append_pair("state", request.state)
            .append_pair("code_challenge", request.code_challenge)
            .append_pair("code_challenge_method", "S256")
            // A refresh token, so that we can work while the person is away.
            .append_pair("access_type", "offline")
            // What was granted before stays granted: scopes can be asked for bit by bit.
            .append_pair("include_granted_scopes", "true");
        if request.force_consent {
            // Google gives a refresh token with the first consent only, unless consent is asked for again.
            query.append_pair("prompt", "consent");
        }
        if let Some(hint) = request.login_hint {
            query.append_pair("login_hint", hint);
        }
        drop(query);
        Ok(url)
    }

    fn exchange_code(&self, code: CodeExchange<'_>) -> Pending<TokenGrant> {
        tokens::exchange_code(&self.settings, &code)
    }

    fn refresh(&self, refresh: Refresh<'_>) -> Pending<TokenGrant> {
        tokens::refresh(&self.settings, &refresh)
    }

    fn revoke(&self, token: &RefreshToken) -> Option<Pending<()>> {
        Some(tokens::revoke(&self.settings, token))
    }

    fn identify(&self, grant: &TokenGrant) -> Pending<AccountProfile> {
        identity::identify(&self.settings, grant)
    }

    fn authorization_error(&self, refusal: AuthorizationRefusal<'_>) -> Failure {
        let AuthorizationRefusal { error, description, .. } = refusal;
        // Both come from the address bar: they are shown as far as they are harmless.
        let said = excerpt(description.unwrap_or(error).as_bytes());
        match error {
            "access_denied" => {
                Failure::refused("consent_denied", "access to the calendar was not allowed at Google")
            }
            "admin_policy_enforced" => Failure::refused(
                "admin_policy",
                "the organisation's Google Workspace policy does not let this application in; ask its administrator",
            ),
            "org_internal" => Failure::refused(
                "wrong_organisation",
                "this application admits only accounts of its own Google Workspace organisation",
            ),
            "disallowed_useragent" => Failure::refused(
                "browser_not_allowed",
                "Google does not let people sign in from an embedded browser; open the link in a real one",
            ),
            "invalid_scope" => {
                Failure::rejected("invalid_scope", "scopes", format!("Google knows no such scope: {said}"))
            }
            "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => {
                Failure::refused("sign_in_required", "Google wants the person to sign in; start again")
            }
            "server_error" | "temporarily_unavailable" => {
                Failure::retry("provider_unavailable", format!("Google could not go on: {said}"), None)
            }
            "redirect_uri_mismatch"
            | "invalid_client"
            | "deleted_client"
            | "unauthorized_client"
            | "invalid_request"
            | "unsupported_response_type" => Failure::fatal(
                "client_misconfigured",
                format!("Google does not accept this application's registration: {said}"),
            ),
            _ => Failure::refused(
                "authorization_failed",
                format!("Google ended the attempt to connect: {said}"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{domain::failure::Action, providers::google::fixtures::settings};

    fn url(force_consent: bool, login_hint: Option<&str>) -> Url {
        let google = Google::new(&settings());
        let scopes = google.default_scopes();
        google
            .authorization_url(&AuthorizationRequest {
                redirect_uri: "https://calendar.example/oauth/google/callback",
                state: "st&te",
                code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                scopes: &scopes,
                login_hint,
                tenant: None,
                force_consent,
                claims: None,
            })
            .unwrap()
    }

    #[test]
    fn the_browser_is_sent_for_offline_access_with_pkce() {
        insta::assert_snapshot!(url(false, None).as_str().replace('&', "\n&"), @r"
        https://accounts.google.com/o/oauth2/v2/auth?response_type=code
        &client_id=client-1.apps.googleusercontent.com
        &redirect_uri=https%3A%2F%2Fcalendar.example%2Foauth%2Fgoogle%2Fcallback
        &scope=openid+email+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcalendar.events+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcalendar.calendarlist.readonly+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcalendar.freebusy
        &state=st%26te
        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM
        &code_challenge_method=S256
        &access_type=offline
        &include_granted_scopes=true
        ");
    }

    #[test]
    fn consent_and_the_account_are_asked_for_only_when_wanted() {
        let pairs = |url: Url| url.query_pairs().into_owned().skip(9).collect::<Vec<_>>();
        assert_eq!(pairs(url(false, None)), []);
        assert_eq!(
            pairs(url(true, Some("ada@example.com"))),
            [
                ("prompt".to_owned(), "consent".to_owned()),
                ("login_hint".to_owned(), "ada@example.com".to_owned())
            ]
        );
    }

    #[test]
    fn errors_from_the_browser_say_whose_turn_it_is() {
        let google = Google::new(&settings());
        for (error, code, retryable, fatal) in [
            ("access_denied", "consent_denied", false, false),
            ("admin_policy_enforced", "admin_policy", false, false),
            ("org_internal", "wrong_organisation", false, false),
            ("disallowed_useragent", "browser_not_allowed", false, false),
            ("invalid_scope", "invalid_scope", false, false),
            ("interaction_required", "sign_in_required", false, false),
            ("temporarily_unavailable", "provider_unavailable", true, false),
            ("server_error", "provider_unavailable", true, false),
            ("redirect_uri_mismatch", "client_misconfigured", false, true),
            ("invalid_request", "client_misconfigured", false, true),
            ("something_new", "authorization_failed", false, false),
        ] {
            let failure = google.authorization_error(AuthorizationRefusal {
                error,
                description: Some("because"),
                subcode: None,
            });
            assert_eq!(
                (failure.code.as_ref(), failure.is_retryable(), failure.action == Action::Fatal),
                (code, retryable, fatal),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_error_from_the_browser_is_explained(error in ".{0,300}", description in proptest::option::of(".{0,3000}")) {
            let refusal =
                AuthorizationRefusal { error: &error, description: description.as_deref(), subcode: None };
            let failure = Google::new(&settings()).authorization_error(refusal);
            prop_assert!(failure.message.len() < 1200);
        }
    }
}
