//! What every provider can do. Object-safe and pure; see [`super::exchange`].

use chrono::TimeDelta;
use url::Url;

use super::Pending;
use crate::{
    domain::{
        busy::{FreeBusy, FreeBusyQuery},
        calendar::Calendar,
        claims::Claims,
        connector::ProviderKind,
        event::{CreationKey, Event, EventDraft, EventPatch},
        failure::Failure,
        ids::{AccountId, CalendarId, ETag, EventId},
        meeting::{MeetingTimes, MeetingTimesQuery},
        secret::{AccessToken, AuthorizationCode, CodeVerifier, RefreshToken},
        zone::Zone,
    },
    ports::HttpResponse,
};

/// A provider: who it is, how to connect to it, what its calendars can do.
pub trait Provider {
    /// Which one.
    fn kind(&self) -> ProviderKind;
    /// What it lets us do how often.
    fn limits(&self) -> Limits;
    /// Connecting accounts.
    fn oauth(&self) -> &dyn OAuthProvider;
    /// Calendars and events.
    fn calendars(&self) -> &dyn CalendarProvider;
}

/// A provider's budgets (G7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many requests ...
    pub requests: u32,
    /// ... in any window of this length, per account.
    pub window: TimeDelta,
    /// So many requests a day for the whole application; `None` where there is no such limit.
    pub daily: Option<u32>,
    /// So many at once per account.
    pub in_flight: u32,
}

/// What the authorization page is asked for.
#[derive(Debug, Clone)]
pub struct AuthorizationRequest<'a> {
    /// Where the provider sends the browser back to.
    pub redirect_uri: &'a str,
    /// The opaque state it brings along.
    pub state: &'a str,
    /// PKCE S256 challenge (RFC 7636 section 4.2).
    pub code_challenge: &'a str,
    /// The scopes to ask for.
    pub scopes: &'a [String],
    /// The account the person probably means.
    pub login_hint: Option<&'a str>,
    /// Which tenant to sign in at, for providers that have them.
    pub tenant: Option<&'a str>,
    /// Ask for consent even if it was given before: needed when no refresh token is held.
    pub force_consent: bool,
    /// What the provider wanted to see proved when it refused access last.
    pub claims: Option<&'a Claims>,
}

/// What came back with the browser instead of a code (RFC 6749 section 4.1.2.1). All of it is from the address bar.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRefusal<'a> {
    /// OAuth's word.
    pub error: &'a str,
    /// A text.
    pub description: Option<&'a str>,
    /// A finer word, `error_subcode`, which is not OAuth's.
    pub subcode: Option<&'a str>,
}

/// What the page is asked for where an administrator consents for a whole organisation.
#[derive(Debug, Clone)]
pub struct AdminConsentRequest<'a> {
    /// Where the provider sends the browser back to.
    pub redirect_uri: &'a str,
    /// The opaque state it brings along.
    pub state: &'a str,
    /// The scopes to ask for.
    pub scopes: &'a [String],
    /// Whose administrator is to consent, where that is known.
    pub tenant: Option<&'a str>,
}

/// A code on its way to becoming tokens.
#[derive(Debug, Clone)]
pub struct CodeExchange<'a> {
    /// The code.
    pub code: &'a AuthorizationCode,
    /// The verifier whose challenge was sent.
    pub verifier: &'a CodeVerifier,
    /// Exactly the redirect URI that was sent.
    pub redirect_uri: &'a str,
    /// The tenant that was signed in at.
    pub tenant: Option<&'a str>,
    /// The claims the authorization page was asked for.
    pub claims: Option<&'a Claims>,
}

/// A refresh token about to be used.
#[derive(Debug, Clone)]
pub struct Refresh<'a> {
    /// The token.
    pub token: &'a RefreshToken,
    /// The account's tenant.
    pub tenant: Option<&'a str>,
    /// The scopes granted.
    pub scopes: &'a [String],
    /// What the API wants to see proved, when it refused the access token for that.
    pub claims: Option<&'a Claims>,
}

/// What a token endpoint gave.
#[derive(Debug, Clone)]
pub struct TokenGrant {
    /// For the API.
    pub access_token: AccessToken,
    /// How long it works from now.
    pub lifetime: TimeDelta,
    /// A new refresh token: always after a first consent, on refresh only where the provider rotates them.
    pub refresh_token: Option<RefreshToken>,
    /// The scopes granted; empty when the answer does not say (then they are those asked for, RFC 6749 section 5.1).
    pub scopes: Vec<String>,
    /// OpenID Connect id token, received over TLS straight from the provider.
    pub id_token: Option<AccessToken>,
}

/// Who the account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountProfile {
    /// Its stable id.
    pub account: AccountId,
    /// Its address.
    pub email: Option<String>,
    /// The tenant it lives in, where there are tenants.
    pub tenant: Option<String>,
    /// Its own zone, where the provider tells.
    pub zone: Option<Zone>,
}

/// OAuth 2.0 at one provider.
pub trait OAuthProvider {
    /// The scopes we ask for when the caller names none.
    fn default_scopes(&self) -> Vec<String>;
    /// Which of the scopes we cannot work without are missing from `granted` (people can untick them).
    fn missing_scopes(&self, granted: &[String]) -> Vec<String>;
    /// Where to send the browser (RFC 6749 section 4.1.1).
    fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> Result<Url, Failure>;
    /// Exchanges a code for tokens (section 4.1.3).
    fn exchange_code(&self, code: CodeExchange<'_>) -> Pending<TokenGrant>;
    /// Exchanges a refresh token for a new access token (section 6).
    fn refresh(&self, refresh: Refresh<'_>) -> Pending<TokenGrant>;
    /// Ends the grant at the provider; `None` where it has no such endpoint. A grant already dead is a success.
    fn revoke(&self, token: &RefreshToken) -> Option<Pending<()>>;
    /// Finds out who the account is; driven with the new access token.
    fn identify(&self, grant: &TokenGrant) -> Pending<AccountProfile>;
    /// Explains an error that came back in the browser: refused consent, policy, or a fault. `consent_cancelled` where it cannot
    /// be told whether the person said no or an administrator has to say yes first.
    fn authorization_error(&self, refusal: AuthorizationRefusal<'_>) -> Failure;
    /// Refuses a tenant no sign-in page can be about, as field `tenant`. Providers without tenants take none.
    fn check_tenant(&self, tenant: &str) -> Result<(), Failure> {
        Err(Failure::rejected(
            "tenant_not_supported",
            "tenant",
            format!("this provider has no tenants, got {tenant:?}"),
        ))
    }
    /// Refuses an account of another tenant than the one that was to be signed in at (`wrong_organisation`).
    fn check_account(&self, _tenant: &str, _profile: &AccountProfile) -> Result<(), Failure> {
        Ok(())
    }
    /// What an answer wants to see proved, when it refuses for want of that: a 401 of the API's, the answer to a batch with
    /// such a part, or a refusal of the token endpoint. With it, another access token may be had, or another sign-in succeed.
    fn challenge(&self, _answer: &HttpResponse) -> Option<Claims> {
        None
    }
    /// Whether a part of a batch refuses the token that the batch itself was taken with.
    fn refuses_token_in_part(&self, _answer: &HttpResponse) -> bool {
        false
    }
    /// Where an administrator consents for everybody in an organisation; `None` where there is no such page.
    fn admin_consent_url(&self, _request: &AdminConsentRequest<'_>) -> Result<Option<Url>, Failure> {
        Ok(None)
    }
}

/// How many changes of ours an event remembers: so many others may come between a change and its repetition.
pub const CHANGES_KEPT: usize = 24;

/// So many requests deleting an event takes: some providers read it first, to tell a meeting from the rest.
pub const CALLS_TO_DELETE: u32 = 2;

/// So many requests a change takes that is told apart from earlier ones, and which concerns no conference.
pub const CALLS_TO_UPDATE: u32 = 2;

/// What deleting an event found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It was there and is gone now.
    Deleted,
    /// It was gone already.
    AlreadyGone,
}

/// Calendars and events at one provider. What failures mean is told by the tables in ARCHITECTURE.md.
pub trait CalendarProvider {
    /// All calendars of the account.
    fn list_calendars(&self) -> Pending<Vec<Calendar>>;
    /// Whether [`CalendarProvider::free_busy`] brings the account's working hours along.
    fn tells_working_hours(&self) -> bool {
        false
    }
    /// Busy time of any number of calendars over any range; chunking is the provider's affair.
    fn free_busy(&self, query: FreeBusyQuery) -> Pending<FreeBusy>;
    /// When the organiser can meet people of the same tenant, looking at nothing but everybody's main calendar and the
    /// working hours the provider knows. `None` where the provider has no such search, or not for this account or query:
    /// then, as after `NotKnown` and any final failure, everybody's busy time is asked for instead.
    fn meeting_times(&self, _query: MeetingTimesQuery) -> Option<Pending<MeetingTimes>> {
        None
    }
    /// Creates an event once: attempted again with the same marker key, it answers with the event made before.
    /// An event under that key that is not ours is a `Conflict`.
    fn create_event(&self, draft: EventDraft) -> Pending<Event>;
    /// The event made under `key`, cancelled or not, if there is one.
    fn find_event(&self, calendar: &CalendarId, key: &CreationKey) -> Pending<Option<Event>>;
    /// Reads an event; `NotFound` when it is gone.
    fn get_event(&self, calendar: &CalendarId, event: &EventId) -> Pending<Event>;
    /// Changes an event; with `if_match`, only that version of it, else `Conflict` with code `event_changed`.
    /// People who stay invited keep their answers. A deleted event is `NotFound` and stays deleted, whatever the patch says.
    /// A change that was made already, by its [`EventPatch::applied_by`], is not made again: the answer is the event as it is.
    /// At least the last [`CHANGES_KEPT`] changes are told apart, also when several are made at once.
    fn update_event(
        &self,
        calendar: &CalendarId,
        event: &EventId,
        patch: EventPatch,
        if_match: Option<&ETag>,
    ) -> Pending<Event>;
    /// Deletes an event and tells the people invited; with `if_match`, only that version of it.
    fn delete_event(
        &self,
        calendar: &CalendarId,
        event: &EventId,
        if_match: Option<&ETag>,
    ) -> Pending<Deletion>;
}
