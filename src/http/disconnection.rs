//! `DELETE /v1/connectors/{id}`: the `disconnect` task, run at once for somebody who waits.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    auth::Caller,
    body::Segments,
    problem::Problem,
    state::{Shared, local},
    task_view::TaskView,
};
use crate::{
    app::App,
    domain::{
        failure::Failure,
        ids::{ConnectorId, TaskId},
    },
    outbox,
    ports::{Clock, Db, OutgoingMessage, Ports, QueueName, Queues},
    store::tasks::{self, Asked, TaskRow},
    tasks::{
        TaskType,
        envelope::{self, Reading},
        runner::{self, Disposition},
    },
};

/// What became of the wish to disconnect.
pub(super) enum Disconnected {
    /// Done; what was done, as the task's result has it.
    Done(Value),
    /// The provider does not answer: it is tried again in the background.
    GoesOn(Box<TaskRow>),
}

/// `DELETE /v1/connectors/{id}`
pub(super) async fn delete<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    local(async move {
        Ok(match disconnect(&app, &caller, &id.into()).await? {
            Disconnected::Done(result) => (StatusCode::OK, Json(result)).into_response(),
            Disconnected::GoesOn(task) => {
                (StatusCode::ACCEPTED, Json(TaskView::from(task.as_ref()))).into_response()
            }
        })
    })
    .await
}

/// Disconnects a connector the caller reaches.
pub(super) async fn disconnect<P: Ports>(
    app: &App<P>,
    caller: &Caller,
    id: &ConnectorId,
) -> Result<Disconnected, Failure> {
    let connector = caller.connector(app, id).await?;
    let asked = Asked {
        // Each wish is a task of its own: an earlier one may have failed for good.
        task: TaskId::new(format!("disconnect:{}:{}", connector.generation, app.clock.now().as_millis())),
        connector: connector.id,
        kind: TaskType::Disconnect.as_str().to_owned(),
        payload: json!({}),
        correlation: None,
    };
    let reading = Reading { asked, run: 1, problem: None };
    let report = runner::run(app, QueueName::Tasks, &reading).await;
    let asked = &reading.asked;
    outbox::mark_sent(app, report.published).await;
    if let Some(outcome) = report.outcome {
        return outcome.map(Disconnected::Done);
    }
    if let Disposition::Retry { delay } = report.disposition {
        // No message stands behind this run, so that nobody would deliver it again.
        let message = OutgoingMessage { body: envelope::write(asked, reading.run), delay };
        app.queues.send(QueueName::Tasks, vec![message]).await?;
    }
    let rows = app.db.query(tasks::get(&asked.connector, &asked.task)).await?;
    let row = rows.first().ok_or_else(|| Failure::fatal("ledger_row_missing", "the task was not entered"))?;
    Ok(Disconnected::GoesOn(Box::new(tasks::from_row(row)?)))
}
