//! The decisions about one provider as a whole: the application's daily budget, leased out in chunks, and the breaker that
//! opens when several accounts fail at once. Pure; its state is what must survive.
//!
//! Accounts ask here for leases, and before each call while their last one failed; an account whose calls work never asks
//! about the breaker, so that this one object is not on everybody's way.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{
    PERMIT_LIFETIME, WaitReason,
    account::Health,
    breaker::{Breaker, BreakerPolicy, Passage},
    budget::{Budget, Spending},
    lease::{Answer, Consultation, LEASE_LIFETIME, Leave, NewLease},
};
use crate::{
    domain::{ids::AccountId, time::Timestamp},
    providers::Limits,
};

/// When a provider's circuit opens: so many different accounts fail within [`FAILURE_MEMORY`] and none of them has had a
/// sensible answer since.
pub const PROVIDER_BREAKER: BreakerPolicy =
    BreakerPolicy { failures: 5, first: TimeDelta::seconds(5), longest: TimeDelta::minutes(5) };

/// How long an account's failure counts against the provider.
pub const FAILURE_MEMORY: TimeDelta = TimeDelta::minutes(1);

/// Nobody is told to wait longer for the daily budget: leases that were not used up come back earlier than reckoned.
const LONGEST_DAILY_WAIT: TimeDelta = TimeDelta::hours(1);

/// The state of one provider's object. Stored as JSON: fields may be added, with a default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderState {
    leased: Spending,
    breaker: Breaker,
    failing: BTreeMap<AccountId, Timestamp>,
}

impl ProviderState {
    /// The state to go on from when the stored one cannot be read: as if the whole daily budget had just been leased.
    pub fn exhausted(limits: &Limits, now: Timestamp) -> Self {
        let mut state = Self::default();
        if let Some(budget) = daily(limits) {
            state.leased.spend(budget, now, budget.calls);
        }
        state
    }

    /// Answers an account that wants to call.
    pub fn consult(&mut self, now: Timestamp, limits: &Limits, consultation: &Consultation) -> Answer {
        let wish = daily(limits).zip(consultation.lease.as_ref());
        if let Some((_, wish)) = wish
            && let Some(returned) = &wish.returned
        {
            self.leased.refund(returned.slot, returned.calls);
        }
        let probe = match self.breaker.passage(now) {
            Passage::Free => false,
            Passage::Probe => true,
            Passage::Wait(after) => return Answer::Wait { after, reason: WaitReason::ProviderCircuit },
        };
        let lease = match wish {
            None => None,
            Some((budget, wish)) => {
                let calls = wish.most.max(wish.least).min(self.leased.room(budget, now));
                if calls < wish.least {
                    let after = self.leased.wait(budget, now, wish.least).unwrap_or(LONGEST_DAILY_WAIT);
                    return Answer::Wait {
                        after: after.min(LONGEST_DAILY_WAIT),
                        reason: WaitReason::DailyBudget,
                    };
                }
                let slot = self.leased.spend(budget, now, calls);
                Some(NewLease { calls, lapses_at: now.plus(LEASE_LIFETIME), slot })
            }
        };
        if probe {
            self.breaker.probe(now.plus(PERMIT_LIFETIME));
        }
        Answer::Leave(Leave { lease, probe })
    }

    /// Learns how an account's calls went.
    pub fn report(&mut self, now: Timestamp, account: &AccountId, health: Health) {
        self.failing.retain(|_, since| now.since(*since) < FAILURE_MEMORY);
        let probing = self.breaker.is_probing();
        match health {
            Health::Failing if probing => self.breaker.failed(PROVIDER_BREAKER, now, true),
            Health::Failing if self.breaker.is_closed() => {
                self.failing.insert(account.clone(), now);
                if self.failing.len() >= PROVIDER_BREAKER.failures as usize {
                    self.failing.clear();
                    self.breaker.open(PROVIDER_BREAKER, now);
                }
            }
            Health::Failing => {}
            Health::Recovered => {
                self.failing.remove(account);
                self.breaker.succeeded(probing);
            }
        }
    }
}

/// The daily budget as a window that no lease given in it outlives: whatever is leased is made, at the latest, when the
/// last permit under it lapses, and a day later it has left every window of a day.
fn daily(limits: &Limits) -> Option<Budget> {
    let window = TimeDelta::days(1) + LEASE_LIFETIME + PERMIT_LIFETIME;
    limits.daily.map(|calls| Budget { calls, window })
}

#[cfg(test)]
mod tests;
