//! Google's token and revocation endpoints (RFC 6749 sections 4.1.3, 5 and 6; RFC 7009).

use crate::{
    config::GoogleSettings,
    domain::{failure::Failure, secret::RefreshToken},
    ports::HttpResponse,
    providers::{
        CodeExchange, Pending, Refresh, TokenGrant,
        excerpt::excerpt,
        requests::form,
        retry_after::retry_after,
        single,
        token_answer::{self, Purpose, Refusal},
    },
};

/// Exchanges a code for tokens.
pub(super) fn exchange_code(settings: &GoogleSettings, exchange: &CodeExchange<'_>) -> Pending<TokenGrant> {
    let request = form(
        settings.token_url.as_str(),
        &[
            ("grant_type", "authorization_code"),
            ("code", exchange.code.expose()),
            ("redirect_uri", exchange.redirect_uri),
            ("client_id", &settings.client_id),
            ("client_secret", settings.client_secret.expose()),
            ("code_verifier", exchange.verifier.expose()),
        ],
    );
    single(request, |answer| read_grant(Purpose::ExchangeCode, answer))
}

/// Exchanges a refresh token for an access token.
pub(super) fn refresh(settings: &GoogleSettings, refresh: &Refresh<'_>) -> Pending<TokenGrant> {
    let request = form(
        settings.token_url.as_str(),
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.token.expose()),
            ("client_id", &settings.client_id),
            ("client_secret", settings.client_secret.expose()),
        ],
    );
    single(request, |answer| read_grant(Purpose::Refresh, answer))
}

/// Ends the whole grant. Google answers `invalid_token` when it has ended already.
pub(super) fn revoke(settings: &GoogleSettings, token: &RefreshToken) -> Pending<()> {
    single(form(settings.revoke_url.as_str(), &[("token", token.expose())]), |answer| {
        if answer.status().is_success() {
            return Ok(());
        }
        match Refusal::read(answer).text("error") {
            "invalid_token" | "invalid_grant" => Ok(()),
            _ => Err(classify(Purpose::Refresh, answer)),
        }
    })
}

fn read_grant(purpose: Purpose, answer: &HttpResponse) -> Result<TokenGrant, Failure> {
    if answer.status().is_success() {
        token_answer::read_grant(answer)
    } else {
        Err(classify(purpose, answer))
    }
}

fn classify(purpose: Purpose, answer: &HttpResponse) -> Failure {
    let status = answer.status().as_u16();
    let wait = retry_after(answer.headers());
    let said = Refusal::read(answer);
    let error = said.text("error");
    let description = match said.text("error_description") {
        "" => excerpt(error.as_bytes()),
        description => excerpt(description.as_bytes()),
    };
    match (error, purpose) {
        _ if status == 429 => {
            Failure::retry("provider_throttled", "Google's token endpoint asks us to slow down", wait)
        }
        ("rate_limit_exceeded" | "slow_down", _) => {
            Failure::retry("provider_throttled", "Google's token endpoint asks us to slow down", wait)
        }
        _ if status >= 500 || status == 408 => {
            Failure::retry("provider_unavailable", format!("Google's token endpoint answered {status}"), wait)
        }
        ("temporarily_unavailable" | "server_error" | "internal_failure", _) => {
            Failure::retry("provider_unavailable", format!("Google's token endpoint: {description}"), wait)
        }
        ("invalid_grant", Purpose::Refresh) if said.text("error_subtype") == "invalid_rapt" => {
            Failure::reauthorize(
                "session_expired",
                "the organisation's policy wants the person to sign in to Google again",
            )
        }
        ("invalid_grant", Purpose::Refresh) => Failure::reauthorize(
            "grant_revoked",
            format!("the grant has expired or was revoked: {description}"),
        ),
        ("invalid_grant", Purpose::ExchangeCode) => Failure::refused(
            "code_rejected",
            format!(
                "Google does not accept the authorization code, which works once and briefly: {description}"
            ),
        ),
        (
            "admin_policy_enforced" | "org_internal" | "account_disabled" | "access_denied",
            Purpose::Refresh,
        ) => Failure::reauthorize("grant_refused", format!("Google no longer allows access: {description}")),
        (
            "admin_policy_enforced" | "org_internal" | "account_disabled" | "access_denied",
            Purpose::ExchangeCode,
        ) => Failure::refused("admin_policy", format!("Google does not allow access: {description}")),
        ("invalid_scope", _) => Failure::rejected("invalid_scope", "scopes", description),
        ("redirect_uri_mismatch", _) => Failure::fatal(
            "redirect_uri_mismatch",
            "register PUBLIC_BASE_URL/oauth/google/callback as a redirect URI of GOOGLE_CLIENT_ID",
        ),
        ("invalid_client" | "unauthorized_client" | "deleted_client" | "disabled_client", _) => {
            Failure::fatal(
                "client_misconfigured",
                format!("Google does not accept GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET: {description}"),
            )
        }
        ("", _) => Failure::fatal(
            "token_answer_unreadable",
            format!(
                "Google's token endpoint answered {status}, which is not understood: {}",
                excerpt(answer.body())
            ),
        ),
        _ => Failure::fatal(
            "token_request_refused",
            format!("Google's token endpoint answered {status}: {description}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        domain::{
            failure::Action,
            secret::{AuthorizationCode, CodeVerifier},
        },
        providers::google::fixtures::{answer, drive, first, settings, shown},
    };

    fn code_exchange() -> Pending<TokenGrant> {
        exchange_code(
            &settings(),
            &CodeExchange {
                code: &AuthorizationCode::new("4/0A code&more"),
                verifier: &CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
                redirect_uri: "https://calendar.example/oauth/google/callback",
                tenant: None,
                claims: None,
            },
        )
    }

    fn refreshing() -> Pending<TokenGrant> {
        let token = RefreshToken::new("1//refresh");
        refresh(&settings(), &Refresh { token: &token, tenant: None, scopes: &[], claims: None })
    }

    #[test]
    fn a_code_is_exchanged_with_its_verifier_and_our_secret() {
        insta::assert_snapshot!(shown(&first(&mut *code_exchange())), @r"
        POST https://oauth2.googleapis.com/token
        accept: application/json
        content-type: application/x-www-form-urlencoded

        grant_type=authorization_code
        &code=4%2F0A+code%26more
        &redirect_uri=https%3A%2F%2Fcalendar.example%2Foauth%2Fgoogle%2Fcallback
        &client_id=client-1.apps.googleusercontent.com
        &client_secret=shh+%26+hush
        &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
        ");
    }

    #[test]
    fn a_refresh_token_is_exchanged_and_revoked_in_a_form() {
        insta::assert_snapshot!(shown(&first(&mut *refreshing())), @r"
        POST https://oauth2.googleapis.com/token
        accept: application/json
        content-type: application/x-www-form-urlencoded

        grant_type=refresh_token
        &refresh_token=1%2F%2Frefresh
        &client_id=client-1.apps.googleusercontent.com
        &client_secret=shh+%26+hush
        ");
        insta::assert_snapshot!(shown(&first(&mut *revoke(&settings(), &RefreshToken::new("1//refresh")))), @r"
        POST https://oauth2.googleapis.com/revoke
        accept: application/json
        content-type: application/x-www-form-urlencoded

        token=1%2F%2Frefresh
        ");
    }

    fn told(exchange: Pending<TokenGrant>, status: u16, body: &str) -> (String, &'static str) {
        let (_, grant) = drive(exchange, [answer(status, body.to_owned())]);
        let failure = grant.unwrap_err();
        let action = match failure.action {
            Action::Retry { .. } => "retry",
            Action::Reauthorize => "reauthorize",
            Action::Rejected(_) => "rejected",
            Action::Fatal => "fatal",
            _ => "other",
        };
        (failure.code.into_owned(), action)
    }

    #[test]
    fn every_token_error_says_what_to_do() {
        let invalid_rapt = r#"{"error": "invalid_grant", "error_subtype": "invalid_rapt"}"#;
        for (status, body, on_code, on_refresh) in [
            (
                400,
                r#"{"error": "invalid_grant"}"#,
                ("code_rejected", "rejected"),
                ("grant_revoked", "reauthorize"),
            ),
            (400, invalid_rapt, ("code_rejected", "rejected"), ("session_expired", "reauthorize")),
            (
                401,
                r#"{"error": "invalid_client"}"#,
                ("client_misconfigured", "fatal"),
                ("client_misconfigured", "fatal"),
            ),
            (
                400,
                r#"{"error": "unauthorized_client"}"#,
                ("client_misconfigured", "fatal"),
                ("client_misconfigured", "fatal"),
            ),
            (
                400,
                r#"{"error": "redirect_uri_mismatch"}"#,
                ("redirect_uri_mismatch", "fatal"),
                ("redirect_uri_mismatch", "fatal"),
            ),
            (
                400,
                r#"{"error": "admin_policy_enforced"}"#,
                ("admin_policy", "rejected"),
                ("grant_refused", "reauthorize"),
            ),
            (
                400,
                r#"{"error": "invalid_scope"}"#,
                ("invalid_scope", "rejected"),
                ("invalid_scope", "rejected"),
            ),
            (
                400,
                r#"{"error": "invalid_request"}"#,
                ("token_request_refused", "fatal"),
                ("token_request_refused", "fatal"),
            ),
            (
                400,
                r#"{"error": "temporarily_unavailable"}"#,
                ("provider_unavailable", "retry"),
                ("provider_unavailable", "retry"),
            ),
            (429, "", ("provider_throttled", "retry"), ("provider_throttled", "retry")),
            (
                403,
                r#"{"error": "rate_limit_exceeded"}"#,
                ("provider_throttled", "retry"),
                ("provider_throttled", "retry"),
            ),
            (500, "<html>", ("provider_unavailable", "retry"), ("provider_unavailable", "retry")),
            (
                503,
                r#"{"error": "invalid_grant"}"#,
                ("provider_unavailable", "retry"),
                ("provider_unavailable", "retry"),
            ),
            (400, "<html>", ("token_answer_unreadable", "fatal"), ("token_answer_unreadable", "fatal")),
            (302, "", ("token_answer_unreadable", "fatal"), ("token_answer_unreadable", "fatal")),
        ] {
            let expected = |(code, action): (&str, &'static str)| (code.to_owned(), action);
            assert_eq!(told(code_exchange(), status, body), expected(on_code), "code, {status} {body}");
            assert_eq!(told(refreshing(), status, body), expected(on_refresh), "refresh, {status} {body}");
        }
    }

    #[test]
    fn revoking_a_dead_grant_is_a_success() {
        let revoke = || revoke(&settings(), &RefreshToken::new("1//refresh"));
        for (status, body, succeeds) in [
            (200, json!({}), true),
            (400, json!({"error": "invalid_token"}), true),
            (400, json!({"error": "invalid_request"}), false),
            (503, Value::Null, false),
        ] {
            let (_, revoked) = drive(revoke(), [answer(status, body.to_string())]);
            assert_eq!(revoked.is_ok(), succeeds, "{status} {body}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_error_or_a_grant(status in 200u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = drive(refreshing(), [answer(status, body)]);
        }
    }
}
