//! The share of the application's daily budget that an account holds, and how it is asked for.
//!
//! The provider's object counts a leased call as made when it leases it, and an account makes it before the lease lapses. So
//! the application stays within its day without asking for each call. An account that calls rarely leases what it needs; one
//! that calls much leases twice as much each time.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::WaitReason;
use crate::domain::time::{Timestamp, millis};

/// How long leased calls may be given out.
pub const LEASE_LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// No lease is larger than this part of the daily budget.
const LARGEST_PART: u32 = 100;

/// An account's share. Stored within [`super::account::AccountState`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lease {
    /// Calls not given out yet.
    left: u32,
    /// How many there were at first.
    size: u32,
    granted: Option<Granted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Granted {
    lapses_at: Timestamp,
    slot: Timestamp,
}

/// What an account asks the provider's object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consultation {
    /// Calls wished for; `None` where the provider has no daily budget.
    pub lease: Option<LeaseWish>,
}

/// A wish for a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseWish {
    /// So many would do.
    pub least: u32,
    /// So many would be welcome.
    pub most: u32,
    /// Calls of an earlier lease that were never made, with the slot they were counted in.
    pub returned: Option<Returned>,
}

/// Leased calls that were never made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// Where the provider's object counted them.
    pub slot: Timestamp,
    /// How many.
    pub calls: u32,
}

/// What the provider's object says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Go on.
    Leave(Leave),
    /// Not now.
    Wait {
        /// For this long.
        #[serde(with = "millis")]
        after: TimeDelta,
        /// Because of this.
        reason: WaitReason,
    },
}

/// Leave of the provider's object to make calls.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Leave {
    /// The lease, if one was wished for.
    pub lease: Option<NewLease>,
    /// These calls are the probe of the provider's breaker.
    pub probe: bool,
}

/// A lease just given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLease {
    /// So many calls ...
    pub calls: u32,
    /// ... to be given out before this instant.
    pub lapses_at: Timestamp,
    /// Where the provider's object counted them, for [`Returned`].
    pub slot: Timestamp,
}

impl Lease {
    /// Whether `calls` can be given out of it.
    pub fn covers(&self, calls: u32, now: Timestamp) -> bool {
        self.is_current(now) && self.left >= calls
    }

    /// Gives calls out. Returns the slot they were counted in, for [`Lease::give_back`].
    pub fn take(&mut self, calls: u32) -> Option<Timestamp> {
        self.left = self.left.saturating_sub(calls);
        self.granted.map(|granted| granted.slot)
    }

    /// Calls given out and not made; they may be given out again if this is still the lease they came from.
    pub fn give_back(&mut self, calls: u32, slot: Option<Timestamp>) {
        if slot.is_some() && slot == self.granted.map(|granted| granted.slot) {
            self.left = self.left.saturating_add(calls).min(self.size);
        }
    }

    /// What to ask for when `calls` are needed. What is left is counted as gone from now on: it goes back with the wish
    /// and must not be used as well.
    pub fn wish(&mut self, now: Timestamp, calls: u32, daily: u32) -> LeaseWish {
        let used_up = self.is_current(now);
        let most = if used_up { self.size.saturating_mul(2).min(daily / LARGEST_PART) } else { 0 };
        let left = std::mem::take(&mut self.left);
        let returned =
            self.granted.filter(|_| left > 0).map(|granted| Returned { slot: granted.slot, calls: left });
        LeaseWish { least: calls, most: most.max(calls), returned }
    }

    /// Takes a new lease.
    pub fn renew(&mut self, lease: NewLease) {
        *self = Self {
            left: lease.calls,
            size: lease.calls,
            granted: Some(Granted { lapses_at: lease.lapses_at, slot: lease.slot }),
        };
    }

    fn is_current(&self, now: Timestamp) -> bool {
        self.granted.is_some_and(|granted| now < granted.lapses_at)
    }
}
