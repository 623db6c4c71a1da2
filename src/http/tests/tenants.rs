//! G9: whoever asks for what is another user's or workspace's gets the answer of one who asks for what does not exist.

use std::collections::BTreeSet;

use super::*;
use crate::testing::{app, connect_for};

/// Routes about one connector or task, `@@` being its id (or a task's), with a body that would do.
fn routes() -> Vec<(&'static str, &'static str, Option<Value>)> {
    let preferences = json!({"preferences": {"onConflict": "reapply"}});
    let window = json!({"connectorId": "@@", "timeMin": "2026-03-02T00:00:00Z", "timeMax": "2026-03-03T00:00:00Z", "timeZone": "UTC"});
    let mut windows = window.clone();
    windows.as_object_mut().unwrap().remove("connectorId");
    windows["connectorIds"] = json!(["@@"]);
    let mut meeting = windows.clone();
    meeting["durationMinutes"] = json!(30);
    let slots = json!({"type": "find-slots", "connectorId": "@@", "payload": &meeting});
    vec![
        ("GET", "/v1/connectors/@@", None),
        ("PATCH", "/v1/connectors/@@", Some(preferences)),
        ("POST", "/v1/connectors/@@/pause", None),
        ("POST", "/v1/connectors/@@/resume", None),
        ("GET", "/v1/connectors/@@/calendars", None),
        ("GET", "/v1/connectors/@@/history", None),
        ("POST", "/v1/tasks", Some(json!({"type": "refresh-token", "connectorId": "@@", "payload": {}}))),
        ("GET", "/v1/tasks/task-of-@@", None),
        ("GET", "/v1/tasks/task-of-@@?connectorId=@@", None),
        ("POST", "/v1/tasks/task-of-@@/replay", None),
        ("POST", "/v1/availability", Some(window)),
        ("POST", "/v1/availability", Some(windows)),
        ("POST", "/v1/slots", Some(meeting)),
        ("POST", "/v1/tasks", Some(slots)),
        ("GET", "/v1/notifications?connectorId=@@", None),
        ("DELETE", "/v1/connectors/@@", None),
    ]
}

/// Routes that only the API key reaches.
fn operator_routes() -> Vec<(&'static str, &'static str, Option<Value>)> {
    vec![
        (
            "POST",
            "/v1/connect-links",
            Some(json!({"userId": "ada", "provider": "google", "redirectUri": "https://app.example/done"})),
        ),
        ("POST", "/v1/access-tokens", Some(json!({"userId": "ada"}))),
        ("POST", "/v1/admin/rotate-key", Some(json!({}))),
        ("GET", "/metrics", None),
    ]
}

/// Routes that list what the caller has.
const LISTS: [(&str, &str); 1] = [("GET", "/v1/connectors")];

#[test]
fn every_route_a_caller_reaches_is_tried() {
    let tried: BTreeSet<(String, String)> = routes()
        .iter()
        .map(|(method, path, _)| {
            let path = path.split('?').next().unwrap().replace("task-of-@@", "{id}").replace("@@", "{id}");
            ((*method).to_owned(), path)
        })
        .chain(LISTS.map(|(method, path)| (method.to_owned(), path.to_owned())))
        .collect();
    let reached: BTreeSet<(String, String)> = openapi::operations()
        .iter()
        .filter(|operation| operation.who == openapi::Who::Caller)
        .map(|operation| (operation.method.to_uppercase(), operation.path.to_owned()))
        .collect();
    assert_eq!(tried, reached);
}

fn about(app: &Rc<TestApp>, token: &str, route: &(&str, &str, Option<Value>), id: &str) -> Reply {
    let (method, path, body) = route;
    let body = body.as_ref().map(|body| serde_json::from_str(&body.to_string().replace("@@", id)).unwrap());
    call(app, token, method, &path.replace("@@", id), body.as_ref())
}

/// A worker with a connector `con-hers` of the user ada in the workspace math, with a failed task and a notification.
fn world() -> Rc<TestApp> {
    let app = app();
    connect_for(&app, "hers", "refresh", "ada", Some("math"));
    app.db.execute(
        "INSERT INTO tasks (connector_id, task_id, type, user_id, workspace_id, payload, payload_hash, state, due_at, created_at, updated_at) \
           VALUES ('con-hers', 'task-of-con-hers', 'refresh-token', 'ada', 'math', '{}', 'x', 'failed', 0, 0, 0); \
         INSERT INTO outbox (id, connector_id, user_id, workspace_id, type, body, created_at) \
           VALUES ('n', 'con-hers', 'ada', 'math', 'calendar.hold.expired', '{\"specversion\":\"1.0\",\"id\":\"n\",\"source\":\"s\", \
             \"type\":\"calendar.hold.expired\",\"subject\":\"con-hers\",\"time\":\"t\",\"datacontenttype\":\"application/json\",\"data\":{}}', 0);",
    );
    app
}

#[test]
fn others_get_the_answer_for_what_does_not_exist_on_every_route() {
    for other in [
        json!({"userId": "eve"}),
        json!({"workspaceId": "physics"}),
        json!({"userId": "math"}),
        json!({"workspaceId": "ada"}),
    ] {
        let app = world();
        let token = access_token(&app, &other);
        let before: Vec<_> = ["connectors", "tasks", "outbox"]
            .map(|table| app.db.read(&format!("SELECT * FROM {table}")))
            .into();
        for route in routes() {
            let foreign = about(&app, &token, &route, "con-hers");
            let missing = about(&app, &token, &route, "con-none");
            assert_eq!(foreign.status, missing.status, "{other} {route:?}");
            assert_eq!(foreign.text().replace("con-hers", "con-none"), missing.text(), "{other} {route:?}");
            assert!(!foreign.text().contains("ada"), "{other} {route:?}: {}", foreign.text());
            let listing = route.1.starts_with("/v1/notifications");
            assert_eq!(foreign.status.as_u16(), if listing { 200 } else { 404 }, "{other} {route:?}");
            if listing {
                assert_eq!(foreign.json()["notifications"], json!([]));
            }
        }
        let after: Vec<_> = ["connectors", "tasks", "outbox"]
            .map(|table| app.db.read(&format!("SELECT * FROM {table}")))
            .into();
        assert_eq!(before, after, "nothing of hers was changed");
        assert!(app.http.requests().is_empty(), "and no provider was asked");
    }
}

#[test]
fn those_whose_it_is_get_through_on_every_route() {
    for own in [json!({"userId": "ada"}), json!({"workspaceId": "math"})] {
        for route in routes() {
            let app = world();
            let token = access_token(&app, &own);
            app.http.answer("/revoke", Ok(crate::testing::granted(json!(null))));
            app.http.answer("/free-busy", Ok(crate::testing::granted(json!({"primary": []}))));
            let reply = about(&app, &token, &route, "con-hers");
            assert!(reply.status.is_success(), "{own} {route:?}: {} {}", reply.status, reply.text());
        }
    }
}

#[test]
fn lists_show_what_is_the_callers_own_whatever_filter_is_asked_for() {
    let app = world();
    connect_for(&app, "his", "refresh", "bob", Some("math"));
    let (ada, math, eve) = (
        access_token(&app, &json!({"userId": "ada"})),
        access_token(&app, &json!({"workspaceId": "math"})),
        access_token(&app, &json!({"userId": "eve"})),
    );
    let list = |token: &str, query: &str| -> Vec<String> {
        let reply = call(&app, token, "GET", &format!("/v1/connectors{query}"), None).expect(200).json();
        let connectors = reply["connectors"].as_array().unwrap().clone();
        connectors.iter().map(|connector| connector["id"].as_str().unwrap().to_owned()).collect()
    };
    for (token, query, expected) in [
        (API_KEY, "", vec!["con-hers", "con-his"]),
        (API_KEY, "?userId=bob", vec!["con-his"]),
        (&ada, "", vec!["con-hers"]),
        (&ada, "?userId=bob", vec![]),
        (&ada, "?workspaceId=math", vec!["con-hers"]),
        (&ada, "?workspaceId=physics", vec![]),
        (&math, "", vec!["con-hers", "con-his"]),
        (&math, "?userId=bob", vec!["con-his"]),
        (&math, "?workspaceId=physics", vec![]),
        (&eve, "", vec![]),
        (&eve, "?userId=ada", vec![]),
    ] {
        assert_eq!(list(token, query), expected, "{query}");
    }
    let told = |token: &str| {
        call(&app, token, "GET", "/v1/notifications", None).expect(200).json()["notifications"].clone()
    };
    assert_eq!(told(&ada).as_array().unwrap().len(), 1);
    assert_eq!(told(&math), told(API_KEY));
    assert_eq!(told(&eve), json!([]));
}

#[test]
fn availability_of_several_connectors_tells_nothing_of_those_of_others() {
    let app = world();
    connect_for(&app, "his", "refresh", "bob", None);
    let bob = access_token(&app, &json!({"userId": "bob"}));
    app.http.answer("/free-busy", Ok(crate::testing::granted(json!({"primary": []}))));
    let body = json!({"connectorIds": ["con-his", "con-hers", "con-none"], "timeMin": "2026-03-02T00:00:00Z", "timeMax": "2026-03-03T00:00:00Z", "timeZone": "UTC"});
    let reply = call(&app, &bob, "POST", "/v1/availability", Some(&body)).expect(200).json();
    let errors: Vec<_> =
        reply["connectors"].as_array().unwrap().iter().map(|entry| entry["error"]["code"].clone()).collect();
    assert_eq!(errors, [json!(null), json!("connector_not_found"), json!("connector_not_found")]);
    assert_eq!(reply["complete"], false, "not known is never free");
}

#[test]
fn operators_routes_refuse_access_tokens() {
    let app = world();
    let token = access_token(&app, &json!({"userId": "ada"}));
    for route in operator_routes() {
        assert_eq!(
            about(&app, &token, &route, "").problem(),
            (403, "forbidden".to_owned(), None),
            "{route:?}"
        );
        assert!(about(&app, API_KEY, &route, "").status.is_success(), "{route:?}");
    }
}

#[test]
fn nobody_gets_in_without_a_good_key_or_token() {
    let app = world();
    let good = access_token(&app, &json!({"userId": "ada", "ttlSeconds": 60}));
    let session_like = crate::signing::Signer::new(
        &app.settings.webhook_secret,
        crate::signing::Purpose::Session,
    )
    .sign(&json!({"sub": {"u": "ada"}}), crate::domain::time::Timestamp::from_seconds(i64::MAX / 2000));
    let mut bad = vec![
        String::new(),
        "x".to_owned(),
        format!("{API_KEY}x"),
        API_KEY[1..].to_owned(),
        format!("{good}A"),
        session_like,
    ];
    app.clock.advance(chrono::TimeDelta::seconds(60));
    bad.push(good);
    for token in bad {
        for route in routes().iter().chain(&operator_routes()) {
            let reply = about(&app, &token, route, "con-hers");
            assert_eq!(reply.problem().0, 401, "{token} {route:?}");
            assert_eq!(reply.header(header::WWW_AUTHENTICATE), "Bearer");
        }
    }
    for value in ["Basic eDp5", "Bearer", API_KEY] {
        let request =
            Request::get("/v1/connectors").header(header::AUTHORIZATION, value).body(Body::empty()).unwrap();
        send(&app, request).expect(401);
    }
}
