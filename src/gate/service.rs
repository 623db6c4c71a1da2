//! The three kinds of object the gate consists of, each a thin host around its pure state: on Cloudflare a Durable Object,
//! in tests an entry of a map.
//!
//! - [`AccountGate`], one per account at a provider: permits, the account's budget, `Retry-After`, its breaker.
//! - [`ConnectorGate`], one per connector: its access token, refreshed by one flight at a time.
//! - [`ProviderGate`], one per provider: the daily budget, leased out, and the provider's breaker.
//!
//! Whatever is granted is saved first, so that an object that is evicted or crashes has never promised more than it knows.

use std::{cell::Cell, rc::Rc};

use futures_util::FutureExt;

use super::{
    Admission, AdmissionRequest, CachedGrant, Release, TokenRequest,
    account::{AccountState, Decision, Health},
    connector::ConnectorState,
    kept::{Kept, Storage},
    lease::{Answer, Consultation, Leave},
    limits::limits,
    provider::ProviderState,
    refresh::{Journal, Refreshed, Rotation, refresh},
    single_flight::{SingleFlight, Spawn},
};
use crate::{
    app::App,
    domain::{
        claims::Claims,
        connector::ProviderKind,
        failure::Failure,
        ids::{AccountId, ConnectorId},
    },
    ports::{Clock, Ports},
    tokens,
};

/// The way from an account's object to its provider's.
#[allow(async_fn_in_trait, reason = "an object lives on one thread")]
pub trait ProviderLink {
    /// Asks for leave to call.
    async fn consult(
        &self,
        provider: ProviderKind,
        account: &AccountId,
        consultation: Consultation,
    ) -> Result<Answer, Failure>;
    /// Says how calls went.
    async fn report(
        &self,
        provider: ProviderKind,
        account: &AccountId,
        health: Health,
    ) -> Result<(), Failure>;
}

/// The object of one account.
pub struct AccountGate<P: Ports, S, L> {
    app: Rc<App<P>>,
    kept: Kept<AccountState, S>,
    provider: L,
}

impl<P: Ports, S: Storage, L: ProviderLink> AccountGate<P, S, L> {
    /// The object with that storage.
    pub fn new(app: Rc<App<P>>, storage: S, provider: L) -> Self {
        Self { app, kept: Kept::new(storage), provider }
    }

    /// Answers a wish to call.
    pub async fn admit(&self, request: &AdmissionRequest) -> Result<Admission, Failure> {
        let limits = limits(&self.app, request.provider)?;
        let mut leave = None;
        loop {
            let now = self.app.clock.now();
            let recover = || AccountState::exhausted(&limits, now);
            let decision = self
                .kept
                .update(recover, |state| {
                    if let Some(leave) = &leave {
                        state.told(leave);
                    }
                    state.admit(now, &limits, request, leave.clone())
                })
                .await?;
            self.kept.save().await?;
            match decision {
                Decision::Granted { permit, calls } => return Ok(Admission::Granted { permit, calls }),
                Decision::Wait { after, reason } => return Ok(Admission::Wait { after, reason }),
                // Asked at most once: with a leave the decision is never to ask again.
                Decision::Consult(consultation) => {
                    let answer =
                        self.provider.consult(request.provider, &request.account, consultation).await;
                    leave = Some(match answer {
                        Ok(Answer::Leave(leave)) => leave,
                        Ok(Answer::Wait { after, reason }) => return Ok(Admission::Wait { after, reason }),
                        // A budget that cannot be asked for is not spent; a breaker that cannot be asked is not obeyed.
                        Err(failure) if limits.daily.is_some() => return Err(failure),
                        Err(failure) => {
                            tracing::warn!(%failure, "the provider's object did not answer");
                            Leave::default()
                        }
                    });
                }
            }
        }
    }

    /// Takes a permit back.
    pub async fn release(&self, release: &Release) -> Result<(), Failure> {
        let limits = limits(&self.app, release.provider)?;
        let now = self.app.clock.now();
        let recover = || AccountState::exhausted(&limits, now);
        let health = self.kept.update(recover, |state| state.release(now, &limits, release)).await?;
        self.kept.save().await?;
        if let Some(health) = health
            && let Err(failure) = self.provider.report(release.provider, &release.account, health).await
        {
            tracing::warn!(%failure, "the provider's object did not hear how calls went");
        }
        Ok(())
    }
}

/// The object of one provider.
pub struct ProviderGate<P: Ports, S> {
    app: Rc<App<P>>,
    provider: ProviderKind,
    kept: Kept<ProviderState, S>,
}

impl<P: Ports, S: Storage> ProviderGate<P, S> {
    /// The object with that storage.
    pub fn new(app: Rc<App<P>>, provider: ProviderKind, storage: S) -> Self {
        Self { app, provider, kept: Kept::new(storage) }
    }

    /// Answers an account that wants to call.
    pub async fn consult(&self, consultation: &Consultation) -> Result<Answer, Failure> {
        let limits = limits(&self.app, self.provider)?;
        let now = self.app.clock.now();
        let recover = || ProviderState::exhausted(&limits, now);
        let answer = self.kept.update(recover, |state| state.consult(now, &limits, consultation)).await?;
        self.kept.save().await?;
        Ok(answer)
    }

    /// Hears how an account's calls went.
    pub async fn report(&self, account: &AccountId, health: Health) -> Result<(), Failure> {
        let limits = limits(&self.app, self.provider)?;
        let now = self.app.clock.now();
        let recover = || ProviderState::exhausted(&limits, now);
        self.kept.update(recover, |state| state.report(now, account, health)).await?;
        self.kept.save().await
    }
}

/// The object of one connector.
pub struct ConnectorGate<P: Ports, S: 'static> {
    inner: Rc<Inner<P, S>>,
    flights: SingleFlight<Result<Refreshed, Failure>>,
}

/// What a flight needs, which may outlive the request that started it.
struct Inner<P: Ports, S> {
    app: Rc<App<P>>,
    connector: ConnectorId,
    kept: Kept<ConnectorState, S>,
    /// Counts how often the tokens were to be forgotten: a flight that began before keeps nothing.
    epoch: Cell<u64>,
}

impl<P: Ports, S: Storage + 'static> ConnectorGate<P, S> {
    /// The object with that storage. `spawn` lets a refresh go on when nobody waits for it any more.
    pub fn new(app: Rc<App<P>>, connector: ConnectorId, storage: S, spawn: Spawn) -> Self {
        let inner = Inner { app, connector, kept: Kept::new(storage), epoch: Cell::new(0) };
        Self { inner: Rc::new(inner), flights: SingleFlight::new(spawn) }
    }

    /// The access token held, if it will do; else a new one, by the refresh under way or by one that begins now.
    pub async fn access_token(&self, request: &TokenRequest) -> Result<CachedGrant, Failure> {
        let inner = &self.inner;
        // A flight that began before the account was connected anew may bring a token of the old grant: once more.
        for _ in 0..2 {
            let now = inner.app.clock.now();
            let held = inner
                .kept
                .update(ConnectorState::default, |state| {
                    state.token_for(&inner.app.vault, &inner.connector, request, now)
                })
                .await?;
            if let Some(held) = held {
                return Ok(held);
            }
            let refreshed = self
                .flights
                .join(|| fly(Rc::clone(inner), inner.epoch.get(), request.claims.clone()).boxed_local())
                .await?;
            if refreshed.generation >= request.generation {
                // A flight that others began did not prove what this request has to: as good as a token that lay here.
                let fresh = request.claims.is_none() || request.claims == refreshed.claims;
                return Ok(CachedGrant { fresh, ..refreshed.grant });
            }
        }
        Err(Failure::retry("connector_changing", "the account is just being connected anew", None))
    }

    /// Forgets the tokens, and whatever a refresh under way will bring.
    pub async fn forget(&self) -> Result<(), Failure> {
        self.inner.epoch.set(self.inner.epoch.get() + 1);
        self.inner.kept.clear().await
    }
}

/// One refresh from beginning to end.
async fn fly<P: Ports, S: Storage>(
    inner: Rc<Inner<P, S>>,
    epoch: u64,
    claims: Option<Claims>,
) -> Result<Refreshed, Failure> {
    let (app, now) = (&inner.app, inner.app.clock.now());
    let pending = inner
        .kept
        .update(ConnectorState::default, |state| state.may_refresh(now).map(|()| state.rotation.clone()))
        .await??;
    let result =
        refresh(app, &inner.connector, claims, pending, &ObjectJournal { inner: &inner, epoch }).await;
    if inner.epoch.get() != epoch {
        return result;
    }
    let now = app.clock.now();
    inner
        .kept
        .update(ConnectorState::default, |state| {
            state.refreshed(&app.vault, &app.random, &inner.connector, &result, now);
        })
        .await?;
    if let Err(failure) = inner.kept.save().await {
        tracing::warn!(connector = %inner.connector, %failure, "the outcome of a refresh is kept in memory only");
    }
    if let Ok(refreshed) = &result {
        tokens::remember(app, &inner.connector, refreshed.generation, &refreshed.grant).await;
    }
    result
}

/// The object's own storage as a refresh's journal.
struct ObjectJournal<'a, P: Ports, S> {
    inner: &'a Inner<P, S>,
    epoch: u64,
}

impl<P: Ports, S: Storage> Journal for ObjectJournal<'_, P, S> {
    async fn keep(&self, rotation: Option<Rotation>) {
        if self.inner.epoch.get() != self.epoch {
            return;
        }
        let kept = &self.inner.kept;
        let done = match kept.update(ConnectorState::default, |state| state.rotation = rotation).await {
            Ok(()) => kept.save().await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = done {
            tracing::warn!(connector = %self.inner.connector, %failure, "a rotated token is not in the journal");
        }
    }
}

#[cfg(test)]
mod tests;
