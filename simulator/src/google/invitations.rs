//! The mail that `sendUpdates` makes Google send, put into the outbox.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::errors::ApiError;
use super::event::{Event, millis};
use super::wire::Params;
use super::world::World;
use crate::control::Control;
use crate::control::outbox::Mail;

/// Who is told of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every attendee.
    All,
    /// Attendees without an account here.
    ExternalOnly,
    /// Nobody.
    Nobody,
}

impl Audience {
    /// From `sendUpdates`, or the older `sendNotifications`; nobody unless asked for.
    pub fn read(params: &Params) -> Result<Self, ApiError> {
        match params.get("sendUpdates") {
            Some("all") => Ok(Self::All),
            Some("externalOnly") => Ok(Self::ExternalOnly),
            Some("none") => Ok(Self::Nobody),
            Some(other) => Err(ApiError::invalid_parameter("sendUpdates", other)),
            None => Ok(match params.boolean("sendNotifications")? {
                Some(true) => Self::All,
                _ => Self::Nobody,
            }),
        }
    }

    fn includes(self, world: &World, address: &str) -> bool {
        match self {
            Self::All => true,
            Self::ExternalOnly => world.find_account(address).is_none(),
            Self::Nobody => false,
        }
    }
}

/// An event was created.
pub fn created(
    control: &Control,
    world: &World,
    calendar: &str,
    event: &Event,
    audience: Audience,
    now: Timestamp,
) {
    if !event.is_cancelled() {
        send(control, world, calendar, event, "invitation", &guests(event, calendar), audience, now);
    }
}

/// An event was changed, deleted or restored.
pub fn changed(
    control: &Control,
    world: &World,
    calendar: &str,
    before: &Event,
    after: &Event,
    audience: Audience,
    now: Timestamp,
) {
    let none = BTreeSet::new;
    let was = if before.is_cancelled() { none() } else { guests(before, calendar) };
    let is = if after.is_cancelled() { none() } else { guests(after, calendar) };
    let added = is.difference(&was).cloned().collect();
    let kept = is.intersection(&was).cloned().collect();
    let removed = was.difference(&is).cloned().collect();
    send(control, world, calendar, after, "invitation", &added, audience, now);
    send(control, world, calendar, after, "update", &kept, audience, now);
    send(control, world, calendar, after, "cancellation", &removed, audience, now);
}

/// The attendees other than the calendar itself.
fn guests(event: &Event, calendar: &str) -> BTreeSet<String> {
    let attendees = event.fields.get("attendees").and_then(Value::as_array);
    attendees
        .into_iter()
        .flatten()
        .filter_map(|attendee| attendee["email"].as_str())
        .map(str::to_ascii_lowercase)
        .filter(|email| email != calendar)
        .collect()
}

#[allow(clippy::too_many_arguments, reason = "a mail has that many parts, and only this file sends one")]
fn send(
    control: &Control,
    world: &World,
    calendar: &str,
    event: &Event,
    kind: &'static str,
    to: &BTreeSet<String>,
    audience: Audience,
    now: Timestamp,
) {
    let mut outbox = control.outbox();
    for address in to.iter().filter(|address| audience.includes(world, address)) {
        outbox.send(Mail {
            at: millis(now),
            kind,
            from: calendar.to_owned(),
            to: address.clone(),
            calendar: calendar.to_owned(),
            event_id: event.id.clone(),
            subject: event.text("summary").unwrap_or("(no title)").to_owned(),
        });
    }
}
