//! Tasks given up, and brought back.

use serde_json::json;

use super::World;
use crate::{
    domain::failure::{Action, Failure},
    ports::QueueName,
    tasks::{batch::Delivered, dead_letters, runner::Disposition, submission},
    testing::{block_on, refused},
};

fn create(world: &World) -> serde_json::Value {
    world.message(
        "create-event",
        "task-1",
        json!({ "summary": "x", "start": "2026-12-01T09:00:00Z", "end": "2026-12-01T10:00:00Z", "timeZone": "UTC" }),
    )
}

/// A world in which `task-1` was tried until it was given up, and its letter.
fn given_up() -> (World, Delivered) {
    let world = World::new();
    for attempt in 1..=5 {
        if attempt > 1 {
            world.grant("find-event", json!(null));
        }
        world
            .app
            .http
            .answer("create-event", Ok(refused(&Failure::retry("provider_unavailable", "down", None))));
        world.deliver(create(&world));
        world.app.clock.advance(crate::backoff::LONGEST);
    }
    let letter = world.app.queues.take(QueueName::TasksDeadLetter).remove(0);
    (world, Delivered { id: "letter-1".to_owned(), body: Some(letter.body) })
}

#[test]
fn a_dead_letter_is_recorded_and_told_once_with_the_error_it_died_of() {
    let (world, letter) = given_up();
    for _ in 0..2 {
        assert_eq!(block_on(dead_letters::consume(&*world.app, letter.clone())), Disposition::Ack);
    }
    assert_eq!(world.task("task-1")["state"], "dead");
    let ids: std::collections::BTreeSet<_> = world.told().iter().map(|told| told["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.told()[0]["data"]["error"]["code"], "provider_unavailable");
}

#[test]
fn a_replayed_task_runs_again_under_the_same_key() {
    let (world, letter) = given_up();
    assert_eq!(block_on(dead_letters::consume(&*world.app, letter)), Disposition::Ack);
    block_on(submission::replay(&*world.app, &world.connector.id, &"task-1".into())).unwrap();
    let message = world.app.queues.take(QueueName::Tasks).remove(0);
    world.grant("find-event", json!(null));
    world.grant("create-event", json!({ "id": "event-1" }));
    assert_eq!(world.deliver(message.body), Disposition::Ack);
    assert_eq!(world.task("task-1")["state"], "succeeded");
    let bodies: Vec<serde_json::Value> = world
        .app
        .http
        .requests()
        .iter()
        .map(|request| serde_json::from_slice(request.body()).unwrap())
        .collect();
    assert!(bodies.iter().all(|body| body["key"] == bodies[0]["key"]));

    let again = block_on(submission::replay(&*world.app, &world.connector.id, &"task-1".into()));
    assert_eq!(again.unwrap_err().action, Action::Conflict);
}

#[test]
fn a_second_letter_of_a_run_does_not_bury_the_replay() {
    let (world, letter) = given_up();
    block_on(dead_letters::consume(&*world.app, letter.clone()));
    for run in 2..=3 {
        block_on(submission::replay(&*world.app, &world.connector.id, &"task-1".into())).unwrap();
        assert_eq!(block_on(dead_letters::consume(&*world.app, letter.clone())), Disposition::Ack);
        let task = world.task("task-1");
        assert_eq!((task["state"].as_str(), task["run"].as_i64()), (Some("queued"), Some(run)));
        assert_eq!(world.told().len(), 1);
        // Nor does what is sent for a later run count for an earlier one.
        assert_eq!(world.app.queues.take(QueueName::Tasks).remove(0).body["run"], run);
        world.app.db.execute("UPDATE tasks SET state = 'failed'");
    }
}

#[test]
fn a_letter_that_is_no_task_is_recorded_with_what_is_wrong_with_it() {
    let world = World::new();
    let letter = Delivered { id: "letter-1".to_owned(), body: None };
    assert_eq!(block_on(dead_letters::consume(&*world.app, letter)), Disposition::Ack);
    assert_eq!(world.task("letter-1")["state"], "dead");
    assert_eq!(world.told().len(), 1);
    assert_eq!(world.told()[0]["data"]["error"]["code"], "not_an_object");
}

#[test]
fn a_task_first_seen_as_a_dead_letter_is_its_connectors_owners() {
    let world = World::new();
    let letter = Delivered { id: "letter-1".to_owned(), body: Some(create(&world)) };
    assert_eq!(block_on(dead_letters::consume(&*world.app, letter)), Disposition::Ack);
    let task = world.task("task-1");
    assert_eq!(task["state"], "dead");
    assert_eq!(task["user_id"], world.connector.user.as_str());
    assert_eq!(world.told()[0]["data"]["error"]["code"], "attempts_exhausted");
}

#[test]
fn a_letter_waits_for_the_database_however_long_it_is_away() {
    let (world, letter) = given_up();
    for _ in 0..200 {
        world.app.db.fail_next("tasks.enter");
        assert_eq!(block_on(dead_letters::consume(&*world.app, letter.clone())), Disposition::Ack);
        let again = world.app.queues.take(QueueName::TasksDeadLetter).remove(0);
        assert!((30..=62).contains(&again.delay.num_seconds()), "{}", again.delay);
        assert_eq!(Some(again.body), letter.body);
    }
    assert_eq!(block_on(dead_letters::consume(&*world.app, letter)), Disposition::Ack);
    assert_eq!(world.task("task-1")["state"], "dead");
}

#[test]
fn a_task_that_was_entered_but_never_sent_is_swept_up() {
    let world = World::new();
    let reading = crate::tasks::envelope::read(&create(&world), "unused");
    let (asked, _) = submission::check(reading).unwrap();
    world.app.queues.set_down(true);
    let owner = crate::store::outbox::Owner::of(&world.connector);
    assert!(block_on(submission::submit(&*world.app, &asked, &owner)).is_err());
    world.app.queues.set_down(false);
    assert_eq!(block_on(submission::sweep(&*world.app)), Ok(0), "its message may still be on its way");
    world.app.clock.advance(chrono::TimeDelta::minutes(3));
    assert_eq!(block_on(submission::sweep(&*world.app)), Ok(1));
    assert_eq!(world.app.queues.sent(QueueName::Tasks)[0].body["id"], "task-1");
}
