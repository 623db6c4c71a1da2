//! Microsoft's token endpoint. Every refresh answers with another refresh token; the old one goes on working, so that none
//! is lost with an answer that is.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow>

use super::{challenge, scopes, sign_in_errors, tenant};
use crate::{
    config::MicrosoftSettings,
    domain::claims::Claims,
    providers::{
        CodeExchange, Pending, Refresh, TokenGrant,
        requests::form,
        single,
        token_answer::{self, Purpose},
    },
};

/// Exchanges a code for tokens, at the tenant the person signed in at.
pub(super) fn exchange_code(
    settings: &MicrosoftSettings,
    exchange: &CodeExchange<'_>,
) -> Pending<TokenGrant> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", exchange.code.expose()),
        ("redirect_uri", exchange.redirect_uri),
        ("code_verifier", exchange.verifier.expose()),
    ];
    ask(settings, Purpose::ExchangeCode, exchange.tenant, exchange.claims, &fields)
}

/// Exchanges a refresh token for an access token, at the account's own tenant.
pub(super) fn refresh(settings: &MicrosoftSettings, refresh: &Refresh<'_>) -> Pending<TokenGrant> {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.token.expose()),
        // Without `offline_access` no new refresh token would come.
        ("scope", &scopes::asked(refresh.scopes)),
    ];
    ask(settings, Purpose::Refresh, refresh.tenant, refresh.claims, &fields)
}

fn ask(
    settings: &MicrosoftSettings,
    purpose: Purpose,
    tenant: Option<&str>,
    claims: Option<&Claims>,
    fields: &[(&str, &str)],
) -> Pending<TokenGrant> {
    let claims = challenge::requested(claims);
    let client = [
        ("client_id", settings.client_id.as_str()),
        ("client_secret", settings.client_secret.expose()),
        ("claims", &claims),
    ];
    let request = tenant::endpoint(settings, tenant.unwrap_or(tenant::ANY), "oauth2/v2.0/token")
        .and_then(|endpoint| form(endpoint.as_str(), &[fields, &client].concat()));
    single(request, move |answer| {
        if answer.status().is_success() {
            token_answer::read_grant(answer)
        } else {
            Err(sign_in_errors::of_token_endpoint(purpose, answer))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::secret::{AuthorizationCode, CodeVerifier, RefreshToken},
        providers::microsoft::fixtures::{drive, first, settings, shown, stored},
    };

    const CONTOSO: &str = "c0a7050a-1111-4000-8000-0000000000c0";

    fn code_exchange(tenant: Option<&str>) -> Pending<TokenGrant> {
        exchange_code(
            &settings(),
            &CodeExchange {
                code: &AuthorizationCode::new("1.AX code&more"),
                verifier: &CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
                redirect_uri: "https://calendar.example/oauth/microsoft/callback",
                tenant,
                claims: None,
            },
        )
    }

    fn refreshing(claims: Option<&Claims>) -> Pending<TokenGrant> {
        let token = RefreshToken::new("1.AX-refresh");
        let scopes = ["Calendars.ReadWrite".to_owned(), "openid".to_owned()];
        refresh(&settings(), &Refresh { token: &token, tenant: Some(CONTOSO), scopes: &scopes, claims })
    }

    #[test]
    fn a_code_is_exchanged_with_its_verifier_where_the_person_signed_in() {
        insta::assert_snapshot!(shown(&first(&mut *code_exchange(Some("contoso.example")))), @r"
        POST https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token
        accept: application/json
        content-type: application/x-www-form-urlencoded

        grant_type=authorization_code
        &code=1.AX+code%26more
        &redirect_uri=https%3A%2F%2Fcalendar.example%2Foauth%2Fmicrosoft%2Fcallback
        &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
        &client_id=11111111-2222-3333-4444-555555555555
        &client_secret=shh+%26+hush
        &claims=%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%22values%22%3A%5B%22cp1%22%5D%7D%7D%7D
        ");
        assert_eq!(first(&mut *code_exchange(None)).uri().path(), "/common/oauth2/v2.0/token");
    }

    #[test]
    fn a_refresh_asks_for_the_same_scopes_at_the_accounts_own_tenant() {
        insta::assert_snapshot!(shown(&first(&mut *refreshing(None))), @r"
        POST https://login.microsoftonline.com/c0a7050a-1111-4000-8000-0000000000c0/oauth2/v2.0/token
        accept: application/json
        content-type: application/x-www-form-urlencoded

        grant_type=refresh_token
        &refresh_token=1.AX-refresh
        &scope=Calendars.ReadWrite+openid+offline_access
        &client_id=11111111-2222-3333-4444-555555555555
        &client_secret=shh+%26+hush
        &claims=%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%22values%22%3A%5B%22cp1%22%5D%7D%7D%7D
        ");
    }

    #[test]
    fn a_challenge_is_answered_with_its_claims() {
        let claims = Claims::parse(r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#);
        let request = shown(&first(&mut *refreshing(claims.as_ref())));
        assert!(request.contains("%22nbf%22") && request.contains("%22cp1%22"), "{request}");
    }

    #[test]
    fn a_grant_brings_the_next_refresh_token() {
        let (_, grant) = drive(refreshing(None), [stored("token/granted_work.http")]);
        let grant = grant.unwrap();
        assert_eq!(grant.refresh_token.unwrap().expose(), "1.AXkA-next-refresh-token");
        assert_eq!(
            grant.scopes,
            ["Calendars.ReadWrite", "MailboxSettings.Read", "User.Read", "profile", "openid", "email"]
        );
        assert_eq!(
            grant.lifetime.num_seconds(),
            86_400,
            "no token is believed to work for longer than a day"
        );
    }

    #[test]
    fn a_tenant_that_cannot_be_one_leads_to_no_request() {
        let (requests, grant) = drive(code_exchange(Some("../x")), []);
        assert!(requests.is_empty());
        assert_eq!(grant.unwrap_err().field(), Some("tenant"));
    }
}
