//! Periodic work: each tick enqueues what is due, and never does the work itself.

use chrono::TimeDelta;
use serde_json::json;

use crate::{
    app::App,
    domain::{
        event::CreationKey,
        failure::Failure,
        ids::{ConnectorId, TaskId},
    },
    outbox,
    ports::{Clock, Db, Ports, QueueName},
    store::{
        connectors, holds, oauth_state, outbox as outbox_rows,
        tasks::{self, Asked},
        unreadable,
    },
    tasks::{TaskType, submission},
};

/// The most of each kind of due work enqueued in one tick; the rest waits for the next.
const MOST_PER_TICK: u32 = 500;
/// How soon a refresh that was enqueued but never done is due again.
const REFRESH_RETRY: TimeDelta = TimeDelta::minutes(10);
/// How long an attempt to connect is remembered that nobody finished: whoever comes back too late is told so.
const ATTEMPTS_KEPT: TimeDelta = TimeDelta::days(1);
/// How long ended tasks and sent notifications are kept.
const RETENTION: TimeDelta = TimeDelta::days(30);

/// One tick. Each part is tried, whatever becomes of the others; failures are logged and come right in a later tick.
pub async fn tick<P: Ports>(app: &App<P>) {
    report("expired holds", expire_holds(app).await);
    report("due refreshes", enqueue_refreshes(app).await);
    report("overdue tasks", submission::sweep(app).await);
    report("unsent notifications", outbox::sweep(app).await);
    report("old rows", prune(app).await);
}

fn report(part: &'static str, outcome: Result<usize, Failure>) {
    match outcome {
        Ok(0) => {}
        Ok(count) => tracing::info!(part, count, "cron"),
        Err(failure) => tracing::error!(part, code = %failure.code, message = %failure.message, "cron"),
    }
}

/// Asks for the end of each hold that ran out. A task that failed is over, so that an expiry which did not succeed is asked for
/// under another id: at once when the account was connected anew, else in the first, third, seventh, ... hour.
async fn expire_holds<P: Ports>(app: &App<P>) -> Result<usize, Failure> {
    let now = app.clock.now();
    let rows = app.db.query(holds::expired(now, MOST_PER_TICK)).await?;
    let mut due = Vec::with_capacity(rows.len());
    for row in &rows {
        let hold = holds::from_row(row)?;
        let grant = row.integer("connector_generation").map_err(unreadable)?;
        let hours = now.since(hold.expires_at).num_hours().max(0).unsigned_abs();
        let round = (hours + 1).ilog2();
        // Hashed, because a hold's id may be longer than a task's.
        let parts = [hold.generation, grant, i64::from(round)].map(|part| part.to_string());
        let key = CreationKey::derive(&[hold.id.as_str(), &parts[0], &parts[1], &parts[2]]);
        due.push(Asked {
            task: TaskId::new(format!("expire:{}", key.as_str())),
            connector: hold.connector,
            kind: TaskType::CancelHold.as_str().to_owned(),
            payload: json!({ "holdId": hold.id, "reason": "expired" }),
            correlation: None,
        });
    }
    enqueue(app, &due).await
}

/// Asks for a refresh of each token that runs out soon.
async fn enqueue_refreshes<P: Ports>(app: &App<P>) -> Result<usize, Failure> {
    let now = app.clock.now();
    let rows =
        app.db.query(connectors::take_due_refreshes(now, now.plus(REFRESH_RETRY), MOST_PER_TICK)).await?;
    let mut due = Vec::with_capacity(rows.len());
    for row in &rows {
        let connector = ConnectorId::new(row.text("id").map_err(unreadable)?);
        due.push(Asked {
            task: TaskId::new(format!("refresh:{connector}:{}", now.as_seconds())),
            connector,
            kind: TaskType::RefreshToken.as_str().to_owned(),
            payload: json!({ "scheduled": true }),
            correlation: None,
        });
    }
    enqueue(app, &due).await
}

/// Periodic work goes to the queue of its own, so that it never delays somebody who waits.
async fn enqueue<P: Ports>(app: &App<P>, due: &[Asked]) -> Result<usize, Failure> {
    let asked: Vec<&Asked> = due.iter().collect();
    submission::send(app, QueueName::Sync, &asked).await?;
    Ok(asked.len())
}

/// Drops what nobody needs any more.
async fn prune<P: Ports>(app: &App<P>) -> Result<usize, Failure> {
    let now = app.clock.now();
    let old = now.plus(-RETENTION);
    let forgotten = now.plus(-ATTEMPTS_KEPT);
    app.db.batch(vec![oauth_state::prune(forgotten), tasks::prune(old), outbox_rows::prune(old)]).await?;
    Ok(0)
}
