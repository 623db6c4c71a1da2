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
    home
}

fn error_name(failure: &Failure) -> &'static str {
    match (failure.code.as_ref(), &failure.action) {
        (
            "consent_denied"
            | "admin_policy"
            | "wrong_organisation"
            | "conditional_access"
            | "mfa_required"
            | "account_unavailable",
            _,
        ) => "access_denied",
        ("consent_required" | "admin_consent_required", _) => "consent_required",
        ("insufficient_scope", _) => "insufficient_scope",
        ("refresh_token_missing", _) => "server_error",
        (_, Action::Retry { .. } | Action::Wait { .. }) => "temporarily_unavailable",
        (_, Action::Reauthorize) => "invalid_grant",
        (_, Action::Rejected { .. }) => "invalid_request",
        (_, Action::NotFound | Action::Conflict | Action::Fatal) => "server_error",
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
            (Failure::refused("admin_policy", ""), "access_denied"),
            (Failure::refused("conditional_access", ""), "access_denied"),
            (Failure::refused("admin_consent_required", ""), "consent_required"),
            (Failure::refused("insufficient_scope", ""), "insufficient_scope"),
            (Failure::refused("refresh_token_missing", ""), "server_error"),
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
            "https://app.example/done?tab=calendars&error=access_denied&error_description=consent+was+refused+%26+that+is+that"
        );
    }
}
