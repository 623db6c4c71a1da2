//! The `calendars` table: what each connected account has.

use serde_json::json;

use super::{Row, Statement};
use crate::{
    domain::{
        calendar::{Calendar, CalendarAccess},
        failure::Failure,
        ids::{CalendarId, ConnectorId},
        time::Timestamp,
        zone::Zone,
    },
    ports::DbError,
    store::unreadable,
};

/// The calendars of a connector, the primary one first.
pub fn list(connector: &ConnectorId) -> Statement {
    Statement::new(
        "calendars.list",
        "SELECT * FROM calendars WHERE connector_id = ?1 ORDER BY is_primary DESC, name, calendar_id",
    )
    .bind(connector.as_str())
}

/// The calendars of several connectors at once.
pub fn list_many(connectors: &[ConnectorId]) -> Statement {
    Statement::new(
        "calendars.list_many",
        "SELECT * FROM calendars WHERE connector_id IN (SELECT value FROM json_each(?1)) \
         ORDER BY connector_id, is_primary DESC, name, calendar_id",
    )
    .bind(json!(connectors).to_string())
}

/// Makes the stored calendars exactly `calendars`; all of them travel as one bound value.
pub fn replace(connector: &ConnectorId, calendars: &[Calendar], now: Timestamp) -> [Statement; 2] {
    let rows: Vec<_> = calendars
        .iter()
        .map(|calendar| {
            json!({
                "id": calendar.id,
                "name": calendar.name,
                "zone": calendar.zone.as_ref().map(Zone::name),
                "primary": i32::from(calendar.primary),
                "access": calendar.access.as_str(),
                "selected": i32::from(calendar.selected),
            })
        })
        .collect();
    [
        Statement::new("calendars.clear", "DELETE FROM calendars WHERE connector_id = ?1").bind(connector.as_str()),
        Statement::new(
            "calendars.insert_all",
            "INSERT OR REPLACE INTO calendars \
               (connector_id, calendar_id, name, time_zone, is_primary, access, selected, updated_at) \
             SELECT ?1, value ->> 'id', value ->> 'name', value ->> 'zone', value ->> 'primary', value ->> 'access', \
               value ->> 'selected', ?3 FROM json_each(?2)",
        )
        .bind(connector.as_str())
        .bind(json!(rows).to_string())
        .bind(now),
    ]
}

/// Drops a connector's calendars; part of purging it.
pub fn purge(connector: &ConnectorId, generation: i64) -> Statement {
    Statement::new(
        "calendars.purge",
        concat!("DELETE FROM calendars WHERE connector_id = ?1 AND ", of_generation!("?2")),
    )
    .bind(connector.as_str())
    .bind(generation)
}

/// Reads a row, with the connector it belongs to.
pub fn from_row(row: &Row) -> Result<(ConnectorId, Calendar), Failure> {
    read(row).map_err(unreadable)
}

fn read(row: &Row) -> Result<(ConnectorId, Calendar), DbError> {
    let calendar = Calendar {
        id: CalendarId::new(row.text("calendar_id")?),
        name: row.text("name")?.to_owned(),
        zone: row.optional_text("time_zone")?.and_then(Zone::named),
        primary: row.boolean("is_primary")?,
        access: row.parsed("access", CalendarAccess::parse)?,
        selected: row.boolean("selected")?,
    };
    Ok((ConnectorId::new(row.text("connector_id")?), calendar))
}
