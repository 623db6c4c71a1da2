//! The consumer of `calendar-tasks-dlq`: records that a task was given up, and says so. Replaying it is `submission::replay`.

use serde_json::Value as Json;

use super::{
    batch::Delivered,
    envelope::{self, Reading},
    resending,
    runner::{self, Disposition},
};
use crate::{
    app::App,
    domain::{failure::Failure, ids::NotificationId},
    outbox,
    ports::{Clock, Db, Ports, QueueName},
    store::{
        outbox as outbox_rows,
        tasks::{self, TaskRow, TaskState},
    },
};

/// Records one dead letter; what could not be recorded is delivered again.
pub async fn consume<P: Ports>(app: &App<P>, message: Delivered) -> Disposition {
    let reading = envelope::read(&message.body.unwrap_or(Json::Null), &message.id);
    match record(app, &reading).await {
        Ok(()) => Disposition::Ack,
        Err(failure) => {
            tracing::error!(code = %failure.code, message = %failure.message, "dead letter not recorded");
            resending::unsettled(app, QueueName::TasksDeadLetter, &reading, &failure).await
        }
    }
}

async fn record<P: Ports>(app: &App<P>, reading: &Reading) -> Result<(), Failure> {
    let asked = &reading.asked;
    let now = app.clock.now();
    let exhausted = || Failure::fatal("attempts_exhausted", "given up after repeated failures");
    let given_up = runner::error_json(&reading.problem.clone().unwrap_or_else(exhausted));
    // A letter may come for a task that was never claimed (the database was away): enter it first, so that it can be replayed.
    let results = app
        .db
        .batch(vec![
            tasks::enter(asked, &outbox_rows::Owner::default(), now),
            tasks::bury(asked, reading.run, &given_up, now),
            tasks::get(&asked.connector, &asked.task),
        ])
        .await?;
    let Some(row) = results.last().and_then(|rows| rows.first()) else {
        return Err(Failure::retry("ledger_row_missing", "the dead task is not in the ledger", None));
    };
    let task = tasks::from_row(row)?;
    if task.state != TaskState::Dead {
        // It is being run, was settled meanwhile, or is replayed: the letter is out of date.
        return Ok(());
    }
    announce(app, &task, given_up).await
}

/// Says once per run that the task is dead, with the error it died of.
async fn announce<P: Ports>(app: &App<P>, task: &TaskRow, given_up: Json) -> Result<(), Failure> {
    let now = app.clock.now();
    let id = NotificationId::new(format!("task:{}:{}:{}", task.asked.connector, task.asked.task, task.run));
    let error = task.error.clone().unwrap_or(given_up);
    let notification = runner::task_failed(&task.asked, id, &error, now);
    app.db.query(outbox_rows::insert(&notification, &task.owner, now)).await?;
    let published = outbox::publish(app, vec![notification]).await;
    outbox::mark_sent(app, published).await;
    Ok(())
}
