//! What the product learns when the browser comes home: `connector_id`, or `error` and `error_description` in the terms of
//! RFC 6749 sections 4.1.2.1 and 5.2.

use url::Url;

use crate::domain::{
    failure::{Action, Failure},
    ids::ConnectorId,
};

/// The product's URI with the connector that was connected.
pub(super) fn sent_home_connected(mut home: Url, connector: &ConnectorId) -> Url {
    home.query_pairs_mut().append_pair("connector_id", connector.as_str());
    home
}

/// The product's URI with the news that an administrator consented.
pub(super) fn sent_home_approved(mut home: Url) -> Url {
    home.query_pairs_mut().append_pair("admin_consent", "granted");
    home
}

/// The product's URI with what went wrong.
pub(super) fn sent_home_with(mut home: Url, failure: &Failure) -> Url {
    home.query_pairs_mut()
        .append_pair("error", error_name(failure))
        .append_pair("error_description", &failure.message);
    if let Some(told) = told(&failure.code) {
        home.query_pairs_mut().append_pair("error_code", told.code);
    }
    home
}

/// What the page at the end of the way tells the person, from what the address says: our own words, whatever that is.
pub fn explanation(error: &str, code: Option<&str>) -> &'static str {
    if let Some(told) = code.and_then(told) {
        return told.sentence;
    }
    match error {
        "access_denied" => NOT_ALLOWED,
        "consent_required" => APPROVAL_FIRST,
        "insufficient_scope" => NOT_TICKED,
        "temporarily_unavailable" => "The calendar service did not answer. Try again in a few minutes.",
        "invalid_request" | "invalid_grant" => "The attempt ended before it was done. Start again.",
        _ => NOT_SET_UP,
    }
}

/// A failure that the product is told by our code, because OAuth has one word for many, and the person in a sentence.
struct Told {
    code: &'static str,
    /// OAuth's word.
    error: &'static str,
    sentence: &'static str,
}

const NOT_ALLOWED: &str = "You did not allow access. If that was a mistake, start again and allow it.";
const APPROVAL_FIRST: &str = "Your organisation wants its administrator to approve this application first. Start again once that is done.";
const NOT_TICKED: &str = "Access to the calendar was not ticked. Start again and leave everything ticked.";
const TOO_LATE: &str = "The consent page was open for too long, or was used twice. Start again.";
const NOT_SET_UP: &str = "Something is not set up as it should be. Tell whoever sent you here.";

/// All that are told; part of the API.
const TOLD: &[Told] = &[
    Told { code: "consent_denied", error: "access_denied", sentence: NOT_ALLOWED },
    Told {
        code: "consent_cancelled",
        error: "access_denied",
        sentence: "You did not allow access. If that was a mistake, start again and allow it; if you were told that your organisation has to approve first, ask its administrator.",
    },
    Told {
        code: "admin_policy",
        error: "access_denied",
        sentence: "A policy of your organisation keeps you or this application out. Ask its administrator.",
    },
    Told {
        code: "conditional_access",
        error: "access_denied",
        sentence: "Your organisation does not let you sign in from this device or place. Ask its administrator, or start again from a device it trusts.",
    },
    Told {
        code: "mfa_required",
        error: "access_denied",
        sentence: "Your organisation wants you to confirm who you are with a second factor. Start again and do so.",
    },
    Told {
        code: "wrong_organisation",
        error: "access_denied",
        sentence: "That account is of another organisation, or of another kind, than this is for. Start again and choose another account.",
    },
    Told {
        code: "account_unavailable",
        error: "access_denied",
        sentence: "That account does not exist, or is disabled. Start again and choose another account.",
    },
    Told { code: "consent_required", error: "consent_required", sentence: APPROVAL_FIRST },
    Told { code: "admin_consent_required", error: "consent_required", sentence: APPROVAL_FIRST },
    Told { code: "insufficient_scope", error: "insufficient_scope", sentence: NOT_TICKED },
    Told {
        code: "account_locked",
        error: "temporarily_unavailable",
        sentence: "Your account is locked for a while. Try again in a quarter of an hour.",
    },
    Told {
        code: "sign_in_required",
        error: "invalid_request",
        sentence: "The calendar service wants you to sign in again. Start again and sign in.",
    },
    Told {
        code: "tenant_unknown",
        error: "invalid_request",
        sentence: "The organisation that you were to sign in at is not known there. Tell whoever sent you here.",
    },
    Told {
        code: "browser_not_allowed",
        error: "invalid_request",
        sentence: "The calendar service lets nobody sign in from within another application. Start again in a browser.",
    },
    Told {
        code: "account_unknown",
        error: "invalid_request",
        sentence: "The calendar service did not say whose account this is. Start again and leave everything ticked.",
    },
    Told { code: "code_rejected", error: "invalid_request", sentence: TOO_LATE },
    Told { code: "state_expired", error: "invalid_request", sentence: TOO_LATE },
    Told { code: "invalid_scope", error: "invalid_scope", sentence: NOT_SET_UP },
    Told {
        code: "refresh_token_missing",
        error: "server_error",
        sentence: "The calendar service gave no lasting access. Remove this application in your account's security settings there, and start again.",
    },
];

fn told(code: &str) -> Option<&'static Told> {
    TOLD.iter().find(|told| told.code == code)
}

/// The word that OAuth has for a failure.
fn error_name(failure: &Failure) -> &'static str {
    if let Some(told) = told(&failure.code) {
        return told.error;
    }
    match failure.action {
        Action::Retry { .. } | Action::Wait { .. } => "temporarily_unavailable",
        Action::Reauthorize => "invalid_grant",
        Action::Rejected(_) => "invalid_request",
        Action::NotFound | Action::Conflict | Action::Fatal => "server_error",
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn every_failure_has_a_name_that_oauth_clients_know() {
        for (failure, expected) in [
            (Failure::refused("consent_denied", ""), "access_denied"),
            (Failure::refused("consent_cancelled", ""), "access_denied"),
            (Failure::refused("admin_policy", ""), "access_denied"),
            (Failure::refused("conditional_access", ""), "access_denied"),
            (Failure::refused("admin_consent_required", ""), "consent_required"),
            (Failure::refused("insufficient_scope", ""), "insufficient_scope"),
            (Failure::refused("refresh_token_missing", ""), "server_error"),
            (Failure::refused("sign_in_required", ""), "invalid_request"),
            (Failure::retry("account_locked", "", None), "temporarily_unavailable"),
            (Failure::retry("provider_unreachable", "", None), "temporarily_unavailable"),
            (Failure::wait("provider_throttled", "", TimeDelta::seconds(1)), "temporarily_unavailable"),
            (Failure::reauthorize("invalid_grant", ""), "invalid_grant"),
            (Failure::rejected("code_missing", "code", ""), "invalid_request"),
            (Failure::fatal("client_refused", ""), "server_error"),
        ] {
            assert_eq!(error_name(&failure), expected, "{failure}");
        }
    }

    #[test]
    fn the_query_the_product_gave_itself_is_kept() {
        let home = Url::parse("https://app.example/done?tab=calendars").unwrap();
        let home =
            sent_home_with(home, &Failure::refused("consent_denied", "consent was refused & that is that"));
        assert_eq!(
            home.as_str(),
            "https://app.example/done?tab=calendars&error=access_denied&error_description=consent+was+refused+%26+that+is+that&error_code=consent_denied"
        );
    }

    #[test]
    fn the_product_is_told_no_code_that_is_not_on_the_list() {
        let home = Url::parse("https://app.example/done").unwrap();
        let home = sent_home_with(home, &Failure::fatal("verifier_missing", "gone"));
        assert_eq!(home.as_str(), "https://app.example/done?error=server_error&error_description=gone");
    }

    #[test]
    fn the_person_is_told_what_to_do_about_it() {
        for (error, code, words) in [
            ("access_denied", Some("consent_denied"), "start again and allow it"),
            ("access_denied", Some("consent_cancelled"), "has to approve first, ask its administrator"),
            ("access_denied", Some("admin_policy"), "policy of your organisation"),
            ("access_denied", Some("conditional_access"), "from a device it trusts"),
            ("access_denied", Some("mfa_required"), "a second factor"),
            ("access_denied", Some("wrong_organisation"), "another organisation"),
            ("access_denied", Some("account_unavailable"), "is disabled"),
            ("access_denied", None, "start again and allow it"),
            ("access_denied", Some("<script>"), "start again and allow it"),
            ("consent_required", Some("consent_required"), "approve this application first"),
            ("consent_required", Some("admin_consent_required"), "approve this application first"),
            ("consent_required", None, "approve this application first"),
            ("insufficient_scope", Some("insufficient_scope"), "leave everything ticked"),
            ("insufficient_scope", None, "leave everything ticked"),
            ("temporarily_unavailable", Some("account_locked"), "locked for a while"),
            ("temporarily_unavailable", None, "did not answer"),
            ("invalid_request", Some("sign_in_required"), "sign in again"),
            ("invalid_request", Some("tenant_unknown"), "not known there"),
            ("invalid_request", Some("browser_not_allowed"), "in a browser"),
            ("invalid_request", Some("account_unknown"), "whose account this is"),
            ("invalid_request", Some("code_rejected"), "open for too long"),
            ("invalid_request", Some("state_expired"), "open for too long"),
            ("invalid_scope", Some("invalid_scope"), "not set up"),
            ("invalid_scope", None, "not set up"),
            ("invalid_request", None, "ended before it was done"),
            ("invalid_grant", None, "ended before it was done"),
            ("server_error", Some("refresh_token_missing"), "security settings"),
            ("server_error", None, "not set up"),
        ] {
            let sentence = explanation(error, code);
            assert!(sentence.contains(words), "{error} {code:?}: {sentence}");
        }
    }
}
