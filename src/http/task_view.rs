//! A task as callers see it.

use serde::Serialize;
use serde_json::Value;

use crate::store::tasks::{TaskRow, TaskState};

/// A task.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = Task))]
pub struct TaskView {
    /// Its id: the producer's own, or one we made.
    pub task_id: String,
    /// What was asked for.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of which connector.
    pub connector_id: String,
    /// Where it stands.
    pub state: TaskState,
    /// How often it was tried since it was asked for or replayed.
    pub attempts: i64,
    /// The producer's own reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// What came of it, by type; once it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<crate::domain::notification::data::TaskError<'_>>))]
    pub error: Option<Value>,
    /// When it was asked for, RFC 3339 in UTC.
    pub created_at: String,
    /// When its state last changed, RFC 3339 in UTC.
    pub updated_at: String,
}

impl From<&TaskRow> for TaskView {
    fn from(task: &TaskRow) -> Self {
        Self {
            task_id: task.asked.task.as_str().to_owned(),
            kind: task.asked.kind.clone(),
            connector_id: task.asked.connector.as_str().to_owned(),
            state: task.state,
            attempts: task.attempts,
            correlation_id: task.asked.correlation.as_ref().map(|id| id.as_str().to_owned()),
            result: task.result.clone(),
            error: task.error.clone(),
            created_at: task.created_at.to_rfc3339(),
            updated_at: task.updated_at.to_rfc3339(),
        }
    }
}
