//! Connecting a Microsoft account: where to send the browser, and what its errors mean when it comes back.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow>

use url::Url;

use super::{Microsoft, admin_consent, batch, challenge, identity, scopes, sign_in_errors, tenant, tokens};
use crate::{
    domain::{claims::Claims, failure::Failure, secret::RefreshToken},
    ports::HttpResponse,
    providers::{
        AccountProfile, AdminConsentRequest, AuthorizationRefusal, AuthorizationRequest, CodeExchange,
        OAuthProvider, Pending, Refresh, TokenGrant,
    },
};

impl OAuthProvider for Microsoft {
    fn default_scopes(&self) -> Vec<String> {
        scopes::defaults()
    }

    fn missing_scopes(&self, granted: &[String]) -> Vec<String> {
        scopes::missing(granted)
    }

    /// Consent is never forced: a refresh token comes with every sign-in that asks for `offline_access`, and
    /// `prompt=consent` would ask people anew for what their administrator allowed them, who alone may.
    fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> Result<Url, Failure> {
        let signing_in_at = request.tenant.unwrap_or(tenant::ANY);
        let mut url = tenant::endpoint(&self.settings, signing_in_at, "oauth2/v2.0/authorize")?;
        let (hint, value) = match request.login_hint {
            Some(address) => ("login_hint", address),
            // Whoever is signed in at work may well want to connect another account.
            None => ("prompt", "select_account"),
        };
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("response_mode", "query")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("scope", &scopes::asked(request.scopes))
            .append_pair("state", request.state)
            .append_pair("code_challenge", request.code_challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("claims", &challenge::requested(request.claims))
            .append_pair(hint, value);
        Ok(url)
    }

    fn exchange_code(&self, code: CodeExchange<'_>) -> Pending<TokenGrant> {
        tokens::exchange_code(&self.settings, &code)
    }

    fn refresh(&self, refresh: Refresh<'_>) -> Pending<TokenGrant> {
        tokens::refresh(&self.settings, &refresh)
    }

    /// There is no endpoint for this. What ends every session of the account (`revokeSignInSessions`) would sign the person
    /// out of everything else too; the consent is withdrawn by the person or an administrator.
    fn revoke(&self, _token: &RefreshToken) -> Option<Pending<()>> {
        None
    }

    fn identify(&self, grant: &TokenGrant) -> Pending<AccountProfile> {
        identity::identify(&self.settings, grant)
    }

    fn authorization_error(&self, refusal: AuthorizationRefusal<'_>) -> Failure {
        sign_in_errors::of_browser(refusal)
    }

    fn check_tenant(&self, tenant: &str) -> Result<(), Failure> {
        tenant::check(tenant)
    }

    fn check_account(&self, tenant: &str, profile: &AccountProfile) -> Result<(), Failure> {
        tenant::check_account(tenant, profile)
    }

    fn challenge(&self, answer: &HttpResponse) -> Option<Claims> {
        if answer.status().is_success() { batch::challenge(answer) } else { challenge::of(answer) }
    }

    fn refuses_token_in_part(&self, answer: &HttpResponse) -> bool {
        batch::refuses_token_in_part(answer)
    }

    fn admin_consent_url(&self, request: &AdminConsentRequest<'_>) -> Result<Option<Url>, Failure> {
        admin_consent::url(&self.settings, request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::microsoft::fixtures::settings;

    fn url(tenant: Option<&str>, login_hint: Option<&str>, claims: Option<&Claims>) -> Result<Url, Failure> {
        let microsoft = Microsoft::new(&settings());
        microsoft.authorization_url(&AuthorizationRequest {
            redirect_uri: "https://calendar.example/oauth/microsoft/callback",
            state: "st&te",
            code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            scopes: &microsoft.default_scopes(),
            login_hint,
            tenant,
            force_consent: true,
            claims,
        })
    }

    fn parameter(url: &Url, name: &str) -> Option<String> {
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    #[test]
    fn the_browser_is_sent_for_lasting_access_with_pkce_and_our_capability() {
        insta::assert_snapshot!(url(None, None, None).unwrap().as_str().replace('&', "\n&"), @r"
        https://login.microsoftonline.com/common/oauth2/v2.0/authorize?response_type=code
        &response_mode=query
        &client_id=11111111-2222-3333-4444-555555555555
        &redirect_uri=https%3A%2F%2Fcalendar.example%2Foauth%2Fmicrosoft%2Fcallback
        &scope=openid+profile+email+offline_access+User.Read+Calendars.ReadWrite+MailboxSettings.Read
        &state=st%26te
        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM
        &code_challenge_method=S256
        &claims=%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%22values%22%3A%5B%22cp1%22%5D%7D%7D%7D
        &prompt=select_account
        ");
    }

    #[test]
    fn people_choose_their_account_unless_the_product_knows_it() {
        let unknown = url(None, None, None).unwrap();
        assert_eq!(parameter(&unknown, "prompt").as_deref(), Some("select_account"));
        let known = url(None, Some("ada@contoso.example"), None).unwrap();
        assert_eq!(
            parameter(&known, "prompt"),
            None,
            "consent is asked for where it is missing, and never twice"
        );
        assert_eq!(parameter(&known, "login_hint").as_deref(), Some("ada@contoso.example"));
    }

    #[test]
    fn a_tenant_is_signed_in_at_by_its_own_address() {
        let path = |tenant| url(Some(tenant), None, None).map(|url| url.path().to_owned());
        assert_eq!(path("contoso.example").as_deref(), Ok("/contoso.example/oauth2/v2.0/authorize"));
        assert_eq!(path("../evil").unwrap_err().field(), Some("tenant"));
    }

    #[test]
    fn what_was_refused_for_want_of_claims_is_asked_for_with_them() {
        let claims = Claims::parse(r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#);
        let asked = parameter(&url(None, None, claims.as_ref()).unwrap(), "claims").unwrap();
        assert!(
            asked.contains(r#""acrs":{"essential":true,"value":"c1"}"#) && asked.contains("cp1"),
            "{asked}"
        );
    }

    #[test]
    fn a_grant_cannot_be_ended_at_microsoft() {
        assert!(Microsoft::new(&settings()).revoke(&RefreshToken::new("x")).is_none());
    }
}
