//! A task that named a version of an event which is no longer the latest.

use serde_json::json;

use super::work::{self, Run, Undone};
use crate::{
    domain::{
        failure::{Action, Failure},
        ids::{CalendarId, ETag, EventId},
        notification::{NotificationType, data::ConflictDetected},
    },
    ports::Ports,
};

/// Whether a failure says that the event is not of the version named.
pub fn is_conflict(failure: &Failure) -> bool {
    failure.action == Action::Conflict && failure.code == "event_changed"
}

/// What a failed task leaves behind. A conflict is told twice: to whoever asked, and as `calendar.conflict.detected`.
pub fn told<P: Ports>(
    run: &Run<'_, P>,
    event: &EventId,
    calendar: &CalendarId,
    etag: Option<&ETag>,
    failure: Failure,
) -> Undone {
    if !is_conflict(&failure) {
        return failure.into();
    }
    let data =
        json!(ConflictDetected { task_id: &run.asked.task, event_id: event, calendar_id: calendar, etag });
    let id = format!("conflict:{}:{}", run.asked.connector, run.asked.task);
    let notification = work::notification(run.asked, NotificationType::ConflictDetected, id, run.now, data);
    Undone { failure: Box::new(failure), writes: Vec::new(), notifications: vec![notification] }
}
