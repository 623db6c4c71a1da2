//! A gate that lets everything through and counts.

use std::cell::{Cell, RefCell};

use chrono::TimeDelta;

use super::FixedClock;
use crate::{
    domain::{failure::Failure, ids::ConnectorId, secret::AccessToken},
    gate::{Admission, AdmissionRequest, CachedGrant, PermitId, Release, TokenFingerprint, TokenRequest},
    ports::{Clock, Gate},
};

/// Admits every call unless a test queued another answer; hands out `access-1`, then another after each refusal.
#[derive(Debug)]
pub struct OpenGate {
    clock: FixedClock,
    permits: Cell<u64>,
    token: Cell<u64>,
    admissions: RefCell<Vec<Result<Admission, Failure>>>,
    tokens: RefCell<Vec<Failure>>,
    wishes: RefCell<Vec<TokenRequest>>,
    calls: RefCell<Vec<AdmissionRequest>>,
    releases: RefCell<Vec<Release>>,
    forgotten: RefCell<Vec<ConnectorId>>,
    old_next: Cell<bool>,
}

impl OpenGate {
    /// A gate that lives by `clock`.
    pub fn new(clock: &FixedClock) -> Self {
        Self {
            clock: clock.clone(),
            permits: Cell::new(0),
            token: Cell::new(1),
            admissions: RefCell::default(),
            tokens: RefCell::default(),
            wishes: RefCell::default(),
            calls: RefCell::default(),
            releases: RefCell::default(),
            forgotten: RefCell::default(),
            old_next: Cell::new(false),
        }
    }

    /// Queues an answer for the next admission asked for.
    pub fn answer_next(&self, answer: Result<Admission, Failure>) {
        self.admissions.borrow_mut().push(answer);
    }

    /// Makes the next wish for a token fail.
    pub fn refuse_next_token(&self, failure: Failure) {
        self.tokens.borrow_mut().push(failure);
    }

    /// Makes the next token given instead of a refused one be another that lay at the gate, not a new one.
    pub fn hand_out_old_token_next(&self) {
        self.old_next.set(true);
    }

    /// The admissions asked for so far.
    pub fn calls(&self) -> Vec<AdmissionRequest> {
        self.calls.borrow().clone()
    }

    /// The tokens asked for so far.
    pub fn wishes(&self) -> Vec<TokenRequest> {
        self.wishes.borrow().clone()
    }

    /// The releases so far.
    pub fn releases(&self) -> Vec<Release> {
        self.releases.borrow().clone()
    }

    /// The connectors forgotten so far.
    pub fn forgotten(&self) -> Vec<ConnectorId> {
        self.forgotten.borrow().clone()
    }
}

impl Gate for OpenGate {
    async fn admit(&self, _: &ConnectorId, request: AdmissionRequest) -> Result<Admission, Failure> {
        let given = request.permit.clone();
        let calls = request.calls;
        self.calls.borrow_mut().push(request);
        let mut queued = self.admissions.borrow_mut();
        if !queued.is_empty() {
            return queued.remove(0);
        }
        let permit = given.unwrap_or_else(|| {
            self.permits.set(self.permits.get() + 1);
            PermitId(format!("permit-{}", self.permits.get()))
        });
        Ok(Admission::Granted { permit, calls })
    }

    async fn release(&self, _: &ConnectorId, release: Release) -> Result<(), Failure> {
        self.releases.borrow_mut().push(release);
        Ok(())
    }

    async fn access_token(&self, _: &ConnectorId, request: TokenRequest) -> Result<CachedGrant, Failure> {
        self.wishes.borrow_mut().push(request.clone());
        let mut refusals = self.tokens.borrow_mut();
        if !refusals.is_empty() {
            return Err(refusals.remove(0));
        }
        let held = AccessToken::new(format!("access-{}", self.token.get()));
        if request.force || request.refused == Some(TokenFingerprint::of(&held)) {
            self.token.set(self.token.get() + 1);
        }
        Ok(CachedGrant {
            token: AccessToken::new(format!("access-{}", self.token.get())),
            expires_at: self.clock.now().plus(TimeDelta::hours(1)),
            fresh: (request.force || request.refused.is_some())
                && !(request.refused.is_some() && self.old_next.take()),
        })
    }

    async fn forget(&self, connector: &ConnectorId) -> Result<(), Failure> {
        self.forgotten.borrow_mut().push(connector.clone());
        Ok(())
    }
}
