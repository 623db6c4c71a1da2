//! The gate of a connector: the one place that refreshes its token (G5), counts requests against the provider's budget,
//! caps concurrency and breaks the circuit (G7).
//!
//! The decisions are pure; on Cloudflare a Durable Object per connector keeps the state, natively a map does. A second kind
//! of object, one per provider, leases the application-wide daily budget out in chunks and holds the provider's breaker.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::domain::{
    connector::ProviderKind,
    secret::AccessToken,
    time::{Timestamp, millis},
};

/// Names one admission. It lapses by itself after [`PERMIT_LIFETIME`], so a crashed run cannot hold a place for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PermitId(pub String);

/// How long a permit that is never released counts as in flight.
pub const PERMIT_LIFETIME: TimeDelta = TimeDelta::seconds(90);

/// A wish to call the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmissionRequest {
    /// Whose budgets count.
    pub provider: ProviderKind,
    /// How many calls; at least one.
    pub calls: u32,
    /// A permit already held, to be given more calls.
    pub permit: Option<PermitId>,
}

/// The answer: leave to make the calls, or how long to wait (in the queue, not here).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "admission")]
pub enum Admission {
    /// Go on; say how it went with [`Release`].
    Granted {
        /// The permit to release.
        permit: PermitId,
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
    /// Which admission.
    pub permit: PermitId,
    /// Admitted calls that were not made; they go back into the budget.
    pub unused: u32,
    /// What came of the calls.
    pub outcome: CallOutcome,
}

/// What the breaker learns from a session of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum CallOutcome {
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
    /// The fingerprint of a token the provider just refused: any other unexpired token will do (a waiter rereads).
    pub refused: Option<TokenFingerprint>,
    /// Refresh even though the token held is good (refresh-token with `force`).
    pub force: bool,
    /// How long the token must still work: one that ends sooner is refreshed.
    #[serde(with = "millis")]
    pub lasting: TimeDelta,
}

impl Default for TokenRequest {
    /// Any token that works for another minute.
    fn default() -> Self {
        Self { refused: None, force: false, lasting: TimeDelta::seconds(60) }
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
}
