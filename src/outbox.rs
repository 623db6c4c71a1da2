//! Publishing what the outbox holds (G2): sent to `notify-tasks` right after it was written, swept by cron until it is.
//! A notification may be sent twice; its id tells receivers so.

use chrono::TimeDelta;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;

use crate::{
    app::App,
    domain::{failure::Failure, ids::NotificationId, notification::Notification},
    ports::{Clock, Db, Ports, QueueName},
    sending,
    store::{outbox as rows, readable},
};

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
    let bodies = notifications.iter().map(|notification| body(app, notification)).collect();
    let outcomes = sending::send(app, QueueName::Notify, bodies).await;
    let mut published = Published::default();
    for (notification, outcome) in notifications.into_iter().zip(outcomes) {
        match outcome {
            Ok(()) => published.0.push(notification.id),
            Err(error) => {
                tracing::warn!(id = %notification.id, %error, "a notification stays in the outbox for the sweep");
            }
        }
    }
    published
}

/// A notification as the queue gets it: a result that is too large for it is left out, and the notification says where to read it.
fn body<P: Ports>(app: &App<P>, notification: &Notification) -> Json {
    let mut body = serde_json::to_value(notification).unwrap_or_default();
    if sending::size(&body) > sending::LARGEST_BODY
        && let Some(data) = body.get_mut("data").and_then(Json::as_object_mut)
        && data.remove("result").is_some()
    {
        let task = data.get("taskId").and_then(Json::as_str).unwrap_or_default();
        let [task, connector] =
            [task, notification.subject.as_str()].map(|id| utf8_percent_encode(id, NON_ALPHANUMERIC));
        let url = app.settings.public_base_url.join(&format!("/v1/tasks/{task}?connectorId={connector}"));
        data.insert("resultUrl".to_owned(), Json::from(url));
    }
    body
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
    let entries = readable(&rows, rows::from_row);
    let published = publish(app, entries.into_iter().map(|entry| entry.notification).collect()).await;
    let sent = published.0.len();
    mark_sent(app, published).await;
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        domain::notification::NotificationType,
        store::outbox::Owner,
        testing::{TestApp, app, block_on},
    };

    /// Puts results of so many bytes into the outbox, as tasks `0`, `1`, …, and waits until the sweep is to take them.
    fn written(app: &TestApp, sizes: &[usize]) {
        for (task, size) in sizes.iter().enumerate() {
            let data = json!({ "taskId": format!("a/{task}"), "type": "t", "result": "x".repeat(*size) });
            let id = format!("task:{task}").into();
            let now = app.clock.now();
            let notification =
                Notification::new(id, NotificationType::TaskSucceeded, "con-a".into(), now, data);
            block_on(app.db.query(rows::insert(&notification, &Owner::default(), now))).unwrap();
        }
        app.clock.advance(SWEEP_AFTER);
    }

    #[test]
    fn a_result_too_large_for_the_queue_is_left_out_and_told_where_to_read() {
        let app = app();
        written(&app, &[130_000, 10]);
        assert_eq!(block_on(sweep(&*app)), Ok(2));
        let told = app.queues.sent(QueueName::Notify);
        let url = "https://calendar.example/v1/tasks/a%2F0?connectorId=con%2Da";
        assert_eq!(told[0].body["data"], json!({ "taskId": "a/0", "type": "t", "resultUrl": url }));
        assert_eq!(told[1].body["data"]["result"], "x".repeat(10));
        assert_eq!(block_on(sweep(&*app)), Ok(0));
        let kept = app.db.read("SELECT body FROM outbox WHERE id = 'task:0'");
        assert!(kept[0]["body"].as_str().unwrap().len() > 130_000, "GET /v1/notifications shows it whole");
    }

    #[test]
    fn many_large_results_take_several_sends() {
        let app = app();
        written(&app, &[3_000; 100]);
        assert_eq!(block_on(sweep(&*app)), Ok(100));
    }

    #[test]
    fn a_row_that_cannot_be_sent_or_read_holds_up_no_other() {
        let app = app();
        written(&app, &[10, 10, 10]);
        app.db.execute("UPDATE outbox SET body = 'odd' WHERE id = 'task:0'");
        app.db.execute(
            "UPDATE outbox SET body = json_set(body, '$.time', printf('%.130000c', 'x')) WHERE id = 'task:1'",
        );
        assert_eq!(block_on(sweep(&*app)), Ok(1));
        assert_eq!(app.queues.sent(QueueName::Notify)[0].body["id"], "task:2");
    }
}
