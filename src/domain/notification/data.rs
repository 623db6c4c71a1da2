//! The `data` of notifications, one shape for each type.

use serde::Serialize;
use serde_json::Value as Json;

use crate::domain::{
    connector::ProviderKind,
    ids::{CalendarId, CorrelationId, ETag, EventId, HoldId, TaskId, UserId, WorkspaceId},
};

/// A task did what it was asked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct TaskSucceeded<'a> {
    /// The task's id.
    pub task_id: &'a TaskId,
    /// What was asked for.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// The producer's own reference.
    pub correlation_id: Option<&'a CorrelationId>,
    /// What came of it, by the task's type.
    pub result: &'a Json,
}

/// A task will not be done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct TaskFailed<'a> {
    /// The task's id.
    pub task_id: &'a TaskId,
    /// What was asked for, as the message had it: no type there is, where that is what is wrong.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// The producer's own reference.
    pub correlation_id: Option<&'a CorrelationId>,
    /// What is wrong.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = TaskError<'_>))]
    pub error: &'a Json,
}

/// What is wrong with a task.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct TaskError<'a> {
    /// A stable name in snake_case.
    pub code: &'a str,
    /// For a human.
    pub message: String,
    /// Path of the offending field, such as `payload.attendees[0].email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'a str>,
    /// Whether the same task may succeed later without anybody changing it.
    pub retryable: bool,
}

/// An account was connected, or connected again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct ConnectorConnected<'a> {
    /// Who serves it.
    pub provider: ProviderKind,
    /// Whose it is.
    pub user_id: &'a UserId,
    /// In which workspace.
    pub workspace_id: Option<&'a WorkspaceId>,
    /// The account's address.
    pub account_email: Option<&'a str>,
    /// The scopes granted.
    pub scopes: &'a [String],
}

/// A grant is gone; the person must connect again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct ReauthRequired<'a> {
    /// Who serves it.
    pub provider: ProviderKind,
    /// The account's address.
    pub account_email: Option<&'a str>,
    /// How the provider put it.
    pub reason: ReauthReason<'a>,
}

/// Why a grant is gone.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct ReauthReason<'a> {
    /// A stable name in snake_case.
    pub code: &'a str,
    /// For a human.
    pub message: &'a str,
}

/// An account was disconnected and its rows purged.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct ConnectorDisconnected<'a> {
    /// Who served it.
    pub provider: ProviderKind,
    /// Whose it was.
    pub user_id: &'a UserId,
    /// In which workspace.
    pub workspace_id: Option<&'a WorkspaceId>,
    /// The account's address.
    pub account_email: Option<&'a str>,
    /// Whether a grant was ended at the provider; `false` where none was held any more, or the provider has no way to.
    pub revoked: bool,
    /// Tentative events of holds that were taken off the calendar.
    pub holds_released: u32,
    /// Tentative events of holds that could not be taken off, and stay until somebody deletes them.
    pub holds_left: u32,
}

/// The person granted less than is needed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct ScopesInsufficient<'a> {
    /// Who serves the account.
    pub provider: ProviderKind,
    /// The account's address.
    pub account_email: Option<&'a str>,
    /// The scopes that are needed and were not granted, as the provider names them.
    pub missing: &'a [String],
    /// Those that were.
    pub granted: &'a [String],
}

/// A hold ran out and was taken off the calendar.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct HoldExpired<'a> {
    /// Which hold.
    pub hold_id: &'a HoldId,
    /// The event it was.
    pub event_id: &'a EventId,
    /// In which calendar.
    pub calendar_id: &'a CalendarId,
    /// First instant of its slot, RFC 3339 in UTC.
    pub start: String,
    /// First instant after it.
    pub end: String,
    /// When it ran out.
    pub expired_at: String,
}

/// An event had been changed by somebody else.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct ConflictDetected<'a> {
    /// The task that would have changed or cancelled it.
    pub task_id: &'a TaskId,
    /// Which event.
    pub event_id: &'a EventId,
    /// In which calendar.
    pub calendar_id: &'a CalendarId,
    /// The version the task named, which is no longer the latest.
    pub etag: Option<&'a ETag>,
}
