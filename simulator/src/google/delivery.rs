//! Sends notifications over HTTP, with retries, and remembers what became of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::Google;
use super::event::millis;
use super::watch::Channel;
use super::world::PendingNotification;
use crate::control::faults::{Fault, PlainFault};
use crate::control::provider::{Call, Provider as _};

/// The route's name for faults that hit notifications.
pub const ROUTE: &str = "notification";

/// Deliveries remembered.
const KEPT: usize = 2_000;
/// Pauses before further tries. Google's are longer; tests have no time for that.
const RETRY_PAUSES_MS: [u64; 4] = [200, 500, 1_000, 2_000];

/// One notification and what became of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// When it was sent, RFC 3339.
    pub at: String,
    /// The channel's id.
    pub channel_id: String,
    /// `sync`, `exists` or `not_exists`.
    pub state: &'static str,
    /// Its number.
    pub message_number: u64,
    /// How often it was tried.
    pub tries: u32,
    /// The last try's status, or `dropped`, or the reason nothing was reached.
    pub outcome: String,
}

/// The last deliveries, oldest first.
#[derive(Debug, Default)]
pub struct Deliveries(VecDeque<Delivery>);

impl Deliveries {
    fn note(&mut self, delivery: Delivery) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(delivery);
    }

    /// Every one remembered.
    pub fn all(&self) -> impl Iterator<Item = &Delivery> {
        self.0.iter()
    }
}

/// Sends what is pending, each notification in a task of its own: they may overtake one another.
pub fn send_pending(google: &Arc<Google>) {
    let pending = std::mem::take(&mut google.world().pending_notifications);
    if !google.world().behaviour.send_notifications {
        return;
    }
    for notification in pending {
        let Some((channel, headers)) = ({
            let now = google.control().clock.now();
            google.world().channels.next_notification(&notification, now)
        }) else {
            continue;
        };
        tokio::spawn(send(Arc::clone(google), notification, channel, headers));
    }
}

async fn send(
    google: Arc<Google>,
    notification: PendingNotification,
    channel: Channel,
    headers: Vec<(&'static str, String)>,
) {
    let calendar = match &channel.watched {
        super::watch::Watched::Events(id) => Some(id.clone()),
        super::watch::Watched::CalendarList(_) => None,
    };
    let call = Call { route: ROUTE, account: Some(channel.account.clone()), calendar };
    let fault = google.control().faults().take(&call);
    google.control().counters().begin(&call);
    let mut copies = 1;
    match fault {
        Some(Fault::Plain(PlainFault::Duplicate)) => copies = 2,
        Some(Fault::Scripted(answer)) if answer.status.is_none() => {
            tokio::time::sleep(Duration::from_millis(answer.delay_ms.unwrap_or(0))).await;
        }
        Some(_) => copies = 0,
        None => {}
    }
    let mut outcome = "dropped".to_owned();
    let mut tries = 0;
    for _ in 0..copies {
        (outcome, tries) = deliver(&google, &channel.address, &headers).await;
    }
    google.control().counters().answered(&call, &outcome);
    google.control().counters().end(&call);
    google.deliveries().note(Delivery {
        at: millis(google.control().clock.now()),
        channel_id: channel.id,
        state: notification.state,
        message_number: channel.last_number,
        tries,
        outcome,
    });
}

/// Tries until something other than 500, 502, 503 or 504 is answered, a few times at most.
async fn deliver(google: &Google, address: &str, headers: &[(&'static str, String)]) -> (String, u32) {
    let mut tries = 0;
    loop {
        let mut request = google
            .http
            .post(address)
            .timeout(Duration::from_secs(10))
            .header("User-Agent", "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)")
            .header("Content-Length", "0");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        tries += 1;
        let outcome = match request.send().await {
            Ok(response) => response.status().as_u16().to_string(),
            Err(error) => error.without_url().to_string(),
        };
        let again = matches!(outcome.as_str(), "500" | "502" | "503" | "504");
        match RETRY_PAUSES_MS.get(tries as usize - 1) {
            Some(pause) if again => tokio::time::sleep(Duration::from_millis(*pause)).await,
            _ => return (outcome, tries),
        }
    }
}
