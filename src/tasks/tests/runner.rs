//! Claiming, settling, repeating: what holds for every task.

use chrono::TimeDelta;
use serde_json::json;

use super::World;
use crate::{
    domain::failure::Failure,
    gate::{Admission, WaitReason},
    ports::QueueName,
    store::outbox::Owner,
    tasks::{MAX_ATTEMPTS, resending::COUNTED_WAIT, runner::Disposition, submission},
    testing::{block_on, refused, reread},
};

fn create(world: &World, id: &str) -> serde_json::Value {
    world.message(
        "create-event",
        id,
        json!({ "summary": "Demo", "start": "2026-12-01T09:00:00Z", "end": "2026-12-01T10:00:00Z", "timeZone": "UTC",
                "attendees": [] }),
    )
}

#[test]
fn a_task_takes_three_round_trips_and_one_call() {
    let world = World::new();
    world.grant("create-event", json!({ "id": "event-1" }));
    assert_eq!(world.deliver(create(&world, "task-1")), Disposition::Ack);
    assert_eq!(world.asked(), ["create-event"]);
    let trips = world.app.db.trips();
    assert_eq!(trips.len(), 3, "{trips:?}");
    assert_eq!(trips[2], ["outbox.mark_sent"]);
}

#[test]
fn a_task_delivered_again_is_not_done_again_and_not_told_again() {
    let world = World::new();
    world.grant("create-event", json!({ "id": "event-1" }));
    world.deliver(create(&world, "task-1"));
    assert_eq!(world.deliver(create(&world, "task-1")), Disposition::Ack);
    assert_eq!(
        world.deliver_all(vec![create(&world, "task-1"), create(&world, "task-1")]),
        [Some(Disposition::Ack); 2]
    );
    assert_eq!(world.asked(), ["create-event"]);
    assert_eq!(world.told().len(), 1);
}

#[test]
fn good_and_bad_messages_of_a_batch_are_settled_one_by_one() {
    let world = World::new();
    world.grant("create-event", json!({ "id": "event-1" }));
    let unknown = json!({ "type": "create-event", "connectorId": "con_nobody", "id": "stray", "payload":
        { "summary": "x", "start": "2026-12-01T09:00:00Z", "end": "2026-12-01T10:00:00Z", "timeZone": "UTC" } });
    let settled = world.deliver_all(vec![json!("nonsense"), json!(null), create(&world, "task-1"), unknown]);
    assert_eq!(settled, [Some(Disposition::Ack); 4]);
    let mut codes: Vec<_> = world
        .told()
        .iter()
        .map(|told| told["data"]["error"]["code"].as_str().unwrap_or("succeeded").to_owned())
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, ["connector_not_found", "not_an_object", "not_an_object", "succeeded"]);
}

#[test]
fn a_bad_field_is_told_with_its_path_and_recorded() {
    let world = World::new();
    let error = world.fail(
        "create-event",
        "task-1",
        json!({ "summary": "x", "start": "tomorrow", "end": "2026-12-01T10:00:00Z", "timeZone": "UTC" }),
    );
    assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some("bad_time"), Some("payload.start")));
    assert_eq!(error["retryable"], false);
    assert_eq!(world.task("task-1")["state"], "failed");
}

#[test]
fn a_missing_field_is_told_with_its_path() {
    let world = World::new();
    let error = world.fail("place-hold", "task-1", json!({ "start": "2026-12-01T09:00:00Z" }));
    assert_eq!(
        (error["code"].as_str(), error["field"].as_str()),
        (Some("missing_field"), Some("payload.holdId"))
    );
}

#[test]
fn what_does_not_fit_is_told_with_the_path_of_whichever_field_it_is() {
    let good = json!({ "summary": "x", "start": "2026-12-01T09:00:00Z", "end": "2026-12-01T10:00:00Z", "timeZone": "UTC" });
    for (name, value, code, field) in [
        ("summary", json!(5), "wrong_type", "payload.summary"),
        ("timeZone", json!(["UTC"]), "wrong_type", "payload.timeZone"),
        ("location", json!({}), "wrong_type", "payload.location"),
        ("visibility", json!("secret"), "wrong_type", "payload.visibility"),
        (
            "attendees",
            json!([{ "email": "a@example.org" }, { "email": 5 }]),
            "wrong_type",
            "payload.attendees[1].email",
        ),
        ("attendees", json!([{ "displayName": "x" }]), "missing_field", "payload.attendees[0].email"),
        (
            "reminders",
            json!([{ "method": "popup", "minutes": -1 }]),
            "wrong_type",
            "payload.reminders[0].minutes",
        ),
    ] {
        let mut payload = good.clone();
        payload[name] = value;
        let error = World::new().fail("create-event", "task-1", payload.clone());
        assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some(code), Some(field)), "{payload}");
    }
    let error = World::new().fail("create-event", "task-1", json!(null));
    assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some("wrong_type"), Some("payload")));
}

#[test]
fn one_id_stands_for_one_payload() {
    let world = World::new();
    world.grant("create-event", json!({ "id": "event-1" }));
    world.deliver(create(&world, "task-1"));
    let error = world.fail("cancel-hold", "task-1", json!({ "holdId": "hold-1" }));
    assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some("id_reused"), Some("id")));
    assert_eq!(world.task("task-1")["state"], "succeeded");
}

#[test]
fn a_task_whose_numbers_the_queue_wrote_otherwise_is_the_same_task() {
    let world = World::new();
    world.grant("create-event", json!({ "id": "event-1" }));
    let mut message = create(&world, "task-1");
    message["payload"]["reminders"] = json!([{ "method": "popup", "minutes": 10.0 }]);
    message["payload"]["ignored"] = json!(0.1);
    let (asked, _) = submission::check(crate::tasks::envelope::read(&message, "unused")).unwrap();
    block_on(submission::submit(&*world.app, &asked, &Owner::of(&world.connector))).unwrap();
    let sent = world.app.queues.take(QueueName::Tasks).remove(0);
    assert_eq!(world.deliver(sent.body), Disposition::Ack);
    assert_eq!(world.task("task-1")["state"], "succeeded");
    assert_eq!(world.told().len(), 1);
}

#[test]
fn a_fault_is_tried_again_as_the_provider_says_and_given_up_after_five_attempts() {
    let world = World::new();
    let after = TimeDelta::seconds(7);
    for attempt in 1..=MAX_ATTEMPTS {
        let failure = Failure::retry("provider_unavailable", "try later", Some(after));
        world.app.http.answer("find-event", Ok(refused(&failure)));
        world.app.http.answer("create-event", Ok(refused(&failure)));
        let disposition = world.deliver(create(&world, "task-1"));
        let expected =
            if attempt < MAX_ATTEMPTS { Disposition::Retry { delay: after } } else { Disposition::Ack };
        assert_eq!(disposition, expected, "attempt {attempt}");
        assert_eq!(world.task("task-1")["attempts"], attempt);
        world.app.clock.advance(after);
    }
    assert_eq!(world.app.queues.sent(QueueName::TasksDeadLetter).len(), 1);
    assert_eq!(world.told(), Vec::<serde_json::Value>::new());

    // Whoever comes before the letter was read starts no sixth attempt.
    assert_eq!(world.deliver(create(&world, "task-1")), Disposition::Ack);
    assert_eq!(world.task("task-1")["attempts"], MAX_ATTEMPTS);
    assert_eq!(world.app.queues.sent(QueueName::TasksDeadLetter).len(), 2);
}

#[test]
fn waiting_for_a_budget_costs_no_attempt_and_no_delivery() {
    let world = World::new();
    let after = TimeDelta::seconds(40);
    world.app.gate.answer_next(Ok(Admission::Wait { after, reason: WaitReason::Budget }));
    assert_eq!(world.deliver(create(&world, "task-1")), Disposition::Ack);
    let task = world.task("task-1");
    assert_eq!((task["state"].as_str(), task["attempts"].as_i64()), (Some("queued"), Some(0)));
    let sent = world.app.queues.take(QueueName::Tasks);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].delay, after);

    // Another message for the same task is none the wiser: the one just sent will do.
    assert_eq!(world.deliver(create(&world, "task-1")), Disposition::Ack);
    assert_eq!(world.app.queues.take(QueueName::Tasks), []);

    world.app.clock.advance(after);
    world.grant("find-event", json!(null));
    world.grant("create-event", json!({ "id": "event-1" }));
    assert_eq!(world.deliver(sent[0].body.clone()), Disposition::Ack);
    assert_eq!(world.task("task-1")["state"], "succeeded");
}

#[test]
fn a_task_that_cannot_be_run_comes_to_an_end_however_often_it_is_replayed() {
    let world = World::new();
    for run in 1..=2 {
        world.fail("fly-away", "task-1", json!({}));
        let task = world.task("task-1");
        assert_eq!((task["state"].as_str(), task["run"].as_i64()), (Some("failed"), Some(run)));
        block_on(submission::replay(&*world.app, &world.connector.id, &"task-1".into())).unwrap();
    }
    let ids: std::collections::BTreeSet<_> = world.told().iter().map(|told| told["id"].to_string()).collect();
    assert_eq!(ids.len(), 2, "a result for each run");
}

#[test]
fn tasks_of_a_paused_connector_wait() {
    let world = World::new();
    world.app.db.execute("UPDATE connectors SET status = 'paused'");
    assert_eq!(world.deliver(create(&world, "task-1")), Disposition::Ack);
    assert_eq!(world.task("task-1")["state"], "queued");
    assert_eq!(world.app.queues.sent(QueueName::Tasks).len(), 1);
    assert!(world.asked().is_empty());
}

#[test]
fn a_revoked_grant_fails_the_task_and_is_not_tried_again() {
    let world = World::new();
    world.app.db.execute("UPDATE connectors SET status = 'reauth_required'");
    world.deliver(create(&world, "task-1"));
    assert_eq!(world.told()[0]["data"]["error"]["code"], "reauth_required");
    assert_eq!(world.task("task-1")["state"], "failed");
}

#[test]
fn a_task_whose_runner_died_is_taken_over_when_the_claim_lapses() {
    let world = World::new();
    world.grant("create-event", json!({ "id": "event-1" }));
    // The runner dies between the provider's answer and the batch that settles the task.
    world.app.db.fail_next("outbox.insert_if_claimed");
    assert_eq!(world.deliver(create(&world, "task-1")), Disposition::Ack);
    assert_eq!(world.app.queues.take(QueueName::Tasks).len(), 1);
    assert_eq!(world.task("task-1")["state"], "running");

    assert_eq!(world.deliver(create(&world, "task-1")), Disposition::Ack);
    let waiting = world.app.queues.take(QueueName::Tasks);
    assert_eq!(waiting.len(), 1, "it comes again when the claim has lapsed");

    world.app.clock.advance(waiting[0].delay);
    world.grant("find-event", json!({ "id": "event-1" }));
    assert_eq!(world.deliver(waiting[0].body.clone()), Disposition::Ack);
    assert_eq!(world.task("task-1")["state"], "succeeded");
    assert_eq!(world.asked(), ["create-event", "find-event"]);
    assert_eq!(world.told().len(), 1);
}

#[test]
fn a_task_waits_for_the_database_however_long_it_is_away() {
    let world = World::new();
    let mut message = create(&world, "task-1");
    for _ in 0..200 {
        world.app.db.fail_next("tasks.claim");
        assert_eq!(world.deliver(message), Disposition::Ack, "no delivery is spent");
        let again = world.app.queues.take(QueueName::Tasks).remove(0);
        assert!((30..=62).contains(&again.delay.num_seconds()), "{}", again.delay);
        world.app.clock.advance(again.delay);
        message = again.body;
    }
    world.grant("create-event", json!({ "id": "event-1" }));
    assert_eq!(world.deliver(message), Disposition::Ack);
    assert_eq!(world.task("task-1")["attempts"], 1);
    assert_eq!(world.told()[0]["type"], "calendar.task.succeeded");
}

#[test]
fn a_task_without_an_id_keeps_its_name_while_the_database_is_away() {
    let world = World::new();
    world.app.db.fail_next("tasks.claim");
    world.deliver(json!({ "type": "fly-away", "connectorId": "c" }));
    assert_eq!(world.app.queues.take(QueueName::Tasks), [], "one nobody can run comes back as it was");
    let payload = json!({ "force": false });
    world.app.db.fail_next("tasks.claim");
    world.deliver(json!({ "type": "refresh-token", "connectorId": world.connector.id, "payload": payload }));
    assert_eq!(world.app.queues.take(QueueName::Tasks)[0].body["id"], "message-0");
}

#[test]
fn with_the_queue_away_too_the_message_comes_back_late() {
    let world = World::new();
    world.app.db.fail_next("tasks.claim");
    world.app.queues.set_down(true);
    let late = Disposition::Retry { delay: COUNTED_WAIT };
    assert_eq!(world.deliver(create(&world, "task-1")), late);
}

#[test]
fn what_an_error_quotes_is_cut_short() {
    let world = World::new();
    let error = world.fail("refresh-token", "task-1", json!({ "force": "x".repeat(100_000) }));
    assert_eq!(error["message"].as_str().unwrap().len(), 1_000);
}

#[test]
fn a_notification_the_queue_did_not_take_is_swept() {
    let world = World::new();
    world.grant("create-event", json!({ "id": "event-1" }));
    world.app.queues.set_down(true);
    assert_eq!(world.deliver(create(&world, "task-1")), Disposition::Ack);
    world.app.queues.set_down(false);
    world.app.clock.advance(TimeDelta::seconds(31));
    assert_eq!(crate::testing::block_on(crate::outbox::sweep(&*world.app)), Ok(1));
    assert_eq!(crate::testing::block_on(crate::outbox::sweep(&*world.app)), Ok(0));
    assert_eq!(world.told()[0]["id"], format!("task:{}:task-1:1", world.connector.id));
}

#[test]
fn a_use_of_the_connector_is_remembered() {
    let world = World::new();
    world.grant("create-event", json!({ "id": "event-1" }));
    world.deliver(create(&world, "task-1"));
    let rows = world.app.db.read("SELECT last_used_at FROM connectors");
    assert!(rows[0]["last_used_at"].is_number());
    assert_eq!(reread(&*world.app, &world.connector.id).id, world.connector.id);
}
