//! The `outbox` table (G2): notifications are written with the change they speak of, in one batch, and sent afterwards.
//! What was sent stays for a while, as the list `GET /v1/notifications` answers from.

use super::{Row, Statement};
use crate::{
    domain::{
        failure::Failure,
        ids::{ConnectorId, NotificationId, TaskId, UserId, WorkspaceId},
        notification::Notification,
        time::Timestamp,
    },
    store::unreadable,
};

/// Whose a row is, so that only they can read it, even after the connector is gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owner {
    /// The user; `None` for messages about connectors nobody knows.
    pub user: Option<UserId>,
    /// The workspace.
    pub workspace: Option<WorkspaceId>,
}

impl Owner {
    /// The owner of a connector.
    pub fn of(connector: &crate::domain::connector::Connector) -> Self {
        Self { user: Some(connector.user.clone()), workspace: connector.workspace.clone() }
    }
}

/// A notification in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place in the order of publication.
    pub sequence: i64,
    /// What is said.
    pub notification: Notification,
}

/// Puts a notification into the outbox; one with the same id is there once. An owner that is not given is the connector's.
pub fn insert(notification: &Notification, owner: &Owner, now: Timestamp) -> Statement {
    bind(
        Statement::new(
            "outbox.insert",
            "INSERT OR IGNORE INTO outbox (id, connector_id, user_id, workspace_id, type, body, created_at) \
             VALUES (?1, ?2, COALESCE(?3, (SELECT user_id FROM connectors WHERE id = ?2)), \
               COALESCE(?4, (SELECT workspace_id FROM connectors WHERE id = ?2)), ?5, ?6, ?7)",
        ),
        notification,
        owner,
        now,
    )
}

/// Like [`insert`], but only while the task is still run under `claim`: a run that lost its claim publishes nothing. Returns a
/// row if it was put there.
pub fn insert_if_claimed(
    notification: &Notification,
    owner: &Owner,
    now: Timestamp,
    task: &TaskId,
    claim: &str,
) -> Statement {
    bind(
        Statement::new(
            "outbox.insert_if_claimed",
            "INSERT OR IGNORE INTO outbox (id, connector_id, user_id, workspace_id, type, body, created_at) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 \
             WHERE EXISTS (SELECT 1 FROM tasks WHERE connector_id = ?2 AND task_id = ?8 AND claim = ?9) \
             RETURNING id",
        ),
        notification,
        owner,
        now,
    )
    .bind(task.as_str())
    .bind(claim)
}

/// Like [`insert`], but only while the connector's grant of that generation is marked as gone: follows the statement
/// that marks it in the same batch, and says nothing about a grant that was renewed meanwhile.
pub fn insert_if_reauth_required(
    notification: &Notification,
    owner: &Owner,
    now: Timestamp,
    generation: i64,
) -> Statement {
    bind(
        Statement::new(
            "outbox.insert_if_reauth_required",
            "INSERT OR IGNORE INTO outbox (id, connector_id, user_id, workspace_id, type, body, created_at) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM connectors \
               WHERE id = ?2 AND generation = ?8 AND status = 'reauth_required')",
        ),
        notification,
        owner,
        now,
    )
    .bind(generation)
}

/// Like [`insert`], but only when the connector it speaks of exists. Returns a row if it was put there.
pub fn insert_if_connected(notification: &Notification, owner: &Owner, now: Timestamp) -> Statement {
    bind(
        Statement::new(
            "outbox.insert_if_connected",
            "INSERT OR IGNORE INTO outbox (id, connector_id, user_id, workspace_id, type, body, created_at) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM connectors WHERE id = ?2) RETURNING id",
        ),
        notification,
        owner,
        now,
    )
}

fn bind(statement: Statement, notification: &Notification, owner: &Owner, now: Timestamp) -> Statement {
    statement
        .bind(notification.id.as_str())
        .bind(notification.subject.as_str())
        .bind(owner.user.as_ref().map(UserId::as_str))
        .bind(owner.workspace.as_ref().map(WorkspaceId::as_str))
        .bind(notification.kind.as_str())
        .bind(serde_json::to_string(notification).unwrap_or_default())
        .bind(now)
}

/// Notifications not known to be sent, oldest first, among those written before `before` (younger ones are just being
/// sent by whoever wrote them).
pub fn unsent(before: Timestamp, limit: u32) -> Statement {
    Statement::new(
        "outbox.unsent",
        "SELECT sequence, body FROM outbox WHERE sent_at IS NULL AND created_at <= ?1 ORDER BY created_at LIMIT ?2",
    )
    .bind(before)
    .bind(i64::from(limit))
}

/// Remembers that notifications were taken by the queue.
pub fn mark_sent(ids: &[NotificationId], now: Timestamp) -> Statement {
    Statement::new(
        "outbox.mark_sent",
        "UPDATE outbox SET sent_at = ?2 WHERE sent_at IS NULL AND id IN (SELECT value FROM json_each(?1))",
    )
    .bind(serde_json::json!(ids).to_string())
    .bind(now)
}

/// What was published, oldest first, after `after`: of one connector, or of all; only what the given user or workspace
/// may see.
pub fn list(
    connector: Option<&ConnectorId>,
    user: Option<&UserId>,
    workspace: Option<&WorkspaceId>,
    after: i64,
    limit: u32,
) -> Statement {
    // One condition stands alone, so that its index is used.
    macro_rules! of {
        ($whose:literal) => {
            concat!(
                "SELECT sequence, body FROM outbox WHERE sequence > ?1 AND ",
                $whose,
                " AND (?3 IS NULL OR user_id = ?3) AND (?4 IS NULL OR workspace_id = ?4) ORDER BY sequence LIMIT ?5"
            )
        };
    }
    let sql = match (connector, user, workspace) {
        (Some(_), _, _) => of!("connector_id = ?2"),
        (None, Some(_), _) => of!("?2 IS NULL AND user_id = ?3"),
        (None, None, Some(_)) => of!("?2 IS NULL AND workspace_id = ?4"),
        (None, None, None) => of!("?2 IS NULL"),
    };
    Statement::new("outbox.list", sql)
        .bind(after)
        .bind(connector.map(ConnectorId::as_str))
        .bind(user.map(UserId::as_str))
        .bind(workspace.map(WorkspaceId::as_str))
        .bind(i64::from(limit))
}

/// What was last said about a connector, newest first.
pub fn latest(connector: &ConnectorId, limit: u32) -> Statement {
    Statement::new(
        "outbox.latest",
        "SELECT sequence, body FROM outbox WHERE connector_id = ?1 ORDER BY sequence DESC LIMIT ?2",
    )
    .bind(connector.as_str())
    .bind(i64::from(limit))
}

/// How many notifications wait to be sent, as `unsent`, and since when the oldest does, as `oldest`.
pub fn count_unsent() -> Statement {
    Statement::new(
        "outbox.count_unsent",
        "SELECT count(*) AS unsent, min(created_at) AS oldest FROM outbox WHERE sent_at IS NULL",
    )
}

/// Drops what was sent before `before`.
pub fn prune(before: Timestamp) -> Statement {
    Statement::new("outbox.prune", "DELETE FROM outbox WHERE sent_at IS NOT NULL AND created_at < ?1")
        .bind(before)
}

/// Drops what was said about a connector, less what is still to be sent; part of purging it.
pub fn purge(connector: &ConnectorId, generation: i64) -> Statement {
    Statement::new(
        "outbox.purge",
        concat!(
            "DELETE FROM outbox WHERE connector_id = ?1 AND sent_at IS NOT NULL AND ",
            of_generation!("?2")
        ),
    )
    .bind(connector.as_str())
    .bind(generation)
}

/// Reads a row of [`unsent`] or [`list`].
pub fn from_row(row: &Row) -> Result<Entry, Failure> {
    Ok(Entry {
        sequence: row.integer("sequence").map_err(unreadable)?,
        notification: row.json("body").map_err(unreadable)?,
    })
}
