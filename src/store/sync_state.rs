//! The `sync_state` table: where the mirror of each connector stands. Times are Unix seconds.

use super::Statement;
use crate::domain::{ids::ConnectorId, time::Timestamp};

/// Begins the row of a connector; one that is there stays as it is.
pub fn begin(connector: &ConnectorId, now: Timestamp) -> Statement {
    Statement::new(
        "sync_state.begin",
        "INSERT OR IGNORE INTO sync_state (connector_id, sync_status, updated_at) VALUES (?1, 'idle', ?2)",
    )
    .bind(connector.as_str())
    .bind(now.as_seconds())
}

/// Drops a connector's row; part of purging it.
pub fn purge(connector: &ConnectorId, generation: i64) -> Statement {
    Statement::new(
        "sync_state.purge",
        concat!("DELETE FROM sync_state WHERE connector_id = ?1 AND ", of_generation!("?2")),
    )
    .bind(connector.as_str())
    .bind(generation)
}
