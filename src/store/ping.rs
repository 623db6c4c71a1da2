//! A question to the system of record that only an answer matters of.

use super::Statement;

/// Fails if the database does not answer or its migrations were not applied.
pub fn ping() -> Statement {
    Statement::new("ping", "SELECT EXISTS (SELECT 1 FROM connectors) AS any_connected")
}
