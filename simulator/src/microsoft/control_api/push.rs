//! Subscriptions, lifecycle events, and what became of notifications.

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Reply, Sim};
use crate::control::provider::Provider as _;
use crate::control::routes::{bad_request, not_found, parse};
use crate::microsoft::{ids, notifications};

pub(super) async fn subscriptions(State(microsoft): Sim) -> Json<Value> {
    let now = microsoft.control().clock.now();
    let world = microsoft.world();
    let shown: Vec<Value> = world
        .subscriptions
        .all()
        .filter(|subscription| subscription.expires_at > now)
        .map(|subscription| {
            json!({
                "id": subscription.id,
                "account": subscription.account,
                "resource": subscription.resource,
                "changeType": subscription.change_types.join(","),
                "notificationUrl": subscription.notification_url,
                "lifecycleNotificationUrl": subscription.lifecycle_url,
                "expiresAt": subscription.expires_at.to_string(),
                "immutableIds": subscription.form == ids::IdForm::Immutable,
                "paused": subscription.paused,
            })
        })
        .collect();
    Json(json!({ "subscriptions": shown }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Lifecycle {
    subscription_id: String,
    event: String,
    /// After `reauthorizationRequired`: changes are lost until the subscription is reauthorised.
    #[serde(default)]
    pause: bool,
}

/// Sends a lifecycle notification; `subscriptionRemoved` takes the subscription away as well.
pub(super) async fn send_lifecycle(State(microsoft): Sim, body: Bytes) -> Reply {
    let wanted: Lifecycle = parse(&body)?;
    let events = ["reauthorizationRequired", "subscriptionRemoved", "missed"];
    if !events.contains(&wanted.event.as_str()) {
        return Err(bad_request(format!("event is one of {}", events.join(", "))));
    }
    let id = &wanted.subscription_id;
    let pending = {
        let mut world = microsoft.world();
        let known =
            world.subscriptions.get(id).cloned().ok_or_else(|| not_found(format!("no subscription {id}")))?;
        if wanted.event == "subscriptionRemoved" {
            world.subscriptions.remove(id);
        } else if let Some(subscription) = world.subscriptions.get_mut(id) {
            subscription.paused |= wanted.pause;
        }
        notifications::lifecycle(&world, &known, &wanted.event)
    };
    let pending = pending.ok_or_else(|| bad_request("the subscription has no lifecycleNotificationUrl"))?;
    notifications::send(&microsoft, vec![pending], 0);
    Ok(Json(json!({ "sent": wanted.event })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Notify {
    subscription_id: String,
    #[serde(default = "once")]
    times: u32,
}

pub(super) fn once() -> u32 {
    1
}

/// Sends notifications although nothing happened; each in a delivery of its own.
pub(super) async fn notify(State(microsoft): Sim, body: Bytes) -> Reply {
    let wanted: Notify = parse(&body)?;
    let pending = {
        let world = microsoft.world();
        let known = world.subscriptions.get(&wanted.subscription_id);
        let known = known.ok_or_else(|| not_found(format!("no subscription {}", wanted.subscription_id)))?;
        notifications::without_cause(&world, known)
            .ok_or_else(|| bad_request("the calendar has no event to speak of"))?
    };
    for _ in 0..wanted.times {
        notifications::send_alone(&microsoft, pending.clone());
    }
    Ok(Json(json!({ "sent": wanted.times })))
}

pub(super) async fn deliveries(State(microsoft): Sim) -> Json<Value> {
    Json(json!({ "notifications": microsoft.deliveries().all().collect::<Vec<_>>() }))
}
