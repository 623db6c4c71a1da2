//! place-hold, confirm-hold, cancel-hold and expiry.

use chrono::TimeDelta;
use serde_json::{Value as Json, json};

use super::World;
use crate::{
    cron,
    domain::{event::CreationKey, failure::Failure},
    ports::{HttpError, QueueName},
    tasks::{runner::Disposition, submission},
    testing::{block_on, refused},
};

fn slot(hold: &str) -> Json {
    json!({ "holdId": hold, "start": "2026-12-01T09:00:00Z", "end": "2026-12-01T10:00:00Z", "timeZone": "UTC" })
}

/// A world with hold `h` placed as event `e`.
fn held() -> World {
    let world = World::new();
    world.grant("free-busy", json!({ "primary": [] }));
    world.grant("create-event", json!({ "id": "e", "status": "tentative" }));
    world.succeed("place-hold", "place", slot("h"));
    world.app.http.reset();
    world.app.db.forget_trips();
    world
}

fn state(world: &World) -> Json {
    world.app.db.read("SELECT state FROM holds WHERE hold_id = 'h'")[0]["state"].clone()
}

/// Delivers what cron put on the queue for periodic work.
fn deliver_periodic(world: &World) {
    for message in world.app.queues.take(QueueName::Sync) {
        assert_eq!(world.deliver(message.body), Disposition::Ack);
    }
}

#[test]
fn a_hold_is_checked_and_placed_in_two_calls_and_three_round_trips() {
    let world = World::new();
    world.grant("free-busy", json!({ "primary": [] }));
    world.grant("create-event", json!({ "id": "e", "status": "tentative" }));
    let result = world.succeed("place-hold", "place", slot("h"));
    assert_eq!((&result["state"], &result["eventId"]), (&json!("held"), &json!("e")));
    assert_eq!(world.asked(), ["free-busy", "create-event"]);
    assert_eq!(world.app.db.trips().len(), 3);
}

#[test]
fn a_busy_slot_is_refused_unless_told_otherwise() {
    let world = World::new();
    let busy = json!({ "primary": [["2026-12-01T09:30:00Z", "2026-12-01T09:45:00Z"]] });
    world.grant("free-busy", busy);
    assert_eq!(world.fail("place-hold", "task-1", slot("h"))["code"], "slot_busy");
    assert_eq!(state(&world), "refused");

    world.grant("create-event", json!({ "id": "e", "status": "tentative" }));
    let mut anyway = slot("h");
    anyway["allowConflicts"] = json!(true);
    assert_eq!(world.succeed("place-hold", "task-2", anyway)["state"], "held");
}

#[test]
fn a_hold_is_checked_against_its_own_calendar_too() {
    let world = World::new();
    world.grant(
        "free-busy",
        json!({ "primary": [], "team": [["2026-12-01T09:30:00Z", "2026-12-01T09:45:00Z"]] }),
    );
    let mut hold = slot("h");
    hold["calendarId"] = json!("team");
    assert_eq!(world.fail("place-hold", "task-1", hold)["code"], "slot_busy");
    let asked: Json = serde_json::from_slice(world.app.http.requests()[0].body()).unwrap();
    assert_eq!(asked["calendars"], json!(["primary", "team"]));
}

#[test]
fn a_calendar_that_cannot_be_checked_is_not_free() {
    let world = World::new();
    world.grant("free-busy", json!({ "primary": "notFound" }));
    assert_eq!(world.fail("place-hold", "task-1", slot("h"))["code"], "availability_unknown");
}

#[test]
fn of_two_holds_on_one_slot_one_wins() {
    let world = held();
    let mut overlapping = slot("other");
    overlapping["start"] = json!("2026-12-01T09:59:00Z");
    overlapping["end"] = json!("2026-12-01T11:00:00Z");
    assert_eq!(world.fail("place-hold", "task-2", overlapping)["code"], "slot_held");
    assert!(world.asked().is_empty());

    world.grant("free-busy", json!({ "primary": [] }));
    world.grant("create-event", json!({ "id": "e2", "status": "tentative" }));
    let mut touching = slot("third");
    touching["start"] = json!("2026-12-01T10:00:00Z");
    touching["end"] = json!("2026-12-01T11:00:00Z");
    assert_eq!(world.succeed("place-hold", "task-3", touching)["state"], "held");
}

#[test]
fn a_placement_whose_answer_was_lost_finds_its_own_event() {
    let world = World::new();
    world.grant("free-busy", json!({ "primary": [] }));
    world.app.http.answer("create-event", Err(HttpError::Timeout));
    assert!(matches!(
        world.deliver(world.message("place-hold", "place", slot("h"))),
        Disposition::Retry { .. }
    ));
    assert_eq!(state(&world), "placing");

    world.grant("find-event", json!({ "id": "e", "status": "tentative" }));
    assert_eq!(world.succeed("place-hold", "place", slot("h"))["eventId"], "e");
}

#[test]
fn the_same_hold_asked_for_by_another_message_is_the_same_hold() {
    let world = held();
    assert_eq!(world.succeed("place-hold", "again", slot("h"))["eventId"], "e");
    let mut elsewhere = slot("h");
    elsewhere["end"] = json!("2026-12-01T10:30:00Z");
    assert_eq!(world.fail("place-hold", "elsewhere", elsewhere)["code"], "hold_exists");
}

#[test]
fn a_confirmed_hold_becomes_an_event_in_place() {
    let world = held();
    world.grant("update-event", json!({ "id": "e", "status": "confirmed" }));
    let payload = json!({ "holdId": "h", "summary": "Demo", "attendees": [{ "email": "a@example.com" }] });
    let result = world.succeed("confirm-hold", "confirm", payload);
    assert_eq!((&result["state"], &result["eventId"]), (&json!("confirmed"), &json!("e")));
    assert_eq!(world.asked(), ["update-event"]);
    assert_eq!(world.app.db.trips().len(), 3);
    assert_eq!(world.fail("cancel-hold", "cancel", json!({ "holdId": "h" }))["code"], "hold_confirmed");
}

#[test]
fn a_confirmation_whose_answer_was_lost_is_asked_for_again_as_the_same_change() {
    let world = held();
    world.app.http.answer("update-event", Err(HttpError::Timeout));
    let payload = json!({ "holdId": "h", "summary": "Demo" });
    assert!(matches!(
        world.deliver(world.message("confirm-hold", "confirm", payload.clone())),
        Disposition::Retry { .. }
    ));
    let key = CreationKey::derive(&["confirm", world.connector.id.as_str(), "confirm"]);
    world.grant("update-event", json!({ "id": "e", "status": "confirmed" }));
    assert_eq!(world.succeed("confirm-hold", "confirm", payload)["state"], "confirmed");
    assert_eq!(world.asked(), ["update-event", "update-event"]);
    for request in world.app.http.requests() {
        let body: Json = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body["change"], key.as_str());
    }
}

#[test]
fn a_cancelled_hold_leaves_the_calendar_and_can_be_placed_again() {
    let world = held();
    world.grant("delete-event", json!("deleted"));
    assert_eq!(world.succeed("cancel-hold", "cancel", json!({ "holdId": "h" }))["state"], "cancelled");
    assert_eq!(world.succeed("cancel-hold", "again", json!({ "holdId": "h" }))["alreadyGone"], true);
    assert_eq!(world.succeed("cancel-hold", "never", json!({ "holdId": "unheard-of" }))["alreadyGone"], true);

    world.grant("free-busy", json!({ "primary": [] }));
    world.grant("create-event", json!({ "id": "e2", "status": "tentative" }));
    assert_eq!(world.succeed("place-hold", "second", slot("h"))["eventId"], "e2");
}

#[test]
fn a_hold_that_runs_out_leaves_the_calendar_and_that_is_told_once() {
    let world = held();
    world.app.clock.advance(TimeDelta::minutes(14));
    block_on(cron::tick(&*world.app));
    assert!(world.app.queues.sent(QueueName::Sync).iter().all(|sent| sent.body["type"] != "cancel-hold"));

    world.app.clock.advance(TimeDelta::minutes(2));
    world.grant("delete-event", json!("deleted"));
    block_on(cron::tick(&*world.app));
    deliver_periodic(&world);
    block_on(cron::tick(&*world.app));
    deliver_periodic(&world);
    assert_eq!(state(&world), "expired");
    let expired: Vec<_> =
        world.told().into_iter().filter(|told| told["type"] == "calendar.hold.expired").collect();
    assert_eq!(expired.len(), 1);
    assert_eq!(expired[0]["data"]["holdId"], "h");
}

#[test]
fn a_hold_that_ran_out_while_its_placing_was_retried_leaves_nothing_behind() {
    let world = World::new();
    world.grant("free-busy", json!({ "primary": [] }));
    world.app.http.answer("create-event", Err(HttpError::Timeout));
    world.deliver(world.message("place-hold", "place", slot("h")));
    world.app.clock.advance(TimeDelta::minutes(16));
    assert_eq!(world.fail("place-hold", "place", slot("h"))["code"], "already_expired");

    world.grant("find-event", json!({ "id": "e", "status": "tentative" }));
    world.grant("delete-event", json!("deleted"));
    block_on(cron::tick(&*world.app));
    deliver_periodic(&world);
    assert_eq!(state(&world), "expired");
}

/// A world in which the answer to the first attempt to place hold `h` was lost, and a second does not find its event yet.
fn lost() -> World {
    let world = World::new();
    world.grant("free-busy", json!({ "primary": [] }));
    world.app.http.answer("create-event", Err(HttpError::Timeout));
    world.deliver(world.message("place-hold", "place", slot("h")));
    world.grant("find-event", Json::Null);
    world
}

/// Busy by the event that the first attempt left.
fn busy() -> Json {
    json!({ "primary": [["2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z"]] })
}

fn expire(world: &World) {
    block_on(cron::tick(&*world.app));
    deliver_periodic(world);
}

#[test]
fn a_repeated_placement_that_is_refused_leaves_nothing_behind() {
    let forbidden = || Ok(refused(&Failure::refused("forbidden", "not yours")));
    for (code, free_busy) in [
        ("slot_busy", busy()),
        ("availability_unknown", json!({ "primary": "notFound" })),
        ("forbidden", json!({ "primary": [] })),
    ] {
        let world = lost();
        world.grant("free-busy", free_busy);
        if code == "forbidden" {
            world.app.http.answer("create-event", forbidden());
        }
        assert_eq!(world.fail("place-hold", "place", slot("h"))["code"], code);

        world.grant("find-event", json!({ "id": "e", "status": "tentative" }));
        world.grant("delete-event", json!("deleted"));
        expire(&world);
        assert_eq!((world.app.http.left(), state(&world)), (0, json!("expired")), "{code}");
        // Its task said that it was not placed.
        assert!(world.told().iter().all(|told| told["type"] != "calendar.hold.expired"), "{code}");
    }
}

#[test]
fn a_placement_replayed_after_it_was_given_up_does_not_wait_for_itself() {
    let world = lost();
    world.grant("free-busy", busy());
    world.fail("place-hold", "place", slot("h"));
    block_on(submission::replay(&*world.app, &world.connector.id, &"place".into())).unwrap();
    assert_eq!(world.fail("place-hold", "place", slot("h"))["code"], "hold_cancelled");

    world.grant("find-event", json!({ "id": "e", "status": "tentative" }));
    world.grant("delete-event", json!("deleted"));
    expire(&world);
    assert_eq!((world.app.http.left(), state(&world)), (0, json!("expired")));
}

#[test]
fn an_answer_to_a_placement_that_nobody_understands_leaves_nothing_behind() {
    let world = World::new();
    world.grant("free-busy", json!({ "primary": [] }));
    world.app.http.answer("create-event", Ok(refused(&Failure::fatal("provider_unreadable", "what?"))));
    assert_eq!(world.fail("place-hold", "place", slot("h"))["code"], "provider_unreadable");
    world.grant("find-event", json!({ "id": "e", "status": "tentative" }));
    world.grant("delete-event", json!("deleted"));
    expire(&world);
    assert_eq!((world.app.http.left(), state(&world)), (0, json!("expired")));
}

#[test]
fn a_placement_refused_when_repeated_frees_the_slot_at_once_and_the_hold_as_soon_as_it_is_off_the_calendar() {
    let world = lost();
    world.grant("free-busy", busy());
    world.fail("place-hold", "place", slot("h"));

    world.grant("free-busy", json!({ "primary": [] }));
    world.grant("create-event", json!({ "id": "e2", "status": "tentative" }));
    assert_eq!(world.succeed("place-hold", "other", slot("other"))["state"], "held");

    // The same hold elsewhere: not before the expiry has looked for the event under its key.
    let mut elsewhere = slot("h");
    elsewhere["start"] = json!("2026-12-01T11:00:00Z");
    elsewhere["end"] = json!("2026-12-01T12:00:00Z");
    assert_eq!(world.deliver(world.message("place-hold", "again", elsewhere.clone())), Disposition::Ack);
    assert_eq!(world.app.queues.take(QueueName::Tasks).len(), 1, "it waits");
    world.grant("find-event", Json::Null);
    expire(&world);
    world.app.clock.advance(TimeDelta::seconds(3));
    // It has waited, and so looks for its own event first.
    world.grant("find-event", Json::Null);
    world.grant("free-busy", json!({ "primary": [] }));
    world.grant("create-event", json!({ "id": "e3", "status": "tentative" }));
    assert_eq!(world.succeed("place-hold", "again", elsewhere)["eventId"], "e3");
}

#[test]
fn an_expiry_that_failed_is_asked_for_again() {
    let world = held();
    world.app.clock.advance(TimeDelta::minutes(16));
    world.app.http.answer("delete-event", Ok(refused(&Failure::refused("forbidden", "not yours"))));
    for _ in 0..2 {
        block_on(cron::tick(&*world.app));
        deliver_periodic(&world);
    }
    assert_eq!(world.asked().iter().filter(|operation| *operation == "delete-event").count(), 1);

    world.app.db.execute("UPDATE connectors SET status = 'reauth_required'");
    world.app.clock.advance(TimeDelta::hours(1));
    block_on(cron::tick(&*world.app));
    assert_eq!(world.app.queues.sent(QueueName::Sync), [], "in vain for now");

    world.app.db.execute("UPDATE connectors SET status = 'active', refresh_due_at = NULL");
    world.grant("delete-event", json!("deleted"));
    block_on(cron::tick(&*world.app));
    deliver_periodic(&world);
    assert_eq!(state(&world), "expired");
}

#[test]
fn a_confirmation_and_an_expiry_never_both_go_through() {
    let world = held();
    world.app.clock.advance(TimeDelta::minutes(16));
    block_on(cron::tick(&*world.app));
    assert_eq!(world.fail("confirm-hold", "late", json!({ "holdId": "h" }))["code"], "hold_expired");

    // And the other way round: the confirmation is under way when the expiry comes.
    let world = held();
    world.app.http.answer("update-event", Err(HttpError::Timeout));
    world.deliver(world.message("confirm-hold", "confirm", json!({ "holdId": "h" })));
    world.app.clock.advance(TimeDelta::minutes(16));
    block_on(cron::tick(&*world.app));
    deliver_periodic(&world);
    assert_eq!(state(&world), "confirming");
    assert!(!world.asked().contains(&"delete-event".to_owned()));
}

#[test]
fn a_hold_whose_cancelling_failed_keeps_nobody_waiting() {
    let world = held();
    world.app.http.answer("delete-event", Ok(refused(&Failure::refused("forbidden", "not yours"))));
    world.fail("cancel-hold", "cancel", json!({ "holdId": "h" }));
    assert_eq!(state(&world), "cancelling");
    assert_eq!(world.fail("confirm-hold", "confirm", json!({ "holdId": "h" }))["code"], "hold_unfinished");
    assert_eq!(world.fail("place-hold", "place again", slot("h"))["code"], "hold_unfinished");
    world.app.clock.advance(TimeDelta::minutes(16));
    assert_eq!(world.fail("confirm-hold", "late", json!({ "holdId": "h" }))["code"], "hold_expired");
    world.grant("delete-event", json!("deleted"));
    assert_eq!(world.succeed("cancel-hold", "once more", json!({ "holdId": "h" }))["state"], "cancelled");
}

#[test]
fn who_waits_for_the_mover_of_a_hold_waits_longer_each_time() {
    let world = held();
    world.app.http.answer("update-event", Err(HttpError::Timeout));
    world.deliver(world.message("confirm-hold", "confirm", json!({ "holdId": "h" })));
    let mut waits = Vec::new();
    let mut message = world.message("cancel-hold", "cancel", json!({ "holdId": "h" }));
    for _ in 0..9 {
        assert_eq!(world.deliver(message), Disposition::Ack);
        let sent = world.app.queues.take(QueueName::Tasks).pop().unwrap();
        waits.push(sent.delay.num_seconds());
        world.app.clock.advance(sent.delay);
        message = sent.body;
    }
    assert_eq!(waits, [3, 3, 6, 12, 24, 48, 96, 192, 300]);
    assert_eq!(world.task("cancel")["attempts"], 0);
}

#[test]
fn a_hold_whose_placing_died_is_cleared_away_by_its_key() {
    let world = World::new();
    world.grant("free-busy", json!({ "primary": [] }));
    world.app.http.answer("create-event", Err(HttpError::Timeout));
    world.deliver(world.message("place-hold", "place", slot("h")));
    world.app.db.execute("UPDATE tasks SET state = 'dead', claim = NULL WHERE task_id = 'place'");
    world.grant("find-event", json!({ "id": "e", "status": "tentative" }));
    world.grant("delete-event", json!("deleted"));
    assert_eq!(world.succeed("cancel-hold", "cancel", json!({ "holdId": "h" }))["state"], "cancelled");
}
