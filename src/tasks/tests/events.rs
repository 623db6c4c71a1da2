//! create-event, update-event, cancel-event, refresh-token and disconnect.

use chrono::TimeDelta;
use serde_json::{Value as Json, json};

use super::World;
use crate::{
    domain::{event::CreationKey, failure::Failure},
    tasks::runner::Disposition,
    testing::{self, connect, refused},
};

#[test]
fn an_event_is_created_under_a_key_of_its_task() {
    let world = World::new();
    world.grant("create-event", json!({ "id": "event-1", "etag": "\"1\"" }));
    let result = world.succeed(
        "create-event",
        "task-1",
        json!({ "summary": "Demo", "start": "2026-12-01T09:00", "end": "2026-12-01T10:00", "timeZone": "Europe/Berlin",
                "attendees": [{ "email": "a@example.com" }], "unknownField": 1 }),
    );
    assert_eq!((&result["eventId"], &result["status"]), (&json!("event-1"), &json!("confirmed")));
    let body: serde_json::Value = serde_json::from_slice(world.app.http.requests()[0].body()).unwrap();
    let key = CreationKey::derive(&["event", world.connector.id.as_str(), "task-1"]);
    assert_eq!(body["key"], key.as_str());
}

#[test]
fn an_event_whose_creation_was_not_answered_is_looked_for_before_it_is_made() {
    let world = World::new();
    let payload = json!({ "summary": "Demo", "start": "2026-12-01T09:00", "end": "2026-12-01T10:00", "timeZone": "UTC" });
    let lose = |id: &str| {
        world.app.http.answer("create-event", Err(crate::ports::HttpError::Timeout));
        let message = world.message("create-event", id, payload.clone());
        assert!(matches!(world.deliver(message), Disposition::Retry { .. }));
    };
    lose("task-1");
    world.grant("find-event", json!({ "id": "event-1", "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"] }));
    let result = world.succeed("create-event", "task-1", payload.clone());
    assert_eq!(result["eventId"], "event-1");
    assert_eq!(result["recurrence"], json!(["RRULE:FREQ=DAILY;COUNT=2"]));
    assert_eq!(world.asked(), ["create-event", "find-event"]);

    lose("task-2");
    world.grant("find-event", json!(null));
    world.grant("create-event", json!({ "id": "event-2" }));
    assert_eq!(world.succeed("create-event", "task-2", payload)["eventId"], "event-2");
    assert_eq!(world.asked()[2..], ["create-event", "find-event", "create-event"]);
}

#[test]
fn what_the_provider_refuses_is_named_as_a_field_of_the_payload() {
    let world = World::new();
    let refusal = Failure::rejected("recurrence_not_supported", "recurrence[0]", "not here");
    for (kind, operation, payload) in [
        (
            "create-event",
            "create-event",
            json!({ "summary": "x", "start": "2026-12-01T09:00:00Z", "end": "2026-12-01T10:00:00Z", "timeZone": "UTC" }),
        ),
        ("update-event", "update-event", json!({ "eventId": "e", "summary": "x" })),
        ("cancel-event", "delete-event", json!({ "eventId": "e" })),
    ] {
        world.app.http.answer(operation, Ok(refused(&refusal)));
        assert_eq!(world.fail(kind, kind, payload)["field"], "payload.recurrence[0]", "{kind}");
    }
}

#[test]
fn a_scope_that_was_not_granted_is_named_once_for_each_connection_however_many_tasks_want_it() {
    let world = World::new();
    let refusal = Failure::unscoped("scope_missing", "calendar.write", "the scope was not granted");
    let told_after = |task: &str| {
        world.app.http.answer("update-event", Ok(refused(&refusal)));
        let error = world.fail("update-event", task, json!({ "eventId": "e", "summary": "x" }));
        assert_eq!(error["code"], "scope_missing");
        let insufficient = |told: &Json| told["type"] == "calendar.connector.scopes_insufficient";
        world.told().into_iter().filter(insufficient).collect::<Vec<_>>()
    };
    let told = told_after("task-1");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["data"]["missing"], json!(["calendar.write"]));
    assert_eq!(told[0]["data"]["accountEmail"], json!(world.connector.email));
    assert_eq!(told[0]["data"]["granted"], json!(world.connector.scopes));
    assert_eq!(told_after("task-2"), told);

    connect(&*world.app, "account-1");
    assert_eq!(told_after("task-3").len(), 2, "connected again, and still too little granted");
}

#[test]
fn an_update_that_meets_a_newer_version_is_reported() {
    let world = World::new();
    world
        .app
        .http
        .answer("update-event", Ok(refused(&Failure::conflict("event_changed", "changed meanwhile"))));
    let error =
        world.fail("update-event", "task-1", json!({ "eventId": "e", "etag": "\"1\"", "summary": "New" }));
    assert_eq!(error["code"], "event_changed");
    let conflict =
        world.told().into_iter().find(|told| told["type"] == "calendar.conflict.detected").unwrap();
    assert_eq!(conflict["data"]["eventId"], "e");
}

#[test]
fn an_update_is_applied_on_top_where_the_connector_prefers_so() {
    let world = World::new();
    world.app.db.execute("UPDATE connectors SET preferences = '{\"onConflict\":\"reapply\"}'");
    world
        .app
        .http
        .answer("update-event", Ok(refused(&Failure::conflict("event_changed", "changed meanwhile"))));
    world.grant("update-event", json!({ "id": "e", "etag": "\"3\"" }));
    let result =
        world.succeed("update-event", "task-1", json!({ "eventId": "e", "etag": "\"1\"", "summary": "New" }));
    assert_eq!(result["etag"], "\"3\"");
    let last: serde_json::Value =
        serde_json::from_slice(world.app.http.requests().last().unwrap().body()).unwrap();
    assert_eq!(last["if_match"], json!(null));
}

#[test]
fn an_update_whose_answer_was_lost_is_asked_for_again_as_the_same_change() {
    let world = World::new();
    let payload = json!({ "eventId": "e", "etag": "\"1\"", "summary": "New" });
    world.app.http.answer("update-event", Err(crate::ports::HttpError::Timeout));
    assert!(matches!(
        world.deliver(world.message("update-event", "task-1", payload.clone())),
        Disposition::Retry { .. }
    ));
    let key = CreationKey::derive(&["update", world.connector.id.as_str(), "task-1"]);
    world.grant("update-event", json!({ "id": "e", "etag": "\"2\"" }));
    assert_eq!(world.succeed("update-event", "task-1", payload)["etag"], "\"2\"");
    assert_eq!(world.asked(), ["update-event", "update-event"]);
    for request in world.app.http.requests() {
        let body: Json = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body["change"], key.as_str());
    }
}

#[test]
fn an_update_must_change_something_and_name_all_of_its_times() {
    let world = World::new();
    assert_eq!(world.fail("update-event", "task-1", json!({ "eventId": "e" }))["code"], "nothing_to_change");
    let error =
        world.fail("update-event", "task-2", json!({ "eventId": "e", "start": "2026-12-01T09:00:00Z" }));
    assert_eq!(error["field"], "payload.end");
}

#[test]
fn cancelling_an_event_that_is_gone_is_a_success() {
    let world = World::new();
    world.grant("delete-event", json!("gone"));
    assert_eq!(world.succeed("cancel-event", "task-1", json!({ "eventId": "e" }))["alreadyGone"], true);
    world.grant("delete-event", json!("deleted"));
    assert_eq!(world.succeed("cancel-event", "task-2", json!({ "eventId": "e" }))["alreadyGone"], false);
}

#[test]
fn cancelling_another_version_is_a_conflict_or_done_anyway_as_the_connector_prefers() {
    let world = World::new();
    let conflict = || Ok(refused(&Failure::conflict("event_changed", "changed meanwhile")));
    let payload = json!({ "eventId": "e", "etag": "\"1\"" });
    world.app.http.answer("delete-event", conflict());
    assert_eq!(world.fail("cancel-event", "task-1", payload.clone())["code"], "event_changed");
    let told = world.told();
    let told = told.iter().find(|told| told["type"] == "calendar.conflict.detected").unwrap();
    assert_eq!((&told["data"]["eventId"], &told["data"]["etag"]), (&json!("e"), &json!("\"1\"")));

    world.app.db.execute("UPDATE connectors SET preferences = '{\"onConflict\":\"reapply\"}'");
    world.app.http.answer("delete-event", conflict());
    world.grant("delete-event", json!("deleted"));
    assert_eq!(world.succeed("cancel-event", "task-2", payload)["alreadyGone"], false);
    let last: Json = serde_json::from_slice(world.app.http.requests().last().unwrap().body()).unwrap();
    assert_eq!(last["if_match"], json!(null));
}

#[test]
fn an_event_is_not_called_gone_because_its_calendar_was_misspelt() {
    let world = World::new();
    world.grant("delete-event", json!("gone"));
    let error = world.fail("cancel-event", "task-1", json!({ "eventId": "e", "calendarId": "wrok" }));
    assert_eq!(
        (error["code"].as_str(), error["field"].as_str()),
        (Some("unknown_calendar"), Some("payload.calendarId"))
    );
    // One that was shared after the account was connected is not known, and still has what is in it.
    world.grant("delete-event", json!("deleted"));
    world.succeed("cancel-event", "task-2", json!({ "eventId": "e", "calendarId": "new" }));
}

#[test]
fn a_refresh_tells_when_the_token_ends_and_nothing_of_the_token() {
    let world = World::new();
    let result = world.succeed("refresh-token", "task-1", json!({ "force": true }));
    assert!(result["expiresAt"].is_string());
    assert_eq!(result.as_object().unwrap().len(), 1);
}

#[test]
fn a_scheduled_refresh_is_not_told() {
    let world = World::new();
    world.deliver(world.message("refresh-token", "task-1", json!({ "scheduled": true })));
    assert_eq!(world.task("task-1")["state"], "succeeded");
    assert!(world.told().is_empty());
}

#[test]
fn a_wish_to_disconnect_that_is_older_than_the_connection_leaves_it_alone() {
    let world = World::new();
    world.app.http.answer("revoke", Err(crate::ports::HttpError::Timeout));
    let message = world.message("disconnect", "task-1", json!({}));
    assert!(matches!(world.deliver(message), Disposition::Retry { .. }));
    world.app.clock.advance(TimeDelta::minutes(1));
    testing::connect(&*world.app, "account-1");
    assert_eq!(world.fail("disconnect", "task-1", json!({}))["code"], "connected_again");
    assert_eq!(world.app.db.read("SELECT id FROM connectors").len(), 1);
}

#[test]
fn disconnecting_purges_the_connector_and_keeps_the_task() {
    let world = World::new();
    world.grant("create-event", json!({ "id": "event-1" }));
    world.succeed(
        "create-event",
        "task-0",
        json!({ "summary": "x", "start": "2026-12-01T09:00:00Z", "end": "2026-12-01T10:00:00Z", "timeZone": "UTC" }),
    );
    world.app.db.execute(
        "CREATE TEMP TABLE copy AS SELECT * FROM tasks WHERE task_id = 'task-0'; \
         UPDATE copy SET task_id = 'under-way', state = 'running'; INSERT INTO tasks SELECT * FROM copy",
    );
    world.grant("revoke", json!(null));
    world.succeed("disconnect", "task-1", json!({}));
    let types: Vec<_> = world.told().iter().map(|told| told["type"].clone()).collect();
    assert!(types.contains(&json!("calendar.connector.disconnected")), "{types:?}");
    for table in ["connectors", "calendars", "holds", "sync_state"] {
        assert!(world.app.db.read(&format!("SELECT * FROM {table}")).is_empty(), "{table}");
    }
    assert_eq!(world.task("task-0"), serde_json::Value::Null);
    assert_eq!(world.task("under-way")["state"], "running", "whoever runs it is to write its end");
    assert_eq!(world.task("task-1")["state"], "succeeded");
    assert_eq!(world.task("task-1")["user_id"], world.connector.user.as_str());
}
