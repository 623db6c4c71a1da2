//! Connecting accounts: consent, codes, refreshing, administrators, and what the identity platform refuses.

use http::header::AUTHORIZATION;
use huddle_calendar_sync::{
    domain::{
        claims::Claims,
        failure::{Action, Blame, Failure},
        secret::{AuthorizationCode, CodeVerifier},
        zone::Zone,
    },
    providers::{
        AccountProfile, AdminConsentRequest, AuthorizationRefusal, AuthorizationRequest, CodeExchange,
        OAuthProvider, Refresh, TokenGrant,
    },
};
use serde_json::json;
use url::Url;

use super::{CALLBACK, CONSUMERS, CONTOSO, EMPTY, ORIGIN, PERSONAL, WORK, World};
use crate::world::{CHALLENGE, VERIFIER, parameter};

const FABRIKAM: &str = "fab21ca0-2222-4000-8000-0000000000fa";
/// Of an organisation whose administrator alone may consent.
const FABRIKAM_USER: &str = "user@fabrikam.example";
const FABRIKAM_ADMIN: &str = "admin@fabrikam.example";

impl World {
    /// Where the browser comes back to when `account` says yes (`approve`) or no (`deny`) at `tenant`.
    fn answer_page(&self, account: &str, tenant: Option<&str>, decision: &str) -> Url {
        let mut page = self
            .provider
            .authorization_url(&AuthorizationRequest {
                redirect_uri: CALLBACK,
                state: "state-1",
                code_challenge: CHALLENGE,
                scopes: &self.provider.default_scopes(),
                login_hint: None,
                tenant,
                force_consent: false,
                claims: None,
            })
            .unwrap();
        page.query_pairs_mut().append_pair("auto", decision).append_pair("account", account);
        let back = self.visit(&page);
        assert_eq!(parameter(&back, "state").as_deref(), Some("state-1"));
        back
    }

    /// What the worker makes of an error in the address.
    fn refused(&self, back: &Url) -> Failure {
        let error = parameter(back, "error").unwrap_or_else(|| panic!("{back}"));
        self.provider.authorization_error(AuthorizationRefusal {
            error: &error,
            description: parameter(back, "error_description").as_deref(),
            subcode: parameter(back, "error_subcode").as_deref(),
        })
    }

    fn consent(&self, account: &str, tenant: Option<&str>) -> AuthorizationCode {
        let back = self.answer_page(account, tenant, "approve");
        AuthorizationCode::new(parameter(&back, "code").unwrap_or_else(|| panic!("{back}")))
    }

    fn exchange(
        &self,
        code: &AuthorizationCode,
        verifier: &str,
        tenant: Option<&str>,
    ) -> Result<TokenGrant, Failure> {
        let verifier = CodeVerifier::new(verifier);
        let exchange =
            CodeExchange { code, verifier: &verifier, redirect_uri: CALLBACK, tenant, claims: None };
        self.drive(None, self.provider.exchange_code(exchange))
    }

    fn connect(&self, account: &str) -> TokenGrant {
        self.exchange(&self.consent(account, None), VERIFIER, None).unwrap()
    }

    fn identify(&self, grant: &TokenGrant) -> AccountProfile {
        self.drive(Some(&grant.access_token), self.provider.identify(grant)).unwrap()
    }

    fn refresh(
        &self,
        grant: &TokenGrant,
        tenant: &str,
        claims: Option<&Claims>,
    ) -> Result<TokenGrant, Failure> {
        let token = grant.refresh_token.as_ref().unwrap();
        let refresh = Refresh { token, tenant: Some(tenant), scopes: &grant.scopes, claims };
        self.drive(None, self.provider.refresh(refresh))
    }

    fn admin_consent(&self, tenant: Option<&str>, decision: &str, account: &str) -> Url {
        let request = AdminConsentRequest {
            redirect_uri: CALLBACK,
            state: "state-1",
            scopes: &self.provider.default_scopes(),
            tenant,
        };
        let mut page = self.provider.admin_consent_url(&request).unwrap().unwrap();
        page.query_pairs_mut().append_pair("auto", decision).append_pair("account", account);
        let back = self.visit(&page);
        assert_eq!(parameter(&back, "admin_consent").as_deref(), Some("True"), "also with an error");
        back
    }
}

fn told(result: Result<TokenGrant, Failure>) -> (Action, String) {
    let failure = result.unwrap_err();
    (failure.action, failure.code.into_owned())
}

#[test]
fn work_and_personal_accounts_are_connected_identified_and_refreshed() {
    let world = World::new();
    for (account, tenant, zone) in [
        (WORK, CONTOSO, "Europe/Berlin"),
        ("remote@contoso.example", CONTOSO, "America/New_York"),
        (PERSONAL, CONSUMERS, "Asia/Kolkata"),
    ] {
        let grant = world.connect(account);
        assert!(world.provider.missing_scopes(&grant.scopes).is_empty(), "{:?}", grant.scopes);
        let profile = world.identify(&grant);
        assert_eq!((profile.email.as_deref(), profile.tenant.as_deref()), (Some(account), Some(tenant)));
        assert!(profile.account.as_str().starts_with(&format!("{tenant}.")), "{}", profile.account);
        assert_eq!(profile.zone, Zone::named(zone), "{account}");

        let refreshed = world.refresh(&grant, tenant, None).unwrap();
        assert_ne!(refreshed.access_token.expose(), grant.access_token.expose());
        let (old, new) = (grant.refresh_token.unwrap(), refreshed.refresh_token.clone().unwrap());
        assert_ne!(old.expose(), new.expose(), "it rotates");
        // The token answer lists neither `offline_access` nor what it stands for: it must be asked for each time.
        assert!(world.refresh(&refreshed, tenant, None).unwrap().refresh_token.is_some());
    }
}

#[test]
fn a_code_that_was_used_or_comes_with_another_verifier_is_rejected() {
    let world = World::new();
    let rejected = |code: &AuthorizationCode, verifier: &str| {
        let failure = world.exchange(code, verifier, None).unwrap_err();
        assert_eq!(
            (failure.action, failure.code.as_ref()),
            (Action::Rejected(Blame::Request), "code_rejected")
        );
    };
    let used = world.consent(EMPTY, None);
    world.exchange(&used, VERIFIER, None).unwrap();
    rejected(&used, VERIFIER);
    rejected(&world.consent(EMPTY, None), "another-verifier-that-is-long-enough-to-be-one-0123");
    rejected(&AuthorizationCode::new("never-issued"), VERIFIER);
}

#[test]
fn each_tenant_lets_in_its_own_accounts_only() {
    let world = World::new();
    for (tenant, account, code) in [
        ("organizations", WORK, None),
        ("consumers", PERSONAL, None),
        (CONTOSO, WORK, None),
        ("contoso.example", WORK, None),
        ("organizations", PERSONAL, Some("wrong_organisation")),
        ("consumers", WORK, Some("wrong_organisation")),
        (FABRIKAM, WORK, Some("wrong_organisation")),
        ("contoso.example", PERSONAL, Some("wrong_organisation")),
    ] {
        let back = world.answer_page(account, Some(tenant), "approve");
        let refusal = parameter(&back, "error").map(|_| world.refused(&back).code.into_owned());
        assert_eq!(refusal.as_deref(), code, "{tenant} {account}");
        if let Some(text) = parameter(&back, "code") {
            let grant = world.exchange(&AuthorizationCode::new(text), VERIFIER, Some(tenant)).unwrap();
            assert_eq!(world.provider.check_account(tenant, &world.identify(&grant)), Ok(()));
        }
    }
    // Whoever rewrites the address in the browser signs in elsewhere: the id token gives that away.
    let elsewhere = world.identify(&world.connect(WORK));
    let failure = world.provider.check_account(FABRIKAM, &elsewhere).unwrap_err();
    assert_eq!(failure.code, "wrong_organisation");
}

#[test]
fn a_person_who_says_no_is_understood() {
    let world = World::new();
    assert_eq!(world.refused(&world.answer_page(WORK, None, "deny")).code, "consent_denied");
}

#[test]
fn where_only_an_administrator_may_consent_people_can_connect_once_one_did() {
    let world = World::new();
    for (says_why, code) in [(false, "consent_cancelled"), (true, "admin_consent_required")] {
        world.simulated.world().behaviour.approval_refusal_says_why = says_why;
        assert_eq!(world.refused(&world.answer_page(FABRIKAM_USER, None, "approve")).code, code);
    }

    let denied = world.admin_consent(Some(FABRIKAM), "deny", FABRIKAM_ADMIN);
    assert_eq!(world.refused(&denied).code, "consent_denied");
    let no_admin = world.admin_consent(Some(FABRIKAM), "approve", FABRIKAM_USER);
    assert_eq!(world.refused(&no_admin).code, "admin_consent_required");

    let granted = world.admin_consent(None, "approve", FABRIKAM_ADMIN);
    assert_eq!(parameter(&granted, "error"), None);
    let profile = world.identify(&world.connect(FABRIKAM_USER));
    assert_eq!(profile.tenant.as_deref(), Some(FABRIKAM));
}

#[test]
fn a_grant_that_is_gone_needs_the_person() {
    let world = World::new();
    for (account, how, code) in [
        (EMPTY, "revoke", "grant_revoked"),
        (WORK, "grants/revoke", "consent_required"),
        ("colleague@contoso.example", "refresh-tokens/kill", "session_expired"),
    ] {
        let grant = world.connect(account);
        world.control(how, &json!({ "account": account }));
        assert_eq!(
            told(world.refresh(&grant, CONTOSO, None)),
            (Action::Reauthorize, code.to_owned()),
            "{how}"
        );
    }
}

#[test]
fn refusals_of_the_token_endpoint_are_retried_or_need_the_person_or_the_operator() {
    let world = World::new();
    let grant = world.connect(EMPTY);
    for (reason, code, retryable, reauthorize) in [
        ("50076", "mfa_required", false, true),
        ("53003", "conditional_access", false, true),
        ("700082", "grant_expired", false, true),
        ("50057", "grant_refused", false, true),
        ("50196", "provider_request_loop", true, false),
        ("90033", "provider_unavailable", true, false),
        ("7000215", "client_misconfigured", false, false),
        ("7000222", "client_secret_expired", false, false),
    ] {
        world.fault(json!({"route": "token", "fault": {"status": 400, "reason": reason}}));
        let failure = world.refresh(&grant, CONTOSO, None).unwrap_err();
        assert_eq!(
            (failure.code.as_ref(), failure.is_retryable(), failure.action == Action::Reauthorize),
            (code, retryable, reauthorize),
            "{reason}: {failure}"
        );
    }
    world.fault(json!({"route": "token", "fault": {"status": 429, "retryAfter": 7}}));
    let failure = world.refresh(&grant, CONTOSO, None).unwrap_err();
    assert_eq!(failure.action, Action::Retry { after: Some(chrono::TimeDelta::seconds(7)) });
}

#[test]
fn a_claims_challenge_is_heard_and_answered_with_a_refresh() {
    let world = World::new();
    let grant = world.connect(EMPTY);
    let ask = || {
        let bearer = format!("Bearer {}", grant.access_token.expose());
        let request = http::Request::get(format!("{ORIGIN}/v1.0/me")).header(AUTHORIZATION, bearer);
        world.send(request.body(bytes::Bytes::new()).unwrap())
    };
    assert_eq!(world.provider.challenge(&ask()), None, "an answer is no challenge");
    world.fault(json!({"route": "me", "fault": {"status": 401}}));
    assert_eq!(world.provider.challenge(&ask()), None, "nor is a token that expired");

    world.fault(json!({"route": "me", "fault": {"status": 401, "reason": "claims"}}));
    let claims = world.provider.challenge(&ask()).unwrap();
    assert!(claims.as_str().contains("nbf"), "{claims:?}");
    world.refresh(&grant, CONTOSO, Some(&claims)).unwrap();
    let sent = String::from_utf8(world.take_sent().pop().unwrap().body().to_vec()).unwrap();
    assert!(sent.contains("nbf") && sent.contains("cp1"), "{sent}");
}
