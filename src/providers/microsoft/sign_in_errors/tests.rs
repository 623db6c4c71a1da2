//! Every stored refusal, by what it tells somebody at a browser and by what it means for a refresh.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    domain::failure::{Action, Blame},
    providers::microsoft::fixtures::{answer, stored},
};

/// File below `tests/fixtures/microsoft/token`, with somebody there, with nobody there.
const REFUSALS: &[(&str, &str, &str)] = &[
    ("65004_consent_declined", "consent_denied: rejected", "grant_refused: reauthorize"),
    ("65001_consent_missing", "consent_required: rejected", "consent_required: reauthorize"),
    (
        "90094_admin_consent_required",
        "admin_consent_required: rejected",
        "admin_consent_required: reauthorize",
    ),
    (
        "90095_admin_consent_workflow",
        "admin_consent_required: rejected",
        "admin_consent_required: reauthorize",
    ),
    (
        "90099_partner_not_authorized",
        "admin_consent_required: rejected",
        "admin_consent_required: reauthorize",
    ),
    (
        "900941_admin_consent_for_application",
        "admin_consent_required: rejected",
        "admin_consent_required: reauthorize",
    ),
    (
        "900981_admin_consent_request_pending",
        "admin_consent_required: rejected",
        "admin_consent_required: reauthorize",
    ),
    ("50072_mfa_enrolment", "mfa_required: rejected", "mfa_required: reauthorize"),
    ("50074_mfa_not_passed", "mfa_required: rejected", "mfa_required: reauthorize"),
    ("50076_mfa_required", "mfa_required: rejected", "mfa_required: reauthorize"),
    ("50078_mfa_expired", "mfa_required: rejected", "mfa_required: reauthorize"),
    ("50079_mfa_registration", "mfa_required: rejected", "mfa_required: reauthorize"),
    ("53004_blocked_by_risk", "mfa_required: rejected", "mfa_required: reauthorize"),
    ("53000_device_not_compliant", "conditional_access: rejected", "conditional_access: reauthorize"),
    ("530003_device_required", "conditional_access: rejected", "conditional_access: reauthorize"),
    ("53001_device_not_joined", "conditional_access: rejected", "conditional_access: reauthorize"),
    ("53002_app_not_approved", "conditional_access: rejected", "conditional_access: reauthorize"),
    (
        "53003_blocked_by_conditional_access",
        "conditional_access: rejected",
        "conditional_access: reauthorize",
    ),
    ("50105_not_assigned", "admin_policy: rejected", "grant_refused: reauthorize"),
    ("50173_revoked", "code_rejected: rejected", "grant_revoked: reauthorize"),
    ("70000_grant_malformed", "code_rejected: rejected", "grant_revoked: reauthorize"),
    ("54005_code_used", "code_rejected: rejected", "grant_revoked: reauthorize"),
    ("501481_wrong_verifier", "code_rejected: rejected", "grant_revoked: reauthorize"),
    ("70008_expired", "code_rejected: rejected", "grant_expired: reauthorize"),
    ("700082_inactive", "code_rejected: rejected", "grant_expired: reauthorize"),
    ("700084_spa_token_expired", "code_rejected: rejected", "grant_expired: reauthorize"),
    ("70043_sign_in_frequency", "sign_in_required: rejected", "session_expired: reauthorize"),
    ("50089_flow_token_expired", "sign_in_required: rejected", "session_expired: reauthorize"),
    ("50133_password_changed", "sign_in_required: rejected", "session_expired: reauthorize"),
    ("50055_password_expired", "sign_in_required: rejected", "session_expired: reauthorize"),
    ("50058_not_signed_in", "sign_in_required: rejected", "session_expired: reauthorize"),
    ("50126_wrong_password", "sign_in_required: rejected", "session_expired: reauthorize"),
    ("120000_password_change_failed", "sign_in_required: rejected", "session_expired: reauthorize"),
    ("50034_account_unknown", "account_unavailable: rejected", "grant_refused: reauthorize"),
    ("50057_account_disabled", "account_unavailable: rejected", "grant_refused: reauthorize"),
    ("50053_account_locked", "account_locked: retry 900", "account_locked: retry 900"),
    ("50020_other_tenant", "wrong_organisation: rejected", "wrong_organisation: reauthorize"),
    ("90072_external_account", "wrong_organisation: rejected", "wrong_organisation: reauthorize"),
    ("500208_other_kind_of_account", "wrong_organisation: rejected", "wrong_organisation: reauthorize"),
    ("90002_tenant_unknown", "tenant_unknown: rejected tenant", "grant_refused: reauthorize"),
    ("50194_single_tenant_app", "client_misconfigured: fatal", "client_misconfigured: fatal"),
    ("700016_app_unknown_there", "client_misconfigured: fatal", "client_misconfigured: fatal"),
    ("65005_misconfigured", "client_misconfigured: fatal", "client_misconfigured: fatal"),
    ("7000215_wrong_secret", "client_misconfigured: fatal", "client_misconfigured: fatal"),
    ("7000218_no_secret", "client_misconfigured: fatal", "client_misconfigured: fatal"),
    ("7000222_secret_expired", "client_secret_expired: fatal", "client_secret_expired: fatal"),
    ("50011_redirect_uri", "redirect_uri_mismatch: fatal", "redirect_uri_mismatch: fatal"),
    ("500112_redirect_uri_of_code", "redirect_uri_mismatch: fatal", "redirect_uri_mismatch: fatal"),
    ("70011_scope", "invalid_scope: rejected scopes", "invalid_scope: rejected scopes"),
    ("50196_loop", "provider_request_loop: retry 3600", "provider_request_loop: retry 3600"),
    ("90055_throttled", "provider_throttled: retry 30", "provider_throttled: retry 30"),
    ("90033_unavailable", "provider_unavailable: retry", "provider_unavailable: retry"),
    ("9999999_unknown_interaction", "sign_in_required: rejected", "session_expired: reauthorize"),
    ("9999998_unknown_grant", "code_rejected: rejected", "grant_revoked: reauthorize"),
    ("429_throttled", "provider_throttled: retry 20", "provider_throttled: retry 20"),
    ("503_front_end", "provider_unavailable: retry 12", "provider_unavailable: retry 12"),
];

/// `code: action`, with the field of a rejection and the seconds of a wait.
fn told(failure: &Failure) -> String {
    let action = match &failure.action {
        Action::Retry { after: None } => "retry".to_owned(),
        Action::Retry { after: Some(after) } => format!("retry {}", after.num_seconds()),
        Action::Reauthorize => "reauthorize".to_owned(),
        Action::Rejected(Blame::Request) => "rejected".to_owned(),
        Action::Rejected(Blame::Field(field)) => format!("rejected {field}"),
        Action::Fatal => "fatal".to_owned(),
        other => format!("{other:?}"),
    };
    format!("{}: {action}", failure.code)
}

#[test]
fn every_refusal_of_the_token_endpoint_says_what_to_do() {
    for (file, there, away) in REFUSALS {
        let answer = stored(&format!("token/{file}.http"));
        let failure = |purpose| of_token_endpoint(purpose, &answer);
        assert_eq!(told(&failure(Purpose::ExchangeCode)), *there, "code: {file}");
        assert_eq!(told(&failure(Purpose::Refresh)), *away, "refresh: {file}");
    }
}

#[test]
fn the_browser_hears_the_same_as_the_exchange_of_a_code() {
    for (file, there, _) in REFUSALS {
        let refusal = Refusal::read(&stored(&format!("token/{file}.http")));
        if refusal.text("error").is_empty() {
            continue;
        }
        let failure = of_browser(AuthorizationRefusal {
            error: refusal.text("error"),
            description: Some(refusal.text("error_description")),
            // With a number it says nothing more.
            subcode: Some("cancel"),
        });
        // An address has no headers to say how long.
        assert_eq!(told(&failure), there.replace("retry 30", "retry"), "{file}");
    }
}

#[test]
fn every_stored_refusal_is_in_the_table() {
    let folder = format!("{}/tests/fixtures/microsoft/token", env!("CARGO_MANIFEST_DIR"));
    let stored: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".http", ""))
        .filter(|name| !name.starts_with("granted"))
        .collect();
    let told: BTreeSet<String> = REFUSALS.iter().map(|(file, ..)| (*file).to_owned()).collect();
    assert_eq!(stored, told);
}

#[test]
fn each_number_is_in_the_table_once() {
    let known: BTreeSet<u32> = numbers::KNOWN.iter().map(|(number, _)| *number).collect();
    assert_eq!(known.len(), numbers::KNOWN.len());
}

/// An error that came back without a description.
fn bare<'a>(error: &'a str, subcode: Option<&'a str>) -> AuthorizationRefusal<'a> {
    AuthorizationRefusal { error, description: None, subcode }
}

#[test]
fn who_comes_back_without_a_word_may_have_been_kept_from_consenting() {
    let cancelled = of_browser(bare("access_denied", Some("cancel")));
    assert_eq!(told(&cancelled), "consent_cancelled: rejected");
    assert_eq!(told(&of_browser(bare("access_denied", Some("other")))), "consent_denied: rejected");
    assert_eq!(told(&of_browser(bare("login_required", Some("cancel")))), "sign_in_required: rejected");
}

#[test]
fn without_a_number_oauths_own_word_decides() {
    for (error, told_browser) in [
        ("access_denied", "consent_denied: rejected"),
        ("consent_required", "consent_required: rejected"),
        ("login_required", "sign_in_required: rejected"),
        ("interaction_required", "sign_in_required: rejected"),
        ("invalid_request", "client_misconfigured: fatal"),
        ("unauthorized_client", "client_misconfigured: fatal"),
        ("invalid_scope", "invalid_scope: rejected scopes"),
        ("temporarily_unavailable", "provider_unavailable: retry"),
        ("server_error", "provider_unavailable: retry"),
        ("something_new", "authorization_failed: rejected"),
    ] {
        assert_eq!(told(&of_browser(bare(error, None))), told_browser, "{error}");
    }
    for (status, body, away) in [
        (400, r#"{"error": "invalid_grant"}"#, "grant_revoked: reauthorize"),
        (400, r#"{"error": "invalid_request"}"#, "token_request_refused: fatal"),
        (400, r#"{"error": "slow_down"}"#, "provider_throttled: retry"),
        (400, r#"{"error": "invalid_grant", "error_codes": []}"#, "grant_revoked: reauthorize"),
        (
            400,
            r#"{"error": "invalid_grant", "error_codes": ["x", -1, 99999999999]}"#,
            "grant_revoked: reauthorize",
        ),
        (
            400,
            r#"{"error": "x", "error_description": "AADSTS50196: loop"}"#,
            "provider_request_loop: retry 3600",
        ),
        (500, r#"{"error": "invalid_grant"}"#, "provider_unavailable: retry"),
        (400, "<html>", "token_answer_unreadable: fatal"),
        (302, "", "token_answer_unreadable: fatal"),
    ] {
        assert_eq!(
            told(&of_token_endpoint(Purpose::Refresh, &answer(status, body))),
            away,
            "{status} {body}"
        );
    }
}

#[test]
fn what_microsoft_says_of_people_and_tenants_is_not_repeated() {
    for (file, ..) in REFUSALS {
        let answer = stored(&format!("token/{file}.http"));
        for purpose in [Purpose::ExchangeCode, Purpose::Refresh] {
            let message = of_token_endpoint(purpose, &answer).message;
            assert!(
                !message.contains('@') && !message.contains("Trace") && !message.contains("Contoso"),
                "{message}"
            );
        }
    }
}

proptest! {
    #[test]
    fn any_error_from_the_browser_is_explained(error in ".{0,300}", description in proptest::option::of(".{0,3000}")) {
        let refusal =
            AuthorizationRefusal { error: &error, description: description.as_deref(), subcode: None };
        prop_assert!(of_browser(refusal).message.len() < 1200);
    }

    #[test]
    fn any_number_is_found(digits in "AADSTS[0-9]{0,12}.{0,5}") {
        let _ = number_of(&digits);
    }

    #[test]
    fn any_bytes_are_explained(status in 300u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = of_token_endpoint(Purpose::Refresh, &answer(status, body));
    }
}
