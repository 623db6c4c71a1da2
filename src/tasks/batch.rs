//! A delivery of the queue: good and bad messages handled one by one, connectors side by side, each connector in order.

use futures_util::future::join_all;
use serde_json::Value as Json;

use super::{
    envelope::{self, Reading},
    runner::{self, Disposition},
};
use crate::{
    app::App,
    outbox,
    ports::{Ports, QueueName},
};

/// A message as it was delivered.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The queue's id of it, stable across redelivery.
    pub id: String,
    /// Its body; `None` when it is no JSON at all.
    pub body: Option<Json>,
}

/// Runs the tasks of a batch of that queue. `settle` is called for each message by its place as soon as it is dealt with, so that one slow
/// task does not put the others' acknowledgements at risk.
pub async fn consume<P: Ports>(
    app: &App<P>,
    queue: QueueName,
    batch: Vec<Delivered>,
    settle: impl Fn(usize, Disposition),
) {
    let mut lanes: Vec<(String, Vec<(usize, Reading)>)> = Vec::new();
    for (place, message) in batch.into_iter().enumerate() {
        let reading = envelope::read(&message.body.unwrap_or(Json::Null), &message.id);
        let connector = reading.asked.connector.as_str();
        match lanes.iter_mut().find(|(name, _)| name == connector) {
            Some((_, lane)) => lane.push((place, reading)),
            None => lanes.push((connector.to_owned(), vec![(place, reading)])),
        }
    }
    let settle = &settle;
    let published = join_all(lanes.into_iter().map(|(_, lane)| async move {
        let mut published = outbox::Published::default();
        for (place, reading) in lane {
            let report = runner::run(app, queue, &reading).await;
            settle(place, report.disposition);
            published.extend(report.published);
        }
        published
    }))
    .await;
    let all = published.into_iter().fold(outbox::Published::default(), |mut all, some| {
        all.extend(some);
        all
    });
    outbox::mark_sent(app, all).await;
}
