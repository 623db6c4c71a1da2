//! What the identity platform's refusals mean for us: its AADSTS numbers, one by one, and OAuth's own words for numbers we
//! do not know. Microsoft may change a number in order to be more precise; then the word still says what to do.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>

mod numbers;

use chrono::TimeDelta;

use crate::{
    domain::failure::Failure,
    ports::HttpResponse,
    providers::{
        AuthorizationRefusal,
        excerpt::excerpt,
        retry_after::retry_after,
        token_answer::{Purpose, Refusal},
    },
};

/// How long the token endpoint is left alone after it saw a loop of requests.
const LOOP_REST: TimeDelta = TimeDelta::hours(1);
/// How long until an account that is locked after wrong passwords may have been unlocked.
const LOCK_REST: TimeDelta = TimeDelta::minutes(15);

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The person said no.
    Declined,
    /// The person came back without having allowed anything: of their own will, or because an administrator has to first.
    Cancelled,
    /// Nobody consented, or the consent was withdrawn.
    NotConsented,
    /// Only an administrator may consent.
    ApprovalNeeded,
    /// A second factor is missing, or was given too long ago.
    SecondFactor,
    /// Conditional access does not like the device, the place or the risk.
    ConditionalAccess,
    /// A policy of the organisation keeps the person or the application out.
    KeptOut,
    /// The code or refresh token is worthless: revoked, used before, or not for us.
    Worthless,
    /// The code or refresh token is too old.
    Expired,
    /// The session ended; signing in anew mends it.
    SignInAgain,
    /// The account was disabled or deleted.
    AccountGone,
    /// The account is locked for a while.
    AccountLocked,
    /// The account is of another organisation, or of the other kind.
    OtherOrganisation,
    /// There is no such tenant.
    NoSuchTenant,
    /// The registration does not admit this kind of account or organisation.
    NotAdmitted,
    /// The registration, its secret or our request is wrong.
    Misconfigured,
    /// The client secret ran out.
    SecretExpired,
    /// The redirect URI is not registered.
    RedirectUri,
    /// There is no such scope.
    Scope,
    /// We asked the same thing too often.
    Loop,
    /// Too many requests.
    Throttled,
    /// Something is broken over there, for the moment.
    Unavailable,
}

impl Meaning {
    fn of_number(number: u32) -> Option<Self> {
        match number {
            // Changing a password went wrong, each in its own way.
            120_000..=120_021 => Some(Self::SignInAgain),
            _ => numbers::KNOWN.iter().find(|(known, _)| *known == number).map(|(_, meaning)| *meaning),
        }
    }

    /// The meaning of OAuth's own word.
    fn of_word(error: &str) -> Option<Self> {
        Some(match error {
            "access_denied" => Self::Declined,
            "consent_required" => Self::NotConsented,
            "interaction_required" | "login_required" | "account_selection_required" => Self::SignInAgain,
            "invalid_grant" => Self::Worthless,
            "invalid_client" | "unauthorized_client" | "invalid_resource" | "unsupported_response_type" => {
                Self::Misconfigured
            }
            "invalid_scope" => Self::Scope,
            "slow_down" | "rate_limit_exceeded" => Self::Throttled,
            "temporarily_unavailable" | "server_error" => Self::Unavailable,
            _ => return None,
        })
    }

    fn failure(self, purpose: Purpose, said: &str, wait: Option<TimeDelta>) -> Failure {
        let somebody_is_there = purpose == Purpose::ExchangeCode;
        // Whoever sits at a browser is told; with nobody there, the person has to come back.
        let person = |here: &'static str, away: &'static str, text: &str| {
            let message = format!("{text} ({said})");
            if somebody_is_there {
                Failure::refused(here, message)
            } else {
                Failure::reauthorize(away, message)
            }
        };
        let operator = |code: &'static str, text: &str| Failure::fatal(code, format!("{text}: {said}"));
        match self {
            Self::Declined => person(
                "consent_denied",
                "grant_refused",
                "access to the calendar was not allowed at Microsoft",
            ),
            Self::Cancelled => person(
                "consent_cancelled",
                "grant_refused",
                "access to the calendar was not allowed at Microsoft, or an administrator of the organisation has to allow it first",
            ),
            Self::NotConsented => person(
                "consent_required",
                "consent_required",
                "nobody has allowed this application, or it is allowed no longer",
            ),
            Self::ApprovalNeeded => person(
                "admin_consent_required",
                "admin_consent_required",
                "the organisation lets only its administrator allow this application",
            ),
            Self::SecondFactor => person(
                "mfa_required",
                "mfa_required",
                "the organisation wants a second factor; sign in again",
            ),
            Self::ConditionalAccess => person(
                "conditional_access",
                "conditional_access",
                "the organisation's conditional access policy does not let this sign-in pass; ask its administrator",
            ),
            Self::KeptOut => person(
                "admin_policy",
                "grant_refused",
                "the organisation's policy does not let this person use this application; ask its administrator",
            ),
            Self::Worthless => person(
                "code_rejected",
                "grant_revoked",
                match somebody_is_there {
                    true => {
                        "Microsoft does not accept the authorization code, which works once and briefly; start again"
                    }
                    false => "the grant was revoked",
                },
            ),
            Self::Expired => {
                person("code_rejected", "grant_expired", "too much time has passed; sign in again")
            }
            Self::SignInAgain => {
                person("sign_in_required", "session_expired", "Microsoft wants the person to sign in again")
            }
            Self::AccountGone => person(
                "account_unavailable",
                "grant_refused",
                "the account does not exist there, or is disabled",
            ),
            Self::AccountLocked => Failure::retry(
                "account_locked",
                format!("the account is locked for a while ({said})"),
                wait.or(Some(LOCK_REST)),
            ),
            Self::OtherOrganisation => person(
                "wrong_organisation",
                "wrong_organisation",
                "the account is of another organisation than this link or application is for; choose another account",
            ),
            Self::NoSuchTenant if somebody_is_there => Failure::rejected(
                "tenant_unknown",
                "tenant",
                format!("Microsoft knows no such tenant ({said})"),
            ),
            Self::NoSuchTenant => Failure::reauthorize(
                "grant_refused",
                format!("Microsoft no longer knows the account's organisation ({said})"),
            ),
            Self::NotAdmitted => operator(
                "client_misconfigured",
                "the registration of MICROSOFT_CLIENT_ID does not admit accounts of this kind or organisation",
            ),
            Self::Misconfigured => operator(
                "client_misconfigured",
                "Microsoft does not accept MICROSOFT_CLIENT_ID, MICROSOFT_CLIENT_SECRET or what is registered for them",
            ),
            Self::SecretExpired => operator(
                "client_secret_expired",
                "MICROSOFT_CLIENT_SECRET has run out; make a new one in the registration",
            ),
            Self::RedirectUri => operator(
                "redirect_uri_mismatch",
                "register PUBLIC_BASE_URL/oauth/microsoft/callback and …/admin-consent/callback as redirect URIs",
            ),
            Self::Scope => {
                Failure::rejected("invalid_scope", "scopes", format!("Microsoft knows no such scope: {said}"))
            }
            Self::Loop => Failure::retry(
                "provider_request_loop",
                format!("Microsoft saw the same request too often and wants to be left alone ({said})"),
                wait.max(Some(LOOP_REST)),
            ),
            Self::Throttled => {
                Failure::retry("provider_throttled", "Microsoft's sign-in asks us to slow down", wait)
            }
            Self::Unavailable => Failure::retry(
                "provider_unavailable",
                format!("Microsoft's sign-in does not work just now ({said})"),
                wait,
            ),
        }
    }
}

/// What an unsuccessful answer of the token endpoint means.
pub(super) fn of_token_endpoint(purpose: Purpose, answer: &HttpResponse) -> Failure {
    let status = answer.status().as_u16();
    let wait = retry_after(answer.headers());
    let refusal = Refusal::read(answer);
    let error = refusal.text("error");
    let listed = refusal.member("error_codes").as_array().map(Vec::as_slice).unwrap_or_default();
    let listed = listed.iter().filter_map(|code| u32::try_from(code.as_u64()?).ok());
    let number = listed.chain(number_of(refusal.text("error_description"))).next();
    let by_number = number.and_then(Meaning::of_number);
    let meaning = match status {
        429 => Some(Meaning::Throttled),
        408 | 500.. if by_number != Some(Meaning::Throttled) => Some(Meaning::Unavailable),
        _ => by_number.or_else(|| Meaning::of_word(error)),
    };
    let said = said(number, error, status);
    match meaning {
        Some(meaning) => meaning.failure(purpose, &said, wait),
        None if error.is_empty() => Failure::fatal(
            "token_answer_unreadable",
            format!(
                "Microsoft's token endpoint answered {status}, which is not understood: {}",
                excerpt(answer.body())
            ),
        ),
        None => Failure::fatal(
            "token_request_refused",
            format!("Microsoft's token endpoint answered {status}: {said}"),
        ),
    }
}

/// What an error means that came back with a browser. Whoever leaves the page *Need admin approval* comes back with nothing but
/// `access_denied` and the subcode `cancel`, as if it had been of their own will.
pub(super) fn of_browser(refusal: AuthorizationRefusal<'_>) -> Failure {
    let error = refusal.error;
    let number = refusal.description.and_then(number_of);
    let said = said(number, error, 0);
    let known = number.and_then(Meaning::of_number).or_else(|| Meaning::of_word(error));
    match known {
        Some(Meaning::Declined) if number.is_none() && refusal.subcode == Some("cancel") => {
            Meaning::Cancelled.failure(Purpose::ExchangeCode, &said, None)
        }
        Some(meaning) => meaning.failure(Purpose::ExchangeCode, &said, None),
        None if error == "invalid_request" => {
            Meaning::Misconfigured.failure(Purpose::ExchangeCode, &said, None)
        }
        None => Failure::refused(
            "authorization_failed",
            format!("Microsoft ended the attempt to connect ({said})"),
        ),
    }
}

/// The number at the head of a description: `AADSTS65004: User declined …`.
fn number_of(description: &str) -> Option<u32> {
    let digits = description.trim_start().strip_prefix("AADSTS")?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// What Microsoft calls it: the number to look up at <https://login.microsoftonline.com/error>, else OAuth's word. Its
/// sentences name people and tenants, and are not repeated.
fn said(number: Option<u32>, error: &str, status: u16) -> String {
    match (number, error) {
        (Some(number), _) => format!("AADSTS{number}"),
        (None, "") => status.to_string(),
        (None, error) => excerpt(error.as_bytes()),
    }
}

#[cfg(test)]
mod tests;
