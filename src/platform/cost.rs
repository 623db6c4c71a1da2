//! What an invocation cost: counted by the adapters, logged in one line at its end. The budgets are asserted on these lines.

use std::cell::Cell;

/// Round trips of one invocation so far.
#[derive(Debug, Default)]
pub struct Cost {
    d1: Cell<u32>,
    kv: Cell<u32>,
    gate: Cell<u32>,
    queue_sends: Cell<u32>,
    provider_calls: Cell<u32>,
}

impl Cost {
    pub(super) fn d1(&self) {
        count(&self.d1);
    }

    pub(super) fn kv(&self) {
        count(&self.kv);
    }

    pub(super) fn gate(&self) {
        count(&self.gate);
    }

    pub(super) fn queue_send(&self) {
        count(&self.queue_sends);
    }

    pub(super) fn provider_call(&self) {
        count(&self.provider_calls);
    }

    /// Logs the line. `entry` names what was invoked, without anything a caller chose but the path.
    pub fn log(&self, entry: &str) {
        tracing::info!(
            cost = "invocation",
            entry,
            d1 = self.d1.get(),
            kv = self.kv.get(),
            gate = self.gate.get(),
            queueSends = self.queue_sends.get(),
            providerCalls = self.provider_calls.get(),
        );
    }
}

fn count(cell: &Cell<u32>) {
    cell.set(cell.get().saturating_add(1));
}
