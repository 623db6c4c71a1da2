//! What each route of the API takes and answers.

use chrono::TimeDelta;

use super::*;
use crate::{
    domain::failure::Failure,
    ports::{HttpError, QueueName},
    testing::{app, connect, connect_for, granted, refused, reread},
};

const WINDOW: &str =
    r#"{"timeMin": "2026-03-02T00:00:00Z", "timeMax": "2026-03-03T00:00:00Z", "timeZone": "Europe/Berlin"}"#;

fn window(more: Value) -> Value {
    let mut body: Value = serde_json::from_str(WINDOW).unwrap();
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[test]
fn connectors_are_listed_a_page_at_a_time() {
    let app = app();
    for account in ["a", "b", "c"] {
        connect(&app, account);
    }
    let first = get(&app, "/v1/connectors?limit=2").expect(200).json();
    assert_eq!((&first["connectors"][1]["id"], &first["next"]), (&json!("con-b"), &json!("con-b")));
    let second = get(&app, "/v1/connectors?limit=2&after=con-b").expect(200).json();
    assert_eq!((&second["connectors"][0]["id"], &second["next"]), (&json!("con-c"), &json!(null)));
    for limit in ["0", "201"] {
        let problem = get(&app, &format!("/v1/connectors?limit={limit}")).problem();
        assert_eq!(problem, (422, "bad_value".to_owned(), Some("limit".to_owned())));
    }
    assert_eq!(get(&app, "/v1/connectors?limit=many").problem().1, "bad_query");
}

#[test]
fn a_connector_shows_everything_but_its_secrets() {
    let app = app();
    connect_for(&app, "a", "refresh-secret", "ada", Some("math"));
    let reply = get(&app, "/v1/connectors/con-a").expect(200);
    insta::assert_snapshot!(serde_json::to_string_pretty(&reply.json()).unwrap(), @r#"
    {
      "accountEmail": "a@example.com",
      "accountId": "a",
      "createdAt": "2026-03-02T09:00:00Z",
      "id": "con-a",
      "preferences": {
        "onConflict": "report"
      },
      "provider": "google",
      "scopes": [
        "openid",
        "calendar"
      ],
      "status": "active",
      "timeZone": "UTC",
      "updatedAt": "2026-03-02T09:00:00Z",
      "userId": "ada",
      "workspaceId": "math"
    }
    "#);
    assert!(!reply.text().contains("v1."), "not even sealed");
    assert_eq!(get(&app, "/v1/connectors/con-b").problem(), (404, "connector_not_found".to_owned(), None));
}

#[test]
fn preferences_are_changed_and_checked_against_the_account() {
    let app = app();
    let connector = connect(&app, "a");
    app.db.execute("INSERT INTO calendars VALUES ('con-a', 'main', 'Main', NULL, 1, 'own', 1, 0)");
    let good = json!({"preferences": {"bookingCalendar": "main", "timeZone": "Europe/Paris"}});
    let reply = call(&app, API_KEY, "PATCH", "/v1/connectors/con-a", Some(&good)).expect(200).json();
    assert_eq!(
        reply["preferences"],
        json!({"bookingCalendar": "main", "timeZone": "Europe/Paris", "onConflict": "report"})
    );
    assert_eq!(reread(&app, &connector.id).preferences.booking_calendar, Some("main".into()));
    let bad = json!({"preferences": {"bookingCalendar": "other"}});
    let problem = call(&app, API_KEY, "PATCH", "/v1/connectors/con-a", Some(&bad)).problem();
    assert_eq!(problem, (422, "unknown_calendar".to_owned(), Some("preferences.bookingCalendar".to_owned())));
}

#[test]
fn a_connector_is_paused_and_resumed_unless_its_grant_is_gone() {
    let app = app();
    connect(&app, "a");
    for (verb, status) in [("pause", "paused"), ("pause", "paused"), ("resume", "active")] {
        let reply = call(&app, API_KEY, "POST", &format!("/v1/connectors/con-a/{verb}"), None).expect(200);
        assert_eq!(reply.json()["status"], status);
    }
    app.db.execute("UPDATE connectors SET status = 'reauth_required'");
    let problem = call(&app, API_KEY, "POST", "/v1/connectors/con-a/pause", None).problem();
    assert_eq!(problem, (409, "reauth_required".to_owned(), None));
}

#[test]
fn tasks_that_waited_go_to_the_queue_when_their_connector_is_resumed() {
    let app = app();
    connect(&app, "a");
    connect(&app, "b");
    for connector in ["con-a", "con-b"] {
        call(&app, API_KEY, "POST", &format!("/v1/connectors/{connector}/pause"), None).expect(200);
        for id in ["waiting", "done"] {
            let task = json!({"type": "refresh-token", "connectorId": connector, "payload": {}, "id": id});
            post(&app, "/v1/tasks", &task).expect(202);
        }
    }
    app.db.execute(
        "UPDATE tasks SET state = 'succeeded' WHERE task_id = 'done';
         UPDATE tasks SET due_at = due_at + 300000 WHERE task_id = 'waiting'",
    );
    app.queues.take(QueueName::Tasks);
    // The first time the queue takes nothing, and the caller asks again.
    app.queues.set_down(true);
    call(&app, API_KEY, "POST", "/v1/connectors/con-a/resume", None).expect(503);
    app.queues.set_down(false);
    for _ in 0..2 {
        call(&app, API_KEY, "POST", "/v1/connectors/con-a/resume", None).expect(200);
        let sent = app.queues.take(QueueName::Tasks);
        let named: Vec<_> =
            sent.iter().map(|sent| (&sent.body["connectorId"], &sent.body["id"], sent.delay)).collect();
        assert_eq!(named, [(&json!("con-a"), &json!("waiting"), TimeDelta::zero())]);
    }
}

#[test]
fn deleting_a_connector_revokes_purges_and_tells() {
    let app = app();
    connect(&app, "a");
    app.http.answer("/revoke", Ok(granted(json!(null))));
    let reply = call(&app, API_KEY, "DELETE", "/v1/connectors/con-a", None).expect(200).json();
    assert_eq!(reply, json!({"revoked": true, "holdsReleased": 0, "holdsLeft": 0}));
    call(&app, API_KEY, "DELETE", "/v1/connectors/con-a", None).expect(404);
    let told = get(&app, "/v1/notifications?connectorId=con-a").expect(200).json();
    let kinds: Vec<_> =
        told["notifications"].as_array().unwrap().iter().map(|told| told["type"].clone()).collect();
    assert!(kinds.contains(&json!("calendar.connector.disconnected")), "{kinds:?}");
    assert_eq!(app.queues.sent(QueueName::Notify).len(), kinds.len());
}

#[test]
fn a_connector_whose_provider_is_down_is_deleted_later() {
    let app = app();
    connect(&app, "a");
    app.http.answer("/revoke", Err(HttpError::Timeout));
    let task = call(&app, API_KEY, "DELETE", "/v1/connectors/con-a", None).expect(202).json();
    assert_eq!((&task["type"], &task["state"]), (&json!("disconnect"), &json!("queued")));
    let waiting = app.queues.sent(QueueName::Tasks);
    assert_eq!(waiting[0].body["id"], task["taskId"]);
    assert!(waiting[0].delay > chrono::TimeDelta::zero());
    get(&app, "/v1/connectors/con-a").expect(200);
}

#[test]
fn a_task_is_taken_and_its_state_told() {
    let app = app();
    connect(&app, "a");
    let task = json!({"type": "refresh-token", "connectorId": "con-a", "payload": {}, "id": "t1", "correlationId": "c1"});
    let reply = post(&app, "/v1/tasks", &task).expect(202).json();
    assert_eq!(
        (&reply["taskId"], &reply["type"], &reply["state"], &reply["connectorId"], &reply["attempts"]),
        (&json!("t1"), &json!("refresh-token"), &json!("queued"), &json!("con-a"), &json!(0))
    );
    assert_eq!(app.queues.sent(QueueName::Tasks)[0].body["id"], "t1");
    assert_eq!(get(&app, "/v1/tasks/t1").expect(200).json(), reply);
    let again = post(&app, "/v1/tasks", &task).expect(202).json();
    assert_eq!(again["taskId"], "t1");

    let unnamed = json!({"type": "refresh-token", "connectorId": "con-a", "payload": {}});
    let (one, other) = (
        post(&app, "/v1/tasks", &unnamed).expect(202).json(),
        post(&app, "/v1/tasks", &unnamed).expect(202).json(),
    );
    assert!(one["taskId"].as_str().unwrap().starts_with("task_"));
    assert_ne!(one["taskId"], other["taskId"]);
}

#[test]
fn a_task_that_could_never_run_is_refused_with_its_field() {
    let app = app();
    connect(&app, "a");
    for (task, status, code, field) in [
        (json!([]), 422, "not_an_object", None),
        (json!({"connectorId": "con-a"}), 422, "missing_field", Some("type")),
        (json!({"type": "fly", "connectorId": "con-a"}), 422, "unknown_task_type", Some("type")),
        (json!({"type": "refresh-token"}), 422, "missing_field", Some("connectorId")),
        (
            json!({"type": "refresh-token", "connectorId": "con-b", "payload": {}}),
            404,
            "connector_not_found",
            None,
        ),
        (
            json!({"type": "check-availability", "connectorId": "con-a", "payload": {}}),
            422,
            "missing_field",
            Some("payload.timeMin"),
        ),
        (
            json!({"type": "refresh-token", "connectorId": "con-a", "payload": {"of": vec![0.1; 10_000]}}),
            422,
            "task_too_large",
            Some("payload"),
        ),
        (
            json!({"type": "refresh-token", "connectorId": "con-a", "payload": {"of": [9_007_199_254_740_993_i64]}}),
            422,
            "out_of_range",
            Some("payload.of[0]"),
        ),
    ] {
        let expected = (status, code.to_owned(), field.map(str::to_owned));
        assert_eq!(post(&app, "/v1/tasks", &task).problem(), expected, "{task}");
    }
    let first =
        json!({"type": "cancel-hold", "connectorId": "con-a", "payload": {"holdId": "h"}, "id": "t1"});
    post(&app, "/v1/tasks", &first).expect(202);
    let mut other = first.clone();
    other["payload"]["holdId"] = json!("another");
    assert_eq!(
        post(&app, "/v1/tasks", &other).problem(),
        (422, "id_reused".to_owned(), Some("id".to_owned()))
    );
    assert!(app.queues.sent(QueueName::Tasks).len() == 1);
}

#[test]
fn a_queue_that_takes_nothing_is_told_and_the_task_is_not_lost() {
    let app = app();
    connect(&app, "a");
    app.queues.set_down(true);
    let reply = post(
        &app,
        "/v1/tasks",
        &json!({"type": "refresh-token", "connectorId": "con-a", "payload": {}, "id": "t1"}),
    );
    assert_eq!(reply.problem(), (503, "queue_unavailable".to_owned(), None));
    assert!(!reply.header(header::RETRY_AFTER).is_empty());
    assert_eq!(get(&app, "/v1/tasks/t1").expect(200).json()["state"], "queued");
}

#[test]
fn only_a_task_that_failed_is_replayed() {
    let app = app();
    connect(&app, "a");
    post(
        &app,
        "/v1/tasks",
        &json!({"type": "refresh-token", "connectorId": "con-a", "payload": {}, "id": "t1"}),
    )
    .expect(202);
    let replay = || call(&app, API_KEY, "POST", "/v1/tasks/t1/replay", None);
    assert_eq!(replay().problem(), (409, "task_not_failed".to_owned(), None));
    app.db.execute("UPDATE tasks SET state = 'dead'");
    app.queues.take(QueueName::Tasks);
    assert_eq!(replay().expect(202).json()["state"], "queued");
    assert_eq!(app.queues.sent(QueueName::Tasks).len(), 1);
    assert_eq!(call(&app, API_KEY, "POST", "/v1/tasks/t2/replay", None).problem().1, "task_not_found");
}

#[test]
fn one_id_of_two_connectors_tasks_needs_the_connector() {
    let app = app();
    connect(&app, "a");
    connect(&app, "b");
    for connector in ["con-a", "con-b"] {
        post(
            &app,
            "/v1/tasks",
            &json!({"type": "refresh-token", "connectorId": connector, "payload": {}, "id": "t1"}),
        )
        .expect(202);
    }
    assert_eq!(
        get(&app, "/v1/tasks/t1").problem(),
        (422, "task_id_ambiguous".to_owned(), Some("connectorId".to_owned()))
    );
    assert_eq!(get(&app, "/v1/tasks/t1?connectorId=con-b").expect(200).json()["connectorId"], "con-b");
}

#[test]
fn availability_of_several_connectors_costs_one_round_trip_and_one_call_each() {
    let app = app();
    for account in ["a", "b", "c"] {
        connect(&app, account);
    }
    app.db.forget_trips();
    app.http.answer("/free-busy", Ok(granted(json!({"primary": [["2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"], ["2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z"]]}))));
    app.http.answer("/free-busy", Ok(refused(&Failure::retry("provider_unavailable", "down", None))));
    app.http.answer("/free-busy", Ok(granted(json!({"primary": "notFound"}))));
    let reply = post(
        &app,
        "/v1/availability",
        &window(json!({"connectorIds": ["con-a", "con-b", "con-c", "con-a"]})),
    )
    .expect(200)
    .json();
    assert_eq!(app.db.trips().len(), 1);
    assert_eq!(app.http.requests().len(), 3, "a connector named twice is asked once");
    assert_eq!(reply["complete"], false);
    let [a, b, c] = [0, 1, 2].map(|index| reply["connectors"][index].clone());
    assert_eq!(
        a["availability"]["busy"],
        json!([{"start": "2026-03-02T10:00:00+01:00", "end": "2026-03-02T12:00:00+01:00"}])
    );
    assert_eq!(
        (&b["error"]["code"], &b["error"]["retryable"], &b["availability"]),
        (&json!("provider_unavailable"), &json!(true), &json!(null))
    );
    assert_eq!(
        (&c["availability"]["complete"], &c["availability"]["calendarErrors"][0]["code"]),
        (&json!(false), &json!("notFound"))
    );
}

#[test]
fn availability_refuses_what_makes_no_sense_with_its_field() {
    let app = app();
    connect(&app, "a");
    let many: Vec<_> = (0..51).map(|number| format!("con-{number}")).collect();
    for (more, status, code, field) in [
        (json!({}), 422, "missing_field", Some("connectorIds")),
        (json!({"connectorIds": []}), 422, "bad_value", Some("connectorIds")),
        (json!({"connectorIds": many}), 422, "bad_value", Some("connectorIds")),
        (json!({"connectorIds": ["con-a"], "connectorId": "con-a"}), 422, "bad_value", Some("connectorId")),
        (
            json!({"connectorIds": ["con-a", "con-b"], "calendars": ["x"]}),
            422,
            "bad_value",
            Some("calendars"),
        ),
        (json!({"connectorId": "con-a", "calendars": []}), 422, "empty_field", Some("calendars")),
        (json!({"connectorId": "con-a", "timeZone": "Mars"}), 422, "unknown_time_zone", Some("timeZone")),
        (json!({"connectorId": "con-a", "timeMin": "soon"}), 422, "bad_time", Some("timeMin")),
        (
            json!({"connectorId": "con-a", "timeMax": "2026-03-01T00:00:00Z"}),
            422,
            "empty_interval",
            Some("timeMax"),
        ),
        (
            json!({"connectorId": "con-a", "timeMax": "2036-03-01T00:00:00Z"}),
            422,
            "interval_too_long",
            Some("timeMax"),
        ),
        (json!({"connectorId": "con-a", "timeMin": 5}), 422, "wrong_type", Some("timeMin")),
    ] {
        let problem = post(&app, "/v1/availability", &window(more.clone())).problem();
        assert_eq!((problem.0, problem.2.as_deref()), (status, field), "{more} {problem:?}");
        assert_eq!(problem.1, code, "{more}");
    }
    assert!(app.http.requests().is_empty());
}

#[test]
fn notifications_are_read_on_from_where_the_last_answer_ended() {
    let app = app();
    for number in 1..=3 {
        let body = json!({"specversion": "1.0", "id": format!("n{number}"), "source": "s", "type": "calendar.hold.expired",
            "subject": "con-a", "time": "t", "datacontenttype": "application/json", "data": {}});
        app.db.execute(&format!(
            "INSERT INTO outbox (id, connector_id, type, body, created_at) VALUES ('n{number}', 'con-a', 't', '{body}', 0)"
        ));
    }
    let first = get(&app, "/v1/notifications?connectorId=con-a&limit=2").expect(200).json();
    assert_eq!(
        (&first["notifications"][0]["id"], &first["notifications"][1]["id"]),
        (&json!("n1"), &json!("n2"))
    );
    let rest =
        get(&app, &format!("/v1/notifications?connectorId=con-a&after={}", first["next"])).expect(200).json();
    assert_eq!(rest["notifications"][0]["id"], "n3");
    let nothing = get(&app, &format!("/v1/notifications?after={}", rest["next"])).expect(200).json();
    assert_eq!(nothing, json!({"notifications": [], "next": rest["next"]}));
}

#[test]
fn a_connectors_history_has_its_tasks_and_what_was_told_newest_first() {
    let app = app();
    connect(&app, "a");
    post(
        &app,
        "/v1/tasks",
        &json!({"type": "refresh-token", "connectorId": "con-a", "payload": {}, "id": "t1"}),
    )
    .expect(202);
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let body = json!({"specversion": "1.0", "id": "n1", "source": "s", "type": "calendar.hold.expired", "subject": "con-a",
        "time": "2026-03-02T09:00:01Z", "datacontenttype": "application/json", "data": {}});
    app.db.execute(&format!("INSERT INTO outbox (id, connector_id, type, body, created_at) VALUES ('n1', 'con-a', 't', '{body}', 0)"));
    let entries = get(&app, "/v1/connectors/con-a/history").expect(200).json()["entries"].clone();
    assert_eq!(
        (&entries[0]["kind"], &entries[0]["notification"]["id"]),
        (&json!("notification"), &json!("n1"))
    );
    assert_eq!((&entries[1]["kind"], &entries[1]["task"]["taskId"]), (&json!("task"), &json!("t1")));
}

#[test]
fn an_access_token_is_for_one_subject_and_for_a_while() {
    let app = app();
    let reply =
        post(&app, "/v1/access-tokens", &json!({"userId": "ada", "ttlSeconds": 60})).expect(201).json();
    assert_eq!(reply["expiresAt"], "2026-03-02T09:01:00Z");
    for (body, field) in [
        (json!({}), "userId"),
        (json!({"userId": "a", "workspaceId": "b"}), "userId"),
        (json!({"userId": " "}), "userId"),
        (json!({"workspaceId": ""}), "workspaceId"),
        (json!({"userId": "a", "ttlSeconds": 29}), "ttlSeconds"),
        (json!({"userId": "a", "ttlSeconds": 86401}), "ttlSeconds"),
    ] {
        let problem = post(&app, "/v1/access-tokens", &body).problem();
        assert_eq!(problem, (422, "bad_value".to_owned(), Some(field.to_owned())), "{body}");
    }
}
