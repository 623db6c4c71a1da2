//! Sends change and lifecycle notifications over HTTP, with retries, and remembers what became of them.
//!
//! One delivery may carry several notifications, of several subscriptions, when they go to the same URL.
//!
//! <https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks>

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::Microsoft;
use super::ids::{etag, event_id};
use super::subscriptions::Subscription;
use super::world::{EventChange, World};
use super::zone::utc_second;
use crate::control::faults::{Fault, PlainFault};
use crate::control::provider::{Call, Provider as _};

/// The route's name for faults that hit notifications.
pub const ROUTE: &str = "notification";
/// The route's name for faults that hit lifecycle notifications.
pub const LIFECYCLE_ROUTE: &str = "notification.lifecycle";

/// Deliveries remembered.
const KEPT: usize = 2_000;
/// Pauses before further tries. Microsoft's go on for four hours; tests have no time for that.
const RETRY_PAUSES_MS: [u64; 3] = [200, 600, 1_500];
/// An endpoint slower than this has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// One notification waiting to be sent.
#[derive(Clone, Debug)]
pub struct Pending {
    url: String,
    account: String,
    route: &'static str,
    item: Value,
}

/// One delivery and what became of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// When it was sent, RFC 3339.
    pub at: String,
    /// Where to.
    pub url: String,
    /// The subscriptions in it.
    pub subscription_ids: Vec<String>,
    /// `created`, `updated`, `deleted`, or a lifecycle event, one for each notification in it.
    pub kinds: Vec<String>,
    /// How often it was tried.
    pub tries: u32,
    /// The last try's status, or `dropped`, or the reason nothing was reached.
    pub outcome: String,
}

/// The last deliveries, oldest first.
#[derive(Debug, Default)]
pub struct Deliveries {
    done: VecDeque<Delivery>,
    waiting: Vec<Pending>,
}

impl Deliveries {
    fn note(&mut self, delivery: Delivery) {
        if self.done.len() == KEPT {
            self.done.pop_front();
        }
        self.done.push_back(delivery);
    }

    /// Every one remembered.
    pub fn all(&self) -> impl Iterator<Item = &Delivery> {
        self.done.iter()
    }
}

/// The change notification that a subscription gets.
fn change_item(world: &World, subscription: &Subscription, change: &EventChange) -> Option<Value> {
    let account = world.accounts.get(&change.account)?;
    let id = event_id(subscription.form, account.mailbox.number, change.calendar, change.key);
    let resource = format!("Users/{}/Events/{id}", account.object_id);
    let mut item = json!({
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": utc_second(subscription.expires_at),
        "changeType": change.kind,
        "resource": resource,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Event",
            "@odata.id": resource,
            "@odata.etag": etag(change.change),
            "id": id,
        },
        "tenantId": account.tenant,
    });
    if let Some(state) = &subscription.client_state {
        item["clientState"] = state.as_str().into();
    }
    Some(item)
}

/// A lifecycle notification.
pub fn lifecycle(world: &World, subscription: &Subscription, event: &str) -> Option<Pending> {
    let account = world.accounts.get(&subscription.account)?;
    let url = subscription.lifecycle_url.clone()?;
    let mut item = json!({
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": utc_second(subscription.expires_at),
        "tenantId": account.tenant,
        "organizationId": account.tenant,
        "lifecycleEvent": event,
    });
    if let Some(state) = &subscription.client_state {
        item["clientState"] = state.as_str().into();
    }
    Some(Pending { url, account: subscription.account.clone(), route: LIFECYCLE_ROUTE, item })
}

/// The notifications that changes give rise to.
fn pending_of(world: &World, changes: impl Iterator<Item = EventChange>, now: Timestamp) -> Vec<Pending> {
    changes
        .flat_map(|change| {
            let interested = world.subscriptions.interested(&change, now);
            interested.into_iter().filter_map(move |subscription| {
                Some(Pending {
                    url: subscription.notification_url.clone(),
                    account: subscription.account.clone(),
                    route: ROUTE,
                    item: change_item(world, &subscription, &change)?,
                })
            })
        })
        .collect()
}

/// A notification of a change that did not happen, as Microsoft sends now and then.
pub fn without_cause(world: &World, subscription: &Subscription) -> Option<Pending> {
    let mailbox = &world.accounts.get(&subscription.account)?.mailbox;
    let event = mailbox.calendars.get(&subscription.calendar)?.events.values().next()?;
    let change = EventChange {
        account: subscription.account.clone(),
        calendar: subscription.calendar,
        key: event.key,
        kind: "updated",
        change: event.change,
    };
    let item = change_item(world, subscription, &change)?;
    let url = subscription.notification_url.clone();
    Some(Pending { url, account: subscription.account.clone(), route: ROUTE, item })
}

/// Sends what the last request changed.
pub fn send_changes(microsoft: &Arc<Microsoft>) {
    let now = microsoft.control().clock.now();
    let (pending, delay) = {
        let mut world = microsoft.world();
        let changes = std::mem::take(&mut world.changes);
        if !world.behaviour.send_notifications {
            return;
        }
        (pending_of(&world, changes.into_iter(), now), world.behaviour.notification_delay_ms)
    };
    send(microsoft, pending, delay);
}

/// Sends notifications, each URL's in one delivery; during a delay more may join them.
pub fn send(microsoft: &Arc<Microsoft>, pending: Vec<Pending>, delay_ms: u64) {
    if delay_ms == 0 || pending.is_empty() {
        return send_now(microsoft, pending);
    }
    microsoft.deliveries().waiting.extend(pending);
    let microsoft = Arc::clone(microsoft);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        let waiting = std::mem::take(&mut microsoft.deliveries().waiting);
        send_now(&microsoft, waiting);
    });
}

fn send_now(microsoft: &Arc<Microsoft>, pending: Vec<Pending>) {
    let mut by_url: BTreeMap<(String, &'static str), Vec<Pending>> = BTreeMap::new();
    for pending in pending {
        by_url.entry((pending.url.clone(), pending.route)).or_default().push(pending);
    }
    for ((url, route), pending) in by_url {
        tokio::spawn(deliver(Arc::clone(microsoft), url, route, pending));
    }
}

/// Sends one notification in a delivery of its own.
pub fn send_alone(microsoft: &Arc<Microsoft>, pending: Pending) {
    let (url, route) = (pending.url.clone(), pending.route);
    tokio::spawn(deliver(Arc::clone(microsoft), url, route, vec![pending]));
}

async fn deliver(microsoft: Arc<Microsoft>, url: String, route: &'static str, pending: Vec<Pending>) {
    let account = pending.first().map(|pending| pending.account.clone());
    let call = Call { route, account, calendar: None };
    let fault = microsoft.control().faults().take(&call);
    microsoft.control().counters().begin(&call);
    let mut copies = 1;
    match fault {
        Some(Fault::Plain(PlainFault::Duplicate)) => copies = 2,
        Some(Fault::Scripted(answer)) if answer.status.is_none() => {
            tokio::time::sleep(Duration::from_millis(answer.delay_ms.unwrap_or(0))).await;
        }
        Some(_) => copies = 0,
        None => {}
    }
    let items: Vec<&Value> = pending.iter().map(|pending| &pending.item).collect();
    let body = json!({ "value": items }).to_string();
    let (mut outcome, mut tries) = ("dropped".to_owned(), 0);
    for _ in 0..copies {
        (outcome, tries) = try_until_taken(&microsoft, &url, &body).await;
    }
    microsoft.control().counters().answered(&call, &outcome);
    microsoft.control().counters().end(&call);
    let text = |item: &Value, name: &str| item[name].as_str().map(str::to_owned);
    microsoft.deliveries().note(Delivery {
        at: microsoft.control().clock.now().to_string(),
        url,
        subscription_ids: items.iter().filter_map(|item| text(item, "subscriptionId")).collect(),
        kinds: items
            .iter()
            .filter_map(|item| text(item, "changeType").or_else(|| text(item, "lifecycleEvent")))
            .collect(),
        tries,
        outcome,
    });
}

/// Tries until the answer is 2xx, a few times at most.
async fn try_until_taken(microsoft: &Microsoft, url: &str, body: &str) -> (String, u32) {
    let mut tries = 0;
    loop {
        let request = microsoft
            .http
            .post(url)
            .timeout(PATIENCE)
            .header("Content-Type", "application/json; charset=utf-8")
            .body(body.to_owned());
        tries += 1;
        let (outcome, taken) = match request.send().await {
            Ok(response) => (response.status().as_u16().to_string(), response.status().is_success()),
            Err(error) => (error.without_url().to_string(), false),
        };
        match RETRY_PAUSES_MS.get(tries as usize - 1) {
            Some(pause) if !taken => tokio::time::sleep(Duration::from_millis(*pause)).await,
            _ => return (outcome, tries),
        }
    }
}
