//! A question to the system of record that only an answer matters of.

use super::Statement;

/// Fails if the database does not answer or its migrations were not applied: it asks a table of the last one that made any.
pub fn ping() -> Statement {
    Statement::new("ping", "SELECT EXISTS (SELECT 1 FROM connector_counts) AS ever_connected")
}
