//! What is refused before any handler sees it, and the headers every answer carries.

use super::*;
use crate::testing::{app, connect};

fn raw(app: &Rc<TestApp>, method: &str, path: &str, content_type: &str, body: impl Into<Body>) -> Reply {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {API_KEY}"))
        .header(header::CONTENT_TYPE, content_type)
        .body(body.into())
        .unwrap();
    send(app, request)
}

const WITH_BODY: [(&str, &str); 7] = [
    ("POST", "/v1/connect-links"),
    ("POST", "/v1/access-tokens"),
    ("POST", "/v1/tasks"),
    ("POST", "/v1/availability"),
    ("POST", "/v1/slots"),
    ("POST", "/v1/admin/rotate-key"),
    ("PATCH", "/v1/connectors/con-a"),
];

#[test]
fn every_body_is_capped_typed_and_parsed_with_care() {
    let app = app();
    connect(&app, "a");
    for (method, path) in WITH_BODY {
        let large = format!("\"{}\"", "x".repeat(64 * 1024));
        assert_eq!(
            raw(&app, method, path, "application/json", large).problem(),
            (413, "body_too_large".to_owned(), None)
        );
        assert_eq!(
            raw(&app, method, path, "text/plain", "{}").problem(),
            (415, "unsupported_media_type".to_owned(), None)
        );
        for broken in ["", "{", "{]", "nonsense"] {
            assert_eq!(
                raw(&app, method, path, "application/json", broken).problem().0,
                400,
                "{path} {broken}"
            );
        }
        for other in ["7", "null", "[]", "[{}]"] {
            let problem = raw(&app, method, path, "application/json", other).problem();
            assert_eq!((problem.0, problem.1.as_str()), (422, "not_an_object"), "{path} {other}");
        }
    }
}

#[test]
fn tokens_are_rate_limited_by_whose_they_are_and_strangers_by_address() {
    let app = app();
    let token = access_token(&app, &json!({"userId": "ada"}));
    app.rate_limiter.set_closed(true);
    let reply = call(&app, &token, "GET", "/v1/connectors", None);
    assert_eq!(reply.problem(), (429, "rate_limited".to_owned(), None));
    assert_eq!(reply.header(header::RETRY_AFTER), "60");
    call(&app, "wrong", "GET", "/v1/connectors", None).expect(429);
    let stranger = Request::get("/oauth/google/start").header("cf-connecting-ip", "192.0.2.7");
    send(&app, stranger.body(Body::empty()).unwrap()).expect(429);
    let monitor = Request::get("/healthz").header("cf-connecting-ip", "192.0.2.7");
    app.db.forget_trips();
    send(&app, monitor.body(Body::empty()).unwrap()).expect(429);
    assert!(app.db.trips().is_empty(), "a flood does not reach the database");
    let seen = ["api:user:ada", "unknown:unknown", "browser:192.0.2.7", "health:192.0.2.7"];
    assert_eq!(app.rate_limiter.seen(), seen);
    get(&app, "/v1/connectors").expect(200);
    get(&app, "/healthz").expect(200);
}

#[test]
fn what_is_not_there_is_told_as_a_problem_or_as_a_page() {
    let app = app();
    assert_eq!(get(&app, "/v1/nothing").problem(), (404, "route_not_found".to_owned(), None));
    let page = Request::get("/nothing").header(header::ACCEPT, "text/html,*/*").body(Body::empty()).unwrap();
    assert!(send(&app, page).expect(404).text().contains("<html"));
    let reply = get(&app, "/v1/tasks");
    assert_eq!(reply.problem(), (405, "method_not_allowed".to_owned(), None));
    assert_eq!(reply.header(header::ALLOW), "POST");
    let page = Request::get("/dashboard/sign-out").header(header::ACCEPT, "text/html");
    assert!(send(&app, page.body(Body::empty()).unwrap()).expect(405).text().contains("<html"));
    assert_eq!(get(&app, "/v1/connectors/%ff").problem().0, 400);
}

#[test]
fn every_answer_is_neither_cached_nor_sniffed_nor_framed() {
    let app = app();
    for path in
        ["/healthz", "/openapi.json", "/v1/connectors", "/oauth/google/start", "/nothing", "/connected"]
    {
        let reply = call(&app, "", "GET", path, None);
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
        ] {
            assert_eq!(reply.header(&name), value, "{path}");
        }
        assert!(reply.header(header::CONTENT_SECURITY_POLICY).contains("frame-ancestors 'none'"), "{path}");
    }
}

#[test]
fn a_database_that_is_away_is_a_problem_that_passes() {
    let app = app();
    app.db.fail_next("connectors.list");
    let reply = get(&app, "/v1/connectors");
    assert_eq!(reply.problem(), (503, "database_unavailable".to_owned(), None));
    assert_eq!(reply.header(header::RETRY_AFTER), "5");
}
