//! What operators use: health, metrics, key rotation, a worker without settings.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::{
    config::Settings,
    http::unconfigured,
    ports::Db,
    providers::Registry,
    store::connectors,
    testing::{FakeProvider, app, app_with, connect, connect_with, environment, parse},
    vault::Vault,
};

#[test]
fn health_names_what_fails() {
    let app = app();
    let healthy = call(&app, "", "GET", "/healthz", None).expect(200).json();
    assert_eq!(
        healthy,
        json!({"status": "ok", "checks": [{"name": "settings", "ok": true}, {"name": "database", "ok": true}]})
    );
    app.db.fail_next("ping");
    let failing = call(&app, "", "GET", "/healthz", None).expect(503).json();
    assert_eq!((&failing["status"], &failing["checks"][1]["ok"]), (&json!("failing"), &json!(false)));
}

#[test]
fn a_worker_without_settings_names_them_to_everybody_and_shows_no_value() {
    let error = Settings::parse(|name| (name == "API_KEY").then(|| "short".to_owned())).unwrap_err();
    let answer = |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        block_on(async {
            let response = unconfigured(&error).oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            Reply {
                status: parts.status,
                headers: parts.headers,
                body: to_bytes(body, 100_000).await.unwrap(),
            }
        })
    };
    let health = answer("/healthz").expect(503).json();
    let problems = health["checks"][0]["problems"].as_array().unwrap();
    assert!(problems.contains(&json!("OAUTH_ENC_KEY is not set")), "{problems:?}");
    let other = answer("/v1/connectors");
    assert_eq!(other.problem(), (503, "settings_invalid".to_owned(), None));
    assert!(
        other.text().contains("API_KEY is shorter than 16 characters") && !other.text().contains("\"short\"")
    );
}

#[test]
fn metrics_are_counted_from_the_system_of_record() {
    let app = app();
    connect(&app, "a");
    connect(&app, "b");
    for id in ["t1", "t2"] {
        post(
            &app,
            "/v1/tasks",
            &json!({"type": "refresh-token", "connectorId": "con-a", "payload": {}, "id": id}),
        )
        .expect(202);
    }
    app.db.execute(
        "UPDATE connectors SET status = 'paused'; \
         UPDATE tasks SET type = 'od\"d\n', state = 'failed' WHERE task_id = 't2'; \
         INSERT INTO outbox (id, connector_id, type, body, created_at) VALUES ('n', 'c', 't', '{}', 1772441995000)",
    );
    app.clock.advance(chrono::TimeDelta::seconds(7));
    let reply = get(&app, "/metrics").expect(200);
    assert!(reply.header(header::CONTENT_TYPE).starts_with("text/plain; version=0.0.4"));
    insta::assert_snapshot!(reply.text(), @r#"
    # HELP huddle_tasks Tasks in the ledger by type and state.
    # TYPE huddle_tasks gauge
    huddle_tasks{type="od\"d\n",state="failed"} 1
    huddle_tasks{type="refresh-token",state="queued"} 1
    # HELP huddle_oldest_queued_task_age_seconds Age of the task that waits longest.
    # TYPE huddle_oldest_queued_task_age_seconds gauge
    huddle_oldest_queued_task_age_seconds 7
    # HELP huddle_connectors Connected accounts by provider and status.
    # TYPE huddle_connectors gauge
    huddle_connectors{provider="google",status="active"} 0
    huddle_connectors{provider="google",status="paused"} 2
    # HELP huddle_outbox_unsent Notifications that the queue has not taken yet.
    # TYPE huddle_outbox_unsent gauge
    huddle_outbox_unsent 1
    # HELP huddle_outbox_oldest_unsent_age_seconds Age of the oldest of them.
    # TYPE huddle_outbox_oldest_unsent_age_seconds gauge
    huddle_outbox_oldest_unsent_age_seconds 12
    "#);
}

#[test]
fn the_description_of_the_api_is_served() {
    let app = app();
    let document = call(&app, "", "GET", "/openapi.json", None).expect(200).json();
    assert!(document.is_object());
}

#[test]
fn a_rotated_key_reseals_every_token_batch_by_batch() {
    let old_key = STANDARD.encode([7; 32]);
    let mut environment = environment();
    environment.insert("OAUTH_ENC_KEY", STANDARD.encode([8; 32]));
    environment.insert("OAUTH_ENC_KEYS_PREVIOUS", old_key);
    let app = app_with(parse(&environment), Registry::of(vec![Box::new(FakeProvider)]));
    // Sealed by a worker that had the old key.
    let before = crate::testing::app();
    for account in ["a", "b", "c"] {
        connect_with(&app, account, "overwritten");
        connect_with(&before, account, &format!("refresh-{account}"));
        let sealed =
            before.db.read(&format!("SELECT refresh_token FROM connectors WHERE id = 'con-{account}'"));
        let sealed = sealed[0]["refresh_token"].as_str().unwrap().to_owned();
        app.db
            .execute(&format!("UPDATE connectors SET refresh_token = '{sealed}' WHERE id = 'con-{account}'"));
    }
    connect(&app, "new");
    connect(&app, "lost");
    app.db.execute("UPDATE connectors SET refresh_token = 'v1.lost.AAAA.AAAA' WHERE id = 'con-lost'");

    let rotate = |after: &Value| {
        post(&app, "/v1/admin/rotate-key", &json!({"limit": 2, "after": after})).expect(200).json()
    };
    let first = rotate(&json!(null));
    assert_eq!(first, json!({"rotated": 2, "remaining": 2, "unreadable": [], "after": "con-b"}));
    let second = rotate(&first["after"]);
    assert_eq!(
        second,
        json!({"rotated": 1, "remaining": 1, "unreadable": ["con-lost"], "after": "con-lost"})
    );
    let third = rotate(&second["after"]);
    assert_eq!(third, json!({"rotated": 0, "remaining": 1, "unreadable": []}));

    let without_old = Vault::new(
        &parse(
            &HashMap::from([("OAUTH_ENC_KEYS_PREVIOUS", String::new())])
                .into_iter()
                .chain(
                    environment
                        .iter()
                        .filter(|(name, _)| **name != "OAUTH_ENC_KEYS_PREVIOUS")
                        .map(|(name, value)| (*name, value.clone())),
                )
                .collect(),
        )
        .encryption_keys,
    );
    for account in ["a", "b", "c"] {
        let id = format!("con-{account}").into();
        let rows = block_on(app.db.query(connectors::get(&id))).unwrap();
        let sealed = connectors::refresh_token(&rows[0]).unwrap().unwrap();
        let opened = without_old.open(&connectors::refresh_token_place(&id), &sealed).unwrap();
        assert_eq!(opened.plaintext.as_str(), format!("refresh-{account}"));
    }
}
