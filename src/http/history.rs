//! What happened to a connector lately: its tasks and what was said about it, newest first.

use serde::Serialize;

use super::task_view::TaskView;
use crate::{
    app::App,
    domain::{
        failure::Failure,
        ids::ConnectorId,
        notification::{Notification, NotificationType},
    },
    ports::{Db, Ports},
    store::{outbox, tasks},
};

/// The recent past of a connector.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct History {
    /// What happened, newest first.
    pub entries: Vec<HistoryEntry>,
}

/// One thing that happened.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct HistoryEntry {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// Either of the two kinds of thing that happen.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum Happening {
    /// A task was asked for; here is where it stands.
    Task {
        /// The task.
        task: TaskView,
    },
    /// Something else was announced.
    Notification {
        /// What was announced.
        notification: Notification,
    },
}

/// The latest `limit` things that happened, in one round trip.
pub(super) async fn read<P: Ports>(
    app: &App<P>,
    connector: &ConnectorId,
    limit: u32,
) -> Result<History, Failure> {
    let statements = vec![tasks::history(connector, limit), outbox::latest(connector, limit)];
    let mut answers = app.db.batch(statements).await?.into_iter();
    let (task_rows, outbox_rows) = (answers.next().unwrap_or_default(), answers.next().unwrap_or_default());

    let mut entries = Vec::with_capacity(task_rows.len() + outbox_rows.len());
    for row in &task_rows {
        let task = tasks::from_row(row)?;
        entries.push((task.created_at.to_rfc3339(), Happening::Task { task: TaskView::from(&task) }));
    }
    for row in &outbox_rows {
        let notification = outbox::from_row(row)?.notification;
        // A task's result is with the task.
        if !matches!(notification.kind, NotificationType::TaskSucceeded | NotificationType::TaskFailed) {
            entries.push((notification.time.clone(), Happening::Notification { notification }));
        }
    }
    entries.sort_by(|(one, _), (other, _)| other.cmp(one));
    entries.truncate(limit as usize);
    let entries = entries.into_iter().map(|(at, what)| HistoryEntry { at, what }).collect();
    Ok(History { entries })
}
