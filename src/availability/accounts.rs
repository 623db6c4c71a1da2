//! The accounts asked about, with their calendars: two statements of one round trip.

use std::collections::BTreeMap;

use crate::{
    domain::{calendar::Calendar, connector::Connector, failure::Failure, ids::ConnectorId},
    store::{Row, Statement, calendars, connectors},
};

/// Connectors and their calendars by the connectors' ids.
pub type Accounts = BTreeMap<ConnectorId, (Connector, Vec<Calendar>)>;

/// What reads the accounts of these connectors; [`read`] takes the answers.
pub fn statements(ids: &[ConnectorId]) -> Vec<Statement> {
    vec![connectors::get_many(ids), calendars::list_many(ids)]
}

/// The accounts among the answers to [`statements`] that may be asked about.
pub fn read(answers: &[Vec<Row>], may_ask: &dyn Fn(&Connector) -> bool) -> Result<Accounts, Failure> {
    let [connector_rows, calendar_rows] = answers else {
        return Err(Failure::fatal("database_answer_incomplete", "two statements, not two answers"));
    };
    let mut found = Accounts::new();
    for row in connector_rows {
        let connector = connectors::from_row(row)?;
        if may_ask(&connector) {
            found.insert(connector.id.clone(), (connector, Vec::new()));
        }
    }
    for row in calendar_rows {
        let (connector, calendar) = calendars::from_row(row)?;
        if let Some((_, calendars)) = found.get_mut(&connector) {
            calendars.push(calendar);
        }
    }
    Ok(found)
}
