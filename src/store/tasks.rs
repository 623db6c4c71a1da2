//! The task ledger (G1): what was asked, how often it was tried, what came of it. The row, not the queue's message, is what
//! makes a task happen once; a message is a hint that there is work.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Row, Statement};
use crate::{
    domain::{
        failure::Failure,
        ids::{ConnectorId, CorrelationId, TaskId, UserId, WorkspaceId},
        time::Timestamp,
    },
    ports::DbError,
    store::{outbox::Owner, unreadable},
};

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum TaskState {
    /// Waits for its delivery, the first or a later one.
    Queued,
    /// Somebody works on it.
    Running,
    /// Done.
    Succeeded,
    /// Refused for good.
    Failed,
    /// Given up after five attempts; can be replayed.
    Dead,
}

impl TaskState {
    const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Dead];

    /// The name stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }

    /// The inverse of [`TaskState::as_str`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more will happen unless somebody replays it.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Dead)
    }
}

/// What was asked: the part of a task that never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Of which connector, as the message had it.
    pub connector: ConnectorId,
    /// The idempotency key.
    pub task: TaskId,
    /// The task's type, as the message had it.
    pub kind: String,
    /// Its payload.
    pub payload: Json,
    /// The producer's reference.
    pub correlation: Option<CorrelationId>,
}

impl Asked {
    /// A digest of type and payload: one id means one of these.
    pub fn digest(&self) -> String {
        use crate::domain::event::CreationKey;
        CreationKey::derive(&[&self.kind, &self.payload.to_string()]).as_str().to_owned()
    }
}

/// A ledger row.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// What was asked.
    pub asked: Asked,
    /// The digest it was first asked with.
    pub digest: String,
    /// Whose it is.
    pub owner: Owner,
    /// Where it stands.
    pub state: TaskState,
    /// How often it was tried in this run.
    pub attempts: i64,
    /// Which replay this is, from 1.
    pub run: i64,
    /// Under which claim it runs.
    pub claim: Option<String>,
    /// When that claim lapses.
    pub claimed_until: Option<Timestamp>,
    /// What came of it.
    pub result: Option<Json>,
    /// What went wrong last.
    pub error: Option<Json>,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

/// How much earlier than asked for a queue may deliver.
pub const DELIVERY_SLACK: TimeDelta = TimeDelta::seconds(5);

/// Takes the task for one run, if it is due or its runner's claim lapsed, and if it was tried fewer than `most_attempts` times.
/// A new task is entered. Read the row with [`get`] in the same batch: it carries `claim` if it was taken.
pub fn claim(asked: &Asked, claim: &str, until: Timestamp, most_attempts: i64, now: Timestamp) -> Statement {
    Statement::new(
        "tasks.claim",
        "INSERT INTO tasks (connector_id, task_id, type, user_id, workspace_id, payload, payload_hash, correlation_id, \
           state, attempts, claim, claimed_until, due_at, created_at, updated_at) \
         VALUES (?1, ?2, ?3, (SELECT user_id FROM connectors WHERE id = ?1), \
           (SELECT workspace_id FROM connectors WHERE id = ?1), ?4, ?5, ?6, 'running', 1, ?7, ?8, ?8, ?9, ?9) \
         ON CONFLICT (connector_id, task_id) DO UPDATE SET state = 'running', attempts = attempts + 1, \
           claim = excluded.claim, claimed_until = excluded.claimed_until, due_at = excluded.due_at, \
           updated_at = excluded.updated_at \
           WHERE tasks.payload_hash = excluded.payload_hash AND tasks.attempts < ?10 \
             AND ((tasks.state = 'queued' AND tasks.due_at <= ?11) \
               OR (tasks.state = 'running' AND tasks.claimed_until <= excluded.updated_at))",
    )
    .bind(asked.connector.as_str())
    .bind(asked.task.as_str())
    .bind(asked.kind.as_str())
    .bind(asked.payload.to_string())
    .bind(asked.digest())
    .bind(asked.correlation.as_ref().map(CorrelationId::as_str))
    .bind(claim)
    .bind(until)
    .bind(now)
    .bind(most_attempts)
    .bind(now.plus(DELIVERY_SLACK))
}

/// Enters a task that is about to be sent to the queue; a task entered before stays as it is. An owner that is not given is
/// the connector's.
pub fn enter(asked: &Asked, owner: &Owner, now: Timestamp) -> Statement {
    Statement::new(
        "tasks.enter",
        "INSERT OR IGNORE INTO tasks (connector_id, task_id, type, user_id, workspace_id, payload, payload_hash, \
           correlation_id, state, due_at, created_at, updated_at) \
         VALUES (?1, ?2, ?3, COALESCE(?4, (SELECT user_id FROM connectors WHERE id = ?1)), \
           COALESCE(?5, (SELECT workspace_id FROM connectors WHERE id = ?1)), ?6, ?7, ?8, 'queued', ?9, ?9, ?9)",
    )
    .bind(asked.connector.as_str())
    .bind(asked.task.as_str())
    .bind(asked.kind.as_str())
    .bind(owner.user.as_ref().map(UserId::as_str))
    .bind(owner.workspace.as_ref().map(WorkspaceId::as_str))
    .bind(asked.payload.to_string())
    .bind(asked.digest())
    .bind(asked.correlation.as_ref().map(CorrelationId::as_str))
    .bind(now)
}

/// One task.
pub fn get(connector: &ConnectorId, task: &TaskId) -> Statement {
    Statement::new("tasks.get", "SELECT * FROM tasks WHERE connector_id = ?1 AND task_id = ?2")
        .bind(connector.as_str())
        .bind(task.as_str())
}

/// The tasks of that id which the given user or workspace may see: more than one where several connectors used the id.
pub fn find(
    task: &TaskId,
    connector: Option<&ConnectorId>,
    user: Option<&UserId>,
    workspace: Option<&WorkspaceId>,
) -> Statement {
    Statement::new(
        "tasks.find",
        "SELECT * FROM tasks WHERE task_id = ?1 AND (?2 IS NULL OR connector_id = ?2) AND (?3 IS NULL OR user_id = ?3) \
           AND (?4 IS NULL OR workspace_id = ?4) LIMIT 2",
    )
    .bind(task.as_str())
    .bind(connector.map(ConnectorId::as_str))
    .bind(user.map(UserId::as_str))
    .bind(workspace.map(WorkspaceId::as_str))
}

/// The latest tasks of a connector, newest first.
pub fn history(connector: &ConnectorId, limit: u32) -> Statement {
    Statement::new(
        "tasks.history",
        "SELECT * FROM tasks WHERE connector_id = ?1 ORDER BY created_at DESC, task_id LIMIT ?2",
    )
    .bind(connector.as_str())
    .bind(i64::from(limit))
}

/// Ends the run under `claim`. Returns a row if the claim still held.
pub fn finish(
    asked: &Asked,
    claim: &str,
    state: TaskState,
    result: Option<&Json>,
    error: Option<&Json>,
    now: Timestamp,
) -> Statement {
    Statement::new(
        "tasks.finish",
        "UPDATE tasks SET state = ?4, result = ?5, error = ?6, claim = NULL, claimed_until = NULL, updated_at = ?7 \
         WHERE connector_id = ?1 AND task_id = ?2 AND claim = ?3 RETURNING task_id",
    )
    .bind(asked.connector.as_str())
    .bind(asked.task.as_str())
    .bind(claim)
    .bind(state.as_str())
    .bind(result.map(Json::to_string))
    .bind(error.map(Json::to_string))
    .bind(now)
}

/// Puts the task back to be delivered at `due_at`; an attempt that only waited is not counted.
pub fn requeue(
    asked: &Asked,
    claim: &str,
    error: &Json,
    due_at: Timestamp,
    counted: bool,
    now: Timestamp,
) -> Statement {
    Statement::new(
        "tasks.requeue",
        "UPDATE tasks SET state = 'queued', error = ?4, claim = NULL, claimed_until = NULL, due_at = ?5, \
           attempts = attempts - CASE WHEN ?6 THEN 0 ELSE 1 END, updated_at = ?7 \
         WHERE connector_id = ?1 AND task_id = ?2 AND claim = ?3 RETURNING task_id",
    )
    .bind(asked.connector.as_str())
    .bind(asked.task.as_str())
    .bind(claim)
    .bind(error.to_string())
    .bind(due_at)
    .bind(counted)
    .bind(now)
}

/// Gives a waiting task up, unless it was replayed since that run. Returns the row if this changed it.
pub fn bury(asked: &Asked, run: i64, error: &Json, now: Timestamp) -> Statement {
    Statement::new(
        "tasks.bury",
        "UPDATE tasks SET state = 'dead', error = COALESCE(error, ?3), claim = NULL, claimed_until = NULL, updated_at = ?4 \
         WHERE connector_id = ?1 AND task_id = ?2 AND run <= ?5 \
           AND (state = 'queued' OR (state = 'running' AND claimed_until <= ?4)) RETURNING *",
    )
    .bind(asked.connector.as_str())
    .bind(asked.task.as_str())
    .bind(error.to_string())
    .bind(now)
    .bind(run)
}

/// Brings a task that failed or died back to be run again. Returns the row if this changed it.
pub fn replay(connector: &ConnectorId, task: &TaskId, now: Timestamp) -> Statement {
    Statement::new(
        "tasks.replay",
        "UPDATE tasks SET state = 'queued', attempts = 0, run = run + 1, error = NULL, due_at = ?3, updated_at = ?3 \
         WHERE connector_id = ?1 AND task_id = ?2 AND state IN ('failed', 'dead') RETURNING *",
    )
    .bind(connector.as_str())
    .bind(task.as_str())
    .bind(now)
}

/// Tasks whose delivery is overdue (a message was lost, or a runner died for good): to be sent again. Moves their due time
/// to `next`, so that the next sweep finds others.
pub fn take_overdue(overdue_since: Timestamp, next: Timestamp, limit: u32) -> Statement {
    Statement::new(
        "tasks.take_overdue",
        "UPDATE tasks SET due_at = ?2 WHERE (connector_id, task_id) IN (SELECT connector_id, task_id FROM tasks \
           WHERE state IN ('queued', 'running') AND due_at <= ?1 ORDER BY due_at LIMIT ?3) RETURNING *",
    )
    .bind(overdue_since)
    .bind(next)
    .bind(i64::from(limit))
}

/// Makes the waiting tasks of a connector due now: it was resumed, or connected anew. [`due`] reads them.
pub fn wake(connector: &ConnectorId, due_at: Timestamp) -> Statement {
    Statement::new(
        "tasks.wake",
        "UPDATE tasks SET due_at = ?2 WHERE connector_id = ?1 AND state = 'queued' AND due_at > ?2",
    )
    .bind(connector.as_str())
    .bind(due_at)
}

/// The tasks of a connector that are due, those asked for first.
pub fn due(connector: &ConnectorId, now: Timestamp, limit: u32) -> Statement {
    Statement::new(
        "tasks.due",
        "SELECT * FROM tasks WHERE connector_id = ?1 AND state = 'queued' AND due_at <= ?2 \
         ORDER BY created_at, task_id LIMIT ?3",
    )
    .bind(connector.as_str())
    .bind(now)
    .bind(i64::from(limit))
}

/// Drops tasks that ended before `before`.
pub fn prune(before: Timestamp) -> Statement {
    Statement::new(
        "tasks.prune",
        "DELETE FROM tasks WHERE state IN ('succeeded', 'failed', 'dead') AND updated_at < ?1",
    )
    .bind(before)
}

/// Drops a connector's tasks that ended, less `except`; part of purging it. Those under way come to an end of their own, and
/// whoever asked for them is told.
pub fn purge(connector: &ConnectorId, generation: i64, except: &TaskId) -> Statement {
    Statement::new(
        "tasks.purge",
        concat!(
            "DELETE FROM tasks WHERE connector_id = ?1 AND task_id <> ?3 \
               AND state IN ('succeeded', 'failed', 'dead') AND ",
            of_generation!("?2")
        ),
    )
    .bind(connector.as_str())
    .bind(generation)
    .bind(except.as_str())
}

/// The tasks given up last, of any connector, newest first.
pub fn latest_dead(limit: u32) -> Statement {
    Statement::new(
        "tasks.latest_dead",
        "SELECT * FROM tasks WHERE state = 'dead' ORDER BY updated_at DESC LIMIT ?1",
    )
    .bind(i64::from(limit))
}

/// Since when the task that waits longest does, as `oldest`; NULL if none waits.
pub fn oldest_waiting() -> Statement {
    Statement::new(
        "tasks.oldest_waiting",
        "SELECT min(created_at) AS oldest FROM tasks WHERE state = 'queued'",
    )
}

/// Reads a row.
pub fn from_row(row: &Row) -> Result<TaskRow, Failure> {
    read(row).map_err(unreadable)
}

fn read(row: &Row) -> Result<TaskRow, DbError> {
    Ok(TaskRow {
        asked: Asked {
            connector: ConnectorId::new(row.text("connector_id")?),
            task: TaskId::new(row.text("task_id")?),
            kind: row.text("type")?.to_owned(),
            payload: row.json("payload")?,
            correlation: row.optional_text("correlation_id")?.map(CorrelationId::new),
        },
        digest: row.text("payload_hash")?.to_owned(),
        owner: Owner {
            user: row.optional_text("user_id")?.map(UserId::new),
            workspace: row.optional_text("workspace_id")?.map(WorkspaceId::new),
        },
        state: row.parsed("state", TaskState::parse)?,
        attempts: row.integer("attempts")?,
        run: row.integer("run")?,
        claim: row.optional_text("claim")?.map(str::to_owned),
        claimed_until: row.optional_timestamp("claimed_until")?,
        result: row.optional_json("result")?,
        error: row.optional_json("error")?,
        created_at: row.timestamp("created_at")?,
        updated_at: row.timestamp("updated_at")?,
    })
}
