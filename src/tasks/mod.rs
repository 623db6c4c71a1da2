//! Tasks: what other services ask for. One file per task: its payload, its validation, its execution, its result.
//!
//! `envelope` reads a message, `runner` claims it in the ledger, runs it and settles it, `batch` does so for a delivery of
//! the queue, `submission` enters tasks that arrive over HTTP, `dead_letters` records those given up.

pub mod batch;
pub mod dead_letters;
pub mod envelope;
pub mod resending;
pub mod runner;
pub mod submission;
mod work;

mod cancel_event;
mod cancel_hold;
mod check_availability;
mod confirm_hold;
mod conflicts;
mod create_event;
mod disconnect;
mod event_fields;
mod find_slots;
mod missing_scope;
mod numbers;
mod place_hold;
mod refresh_token;
mod update_event;

#[cfg(test)]
pub(crate) mod tests;

pub use envelope::{CalendarTask, TaskType};
pub use work::{Work, read_payload};

/// How often a task is tried before it is given up.
pub const MAX_ATTEMPTS: i64 = 5;
