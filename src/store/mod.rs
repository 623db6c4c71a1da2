//! The system of record: every SQL statement of the worker, one file per aggregate, run alike on D1 and on SQLite.
//!
//! Functions build a [`Statement`] (so that callers can put several into one round trip) and read [`Row`]s back into domain
//! types. Times are Unix milliseconds; the two tables other services know (`sync_state`, `oauth_state`) keep Unix seconds.

pub mod calendars;
pub mod connectors;
pub mod holds;
pub mod oauth_state;
pub mod outbox;
mod ping;
pub mod tasks;

mod row;
mod statement;
pub mod sync_state;

pub use ping::ping;
pub use row::{Row, unreadable};
pub use statement::{Statement, Value};
