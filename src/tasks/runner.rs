//! Runs one task: claim it in the ledger, do it, settle it. Three round trips to D1 at most, the third shared by a batch.
//!
//! Crash anywhere: before the claim nothing happened; after it, the claim lapses and the task is delivered again, looks
//! what is there, and goes on; the result and its notification are written together with the end of the task (G1, G2).

use chrono::TimeDelta;
use serde_json::{Value as Json, json};

use super::{
    MAX_ATTEMPTS, TaskType, Work,
    envelope::Reading,
    missing_scope,
    resending::{self, LONGEST_DELAY},
    work::{Claim, Done, Run, Undone},
};
use crate::{
    app::App,
    backoff,
    domain::{
        calendar::Calendar,
        connector::{Connector, ConnectorStatus},
        failure::{Action, Failure},
        ids::NotificationId,
        notification::{
            Notification, NotificationType,
            data::{TaskError, TaskFailed, TaskSucceeded},
        },
        time::Timestamp,
    },
    outbox::{self, Published},
    ports::{Clock, Db, Metrics, Ports, QueueName, Random},
    store::{
        Row, Statement, calendars, connectors,
        outbox::{self as outbox_rows, Owner},
        tasks::{self, Asked, TaskRow, TaskState},
    },
};

/// How long a run may take before others may take its task over: longer than a run can last.
const CLAIM_LIFETIME: TimeDelta = TimeDelta::seconds(120);
/// How long a task of a paused connector waits before it looks again.
const PAUSED_WAIT: TimeDelta = TimeDelta::seconds(300);

/// The longest message of a result, in characters.
const LONGEST_MESSAGE: usize = 1_000;

/// What to do with the message that asked for the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It is dealt with.
    Ack,
    /// Deliver it again after this long.
    Retry {
        /// The delay.
        delay: TimeDelta,
    },
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// What to do with the message.
    pub disposition: Disposition,
    /// The task's result or final failure, if this run settled it; what a caller who waits is told.
    pub outcome: Option<Result<Json, Failure>>,
    /// Notifications the queue took; to be marked as sent, together with others.
    pub published: Published,
}

impl Report {
    fn quiet(disposition: Disposition) -> Self {
        Self { disposition, outcome: None, published: Published::default() }
    }
}

/// Runs the task that a message of that queue asks for. Never fails: whatever happens is in the report.
pub async fn run<P: Ports>(app: &App<P>, queue: QueueName, reading: &Reading) -> Report {
    let started = app.clock.now();
    let asked = &reading.asked;
    let work = match &reading.problem {
        Some(problem) => Err(problem.clone()),
        None => Work::parse(asked),
    };
    let label = if TaskType::parse(&asked.kind).is_ok() { asked.kind.clone() } else { "unknown".to_owned() };
    let report = match run_once(app, queue, asked, work).await {
        Ok(report) => report,
        Err(failure) => {
            tracing::error!(task = %asked.task, connector = %asked.connector, code = %failure.code, message = %failure.message, "task not settled");
            Report::quiet(resending::unsettled(app, queue, reading, &failure).await)
        }
    };
    app.metrics.record("task_millis", &label, app.clock.now().since(started).num_milliseconds() as f64);
    report
}

/// Claims the task and runs it. One that cannot be run is claimed as well, so that its end is written and told like any
/// other: once, however often it is delivered or replayed.
async fn run_once<P: Ports>(
    app: &App<P>,
    queue: QueueName,
    asked: &Asked,
    work: Result<Work, Failure>,
) -> Result<Report, Failure> {
    let now = app.clock.now();
    let claim_name = random_name(&app.random)?;
    let claim = Claim { asked, name: &claim_name, now };
    let mut statements = vec![
        tasks::claim(asked, &claim_name, now.plus(CLAIM_LIFETIME), MAX_ATTEMPTS, now),
        tasks::get(&asked.connector, &asked.task),
        connectors::get(&asked.connector),
        calendars::list(&asked.connector),
    ];
    if let Ok(work) = &work {
        statements.extend(work.reads(&claim));
    }
    let mut results = app.db.batch(statements).await?.into_iter();
    results.next();
    let mut next = || results.next().unwrap_or_default();
    let (ledger, connector_rows, calendar_rows) = (next(), next(), next());
    let rows: Vec<Vec<Row>> = results.collect();

    let Some(ledger) = ledger.first() else {
        return Err(Failure::fatal("ledger_row_missing", "the claimed task is not in the ledger"));
    };
    let ledger = tasks::from_row(ledger)?;
    if ledger.claim.as_deref() != Some(claim_name.as_str()) {
        return not_claimed(app, queue, asked, &ledger, now).await;
    }

    let settled = Settle { app, queue, asked, ledger: &ledger, claim: &claim_name };
    let work = match work {
        Ok(work) => work,
        Err(problem) => return settled.failed(problem.into()).await,
    };
    let outcome = match prepared(&connector_rows, &calendar_rows) {
        Ok((connector, _))
            if connector.status == ConnectorStatus::Paused && asked.kind != TaskType::Disconnect.as_str() =>
        {
            Err(Failure::wait("connector_paused", "the connector is paused; the task waits", PAUSED_WAIT)
                .into())
        }
        Ok((connector, calendars)) => {
            let run = Run {
                app,
                asked,
                connector: &connector,
                calendars: &calendars,
                rows: &rows,
                asked_at: ledger.created_at,
                repeated: ledger.attempts > 1 || ledger.run > 1 || ledger.error.is_some(),
                now,
            };
            work.run(&run).await.map_err(|undone| missing_scope::told(&run, undone))
        }
        Err(failure) => Err(failure.into()),
    };
    match outcome {
        Ok(done) => settled.succeeded(done).await,
        Err(undone) => settled.failed(undone).await,
    }
}

fn prepared(connector: &[Row], calendars: &[Row]) -> Result<(Connector, Vec<Calendar>), Failure> {
    let connector = connector
        .first()
        .ok_or_else(|| Failure::not_found("connector_not_found", "there is no such connector"))?;
    let calendars = calendars.iter().map(|row| calendars::from_row(row).map(|(_, calendar)| calendar));
    Ok((connectors::from_row(connector)?, calendars.collect::<Result<_, _>>()?))
}

/// The task is done, or somebody else has it, or the id stands for something else.
async fn not_claimed<P: Ports>(
    app: &App<P>,
    queue: QueueName,
    asked: &Asked,
    ledger: &TaskRow,
    now: Timestamp,
) -> Result<Report, Failure> {
    if ledger.digest != asked.digest() {
        let problem = Failure::rejected(
            "id_reused",
            "id",
            "this id already stands for a task with another type or payload",
        );
        return refuse(app, asked, problem).await;
    }
    if ledger.state.is_final() {
        let outcome = match (&ledger.result, &ledger.error) {
            (Some(result), None) => Some(Ok(result.clone())),
            _ => None,
        };
        return Ok(Report { outcome, ..Report::quiet(Disposition::Ack) });
    }
    let disposition = match ledger.claimed_until.filter(|until| *until > now) {
        Some(until) => {
            let lapses = until.since(now).max(TimeDelta::seconds(1));
            resending::later(app, queue, asked, ledger.run, lapses).await
        }
        None if ledger.attempts >= MAX_ATTEMPTS => resending::give_up(app, asked, ledger.run).await,
        // It waits for its time, and the message that will come then is on its way; the sweep makes up for one that is lost.
        None => Disposition::Ack,
    };
    Ok(Report::quiet(disposition))
}

/// Says what is wrong with a message whose id stands for another task. The ledger has no place for it.
async fn refuse<P: Ports>(app: &App<P>, asked: &Asked, problem: Failure) -> Result<Report, Failure> {
    let now = app.clock.now();
    let error = error_json(&problem);
    // The digest keeps this answer apart from that task's.
    let id = NotificationId::new(format!("refused:{}:{}:{}", asked.connector, asked.task, asked.digest()));
    let notification = task_failed(asked, id, &error, now);
    app.db.query(outbox_rows::insert(&notification, &Owner::default(), now)).await?;
    let published = outbox::publish(app, vec![notification]).await;
    Ok(Report { disposition: Disposition::Ack, outcome: Some(Err(problem)), published })
}

/// The end of one claimed run.
struct Settle<'a, P: Ports> {
    app: &'a App<P>,
    queue: QueueName,
    asked: &'a Asked,
    ledger: &'a TaskRow,
    claim: &'a str,
}

impl<P: Ports> Settle<'_, P> {
    async fn succeeded(&self, done: Done) -> Result<Report, Failure> {
        let now = self.app.clock.now();
        let mut notifications = done.notifications;
        if done.announce {
            let data = json!(TaskSucceeded {
                task_id: &self.asked.task,
                kind: &self.asked.kind,
                correlation_id: self.asked.correlation.as_ref(),
                result: &done.result,
            });
            let id = self.notification_id();
            notifications.push(Notification::new(
                id,
                NotificationType::TaskSucceeded,
                self.asked.connector.clone(),
                now,
                data,
            ));
        }
        let finish =
            tasks::finish(self.asked, self.claim, TaskState::Succeeded, Some(&done.result), None, now);
        let used = connectors::used(&self.asked.connector, now);
        let writes = done.writes.into_iter().chain([used]).collect();
        self.end(writes, notifications, finish, Ok(done.result), now).await
    }

    async fn failed(&self, undone: Undone) -> Result<Report, Failure> {
        let failure = *undone.failure;
        let now = self.app.clock.now();
        let error = error_json(&failure);
        match failure.action {
            Action::Wait { after } => self.requeue(&error, after, false, now).await,
            Action::Retry { after } => {
                let attempt = u32::try_from(self.ledger.attempts).unwrap_or(u32::MAX);
                let delay = after.unwrap_or_else(|| backoff::delay(attempt, &self.app.random));
                self.requeue(&error, delay, true, now).await
            }
            Action::Reauthorize
            | Action::Rejected(_)
            | Action::NotFound
            | Action::Conflict
            | Action::Fatal => {
                let mut notifications = undone.notifications;
                notifications.push(task_failed(self.asked, self.notification_id(), &error, now));
                let finish =
                    tasks::finish(self.asked, self.claim, TaskState::Failed, None, Some(&error), now);
                self.end(undone.writes, notifications, finish, Err(failure), now).await
            }
        }
    }

    /// Writes the end of the task with all that belongs to it, then tells.
    async fn end(
        &self,
        writes: Vec<Statement>,
        notifications: Vec<Notification>,
        finish: Statement,
        outcome: Result<Json, Failure>,
        now: Timestamp,
    ) -> Result<Report, Failure> {
        let tell = notifications.iter().map(|notification| {
            outbox_rows::insert_if_claimed(
                notification,
                &self.ledger.owner,
                now,
                &self.asked.task,
                self.claim,
            )
        });
        let batch = tell.chain(writes).chain([finish]).collect();
        let results = self.app.db.batch(batch).await?;
        if results.last().is_none_or(Vec::is_empty) {
            // The claim lapsed and somebody else took the task over: it is theirs to settle and to tell.
            return Ok(Report::quiet(Disposition::Ack));
        }
        // What was told before is not told again, or only by the sweep.
        let new = notifications.into_iter().zip(&results).filter(|(_, inserted)| !inserted.is_empty());
        let published = outbox::publish(self.app, new.map(|(notification, _)| notification).collect()).await;
        Ok(Report { disposition: Disposition::Ack, outcome: Some(outcome), published })
    }

    /// Puts the task back. A wait is sent anew and costs neither an attempt nor a delivery; a counted retry goes back to the
    /// queue, and after the last one to the dead letters.
    async fn requeue(
        &self,
        error: &Json,
        delay: TimeDelta,
        counted: bool,
        now: Timestamp,
    ) -> Result<Report, Failure> {
        let delay = delay.clamp(TimeDelta::seconds(1), LONGEST_DELAY);
        let given_up = counted && self.ledger.attempts >= MAX_ATTEMPTS;
        let due = if given_up { now } else { now.plus(delay) };
        self.app.db.query(tasks::requeue(self.asked, self.claim, error, due, counted, now)).await?;
        if given_up {
            return Ok(Report::quiet(resending::give_up(self.app, self.asked, self.ledger.run).await));
        }
        if counted {
            return Ok(Report::quiet(Disposition::Retry { delay }));
        }
        let run = self.ledger.run;
        Ok(Report::quiet(resending::later(self.app, self.queue, self.asked, run, delay).await))
    }

    fn notification_id(&self) -> NotificationId {
        NotificationId::new(format!("task:{}:{}:{}", self.asked.connector, self.asked.task, self.ledger.run))
    }
}

/// The notification that a task will not be done.
pub(super) fn task_failed(asked: &Asked, id: NotificationId, error: &Json, now: Timestamp) -> Notification {
    let data = json!(TaskFailed {
        task_id: &asked.task,
        kind: &asked.kind,
        correlation_id: asked.correlation.as_ref(),
        error,
    });
    Notification::new(id, NotificationType::TaskFailed, asked.connector.clone(), now, data)
}

/// A failure as results show it, a [`TaskError`]. What the message quotes may be as long as the task.
pub(super) fn error_json(failure: &Failure) -> Json {
    json!(TaskError {
        code: &failure.code,
        message: failure.message.chars().take(LONGEST_MESSAGE).collect(),
        field: failure.field(),
        retryable: failure.is_retryable(),
    })
}

/// An unpredictable name for a claim.
fn random_name(random: &impl Random) -> Result<String, Failure> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut bytes = [0u8; 12];
    random.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
