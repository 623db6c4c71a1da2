//! Messages for later, sent by ourselves: a queue counts how often it delivers one, and gives it up after so many times.

use chrono::TimeDelta;

use super::{
    envelope::{self, Reading},
    runner::Disposition,
};
use crate::{
    app::App,
    backoff,
    domain::failure::Failure,
    ports::{OutgoingMessage, Ports, QueueName, Queues},
    store::tasks::Asked,
};

/// The longest a queue keeps a message back.
pub const LONGEST_DELAY: TimeDelta = TimeDelta::hours(12);
/// How long a message waits whose queue does count it. As often as it may be delivered, that lasts for hours.
pub const COUNTED_WAIT: TimeDelta = TimeDelta::minutes(5);
/// How long a task waits at least for a database that does not answer.
const OUTAGE_WAIT: TimeDelta = TimeDelta::seconds(30);

/// Sends the task anew with a delay, so that waiting costs no delivery of the message that asked for it.
pub async fn later<P: Ports>(
    app: &App<P>,
    queue: QueueName,
    asked: &Asked,
    run: i64,
    delay: TimeDelta,
) -> Disposition {
    let delay = delay.min(LONGEST_DELAY);
    let message = OutgoingMessage { body: envelope::write(asked, run), delay };
    match app.queues.send(queue, vec![message]).await {
        Ok(()) => Disposition::Ack,
        Err(_) => Disposition::Retry { delay: delay.max(COUNTED_WAIT) },
    }
}

/// What becomes of a message that came to nothing: while the database is away it waits, however long that takes.
pub async fn unsettled<P: Ports>(
    app: &App<P>,
    queue: QueueName,
    reading: &Reading,
    failure: &Failure,
) -> Disposition {
    // One that could not be read would not be the same when written again, and what will not pass is not worth new messages.
    if reading.problem.is_some() || !failure.is_retryable() {
        return Disposition::Retry { delay: COUNTED_WAIT };
    }
    let delay = OUTAGE_WAIT + backoff::delay(4, &app.random);
    later(app, queue, &reading.asked, reading.run, delay).await
}

/// Sends the task to the dead letters.
pub async fn give_up<P: Ports>(app: &App<P>, asked: &Asked, run: i64) -> Disposition {
    later(app, QueueName::TasksDeadLetter, asked, run, TimeDelta::zero()).await
}
