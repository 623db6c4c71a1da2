//! The `holds` table. A row in state `placing` or `held` keeps its slot: that check and the write are one statement, so of two
//! racing holds exactly one wins.

use super::{Row, Statement};
use crate::{
    domain::{
        event::CreationKey,
        failure::Failure,
        hold::{Hold, HoldState},
        ids::{CalendarId, ConnectorId, EventId, HoldId, TaskId},
        time::{Interval, Timestamp},
    },
    ports::DbError,
    store::unreadable,
};

/// A wish to keep a slot.
#[derive(Debug, Clone)]
pub struct Reservation<'a> {
    /// Whose calendar.
    pub connector: &'a ConnectorId,
    /// The producer's id.
    pub hold: &'a HoldId,
    /// The task that places it.
    pub task: &'a TaskId,
    /// The claim under which that task runs; without it nothing is reserved.
    pub claim: &'a str,
    /// Which calendar.
    pub calendar: &'a CalendarId,
    /// The event's creation key.
    pub key: &'a CreationKey,
    /// The slot.
    pub slot: Interval,
    /// When it runs out.
    pub expires_at: Timestamp,
    /// Whether other holds on the slot matter.
    pub exclusive: bool,
    /// Now.
    pub now: Timestamp,
}

/// Reserves the slot if no other hold of the connector keeps a part of it (or that does not matter). A hold that ended is
/// placed again under the next generation; one that stands is left as it is. Whether the reservation took place is to
/// be read from the row afterwards, with [`get`], by its `task_id`.
pub fn reserve(reservation: &Reservation<'_>) -> Statement {
    Statement::new(
        "holds.reserve",
        "INSERT INTO holds (connector_id, hold_id, generation, task_id, calendar_id, creation_key, start_at, end_at, \
           expires_at, state, created_at, updated_at) \
         SELECT ?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, 'placing', ?9, ?9 \
         WHERE EXISTS (SELECT 1 FROM tasks WHERE connector_id = ?1 AND task_id = ?3 AND claim = ?11) \
           AND (?10 = 0 OR NOT EXISTS (SELECT 1 FROM holds WHERE connector_id = ?1 AND hold_id <> ?2 \
             AND state IN ('placing', 'held') AND start_at < ?7 AND end_at > ?6 AND expires_at > ?9)) \
         ON CONFLICT (connector_id, hold_id) DO UPDATE SET generation = generation + 1, task_id = excluded.task_id, \
           calendar_id = excluded.calendar_id, event_id = NULL, creation_key = excluded.creation_key, \
           start_at = excluded.start_at, end_at = excluded.end_at, expires_at = excluded.expires_at, \
           state = 'placing', updated_at = excluded.updated_at \
           WHERE holds.state IN ('cancelled', 'expired', 'refused') AND holds.task_id <> excluded.task_id",
    )
    .bind(reservation.connector.as_str())
    .bind(reservation.hold.as_str())
    .bind(reservation.task.as_str())
    .bind(reservation.calendar.as_str())
    .bind(reservation.key.as_str())
    .bind(reservation.slot.start())
    .bind(reservation.slot.end())
    .bind(reservation.expires_at)
    .bind(reservation.now)
    .bind(reservation.exclusive)
    .bind(reservation.claim)
}

/// One hold.
pub fn get(connector: &ConnectorId, hold: &HoldId) -> Statement {
    Statement::new("holds.get", "SELECT * FROM holds WHERE connector_id = ?1 AND hold_id = ?2")
        .bind(connector.as_str())
        .bind(hold.as_str())
}

/// The holds of a connector that have an event on its calendar, or may have.
pub fn standing(connector: &ConnectorId) -> Statement {
    Statement::new(
        "holds.standing",
        "SELECT * FROM holds WHERE connector_id = ?1 AND state IN ('placing', 'held')",
    )
    .bind(connector.as_str())
}

/// Moves a hold of that generation to another state, keeping its event if one is given. A hold that ended stays ended.
pub fn set_state(hold: &Hold, state: HoldState, event: Option<&EventId>, now: Timestamp) -> Statement {
    Statement::new(
        "holds.set_state",
        "UPDATE holds SET state = ?4, event_id = COALESCE(?5, event_id), updated_at = ?6 \
         WHERE connector_id = ?1 AND hold_id = ?2 AND generation = ?3 AND state IN ('placing', 'held')",
    )
    .bind(hold.connector.as_str())
    .bind(hold.id.as_str())
    .bind(hold.generation)
    .bind(state.as_str())
    .bind(event.map(EventId::as_str))
    .bind(now)
}

/// Holds that ran out, earliest first.
pub fn expired(now: Timestamp, limit: u32) -> Statement {
    Statement::new(
        "holds.expired",
        "SELECT * FROM holds WHERE state IN ('placing', 'held') AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
    )
    .bind(now)
    .bind(i64::from(limit))
}

/// Drops a connector's holds; part of purging it.
pub fn purge(connector: &ConnectorId) -> Statement {
    Statement::new("holds.purge", "DELETE FROM holds WHERE connector_id = ?1").bind(connector.as_str())
}

/// A hold and the task that placed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The hold.
    pub hold: Hold,
    /// The task of its latest placement.
    pub task: TaskId,
}

/// Reads a row.
pub fn from_row(row: &Row) -> Result<Placed, Failure> {
    read(row).map_err(unreadable)
}

fn read(row: &Row) -> Result<Placed, DbError> {
    let slot = Interval::new(row.timestamp("start_at")?, row.timestamp("end_at")?);
    let slot = slot.ok_or_else(|| DbError { statement: "holds", message: "the slot is empty".to_owned() })?;
    let hold = Hold {
        connector: ConnectorId::new(row.text("connector_id")?),
        id: HoldId::new(row.text("hold_id")?),
        generation: row.integer("generation")?,
        calendar: CalendarId::new(row.text("calendar_id")?),
        event: row.optional_text("event_id")?.map(EventId::new),
        key: row.parsed("creation_key", CreationKey::parse)?,
        slot,
        expires_at: row.timestamp("expires_at")?,
        state: row.parsed("state", HoldState::parse)?,
    };
    Ok(Placed { hold, task: TaskId::new(row.text("task_id")?) })
}
