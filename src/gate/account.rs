//! The decisions about one account at a provider: may calls be made now, and what follows from how they went. Pure; its
//! state is what must survive.
//!
//! Calls are made some time between the grant of a permit and its release, so that long a permit's calls count as being made
//! now; on release (or when it lapses) they are counted as made at that instant, which is no earlier than they were. Together
//! with [`Spending`] this keeps every window at the provider within the budget, whenever in between the calls were made.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{
    AdmissionRequest, CallOutcome, PermitId, Release, WaitReason,
    breaker::{Breaker, BreakerPolicy, Passage},
    budget::{Budget, Spending},
    lease::{Consultation, Lease, Leave},
    permits::Permits,
};
use crate::{domain::time::Timestamp, providers::Limits};

/// When an account's circuit opens.
pub const ACCOUNT_BREAKER: BreakerPolicy =
    BreakerPolicy { failures: 5, first: TimeDelta::seconds(5), longest: TimeDelta::minutes(5) };

/// How long an account rests when the provider throttles it and does not say for how long.
const UNSAID_RETRY_AFTER: TimeDelta = TimeDelta::seconds(1);

/// How long a session is thought to hold its place; only shapes the waiting time of those turned away.
const USUAL_SESSION: TimeDelta = TimeDelta::seconds(1);

/// Nobody waits longer than this for a place.
const LONGEST_QUEUE: TimeDelta = TimeDelta::seconds(30);

/// The state of one account's gate. Stored as JSON: fields may be added, with a default, and never change their meaning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountState {
    spending: Spending,
    permits: Permits,
    breaker: Breaker,
    /// The provider said `Retry-After`; nothing is sent before.
    paused_until: Option<Timestamp>,
    lease: Lease,
    /// The last calls failed, and the provider's object was told so: it is asked before the next.
    troubled: bool,
    /// When those turned away for want of a place are expected to have had theirs.
    queue_until: Option<Timestamp>,
}

/// What is to be done about a wish to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Granted {
        /// The permit to release.
        permit: PermitId,
        /// Its calls.
        calls: u32,
    },
    /// Not now.
    Wait {
        /// For this long.
        after: TimeDelta,
        /// Because of this.
        reason: WaitReason,
    },
    /// Ask the provider's object, tell the answer with [`AccountState::told`] or [`AccountState::untold`], and ask again
    /// with that leave.
    Consult(Consultation),
}

/// What the provider's object should be told after a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// The account's calls failed.
    Failing,
    /// They work again.
    Recovered,
}

impl AccountState {
    /// The state to go on from when the stored one cannot be read: as if the whole budget had just been spent.
    pub fn exhausted(limits: &Limits, now: Timestamp) -> Self {
        let mut state = Self::default();
        state.spending.spend(budget(limits), now, limits.requests);
        state
    }

    /// Decides about a wish to call. `leave` is what the provider's object said to the consultation that an earlier call
    /// for the same wish asked for.
    pub fn admit(
        &mut self,
        now: Timestamp,
        limits: &Limits,
        request: &AdmissionRequest,
        leave: Option<Leave>,
    ) -> Decision {
        self.lapse(now, limits);
        let calls = request.calls.clamp(1, limits.requests.max(1));
        let extended = request.permit.as_ref().and_then(|id| self.permits.get_mut(id));
        let most = limits.in_flight.max(1);
        let width = request.width.clamp(1, most);
        let (extends, held, mut probe) = match extended {
            Some(permit) => {
                // Asking for more says that those given before are made, but for those that come back.
                let unused = request.unused.min(permit.calls);
                let made = std::mem::take(&mut permit.calls) - unused;
                let (held, probe, lease) = (permit.width, permit.probe, permit.lease);
                self.spending.spend(budget(limits), now, made);
                self.lease.give_back(unused, lease);
                (true, held, probe)
            }
            None => (false, 0, false),
        };
        let wait = |after, reason| Decision::Wait { after, reason };

        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return wait(until.since(now), WaitReason::RetryAfter);
        }
        if !probe {
            match self.breaker.passage(now) {
                Passage::Free => {}
                Passage::Probe => probe = true,
                Passage::Wait(after) => return wait(after, WaitReason::ConnectorCircuit),
            }
        }
        if width > held && self.permits.in_flight().saturating_sub(held).saturating_add(width) > most {
            return wait(self.queue(now, limits, width), WaitReason::Concurrency);
        }
        let outstanding = self.permits.outstanding();
        // Who begins waits until all it plans fits. Who is under way takes what there is: turned back it would begin anew and
        // spend again what it has spent already.
        let room = self.spending.room(budget(limits), now).saturating_sub(outstanding);
        let least = request.least.clamp(1, calls);
        let calls = if extends { calls.min(room.max(least)) } else { calls };
        match self.spending.wait(budget(limits), now, calls.saturating_add(outstanding)) {
            Some(after) if after > TimeDelta::zero() => return wait(after, WaitReason::Budget),
            Some(_) => {}
            // Room depends on calls that are being made right now.
            None => return wait(limits.window, WaitReason::Budget),
        }
        let leased = limits.daily.is_none() || self.lease.covers(calls, now);
        if !leased || (self.troubled && leave.is_none()) {
            return match leave {
                Some(_) => wait(TimeDelta::seconds(1), WaitReason::DailyBudget),
                None => Decision::Consult(self.consultation(now, limits, calls)),
            };
        }

        let lease = limits.daily.and_then(|_| self.lease.take(calls));
        let permit = match request.permit.as_ref().filter(|_| extends) {
            Some(id) => {
                if let Some(permit) = self.permits.get_mut(id) {
                    permit.calls = calls;
                    permit.width = width;
                    permit.lapses_at = now.plus(super::PERMIT_LIFETIME);
                    permit.probe = probe;
                    permit.lease = lease;
                }
                id.clone()
            }
            None => self.permits.open(now, calls, width, probe, lease),
        };
        if probe {
            self.breaker.probe(now.plus(super::PERMIT_LIFETIME));
        }
        Decision::Granted { permit, calls }
    }

    /// Takes note of the leave the provider's object gave.
    pub fn told(&mut self, leave: &Leave) {
        if let Some(lease) = leave.lease {
            self.lease.renew(lease);
        }
        // The provider's probe reports back, whatever comes of it.
        self.troubled |= leave.probe;
    }

    /// Takes a permit back and learns from how its calls went. Returns what the provider's object should hear.
    pub fn release(&mut self, now: Timestamp, limits: &Limits, release: &Release) -> Option<Health> {
        self.lapse(now, limits);
        let permit = self.permits.close(&release.permit)?;
        let unused = release.unused.min(permit.calls);
        self.spending.spend(budget(limits), now, permit.calls - unused);
        self.lease.give_back(unused, permit.lease);
        match release.outcome {
            CallOutcome::NotMade => {
                if permit.probe {
                    self.breaker.probe_unused(now);
                }
                None
            }
            CallOutcome::Answered => {
                self.breaker.succeeded(permit.probe);
                std::mem::take(&mut self.troubled).then_some(Health::Recovered)
            }
            CallOutcome::Throttled { retry_after } => {
                self.pause(now, retry_after.unwrap_or(UNSAID_RETRY_AFTER));
                self.breaker.failed(ACCOUNT_BREAKER, now, permit.probe);
                None
            }
            CallOutcome::Failed { retry_after } => {
                if let Some(after) = retry_after {
                    self.pause(now, after);
                }
                self.breaker.failed(ACCOUNT_BREAKER, now, permit.probe);
                self.troubled = true;
                Some(Health::Failing)
            }
        }
    }

    fn consultation(&mut self, now: Timestamp, limits: &Limits, calls: u32) -> Consultation {
        let lease = limits.daily.map(|daily| self.lease.wish(now, calls, daily));
        Consultation { lease }
    }

    /// Permits nobody gave back count as used to the last call, up to the instant they lapsed.
    fn lapse(&mut self, now: Timestamp, limits: &Limits) {
        for permit in self.permits.lapse(now) {
            self.spending.spend(budget(limits), permit.lapses_at, permit.calls);
        }
    }

    fn pause(&mut self, now: Timestamp, after: TimeDelta) {
        self.paused_until = self.paused_until.max(Some(now.plus(after)));
    }

    /// How long the next in an imagined queue for so many places waits, so that a crowd does not come back all at once.
    fn queue(&mut self, now: Timestamp, limits: &Limits, width: u32) -> TimeDelta {
        let [places, width] =
            [limits.in_flight.max(1), width].map(|count| i32::try_from(count).unwrap_or(i32::MAX));
        let before = self.queue_until.map_or(now, |until| until.max(now));
        let until = before.plus(USUAL_SESSION / places * width).min(now.plus(LONGEST_QUEUE));
        self.queue_until = Some(until);
        until.since(now).max(USUAL_SESSION)
    }
}

fn budget(limits: &Limits) -> Budget {
    Budget { calls: limits.requests, window: limits.window }
}

#[cfg(test)]
mod tests;
