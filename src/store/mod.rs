//! The system of record: every SQL statement of the worker, one file per aggregate, run alike on D1 and on SQLite.
//!
//! Functions build a [`Statement`] (so that callers can put several into one round trip) and read [`Row`]s back into domain
//! types. Times are Unix milliseconds; the two tables other services know (`sync_state`, `oauth_state`) keep Unix seconds.

/// Whether the connector `?1` still has that generation: in what purges it, so that nothing of a connection made meanwhile goes.
macro_rules! of_generation {
    ($generation:literal) => {
        concat!("EXISTS (SELECT 1 FROM connectors WHERE id = ?1 AND generation = ", $generation, ")")
    };
}

pub mod calendars;
pub mod connectors;
pub mod counts;
pub mod holds;
pub mod oauth_state;
pub mod outbox;
mod ping;
pub mod tasks;

mod row;
mod statement;
pub mod sync_state;

pub use ping::ping;
pub use row::{Row, readable, unreadable};
pub use statement::{Statement, Value};
