//! The `holds` table. A hold that has not ended keeps its slot: that check and the write are one statement, so of two racing
//! holds exactly one wins. Each move (place, confirm, cancel) is begun by one task, which owns the hold until it settles it
//! or ends; so a confirmation and an expiry can never both go through.

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

/// Whether the task that moved a hold last is over.
macro_rules! unattended {
    () => {
        "NOT EXISTS (SELECT 1 FROM tasks t WHERE t.connector_id = holds.connector_id AND t.task_id = holds.task_id \
           AND t.state IN ('queued', 'running'))"
    };
}

/// The task that wants to move a hold, under its claim: without the claim nothing is moved.
#[derive(Debug, Clone, Copy)]
pub struct Mover<'a> {
    /// Whose calendar.
    pub connector: &'a ConnectorId,
    /// The producer's id of the hold.
    pub hold: &'a HoldId,
    /// The task.
    pub task: &'a TaskId,
    /// The claim under which it runs.
    pub claim: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// A slot to keep.
#[derive(Debug, Clone)]
pub struct Reservation<'a> {
    /// Which calendar; none given: the connector's booking calendar, else the primary one.
    pub calendar: Option<&'a CalendarId>,
    /// The event's creation key.
    pub key: &'a CreationKey,
    /// The slot.
    pub slot: Interval,
    /// When it runs out.
    pub expires_at: Timestamp,
    /// Whether other holds on the slot matter.
    pub exclusive: bool,
}

/// Reserves the slot if no other hold of the connector keeps a part of it (or that does not matter). A hold that ended is
/// placed again under the next generation; one that stands is left as it is. Whether the reservation took place is to
/// be read from the row afterwards, with [`get`]: it is `placing` and its task is the mover.
pub fn reserve(mover: &Mover<'_>, reservation: &Reservation<'_>) -> Statement {
    Statement::new(
        "holds.reserve",
        "INSERT INTO holds (connector_id, hold_id, generation, task_id, calendar_id, creation_key, start_at, end_at, \
           expires_at, state, created_at, updated_at) \
         SELECT ?1, ?2, 1, ?3, \
           COALESCE(?6, (SELECT preferences ->> 'bookingCalendar' FROM connectors WHERE id = ?1), 'primary'), \
           ?7, ?8, ?9, ?10, 'placing', ?5, ?5 \
         WHERE EXISTS (SELECT 1 FROM tasks WHERE connector_id = ?1 AND task_id = ?3 AND claim = ?4) \
           AND (?11 = 0 OR NOT EXISTS (SELECT 1 FROM holds WHERE connector_id = ?1 AND hold_id <> ?2 \
             AND state IN ('placing', 'held', 'confirming', 'cancelling') \
             AND start_at < ?9 AND end_at > ?8 AND expires_at > ?5)) \
         ON CONFLICT (connector_id, hold_id) DO UPDATE SET generation = generation + 1, task_id = excluded.task_id, \
           calendar_id = excluded.calendar_id, event_id = NULL, creation_key = excluded.creation_key, \
           start_at = excluded.start_at, end_at = excluded.end_at, expires_at = excluded.expires_at, \
           state = 'placing', updated_at = excluded.updated_at \
           WHERE holds.state = 'refused' \
             OR (holds.state IN ('cancelled', 'expired') AND holds.creation_key <> excluded.creation_key)",
    )
    .bind(mover.connector.as_str())
    .bind(mover.hold.as_str())
    .bind(mover.task.as_str())
    .bind(mover.claim)
    .bind(mover.now)
    .bind(reservation.calendar.map(CalendarId::as_str))
    .bind(reservation.key.as_str())
    .bind(reservation.slot.start())
    .bind(reservation.slot.end())
    .bind(reservation.expires_at)
    .bind(reservation.exclusive)
}

/// Begins to promote a hold that stands and has not run out.
pub fn begin_confirm(mover: &Mover<'_>) -> Statement {
    bind_mover(
        Statement::new(
            "holds.begin_confirm",
            "UPDATE holds SET state = 'confirming', task_id = ?3, updated_at = ?5 \
             WHERE connector_id = ?1 AND hold_id = ?2 \
               AND EXISTS (SELECT 1 FROM tasks WHERE connector_id = ?1 AND task_id = ?3 AND claim = ?4) \
               AND ((state = 'held' AND expires_at > ?5) OR (state = 'confirming' AND NOT EXISTS (SELECT 1 FROM tasks t \
                 WHERE t.connector_id = ?1 AND t.task_id = holds.task_id AND t.task_id <> ?3 \
                   AND t.state IN ('queued', 'running'))))",
        ),
        mover,
    )
}

/// Begins to take a hold off the calendar: one that stands, or one whose task ended without finishing with it. With
/// `only_expired`, only one that ran out.
pub fn begin_cancel(mover: &Mover<'_>, only_expired: bool) -> Statement {
    bind_mover(
        Statement::new(
            "holds.begin_cancel",
            "UPDATE holds SET state = 'cancelling', task_id = ?3, updated_at = ?5 \
             WHERE connector_id = ?1 AND hold_id = ?2 AND (?6 = 0 OR expires_at <= ?5) \
               AND EXISTS (SELECT 1 FROM tasks WHERE connector_id = ?1 AND task_id = ?3 AND claim = ?4) \
               AND (state = 'held' OR (state IN ('placing', 'confirming', 'cancelling') AND NOT EXISTS \
                 (SELECT 1 FROM tasks t WHERE t.connector_id = ?1 AND t.task_id = holds.task_id AND t.task_id <> ?3 \
                   AND t.state IN ('queued', 'running'))))",
        ),
        mover,
    )
    .bind(only_expired)
}

fn bind_mover(statement: Statement, mover: &Mover<'_>) -> Statement {
    statement
        .bind(mover.connector.as_str())
        .bind(mover.hold.as_str())
        .bind(mover.task.as_str())
        .bind(mover.claim)
        .bind(mover.now)
}

/// One hold.
pub fn get(connector: &ConnectorId, hold: &HoldId) -> Statement {
    Statement::new(
        "holds.get",
        concat!(
            "SELECT *, ",
            unattended!(),
            " AS unattended FROM holds WHERE connector_id = ?1 AND hold_id = ?2"
        ),
    )
    .bind(connector.as_str())
    .bind(hold.as_str())
}

/// The holds of a connector that have an event on its calendar, or may have.
pub fn standing(connector: &ConnectorId) -> Statement {
    Statement::new(
        "holds.standing",
        concat!(
            "SELECT *, ",
            unattended!(),
            " AS unattended FROM holds WHERE connector_id = ?1 AND state IN ('placing', 'held', 'cancelling')"
        ),
    )
    .bind(connector.as_str())
}

/// Ends a move: the hold goes to `state`, keeping its event if one is given, if the task that moves it is still `hold.task`.
pub fn settle(hold: &Hold, state: HoldState, event: Option<&EventId>, now: Timestamp) -> Statement {
    Statement::new(
        "holds.settle",
        "UPDATE holds SET state = ?5, event_id = COALESCE(?6, event_id), updated_at = ?7 \
         WHERE connector_id = ?1 AND hold_id = ?2 AND generation = ?3 AND task_id = ?4 \
           AND state IN ('placing', 'confirming', 'cancelling')",
    )
    .bind(hold.connector.as_str())
    .bind(hold.id.as_str())
    .bind(hold.generation)
    .bind(hold.task.as_str())
    .bind(state.as_str())
    .bind(event.map(EventId::as_str))
    .bind(now)
}

/// Ends a placement that may have left an event on the calendar: the hold runs out now, which frees the slot for others, and its
/// expiry takes the event off.
pub fn abandon(hold: &Hold, now: Timestamp) -> Statement {
    Statement::new(
        "holds.abandon",
        "UPDATE holds SET state = 'cancelling', expires_at = MIN(expires_at, ?5), updated_at = ?5 \
         WHERE connector_id = ?1 AND hold_id = ?2 AND generation = ?3 AND task_id = ?4 AND state = 'placing'",
    )
    .bind(hold.connector.as_str())
    .bind(hold.id.as_str())
    .bind(hold.generation)
    .bind(hold.task.as_str())
    .bind(now)
}

/// Holds that ran out, earliest first, with the `connector_generation` they are of. Not those that a task is just moving, which
/// will see for itself, nor those of connectors nothing can be done for now.
pub fn expired(now: Timestamp, limit: u32) -> Statement {
    Statement::new(
        "holds.expired",
        concat!(
            "SELECT holds.*, ",
            unattended!(),
            " AS unattended, connectors.generation AS connector_generation \
             FROM holds JOIN connectors ON connectors.id = holds.connector_id AND connectors.status = 'active' \
             WHERE holds.state IN ('placing', 'held', 'confirming', 'cancelling') AND holds.expires_at <= ?1 \
               AND (holds.state = 'held' OR ",
            unattended!(),
            ") ORDER BY holds.expires_at LIMIT ?2"
        ),
    )
    .bind(now)
    .bind(i64::from(limit))
}

/// Drops a connector's holds; part of purging it.
pub fn purge(connector: &ConnectorId, generation: i64) -> Statement {
    Statement::new(
        "holds.purge",
        concat!("DELETE FROM holds WHERE connector_id = ?1 AND ", of_generation!("?2")),
    )
    .bind(connector.as_str())
    .bind(generation)
}

/// Reads a row.
pub fn from_row(row: &Row) -> Result<Hold, Failure> {
    read(row).map_err(unreadable)
}

fn read(row: &Row) -> Result<Hold, DbError> {
    let slot = Interval::new(row.timestamp("start_at")?, row.timestamp("end_at")?);
    let slot = slot.ok_or_else(|| DbError { statement: "holds", message: "the slot is empty".to_owned() })?;
    Ok(Hold {
        connector: ConnectorId::new(row.text("connector_id")?),
        id: HoldId::new(row.text("hold_id")?),
        generation: row.integer("generation")?,
        calendar: CalendarId::new(row.text("calendar_id")?),
        event: row.optional_text("event_id")?.map(EventId::new),
        key: row.parsed("creation_key", CreationKey::parse)?,
        slot,
        expires_at: row.timestamp("expires_at")?,
        state: row.parsed("state", HoldState::parse)?,
        task: TaskId::new(row.text("task_id")?),
        unattended: row.boolean("unattended")?,
        moved_at: row.timestamp("updated_at")?,
    })
}
