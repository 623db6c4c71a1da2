//! Tasks that arrive over HTTP: entered in the ledger, then sent to the queue. A crash between the two is mended by the
//! sweep, which sends again what is overdue.

use chrono::TimeDelta;
use serde_json::Value as Json;

use super::{
    Work,
    envelope::{self, Reading},
};
use crate::{
    app::App,
    domain::{
        failure::Failure,
        ids::{ConnectorId, TaskId},
        time::Timestamp,
    },
    ports::{Clock, Db, Ports, QueueName},
    sending,
    store::{
        Row, Statement,
        outbox::Owner,
        readable,
        tasks::{self, Asked, TaskRow},
    },
};

/// How overdue a task must be before it is sent again.
const OVERDUE: TimeDelta = TimeDelta::seconds(120);
/// The most waiting tasks that are sent when a connector goes on; the sweep sends the rest.
const MOST_WOKEN: u32 = 500;

/// Checks a task exactly as the queue's consumer would. Returns it with all the connectors it speaks of.
pub fn check(reading: Reading) -> Result<(Asked, Vec<ConnectorId>), Failure> {
    if let Some(problem) = reading.problem {
        return Err(problem);
    }
    let others = Work::parse(&reading.asked)?.others().to_vec();
    let connectors = [vec![reading.asked.connector.clone()], others].concat();
    Ok((reading.asked, connectors))
}

/// Enters a checked task and sends it to the queue. The same id with the same payload is the same task and is sent once
/// more, which is harmless; with another payload it is refused.
pub async fn submit<P: Ports>(app: &App<P>, asked: &Asked, owner: &Owner) -> Result<TaskRow, Failure> {
    let now = app.clock.now();
    let results = app
        .db
        .batch(vec![tasks::enter(asked, owner, now), tasks::get(&asked.connector, &asked.task)])
        .await?;
    let row = results.last().and_then(|rows| rows.first());
    let task = tasks::from_row(
        row.ok_or_else(|| Failure::fatal("ledger_row_missing", "the task was not entered"))?,
    )?;
    if task.digest != asked.digest() {
        return Err(Failure::rejected(
            "id_reused",
            "id",
            "this id already stands for a task with another type or payload",
        ));
    }
    if !task.state.is_final() {
        send(app, QueueName::Tasks, vec![envelope::write(&task.asked, task.run)]).await?;
    }
    Ok(task)
}

/// Runs a task that failed or died once more, under the same id: what an earlier run did at the provider is found, not done
/// again. `Conflict` when it has not failed.
pub async fn replay<P: Ports>(
    app: &App<P>,
    connector: &ConnectorId,
    task: &TaskId,
) -> Result<TaskRow, Failure> {
    let now = app.clock.now();
    let results =
        app.db.batch(vec![tasks::replay(connector, task, now), tasks::get(connector, task)]).await?;
    let [replayed, current] = results.as_slice() else {
        return Err(Failure::fatal("ledger_row_missing", "the ledger did not answer"));
    };
    let row = current.first().ok_or_else(|| Failure::not_found("task_not_found", "there is no such task"))?;
    let row = tasks::from_row(row)?;
    if replayed.is_empty() {
        let state = row.state.as_str();
        return Err(Failure::conflict(
            "task_not_failed",
            format!("only a failed or dead task can be replayed; this one is {state}"),
        ));
    }
    send(app, QueueName::Tasks, vec![envelope::write(&row.asked, row.run)]).await?;
    Ok(row)
}

/// Sends again what should have been delivered long ago; returns how many.
pub async fn sweep<P: Ports>(app: &App<P>) -> Result<usize, Failure> {
    let now = app.clock.now();
    let rows = app.db.query(tasks::take_overdue(now.plus(-OVERDUE), now, 100)).await?;
    send_rows(app, &rows).await
}

/// For the batch that lets a connector go on: its waiting tasks become due, and are read by the last statement, whose
/// rows are for [`send_rows`].
pub fn wake(connector: &ConnectorId, now: Timestamp) -> [Statement; 2] {
    [tasks::wake(connector, now), tasks::due(connector, now, MOST_WOKEN)]
}

/// Sends the tasks of those ledger rows, and returns how many. Sending one twice is harmless.
pub async fn send_rows<P: Ports>(app: &App<P>, rows: &[Row]) -> Result<usize, Failure> {
    let tasks = readable(rows, tasks::from_row);
    let messages = tasks.iter().map(|task| envelope::write(&task.asked, task.run)).collect();
    send(app, QueueName::Tasks, messages).await
}

/// Sends tasks to a queue, and returns how many. An error if it did not take one of them; the others are sent all the same.
pub async fn send<P: Ports>(app: &App<P>, queue: QueueName, messages: Vec<Json>) -> Result<usize, Failure> {
    let count = messages.len();
    sending::send(app, queue, messages).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(count)
}
