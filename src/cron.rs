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
        connectors, counts, holds, oauth_state, outbox as outbox_rows, readable,
        tasks::{self, Asked},
        unreadable,
    },
    tasks::{TaskType, envelope, submission},
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
    let due = readable(&rows, |row| {
        let hold = holds::from_row(row)?;
        let grant = row.integer("connector_generation").map_err(unreadable)?;
        let hours = now.since(hold.expires_at).num_hours().max(0).unsigned_abs();
        let round = (hours + 1).ilog2();
        // Hashed, because a hold's id may be longer than a task's.
        let parts = [hold.generation, grant, i64::from(round)].map(|part| part.to_string());
        let key = CreationKey::derive(&[hold.id.as_str(), &parts[0], &parts[1], &parts[2]]);
        Ok(Asked {
            task: TaskId::new(format!("expire:{}", key.as_str())),
            connector: hold.connector,
            kind: TaskType::CancelHold.as_str().to_owned(),
            payload: json!({ "holdId": hold.id, "reason": "expired" }),
            correlation: None,
        })
    });
    enqueue(app, &due).await
}

/// Asks for a refresh of each token that runs out soon.
async fn enqueue_refreshes<P: Ports>(app: &App<P>) -> Result<usize, Failure> {
    let now = app.clock.now();
    let rows =
        app.db.query(connectors::take_due_refreshes(now, now.plus(REFRESH_RETRY), MOST_PER_TICK)).await?;
    let due = readable(&rows, |row| {
        let connector = ConnectorId::new(row.text("id").map_err(unreadable)?);
        Ok(Asked {
            task: TaskId::new(format!("refresh:{connector}:{}", now.as_seconds())),
            connector,
            kind: TaskType::RefreshToken.as_str().to_owned(),
            payload: json!({ "scheduled": true }),
            correlation: None,
        })
    });
    enqueue(app, &due).await
}

/// Periodic work goes to the queue of its own, so that it never delays somebody who waits.
async fn enqueue<P: Ports>(app: &App<P>, due: &[Asked]) -> Result<usize, Failure> {
    submission::send(app, QueueName::Sync, due.iter().map(|asked| envelope::write(asked, 1)).collect()).await
}

/// Drops what nobody needs any more.
async fn prune<P: Ports>(app: &App<P>) -> Result<usize, Failure> {
    let now = app.clock.now();
    let old = now.plus(-RETENTION);
    let forgotten = now.plus(-ATTEMPTS_KEPT);
    let parts =
        vec![oauth_state::prune(forgotten), tasks::prune(old), outbox_rows::prune(old), counts::prune()];
    app.db.batch(parts).await?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{app, block_on, connect};

    #[test]
    fn an_odd_row_holds_up_no_other() {
        let app = app();
        connect(&app, "a");
        let key = CreationKey::derive(&["key"]);
        for (hold, end) in [("odd", 1), ("good", 3)] {
            app.db.execute(&format!(
                "INSERT INTO holds VALUES ('con-a', '{hold}', 1, 't', 'primary', 'e', '{}', 2, {end}, 1, 'held', 1, 1)",
                key.as_str()
            ));
        }
        for (task, payload) in [("odd", "odd"), ("good", r#"{"holdId": "good"}"#)] {
            app.db.execute(&format!(
                "INSERT INTO tasks VALUES ('con-a', '{task}', 'cancel-hold', NULL, NULL, '{payload}', 'hash', NULL, 'queued', \
                 0, 1, NULL, NULL, 1, NULL, NULL, 1, 1)"
            ));
        }
        block_on(tick(&*app));
        let sent = |queue| {
            let sent = app.queues.sent(queue).into_iter().map(|message| message.body);
            let of_kind = sent.filter(|body| body["type"] == "cancel-hold");
            of_kind.map(|body| body["payload"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(sent(QueueName::Sync), [json!({ "holdId": "good", "reason": "expired" })]);
        assert_eq!(sent(QueueName::Tasks), [json!({ "holdId": "good" })]);
    }
}
