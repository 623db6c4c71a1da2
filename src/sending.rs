//! Sending many messages to a queue: in as few sends as it allows, and such that one it does not take holds up no other.

use chrono::TimeDelta;
use serde_json::Value as Json;

use crate::{
    app::App,
    ports::{OutgoingMessage, Ports, QueueError, QueueName, Queues},
};

/// The largest body we send, in bytes: a queue takes 128 kB, of which it may use some itself.
/// <https://developers.cloudflare.com/queues/platform/limits/>
pub const LARGEST_BODY: usize = 120_000;
/// The most bytes we send at once: a queue takes 256 kB.
const LARGEST_SEND: usize = 240_000;
/// The most messages a queue takes at once.
const MOST_AT_ONCE: usize = 100;

/// How large a body is in a queue, in bytes.
pub fn size(body: &Json) -> usize {
    body.to_string().len()
}

/// Sends bodies at once and says of each, in their order, whether the queue took it. Those that are refused together are tried
/// one by one.
pub async fn send<P: Ports>(
    app: &App<P>,
    queue: QueueName,
    bodies: Vec<Json>,
) -> Vec<Result<(), QueueError>> {
    let mut outcomes = Vec::with_capacity(bodies.len());
    for load in loads(bodies) {
        let outcome = app.queues.send(queue, load.clone()).await;
        if outcome.is_ok() || load.len() == 1 {
            outcomes.extend(vec![outcome; load.len()]);
            continue;
        }
        for message in load {
            outcomes.push(app.queues.send(queue, vec![message]).await);
        }
    }
    outcomes
}

/// Messages by the send they go with.
fn loads(bodies: Vec<Json>) -> Vec<Vec<OutgoingMessage>> {
    let mut loads: Vec<Vec<OutgoingMessage>> = Vec::new();
    let mut room = 0;
    for body in bodies {
        let size = size(&body);
        let message = OutgoingMessage { body, delay: TimeDelta::zero() };
        match loads.last_mut().filter(|load| load.len() < MOST_AT_ONCE && size <= room) {
            Some(load) => load.push(message),
            None => {
                room = LARGEST_SEND;
                loads.push(vec![message]);
            }
        }
        room = room.saturating_sub(size);
    }
    loads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{app, block_on};

    fn bodies(sizes: &[usize]) -> Vec<Json> {
        sizes.iter().map(|size| Json::from("x".repeat(size - 2))).collect()
    }

    #[test]
    fn a_send_holds_as_many_messages_as_the_queue_allows() {
        for (sizes, expected) in [
            (vec![], vec![]),
            (vec![100; 250], vec![100, 100, 50]),
            (vec![3_000; 100], vec![80, 20]),
            (vec![120_000, 120_000, 10], vec![2, 1]),
            (vec![130_000, 130_000], vec![1, 1]),
        ] {
            let lengths: Vec<_> = loads(bodies(&sizes)).iter().map(Vec::len).collect();
            assert_eq!(lengths, expected, "{sizes:?}");
        }
    }

    #[test]
    fn a_message_that_is_refused_holds_up_no_other() {
        let app = app();
        let outcomes = block_on(send(&*app, QueueName::Notify, bodies(&[10, 128_001, 20, 120_000, 30])));
        let taken: Vec<_> = outcomes.iter().map(Result::is_ok).collect();
        assert_eq!(taken, [true, false, true, true, true]);
        let received = app.queues.sent(QueueName::Notify);
        assert_eq!(
            received.iter().map(|message| size(&message.body)).collect::<Vec<_>>(),
            [10, 20, 120_000, 30]
        );
    }
}
