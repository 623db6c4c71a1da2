//! No statement goes through a table that grows: its plan is looked at when a database runs it for the first time.

use rusqlite::Connection;

/// What may be gone through: tables of a few rows, what one value holds, and a row that is made up.
const SHORT: [&str; 4] = ["task_counts", "connector_counts", "json_each", "CONSTANT"];

/// Indexes that hold only what is under way, or that a limited number is read from in their order.
const SHORT_INDEXES: [&str; 2] = ["outbox_unsent", "tasks_dead"];

/// The statements that look at every row all the same, and why they may.
const EXCEPTIONS: [(&str, &str); 2] = [
    ("connectors.count_under_other_keys", "an operator asks, while keys are rotated"),
    ("sabotage.expired", "a deliberate fault of the simulation, which looks for what no index has"),
];

/// Panics if the statement goes through a table that grows.
pub(super) fn inspect(connection: &Connection, name: &str, sql: &str) {
    if EXCEPTIONS.iter().any(|(excepted, _)| *excepted == name) {
        return;
    }
    for step in plan(connection, sql) {
        assert!(!is_long(&step), "{name} goes through a table that grows: {step}");
    }
}

/// What SQLite means to do, triggers included, step by step: <https://sqlite.org/eqp.html>.
fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut prepared = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    // Nothing is bound: the plan does not depend on it.
    let steps = prepared.raw_query().mapped(|row| row.get("detail"));
    steps.collect::<Result<_, _>>().unwrap()
}

/// Whether the step is `SCAN`, of something that is not known to be short. Names that statements give to tables are not.
fn is_long(step: &str) -> bool {
    let mut words = step.split_whitespace();
    words.next() == Some("SCAN")
        && !words.next().is_some_and(|what| SHORT.contains(&what))
        && !words.any(|word| SHORT_INDEXES.contains(&word))
}
