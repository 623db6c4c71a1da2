//! G1: each task leaves exactly one effect at the provider, whatever happened on the way.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use huddle_calendar_sync::domain::{event::CreationKey, time::Timestamp};
use serde_json::Value as Json;

use crate::{
    providers::agenda::{Deed, Letter},
    scenario::status,
    witness::Promise,
    world::World,
};

/// Judges what was done to the calendars.
pub fn judge(world: &World) {
    once(world);
    let tasks = world.worker.db.sqlite().read("SELECT * FROM tasks");
    for task in &tasks {
        let purged = world.witness.life(text(task, "connector_id"), |life| life.purges > 0);
        if !purged {
            outcome(world, task);
        }
    }
    for hold in world.worker.db.sqlite().read("SELECT * FROM holds") {
        ended(world, &hold);
    }
}

/// Nothing was made, changed or announced twice.
fn once(world: &World) {
    let forgotten = forgotten(world);
    let mut standing: BTreeMap<String, u32> = BTreeMap::new();
    let mut made: BTreeMap<String, u32> = BTreeMap::new();
    let mut changed: BTreeMap<String, u32> = BTreeMap::new();
    let mut invited: BTreeMap<(String, String), u32> = BTreeMap::new();
    world.providers.agenda(|agenda| {
        for deed in &agenda.deeds {
            match deed {
                Deed::Created { key: Some(key), .. } => {
                    let now = standing.entry(key.clone()).or_default();
                    *now += 1;
                    let most = made.entry(key.clone()).or_default();
                    *most = (*most).max(*now);
                }
                Deed::Changed { change: Some(change) } => {
                    *changed.entry(change.clone()).or_default() += 1;
                }
                Deed::Deleted { event } => {
                    if let Some(standing) = forgotten.get(event).and_then(|key| standing.get_mut(key)) {
                        *standing -= 1;
                    }
                }
                Deed::Created { .. } | Deed::Changed { .. } => {}
            }
        }
        for mail in agenda.mails.iter().filter(|mail| mail.letter == Letter::Invitation) {
            *invited.entry((mail.event.clone(), mail.to.clone())).or_default() += 1;
        }
    });
    for (key, times) in made {
        world.witness.expect(times == 1, Promise::G1, || format!("{times} events were made for {key}"));
    }
    for (change, times) in changed {
        world.witness.expect(times == 1, Promise::G1, || format!("change {change} was made {times} times"));
    }
    for ((event, to), times) in invited {
        world
            .witness
            .expect(times == 1, Promise::G1, || format!("{to} was invited {times} times to {event}"));
    }
}

/// The keys of events that were deleted where nobody can know it: making such an event again is all that can be done.
fn forgotten(world: &World) -> BTreeMap<String, String> {
    let deleted: Vec<(String, String, String)> = world.providers.agenda(|agenda| {
        let deleted = agenda.all().filter(|event| event.deleted);
        let keyed = deleted
            .filter_map(|event| Some((event.calendar.clone(), event.id.clone(), event.key()?.to_owned())));
        keyed.collect()
    });
    deleted
        .into_iter()
        .filter(|(calendar, ..)| !world.providers.remembers_deleted(calendar))
        .map(|(_, event, key)| (event, key))
        .collect()
}

/// What the ledger says of a task is so at the provider.
fn outcome(world: &World, task: &Json) {
    let (connector, id) = (text(task, "connector_id"), text(task, "task_id"));
    let parsed = |column: &str| -> Json {
        task[column].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let (payload, result, error) = (parsed("payload"), parsed("result"), parsed("error"));
    let succeeded = task["state"] == "succeeded";
    let accuse = |so: bool, what: &str| {
        world.witness.expect(so, Promise::G1, || {
            format!("{what}: {} {id} of {connector}, {} {}{}", task["type"], task["state"], result, error)
        });
    };
    match text(task, "type") {
        "create-event" => {
            let key = CreationKey::derive(&["event", connector, id]);
            if succeeded {
                accuse(exists(world, key.as_str()), "no event");
            } else if is_refusal(&error) {
                accuse(!exists(world, key.as_str()), "an event of a refused task");
            }
        }
        "place-hold" => {
            let key =
                CreationKey::derive(&["hold", connector, payload["holdId"].as_str().unwrap_or_default(), id]);
            if succeeded {
                let event = result["eventId"].as_str().unwrap_or_default();
                accuse(world.providers.agenda(|agenda| agenda.find(event).is_some()), "no event");
            } else if ["slot_held", "slot_busy"].iter().any(|code| error["code"] == *code) {
                // While the grant is lost nothing can be taken off the calendar.
                let works = status(world, connector).as_deref() == Some("active");
                accuse(!works || !lives(world, key.as_str()), "a live event of a refused hold");
            }
        }
        "confirm-hold" if succeeded => {
            let event = result["eventId"].as_str().unwrap_or_default();
            let booked = world.providers.agenda(|agenda| {
                agenda.find(event).is_some_and(|event| !event.deleted && event.facts.confirmed)
            });
            accuse(booked || was_cancelled(world, event), "a confirmed booking is gone");
        }
        "cancel-event" if succeeded => {
            // One that was made only afterwards is not what was cancelled.
            let taken_at = Timestamp::from_millis(task["created_at"].as_i64().unwrap());
            let stands = world.providers.agenda(|agenda| {
                let event = agenda.find(payload["eventId"].as_str().unwrap_or_default());
                event.is_some_and(|event| !event.deleted && event.made_at < taken_at)
            });
            accuse(!stands, "a live event");
        }
        _ => {}
    }
    let attempts = task["attempts"].as_i64().unwrap_or_default();
    world.witness.expect(attempts <= 5, Promise::G7, || {
        format!("{attempts} attempts of {id} of {connector}: waiting costs none")
    });
}

/// A hold that is over has no live event, and one that ran out is over.
fn ended(world: &World, hold: &Json) {
    let (connector, id, state) = (text(hold, "connector_id"), text(hold, "hold_id"), text(hold, "state"));
    let key = text(hold, "creation_key");
    let over = matches!(state, "cancelled" | "expired" | "refused");
    world.witness.expect(!over || !lives(world, key) || was_touched(world, key), Promise::G1, || {
        format!("hold {id} of {connector} is {state}, and its event is still there")
    });
    let works = status(world, connector).as_deref() == Some("active");
    let expires_at = Timestamp::from_millis(hold["expires_at"].as_i64().unwrap());
    let long_over = world.kernel.now().since(expires_at) > TimeDelta::minutes(20);
    world.witness.expect(over || state == "confirmed" || !works || !long_over, Promise::G1, || {
        format!("hold {id} of {connector} ran out at {expires_at} and is {state} at {}", world.kernel.now())
    });
}

/// Whether a failure means that nothing was ever sent to the provider.
fn is_refusal(error: &Json) -> bool {
    [
        "missing_field",
        "wrong_type",
        "empty_interval",
        "id_reused",
        "connector_not_found",
        "connector_mismatch",
        "conference_not_supported",
    ]
    .iter()
    .any(|code| error["code"] == *code)
}

/// Whether an event was ever made under that key.
fn exists(world: &World, key: &str) -> bool {
    world.providers.agenda(|agenda| agenda.made_under(key).next().is_some())
}

/// Whether an event made under that key stands.
fn lives(world: &World, key: &str) -> bool {
    world.providers.agenda(|agenda| agenda.made_under(key).any(|event| !event.deleted))
}

/// Whether a person changed or deleted an event made under that key.
fn was_touched(world: &World, key: &str) -> bool {
    let touched = world.touched.borrow();
    world.providers.agenda(|agenda| agenda.made_under(key).any(|event| touched.contains(&event.id)))
}

/// Whether a person or a cancel-event task may have taken the event away.
fn was_cancelled(world: &World, event: &str) -> bool {
    let heard = world.witness.heard.borrow();
    world.touched.borrow().contains(event)
        || heard
            .values()
            .any(|heard| heard.asked.kind == "cancel-event" && heard.asked.payload["eventId"] == event)
}

fn text<'a>(row: &'a Json, column: &str) -> &'a str {
    row[column].as_str().unwrap_or_default()
}
