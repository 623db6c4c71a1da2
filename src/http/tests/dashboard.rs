//! The dashboard, as a browser without JavaScript uses it.

use std::cell::RefCell;

use super::*;
use crate::{
    ports::QueueName,
    providers::Registry,
    testing::{FakeProvider, app, app_with, connect, connect_for, environment, granted, parse},
};

/// A browser at the dashboard.
struct Browser<'a> {
    app: &'a Rc<TestApp>,
    host: &'static str,
    cookie: RefCell<String>,
}

impl<'a> Browser<'a> {
    fn new(app: &'a Rc<TestApp>) -> Self {
        Self { app, host: "calendar.example", cookie: RefCell::default() }
    }

    /// A browser that is signed in.
    fn signed_in(app: &'a Rc<TestApp>) -> Self {
        let browser = Self::new(app);
        browser.post_raw("/dashboard/sign-in", &[("key", API_KEY)]).expect(303);
        browser
    }

    fn send(&self, method: &str, path: &str, body: Option<String>) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.host)
            .header(header::ACCEPT, "text/html")
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, self.cookie.borrow().as_str());
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let reply = send(self.app, request.body(body.map_or_else(Body::empty, Body::from)).unwrap());
        if let Some(cookie) =
            reply.header(header::SET_COOKIE).split(';').next().filter(|cookie| !cookie.is_empty())
        {
            *self.cookie.borrow_mut() = cookie.to_owned();
        }
        reply
    }

    fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None)
    }

    fn post_raw(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, Some(body))
    }

    /// The token of the forms on a page.
    fn form_token(&self) -> String {
        let page = self.get("/").expect(200).text();
        let start = page.split("name=\"form_token\" value=\"").nth(1).unwrap();
        start.split('"').next().unwrap().to_owned()
    }

    /// Sends a form as the page has it, with its token.
    fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let token = self.form_token();
        let mut all = vec![("form_token", token.as_str())];
        all.extend(fields);
        self.post_raw(path, &all)
    }
}

const POSTS: [&str; 7] = [
    "/dashboard/sign-out",
    "/dashboard/connect-links",
    "/dashboard/connectors/con-a/tasks",
    "/dashboard/connectors/con-a/replay",
    "/dashboard/connectors/con-a/pause",
    "/dashboard/connectors/con-a/resume",
    "/dashboard/connectors/con-a/disconnect",
];

#[test]
fn one_signs_in_with_the_api_key_and_out_again() {
    let app = app();
    let browser = Browser::new(&app);
    assert!(browser.get("/").expect(200).text().contains("API key"));
    for wrong in ["", "wrong", "operator-key-of-the-test"] {
        let page = browser.post_raw("/dashboard/sign-in", &[("key", wrong)]).expect(401);
        assert!(page.text().contains("That is not the API key"));
        assert_eq!(page.header(header::SET_COOKIE), "");
    }
    let reply = browser.post_raw("/dashboard/sign-in", &[("key", API_KEY)]).expect(303);
    let cookie = reply.header(header::SET_COOKIE);
    assert!(cookie.starts_with("__Host-huddle-session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    assert!(!cookie.contains(API_KEY));
    assert!(browser.get("/").text().contains("Connectors"));
    browser.submit("/dashboard/sign-out", &[]).expect(303);
    assert!(browser.get("/").text().contains("API key"));
}

#[test]
fn a_session_ends_by_itself_and_cannot_be_made_up() {
    let app = app();
    let browser = Browser::signed_in(&app);
    let genuine = browser.cookie.borrow().clone();
    let own = crate::signing::Signer::new(&app.settings.webhook_secret, crate::signing::Purpose::Session)
        .sign(&json!({"n": "x"}), crate::domain::time::Timestamp::from_seconds(4_000_000_000));
    for forged in [
        String::new(),
        format!("{genuine}A"),
        genuine.replace("__Host-", ""),
        format!("__Host-huddle-session={own}"),
        format!("__Host-huddle-session={API_KEY}"),
        format!("__Host-huddle-session={}", access_token(&app, &json!({"userId": "ada"}))),
    ] {
        *browser.cookie.borrow_mut() = forged;
        assert!(browser.get("/").text().contains("API key"));
        browser.get("/dashboard/connectors/con-a").expect(303);
    }
    *browser.cookie.borrow_mut() = genuine;
    app.clock.advance(chrono::TimeDelta::hours(12) - chrono::TimeDelta::seconds(1));
    assert!(browser.get("/").text().contains("Connectors"));
    app.clock.advance(chrono::TimeDelta::seconds(1));
    assert!(browser.get("/").text().contains("API key"));
}

#[test]
fn without_a_session_no_page_and_no_form_does_anything() {
    let app = app();
    connect(&app, "a");
    let browser = Browser::new(&app);
    for path in
        ["/dashboard/connectors/con-a", "/dashboard/connectors/con-a/activity", "/dashboard/connect/google"]
    {
        assert_eq!(browser.get(path).expect(303).header(header::LOCATION), "/");
    }
    for path in POSTS {
        assert_eq!(browser.post_raw(path, &[]).expect(303).header(header::LOCATION), "/", "{path}");
    }
    assert_eq!(get(&app, "/v1/connectors/con-a").json()["status"], "active");
}

#[test]
fn a_form_without_this_sessions_token_does_nothing() {
    let app = app();
    connect(&app, "a");
    let browser = Browser::signed_in(&app);
    let others = Browser::signed_in(&app).form_token();
    for path in POSTS {
        for token in ["", "x", others.as_str()] {
            let page = browser.post_raw(path, &[("form_token", token)]).expect(403);
            assert!(page.text().contains("form_not_ours"), "{path}");
        }
    }
    let token = browser.form_token();
    let from_elsewhere = Request::post("/dashboard/connectors/con-a/pause")
        .header(header::COOKIE, browser.cookie.borrow().as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .body(Body::from(format!("form_token={token}")))
        .unwrap();
    send(&app, from_elsewhere).expect(403);
    assert_eq!(get(&app, "/v1/connectors/con-a").json()["status"], "active");
}

#[test]
fn in_development_on_ones_own_machine_no_key_is_typed() {
    let mut local = environment();
    local.insert("PUBLIC_BASE_URL", "http://127.0.0.1:8787".to_owned());
    local.insert("ENVIRONMENT", "development".to_owned());
    let development = app_with(parse(&local), Registry::of(vec![Box::new(FakeProvider)]));
    for (app, host, allowed) in [
        (&development, "127.0.0.1:8787", true),
        (&development, "localhost:8787", true),
        (&development, "[::1]:8787", true),
        (&development, "rebound.example:8787", false),
        (&development, "localhost.evil.example", false),
        (&development, "127.0.0.1.evil.example:80", false),
        (&development, "", false),
        (&app(), "127.0.0.1:8787", false),
    ] {
        let browser = Browser { host, ..Browser::new(app) };
        assert_eq!(browser.get("/").text().contains("without_key"), allowed, "{host}");
        browser.post_raw("/dashboard/sign-in", &[("without_key", "yes")]).expect(if allowed {
            303
        } else {
            401
        });
    }
    let browser = Browser { host: "127.0.0.1:8787", ..Browser::new(&development) };
    browser.post_raw("/dashboard/sign-in", &[("without_key", "yes")]);
    assert!(browser.get("/").text().contains("Connect a Google account"));
    let link = browser.get("/dashboard/connect/google").expect(303);
    assert!(link.header(header::LOCATION).starts_with("http://127.0.0.1:8787/oauth/google/start?link="));
}

#[test]
fn connectors_are_shown_whatever_they_are_called() {
    let app = app();
    connect_for(&app, "<script>alert(1)</script>", "r", "\"><img src=x>", Some("&"));
    let browser = Browser::signed_in(&app);
    let home = browser.get("/").expect(200).text();
    assert!(!home.contains("<script>alert") && !home.contains("<img"), "{home}");
    let link = home.split("href=\"/dashboard/connectors/").nth(1).unwrap().split('"').next().unwrap();
    let page = browser.get(&format!("/dashboard/connectors/{link}")).expect(200).text();
    assert!(page.contains("Send a task") && !page.contains("<script>alert") && !page.contains("<img"));
    assert!(browser.get("/?user=nobody").expect(200).text().contains("Nobody is connected"));
    assert!(browser.get("/dashboard/connectors/none").expect(404).text().contains("connector_not_found"));
}

#[test]
fn each_task_is_sent_from_its_form_as_it_is() {
    let app = app();
    connect(&app, "a");
    let browser = Browser::signed_in(&app);
    let page = browser.get("/dashboard/connectors/con-a").expect(200).text();
    for kind in [
        "refresh-token",
        "check-availability",
        "find-slots",
        "create-event",
        "place-hold",
        "cancel-hold",
        "confirm-hold",
    ] {
        let form =
            page.split(&format!("id=\"task-{kind}\"")).nth(1).unwrap().split("</form>").next().unwrap();
        let mut fields = Vec::new();
        for input in form.split("<input ").skip(1) {
            let attribute = |name: &str| {
                input
                    .split('>')
                    .next()
                    .unwrap()
                    .split(&format!("{name}=\""))
                    .nth(1)
                    .and_then(|rest| rest.split('"').next())
            };
            if attribute("type") != Some("checkbox") {
                fields.push((attribute("name").unwrap(), attribute("value").unwrap_or_default()));
            }
        }
        let reply = browser.post_raw("/dashboard/connectors/con-a/tasks", &fields);
        assert_eq!(reply.status, 303, "{kind}: {}", reply.text());
        assert_eq!(reply.header(header::LOCATION), "/dashboard/connectors/con-a?done=sent");
    }
    let sent: Vec<_> =
        app.queues.sent(QueueName::Tasks).into_iter().map(|message| message.body["type"].clone()).collect();
    assert_eq!(sent.len(), 7, "{sent:?}");
    assert!(browser.get("/dashboard/connectors/con-a?done=sent").text().contains("on its way"));
    let activity = browser.get("/dashboard/connectors/con-a/activity").expect(200).text();
    assert!(activity.contains("create-event") && activity.contains("queued") && !activity.contains("<html"));
}

#[test]
fn a_form_that_makes_no_sense_comes_back_as_it_was_filled_in() {
    let app = app();
    connect(&app, "a");
    let browser = Browser::signed_in(&app);
    let filled = [
        ("type", "create-event"),
        ("summary", "My <title>"),
        ("start", "2026-03-03T10:00"),
        ("end", "2026-03-03T09:00"),
        ("timeZone", "UTC"),
        ("attendees", "a@example.com, b@example.com"),
    ];
    let page = browser.submit("/dashboard/connectors/con-a/tasks", &filled).expect(422).text();
    assert!(page.contains("payload.end") && page.contains("Not sent"), "{page}");
    assert!(
        page.contains("value=\"My &#60;title&#62;\"")
            && page.contains("value=\"a@example.com, b@example.com\""),
        "{page}"
    );
    let end = page.split("name=\"end\"").nth(1).unwrap().split("</label>").next().unwrap();
    assert!(end.contains("aria-invalid=\"true\"") && end.contains("class=\"wrong\""), "{end}");
    assert_eq!(page.matches("aria-invalid").count(), 1);
    browser.submit("/dashboard/connectors/con-a/tasks", &[("type", "fly")]).expect(400);
    assert!(app.queues.sent(QueueName::Tasks).is_empty());
}

#[test]
fn the_buttons_pause_resume_replay_and_disconnect() {
    let app = app();
    connect(&app, "a");
    let browser = Browser::signed_in(&app);
    let status = || get(&app, "/v1/connectors/con-a").json()["status"].clone();
    browser.submit("/dashboard/connectors/con-a/pause", &[]).expect(303);
    assert_eq!(status(), "paused");
    assert!(browser.get("/dashboard/connectors/con-a").text().contains("/resume"));
    browser.submit("/dashboard/connectors/con-a/resume", &[]).expect(303);
    assert_eq!(status(), "active");

    post(
        &app,
        "/v1/tasks",
        &json!({"type": "refresh-token", "connectorId": "con-a", "payload": {}, "id": "t/1"}),
    )
    .expect(202);
    app.db.execute("UPDATE tasks SET state = 'dead'");
    assert!(browser.get("/").text().contains("Tasks that were given up"));
    browser.submit("/dashboard/connectors/con-a/replay", &[("task", "t/1")]).expect(303);
    assert_eq!(app.db.read("SELECT state FROM tasks"), [json!({"state": "queued"})]);

    app.http.answer("/revoke", Ok(granted(json!(null))));
    browser.submit("/dashboard/connectors/con-a/disconnect", &[]).expect(303);
    get(&app, "/v1/connectors/con-a").expect(404);
}

#[test]
fn a_connect_link_is_made_for_somebody_else() {
    let app = app();
    let browser = Browser::signed_in(&app);
    let fields = [
        ("userId", "ada"),
        ("workspaceId", ""),
        ("provider", "google"),
        ("redirectUri", "https://app.example/done"),
    ];
    let page = browser.submit("/dashboard/connect-links", &fields).expect(200).text();
    assert!(page.contains("https://calendar.example/oauth/google/start?link="));
    let fields = [("userId", "ada"), ("provider", "google"), ("redirectUri", "https://evil.example/")];
    let page = browser.submit("/dashboard/connect-links", &fields).expect(422).text();
    assert!(page.contains("No link was made") && page.contains("value=\"ada\""), "{page}");
    assert!(page.contains("value=\"https://evil.example/\" required aria-invalid=\"true\""), "{page}");
}

#[test]
fn who_is_signed_in_is_not_limited_by_address_and_who_is_not_is_told_on_a_page() {
    let app = app();
    let browser = Browser::signed_in(&app);
    app.rate_limiter.set_closed(true);
    browser.get("/").expect(200);
    let page = Browser::new(&app).get("/").expect(429);
    assert!(page.text().contains("Too many requests"), "{}", page.text());
    assert_eq!(page.header(header::RETRY_AFTER), "60");
}

#[test]
fn pages_load_nothing_but_our_own_style_and_script() {
    let app = app();
    let browser = Browser::signed_in(&app);
    let page = browser.get("/").expect(200);
    let policy = page.header(header::CONTENT_SECURITY_POLICY);
    assert!(
        policy.contains("default-src 'none'")
            && policy.contains("script-src 'self'")
            && !policy.contains("unsafe")
    );
    for (path, kind) in [("/assets/style.css", "text/css"), ("/assets/dashboard.js", "text/javascript")] {
        let asset = Browser::new(&app).get(path).expect(200);
        assert!(asset.header(header::CONTENT_TYPE).starts_with(kind));
        assert!(asset.header(header::CACHE_CONTROL).contains("max-age"));
    }
}
