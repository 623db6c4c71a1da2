//! find-slots.

use serde_json::{Value as Json, json};

use super::World;
use crate::{
    domain::failure::Failure,
    tasks::runner::Disposition,
    testing::{connect_for, refused},
};

fn morning(more: Json) -> Json {
    let mut payload = json!({
        "timeMin": "2026-03-03T09:00", "timeMax": "2026-03-03T11:00", "timeZone": "Europe/Berlin", "durationMinutes": 60,
    });
    for (name, value) in more.as_object().unwrap() {
        payload[name] = value.clone();
    }
    payload
}

#[test]
fn slots_of_several_people_take_a_call_each_and_three_round_trips() {
    let world = World::new();
    connect_for(&world.app, "bob", "r", "user-1", None);
    world.app.db.forget_trips();
    world.grant("free-busy", json!({ "primary": [["2026-03-03T08:00:00Z", "2026-03-03T08:30:00Z"]] }));
    world.grant("free-busy", json!({ "primary": [] }));
    // Its own connector may be named or not.
    let both = json!({"connectorId": "con-account-1", "connectorIds": ["con-bob", "con-account-1"]});
    let result = world.succeed("find-slots", "task-1", morning(both));
    assert_eq!(
        result["slots"],
        json!([
            { "start": "2026-03-03T09:30:00+01:00", "end": "2026-03-03T10:30:00+01:00" },
            { "start": "2026-03-03T10:00:00+01:00", "end": "2026-03-03T11:00:00+01:00" },
        ])
    );
    assert_eq!((&result["complete"], &result["unknown"]), (&json!(true), &json!([])));
    assert_eq!(world.asked(), ["free-busy", "free-busy"]);
    assert_eq!(world.app.db.trips().len(), 3);
}

#[test]
fn a_task_asks_about_connectors_of_its_own_user_or_workspace_alone() {
    for (user, workspace, reached) in [
        ("user-1", None, true),
        ("user-1", Some("physics"), true),
        ("user-2", Some("math"), true),
        ("user-2", Some("physics"), false),
        ("user-2", None, false),
    ] {
        let world = World::new();
        world.app.db.execute("UPDATE connectors SET workspace_id = 'math'");
        connect_for(&world.app, "other", "r", user, workspace);
        world.grant("free-busy", json!({ "primary": [] }));
        world.grant("free-busy", json!({ "primary": [] }));
        let result = world.succeed("find-slots", "task-1", morning(json!({"connectorIds": ["con-other"]})));
        assert_eq!(result["complete"], reached, "{user} {workspace:?}");
        assert_eq!(world.asked().len(), if reached { 2 } else { 1 });
        if !reached {
            assert_eq!(result["slots"], json!([]));
            let none = world.succeed("find-slots", "task-2", morning(json!({"connectorIds": ["con-none"]})));
            let told = |result: &Json, id: &str| result["unknown"].to_string().replace(id, "con-it");
            assert!(told(&result, "con-other").contains("connector_not_found"));
            assert_eq!(told(&result, "con-other"), told(&none, "con-none"));
        }
    }
}

#[test]
fn what_passes_is_waited_for_and_what_does_not_is_told() {
    let world = World::new();
    connect_for(&world.app, "bob", "r", "user-1", None);
    let with_bob = || morning(json!({"connectorIds": ["con-bob"]}));
    world.grant("free-busy", json!({ "primary": [] }));
    world.app.http.answer("free-busy", Ok(refused(&Failure::retry("provider_unavailable", "down", None))));
    let message = world.message("find-slots", "task-1", with_bob());
    assert!(matches!(world.deliver(message), Disposition::Retry { .. }));
    assert!(world.told().is_empty());

    world.grant("free-busy", json!({ "primary": [] }));
    world.app.http.answer("free-busy", Ok(refused(&Failure::reauthorize("grant_gone", "gone"))));
    let result = world.succeed("find-slots", "task-2", with_bob());
    assert_eq!((&result["complete"], &result["slots"]), (&json!(false), &json!([])));
    assert_eq!(result["unknown"][0]["connectorId"], "con-bob");

    world.app.http.answer("free-busy", Ok(refused(&Failure::refused("forbidden", "no"))));
    world.grant("free-busy", json!({ "primary": [] }));
    assert_eq!(world.fail("find-slots", "task-3", with_bob())["code"], "forbidden", "its own connector");
}

#[test]
fn what_makes_no_sense_is_refused_with_its_field() {
    let world = World::new();
    let many: Vec<_> = (0..51).map(|number| format!("{number}@example.com")).collect();
    for (more, code, field) in [
        (json!({"durationMinutes": null}), "wrong_type", "durationMinutes"),
        (json!({"durationMinutes": 0}), "out_of_range", "durationMinutes"),
        (json!({"stepMinutes": 0}), "out_of_range", "stepMinutes"),
        (json!({"stepMinutes": -5}), "wrong_type", "stepMinutes"),
        (json!({"bufferBeforeMinutes": 1441}), "out_of_range", "bufferBeforeMinutes"),
        (json!({"bufferAfterMinutes": 1441}), "out_of_range", "bufferAfterMinutes"),
        (json!({"minimumNoticeMinutes": 4_294_967_295_u32}), "out_of_range", "minimumNoticeMinutes"),
        (json!({"limit": 1001}), "out_of_range", "limit"),
        (json!({"timeMax": "2027-04-03"}), "out_of_range", "timeMax"),
        (json!({"timeZone": "Mars"}), "unknown_time_zone", "timeZone"),
        (json!({"calendars": []}), "empty_field", "calendars"),
        (json!({"attendees": ["a@example.com", "b"]}), "bad_address", "attendees[1]"),
        (json!({"attendees": many}), "too_many", "attendees"),
        (json!({"connectorIds": many}), "too_many", "connectorIds"),
        (json!({"connectorId": "con-other"}), "connector_mismatch", "connectorId"),
    ] {
        let error = world.fail("find-slots", &format!("{code}-{field}"), morning(more.clone()));
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!(code), &json!(format!("payload.{field}"))),
            "{more}"
        );
    }
    assert!(world.asked().is_empty());
}
