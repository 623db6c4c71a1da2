//! More work for one account than its provider allows calls for: everything is done, and the provider's own limits are reached
//! and kept, on the stroke.

use std::rc::Rc;

use huddle_calendar_sync::{domain::connector::ProviderKind, providers::Limits};
use serde_json::json;

use crate::{
    breakage::Breakage,
    judge,
    people::Person,
    ports::queues::Inbox,
    providers::{Cast, Providers},
    scenario,
    settings::settings,
    witness::{Busiest, Promise},
    world::{Terms, World},
};

/// How many calendars beside the main one: with its schedule a call less than a batch takes.
const MORE_CALENDARS: usize = 18;
/// The calls of a task that asks about all of them at Microsoft, all in a batch.
const CALLS_IN_BATCH: u32 = 19;
/// How long the tasks keep coming, in milliseconds.
const WHILE_MILLIS: i64 = 60_000;

/// A flood of tasks for the account of somebody at that provider, a fifth more than one window allows. Judged; the caller
/// ends the world.
fn flood(provider: ProviderKind, breakage: Breakage) -> (Rc<World>, Limits) {
    let terms = Terms { breakage, cast: Some(Cast::Of(provider)), ..Terms::default() };
    let accounts = Cast::Of(provider).accounts();
    // At Microsoft the one of an organisation.
    let account = accounts[1].email.clone();
    let world = World::new(terms, Providers::new(0, accounts, MORE_CALENDARS, false), settings(None));
    let person = Person { user: "user-1".to_owned(), workspace: None, account };
    let connector = scenario::connect_all(&world, vec![person]).remove(0).connector;
    let limits = world.worker.providers.get(provider).unwrap().limits();

    // Half of the tasks ask about all calendars, the others take a call or two.
    let calls = if provider == ProviderKind::Microsoft { CALLS_IN_BATCH / 2 } else { 1 };
    let tasks = i64::from(limits.requests / calls) * 6 / 5;
    let start = world.kernel.now();
    let at = |hours: i64| start.plus(chrono::TimeDelta::hours(hours)).to_rfc3339();
    for task in 0..tasks {
        let (kind, payload) = match task % 10 {
            0 => (
                "create-event",
                json!({ "summary": "x", "start": at(task), "end": at(task + 1), "timeZone": "UTC" }),
            ),
            1..=4 => {
                let question = json!({ "timeMin": at(1), "timeMax": at(2), "timeZone": "UTC", "calendars": ["primary"] });
                ("check-availability", question)
            }
            _ => ("check-availability", json!({ "timeMin": at(1), "timeMax": at(2), "timeZone": "UTC" })),
        };
        let message =
            json!({ "type": kind, "connectorId": connector, "payload": payload, "id": format!("t{task}") });
        world.yard.post(Inbox::Tasks, message, task * WHILE_MILLIS / tasks);
    }
    let deadline = world.kernel.now().as_millis() + 3_600_000;
    while !world.is_at_rest() && world.kernel.now().as_millis() < deadline {
        world.pass(10_000);
    }
    judge::judge(&world);
    (world, limits)
}

/// Every task is done, and never more than allowed at a time. Returns how much it was at most, and what is allowed.
fn contained(provider: ProviderKind) -> (Busiest, Limits) {
    let (world, limits) = flood(provider, Breakage::Nothing);
    assert_eq!(world.witness.violations(), []);
    let undone = world.worker.db.sqlite().read("SELECT * FROM tasks WHERE state <> 'succeeded'");
    assert!(undone.is_empty(), "{undone:?}");
    let busiest = world.witness.busiest.borrow().values().copied().next().unwrap();
    world.end();
    (busiest, limits)
}

/// Without a gate the same flood is too much.
fn is_noticed(provider: ProviderKind) {
    let (world, _) = flood(provider, Breakage::NoBudget);
    assert!(world.witness.violations().iter().any(|violation| violation.promise == Promise::G7));
    world.end();
}

#[test]
fn of_googles_500_calls_in_100_seconds_all_are_used_and_no_more() {
    let (busiest, limits) = contained(ProviderKind::Google);
    assert_eq!((limits.requests, limits.window.num_seconds()), (500, 100));
    assert!(busiest.calls > 500 - 2, "{busiest:?}");
    is_noticed(ProviderKind::Google);
}

#[test]
fn of_microsofts_10_000_calls_in_ten_minutes_and_4_at_once_all_are_used_and_no_more() {
    let (busiest, limits) = contained(ProviderKind::Microsoft);
    // What is left is less than the next batch.
    assert!(busiest.calls > 10_000 - CALLS_IN_BATCH && busiest.in_flight == 4, "{busiest:?}");
    assert_eq!((limits.requests, limits.window.num_minutes(), limits.in_flight), (10_000, 10, 4));
    is_noticed(ProviderKind::Microsoft);
}
