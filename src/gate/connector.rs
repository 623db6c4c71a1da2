//! What one connector's object remembers about its access token, and the decisions about it. Pure.

use serde::{Deserialize, Serialize};

use super::{
    CachedGrant, TokenFingerprint, TokenRequest, WaitReason,
    breaker::{Breaker, BreakerPolicy, Passage},
    refresh::{Refreshed, Rotation},
};
use crate::{
    domain::{
        failure::{Action, Failure},
        ids::ConnectorId,
        secret::AccessToken,
        time::Timestamp,
    },
    ports::Random,
    vault::{Place, Sealed, Vault},
};

/// When refreshing takes a rest because the token endpoint fails.
pub const REFRESH_BREAKER: BreakerPolicy = super::account::ACCOUNT_BREAKER;

/// The state of one connector's object. Stored as JSON: fields may be added, with a default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectorState {
    held: Option<Held>,
    /// A rotated refresh token the system of record does not have yet.
    pub rotation: Option<Rotation>,
    breaker: Breaker,
    /// The token endpoint said `Retry-After`.
    paused_until: Option<Timestamp>,
}

/// The access token held, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    sealed: String,
    fingerprint: TokenFingerprint,
    expires_at: Timestamp,
    generation: i64,
}

/// Where the access token held is sealed.
fn place(connector: &ConnectorId) -> Place<'_> {
    Place { table: "gate", row: connector.as_str(), field: "access_token" }
}

impl ConnectorState {
    /// The token held, if it will do. One that does not open is as good as none.
    pub fn token_for(
        &self,
        vault: &Vault,
        connector: &ConnectorId,
        request: &TokenRequest,
        now: Timestamp,
    ) -> Option<CachedGrant> {
        let held = self.held.as_ref()?;
        let will_do = !request.force
            && held.generation >= request.generation
            && request.refused.as_ref() != Some(&held.fingerprint)
            && held.expires_at > now.plus(request.good_for);
        if !will_do {
            return None;
        }
        let opened = vault.open(&place(connector), &Sealed::from_stored(&*held.sealed)).ok()?;
        let token = AccessToken::new(opened.plaintext.as_str());
        Some(CachedGrant { token, expires_at: held.expires_at, fresh: false })
    }

    /// Whether a refresh may be tried now; else how long to wait.
    pub fn may_refresh(&mut self, now: Timestamp) -> Result<(), Failure> {
        let wait = |after, reason: WaitReason| {
            let (code, message) = reason.describe();
            Err(Failure::wait(code, message, after))
        };
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return wait(until.since(now), WaitReason::RetryAfter);
        }
        match self.breaker.passage(now) {
            Passage::Free => Ok(()),
            Passage::Probe => {
                self.breaker.probe(now.plus(super::PERMIT_LIFETIME));
                Ok(())
            }
            Passage::Wait(after) => wait(after, WaitReason::ConnectorCircuit),
        }
    }

    /// Takes note of how a refresh went.
    pub fn refreshed(
        &mut self,
        vault: &Vault,
        random: &impl Random,
        connector: &ConnectorId,
        result: &Result<Refreshed, Failure>,
        now: Timestamp,
    ) {
        let probe = self.breaker.is_probing();
        match result {
            Ok(refreshed) => {
                self.breaker.succeeded(probe);
                let grant = &refreshed.grant;
                self.held = vault
                    .seal(random, &place(connector), grant.token.expose())
                    .inspect_err(|failure| tracing::warn!(%connector, %failure, "access token not kept"))
                    .ok()
                    .map(|sealed| Held {
                        sealed: sealed.as_str().to_owned(),
                        fingerprint: TokenFingerprint::of(&grant.token),
                        expires_at: grant.expires_at,
                        generation: refreshed.generation,
                    });
            }
            Err(Failure { action: Action::Retry { after }, .. }) => {
                self.breaker.failed(REFRESH_BREAKER, now, probe);
                if let Some(after) = after {
                    self.paused_until = self.paused_until.max(Some(now.plus(*after)));
                }
            }
            Err(Failure { action: Action::Reauthorize | Action::NotFound, .. }) => {
                // The endpoint works; the grant does not.
                self.breaker.succeeded(probe);
                self.held = None;
            }
            Err(_) => self.breaker.succeeded(probe),
        }
    }
}
