//! Publishing what the outbox holds (G2): sent to `notify-tasks` right after it was written, swept by cron until it is.
//! A notification may be sent twice; its id tells receivers so.

use chrono::TimeDelta;
use serde_json::Value as Json;

use crate::{
    app::App,
    domain::{failure::Failure, ids::NotificationId, notification::Notification},
    ports::{Clock, Db, OutgoingMessage, Ports, QueueName, Queues},
    store::outbox as rows,
};

/// The most messages a queue takes at once.
const MOST_AT_ONCE: usize = 100;
/// How old an unsent notification must be before the sweep takes it: its writer is sending it until then.
const SWEEP_AFTER: TimeDelta = TimeDelta::seconds(30);

/// Notifications the queue took, not yet marked as sent.
#[derive(Debug, Default)]
#[must_use = "notifications that are not marked as sent are sent again"]
pub struct Published(Vec<NotificationId>);

impl Published {
    /// Adds what another run published.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// Sends notifications that are in the outbox already. What the queue does not take is left to the sweep.
pub async fn publish<P: Ports>(app: &App<P>, notifications: Vec<Notification>) -> Published {
    let mut published = Published::default();
    for chunk in notifications.chunks(MOST_AT_ONCE) {
        let messages = chunk
            .iter()
            .map(|notification| OutgoingMessage {
                body: serde_json::to_value(notification).unwrap_or(Json::Null),
                delay: TimeDelta::zero(),
            })
            .collect();
        match app.queues.send(QueueName::Notify, messages).await {
            Ok(()) => published.0.extend(chunk.iter().map(|notification| notification.id.clone())),
            Err(error) => tracing::warn!(%error, "notifications stay in the outbox for the sweep"),
        }
    }
    published
}

/// Marks notifications as sent, in one round trip; none if there are none. A failure means they are sent once more.
pub async fn mark_sent<P: Ports>(app: &App<P>, published: Published) {
    if published.0.is_empty() {
        return;
    }
    if let Err(error) = app.db.query(rows::mark_sent(&published.0, app.clock.now())).await {
        tracing::warn!(%error, "notifications will be sent again");
    }
}

/// Sends what was written but never marked as sent, oldest first; returns how many the queue took.
pub async fn sweep<P: Ports>(app: &App<P>) -> Result<usize, Failure> {
    let rows = app.db.query(rows::unsent(app.clock.now().plus(-SWEEP_AFTER), 100)).await?;
    let entries = rows.iter().map(|row| rows::from_row(row).map(|entry| entry.notification));
    let published = publish(app, entries.collect::<Result<_, _>>()?).await;
    let sent = published.0.len();
    mark_sent(app, published).await;
    Ok(sent)
}
