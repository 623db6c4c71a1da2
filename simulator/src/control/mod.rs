//! What every simulated provider shares: its clock, scripted faults, counters, request log, outbox, the
//! HTTP server that can cut a connection, and the control API over all of these.
//!
//! A provider implements [`provider::Provider`]; [`dispatch`] puts everything else around it.

pub mod clock;
pub mod counters;
pub mod dispatch;
pub mod faults;
pub mod outbox;
pub mod provider;
pub mod redact;
pub mod request_log;
pub mod routes;
pub mod server;

use std::sync::{Mutex, MutexGuard, PoisonError};

use clock::Clock;
use counters::Counters;
use faults::Faults;
use outbox::Outbox;
use request_log::RequestLog;

/// The controls of one simulated provider.
#[derive(Debug, Default)]
pub struct Control {
    /// Real time plus an offset.
    pub clock: Clock,
    faults: Mutex<Faults>,
    counters: Mutex<Counters>,
    requests: Mutex<RequestLog>,
    outbox: Mutex<Outbox>,
}

impl Control {
    /// The scripted faults.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    /// Calls per route and account.
    pub fn counters(&self) -> MutexGuard<'_, Counters> {
        lock(&self.counters)
    }

    /// The last requests, without their secrets.
    pub fn requests(&self) -> MutexGuard<'_, RequestLog> {
        lock(&self.requests)
    }

    /// Mail that the provider would have sent.
    pub fn outbox(&self) -> MutexGuard<'_, Outbox> {
        lock(&self.outbox)
    }

    /// Back to real time, no faults, nothing counted, nothing logged.
    pub fn reset(&self) {
        self.clock.reset();
        *self.faults() = Faults::default();
        *self.counters() = Counters::default();
        *self.requests() = RequestLog::default();
        *self.outbox() = Outbox::default();
    }
}

/// Locks, also after a panic elsewhere: a development server goes on with what it has.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
