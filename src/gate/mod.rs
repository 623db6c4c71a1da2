//! The gate of a connector: the one place that refreshes its token (G5), counts requests against the provider's budget,
//! caps concurrency and breaks the circuit (G7).
//!
//! The decisions are pure ([`account`], [`connector`], [`provider`]); [`service`] hosts them: on Cloudflare in Durable
//! Objects, natively in a map. There are three kinds of object. One per connector has its access token. One per account at a
//! provider has the permits, since providers count per account and one account may be connected more than once. One per
//! provider leases the application-wide daily budget out in chunks and holds the provider's breaker.

pub mod account;
pub mod breaker;
pub mod budget;
pub mod connector;
pub mod kept;
pub mod lease;
pub mod limits;
pub mod permits;
pub mod provider;
pub mod refresh;
pub mod service;
pub mod single_flight;
pub mod wire;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        claims::Claims,
        connector::ProviderKind,
        ids::AccountId,
        secret::AccessToken,
        time::{Timestamp, millis},
    },
    providers::TokenGrant,
};

/// Names one admission. It lapses by itself after [`PERMIT_LIFETIME`], so a crashed run cannot hold a place for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PermitId(pub String);

/// How long a permit that is never released counts as in flight.
pub const PERMIT_LIFETIME: TimeDelta = TimeDelta::seconds(90);

/// How long after asking for a permit calls may begin under it; who goes on asks again. So soon everybody hears that the provider
/// wants to be left alone, and what is left of [`PERMIT_LIFETIME`] is enough for the last call to end: none is in flight once its
/// permit has lapsed.
pub const PERMIT_USE: TimeDelta = TimeDelta::seconds(5);

/// How long an access token must still work to be handed out.
pub const TOKEN_MARGIN: TimeDelta = TimeDelta::seconds(60);

/// A wish to call the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmissionRequest {
    /// Whose budgets count.
    pub provider: ProviderKind,
    /// The account at the provider: providers count per account, and one account may be connected more than once.
    pub account: AccountId,
    /// How many calls; at least one.
    pub calls: u32,
    /// So many must be granted to go on under a permit already held; who begins gets all or none.
    pub least: u32,
    /// How many of them are in flight at once; no more than the provider allows are ever granted.
    pub width: u32,
    /// A permit already held, none of whose calls is in flight, to be given more.
    pub permit: Option<PermitId>,
    /// Of the calls given before under that permit, so many were not made.
    #[serde(default)]
    pub unused: u32,
}

/// The answer: leave to make the calls, or how long to wait (in the queue, not here).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// Go on; say how it went with [`Release`].
    Granted {
        /// The permit to release.
        permit: PermitId,
        /// How many calls may be made; those asked for, or fewer when the budget could never hold as many.
        calls: u32,
    },
    /// Not now.
    Wait {
        /// How long until there is room, as far as is known.
        #[serde(with = "millis")]
        after: TimeDelta,
        /// Why.
        reason: WaitReason,
    },
}

/// Why the gate says wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// The account's request budget is used up.
    Budget,
    /// The application's daily budget is used up.
    DailyBudget,
    /// As many calls are in flight as the provider allows.
    Concurrency,
    /// The provider said `Retry-After`.
    RetryAfter,
    /// This connector failed too often in a row.
    ConnectorCircuit,
    /// The provider as a whole fails.
    ProviderCircuit,
}

impl WaitReason {
    /// The failure code and the text for a human.
    pub fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::Budget => {
                ("account_budget_exhausted", "the account's request budget is used up for the moment")
            }
            Self::DailyBudget => {
                ("daily_budget_exhausted", "the application's daily request budget is used up")
            }
            Self::Concurrency => ("too_many_in_flight", "as many calls are in flight as the provider allows"),
            Self::RetryAfter => ("provider_throttled", "the provider asked us to wait"),
            Self::ConnectorCircuit => {
                ("connector_circuit_open", "this connector failed repeatedly and is given a rest")
            }
            Self::ProviderCircuit => {
                ("provider_circuit_open", "the provider fails for everybody and is given a rest")
            }
        }
    }
}

/// How admitted calls went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Whose budgets count.
    pub provider: ProviderKind,
    /// The account at the provider.
    pub account: AccountId,
    /// Which admission.
    pub permit: PermitId,
    /// Admitted calls that were not made; they go back into the budget.
    pub unused: u32,
    /// What came of the calls.
    pub outcome: CallOutcome,
}

/// What the breaker learns from a session of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// No call was made, so nothing was learned.
    NotMade,
    /// The provider answered sensibly (a refusal of the request is sensible).
    Answered,
    /// The provider throttled us.
    Throttled {
        /// What `Retry-After` said.
        #[serde(with = "millis::optional")]
        retry_after: Option<TimeDelta>,
    },
    /// 5xx, network error or timeout; with what `Retry-After` said, if anything.
    Failed {
        /// What `Retry-After` said.
        #[serde(with = "millis::optional")]
        retry_after: Option<TimeDelta>,
    },
}

/// A wish for an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRequest {
    /// The generation of the connector as the caller read it: a token of an older grant will not do.
    pub generation: i64,
    /// The fingerprint of a token the provider just refused: any other unexpired token will do (a waiter rereads).
    pub refused: Option<TokenFingerprint>,
    /// How long the token must still work.
    #[serde(with = "millis")]
    pub good_for: TimeDelta,
    /// Refresh even though the token held is good (refresh-token with `force`).
    pub force: bool,
    /// What the provider wanted to see proved when it refused that token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Claims>,
}

impl TokenRequest {
    /// Any token that works for a minute, for a grant of this generation.
    pub fn new(generation: i64) -> Self {
        Self { generation, refused: None, good_for: TOKEN_MARGIN, force: false, claims: None }
    }

    /// Any token but the one just refused.
    #[must_use]
    pub fn instead_of(mut self, refused: TokenFingerprint) -> Self {
        self.refused = Some(refused);
        self
    }

    /// A token that proves these claims, if any are asked for.
    #[must_use]
    pub fn proving(mut self, claims: Option<Claims>) -> Self {
        self.claims = claims;
        self
    }

    /// A token that works for so long; what keeps tokens fresh asks for more than a session does.
    #[must_use]
    pub fn good_for(mut self, good_for: TimeDelta) -> Self {
        self.good_for = good_for;
        self
    }

    /// A new token, whatever is held.
    #[must_use]
    pub fn forced(mut self) -> Self {
        self.force = true;
        self
    }
}

/// Tells two tokens apart without showing either: the first 8 bytes of SHA-256, hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenFingerprint(String);

impl TokenFingerprint {
    /// The fingerprint of `token`.
    pub fn of(token: &AccessToken) -> Self {
        use sha2::{Digest, Sha256};
        use std::fmt::Write;
        let digest = Sha256::digest(token.expose().as_bytes());
        Self(digest.iter().take(8).fold(String::with_capacity(16), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }))
    }
}

/// An access token and when it stops working.
#[derive(Debug, Clone)]
pub struct CachedGrant {
    /// The token.
    pub token: AccessToken,
    /// When the provider will refuse it.
    pub expires_at: Timestamp,
    /// Whether it was fetched from the provider for this very request. When such a token is refused, another refresh
    /// will not help; one that lay in a cache may merely be old.
    pub fresh: bool,
}

impl CachedGrant {
    /// What a token endpoint just gave.
    pub fn granted(grant: &TokenGrant, now: Timestamp) -> Self {
        Self { token: grant.access_token.clone(), expires_at: now.plus(grant.lifetime), fresh: true }
    }

    /// Whether it still works at `now` and for `good_for` after it.
    pub fn works_for(&self, good_for: TimeDelta, now: Timestamp) -> bool {
        self.expires_at > now.plus(good_for)
    }
}
