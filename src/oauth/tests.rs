//! The whole way of a browser, out and back, with everything that can go wrong on it.

mod administrators;
mod claims;

use std::rc::Rc;

use chrono::TimeDelta;
use serde_json::{Value, json};
use url::Url;

use super::{connect_link::ConnectLinkRequest, *};
use crate::{
    domain::{
        connector::ProviderKind,
        failure::{Action, Failure},
        ids::ConnectorId,
        secret::AuthorizationCode,
    },
    gate::{Admission, WaitReason},
    ports::{Db, HttpError},
    store::connectors,
    testing::{TestApp, app, block_on, granted, json_response, refused},
    tokens,
};

/// A browser, with the cookie it holds.
#[derive(Default)]
struct Browser {
    cookie: Option<BrowserKey>,
}

impl Browser {
    /// Follows a fresh connect link; answers where the provider's page is.
    fn start(&mut self, app: &TestApp) -> Url {
        let request = ConnectLinkRequest {
            user_id: "ada".to_owned(),
            workspace_id: Some("math".to_owned()),
            provider: "google".to_owned(),
            redirect_uri: "https://app.example/done".to_owned(),
            scopes: None,
            login_hint: None,
            tenant: None,
        };
        let link = connect_link::create(app, request).unwrap().url;
        let token = parameter(&Url::parse(&link).unwrap(), "link").unwrap();
        let departure = block_on(start(app, "google", Some(&token), self.cookie.clone())).unwrap();
        self.cookie = Some(departure.browser);
        departure.url
    }

    fn come_back(&self, app: &TestApp, returned: Return) -> Result<Onward, Failure> {
        block_on(finish(app, "google", Return { browser: self.cookie.clone(), ..returned }))
    }

    fn come_back_with_code(&self, app: &TestApp, page: &Url) -> Result<Onward, Failure> {
        self.come_back(app, with_code(page))
    }
}

fn with_code(page: &Url) -> Return {
    Return {
        state: parameter(page, "state"),
        code: Some(AuthorizationCode::new("the-code")),
        ..Return::default()
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn home(onward: Result<Onward, Failure>) -> Url {
    match onward {
        Ok(Onward::Home(url)) => url,
        other => panic!("not sent home: {other:?}"),
    }
}

/// The provider's answers to a code: tokens, profile, calendars.
fn script_consent(app: &TestApp, tokens: Value) {
    app.http.answer("/token", Ok(granted(tokens)));
    app.http.answer(
        "/me",
        Ok(granted(json!({"id": "account-1", "email": "ada@example.com", "zone": "Europe/London"}))),
    );
    app.http.answer(
        "/calendars",
        Ok(granted(json!([
            {"id": "ada@example.com", "name": "Ada", "primary": true, "zone": "Europe/Paris"},
            {"id": "holidays", "name": "Holidays", "access": "read", "selected": false},
        ]))),
    );
}

fn tokens_with_refresh() -> Value {
    json!({"access_token": "access-secret", "refresh_token": "refresh-secret", "scope": "openid calendar"})
}

fn tokens_without_refresh() -> Value {
    json!({"access_token": "access-secret-2", "scope": "openid calendar"})
}

/// A worker at which the account is connected.
fn connected() -> (Rc<TestApp>, ConnectorId) {
    let app = app();
    let mut browser = Browser::default();
    script_consent(&app, tokens_with_refresh());
    let page = browser.start(&app);
    let home = home(browser.come_back_with_code(&app, &page));
    let id = ConnectorId::new(parameter(&home, "connector_id").unwrap());
    app.db.forget_trips();
    app.http.reset();
    (app, id)
}

fn error_of(home: &Url) -> String {
    assert!(home.as_str().starts_with("https://app.example/done?"), "{home}");
    assert_eq!(parameter(home, "connector_id"), None);
    assert!(!parameter(home, "error_description").unwrap_or_default().is_empty(), "{home}");
    parameter(home, "error").unwrap()
}

fn nothing_is_connected(app: &TestApp) {
    for table in ["connectors", "calendars", "sync_state", "outbox"] {
        assert!(app.db.read(&format!("SELECT * FROM {table}")).is_empty(), "{table}");
    }
}

#[test]
fn an_account_of_another_tenant_than_the_links_is_not_connected() {
    for (signed_in, error) in [("contoso", None), ("fabrikam", Some("access_denied"))] {
        let app = app();
        let mut browser = Browser::default();
        let page = browser.start(&app);
        app.db.execute("UPDATE oauth_state SET tenant = 'contoso'");
        app.http.answer("/token", Ok(granted(tokens_with_refresh())));
        app.http.answer("/me", Ok(granted(json!({"id": "account-1", "tenant": signed_in}))));
        if error.is_none() {
            app.http.answer("/calendars", Ok(granted(json!([{"id": "main", "primary": true}]))));
        }
        let home = home(browser.come_back_with_code(&app, &page));
        assert_eq!(parameter(&home, "error").as_deref(), error, "{signed_in}");
        let tenants = app.db.read("SELECT tenant FROM connectors");
        assert_eq!(tenants, if error.is_none() { vec![json!({"tenant": "contoso"})] } else { vec![] });
    }
}

#[test]
fn leaving_takes_one_round_trip_and_no_call() {
    let app = app();
    let page = Browser::default().start(&app);
    assert_eq!(app.db.trips(), [["oauth_state.insert"]]);
    assert!(app.http.requests().is_empty());
    assert!(page.as_str().starts_with("https://provider.example/authorize?"));
    assert_eq!(
        parameter(&page, "redirect_uri").as_deref(),
        Some("https://calendar.example/oauth/google/callback")
    );
    assert_eq!(parameter(&page, "prompt").as_deref(), Some("consent"), "no refresh token is held");
}

#[test]
fn an_account_is_connected_with_its_calendars_and_the_browser_goes_home() {
    let app = app();
    let mut browser = Browser::default();
    let page = browser.start(&app);
    script_consent(&app, tokens_with_refresh());
    app.db.forget_trips();
    let home = home(browser.come_back_with_code(&app, &page));

    let id = ConnectorId::new(parameter(&home, "connector_id").unwrap());
    assert_eq!(home.as_str(), format!("https://app.example/done?connector_id={id}"));
    assert_eq!(
        app.db.trips().len(),
        3,
        "use the attempt up; store everything; mark the notification as sent"
    );
    assert_eq!(app.http.urls().len(), 3);
    let row = &block_on(app.db.query(connectors::get(&id))).unwrap()[0];
    let connector = connectors::from_row(row).unwrap();
    assert_eq!((connector.user.as_str(), connector.email.as_deref()), ("ada", Some("ada@example.com")));
    assert_eq!(
        (connector.zone.name(), connector.scopes.join(" ").as_str()),
        ("Europe/London", "openid calendar")
    );
    let calendars = app
        .db
        .read("SELECT calendar_id, is_primary, access, selected FROM calendars ORDER BY is_primary DESC");
    assert_eq!(
        calendars[0],
        json!({"calendar_id": "ada@example.com", "is_primary": 1, "access": "own", "selected": 1})
    );
    assert_eq!(
        calendars[1],
        json!({"calendar_id": "holidays", "is_primary": 0, "access": "read", "selected": 0})
    );
    assert_eq!(app.db.read("SELECT sync_status FROM sync_state"), [json!({"sync_status": "idle"})]);
    assert_eq!(
        app.db.read("SELECT type, user_id, workspace_id FROM outbox"),
        [json!({"type": "calendar.connector.connected", "user_id": "ada", "workspace_id": "math"})]
    );
    let due = app.db.read("SELECT refresh_due_at - created_at AS due FROM connectors");
    assert_eq!(due, [json!({"due": 50 * 60 * 1000})]);
    let cached = block_on(tokens::cached(&app, &connector)).unwrap();
    assert!(cached.token.matches("access-secret"));
}

#[test]
fn the_code_is_exchanged_with_the_verifier_of_the_challenge() {
    let app = app();
    let mut browser = Browser::default();
    let page = browser.start(&app);
    script_consent(&app, tokens_with_refresh());
    home(browser.come_back_with_code(&app, &page));
    let exchange: Value = serde_json::from_slice(app.http.requests()[0].body()).unwrap();
    let verifier = crate::domain::secret::CodeVerifier::new(exchange["verifier"].as_str().unwrap());
    assert_eq!(Some(pkce::challenge(&verifier)), parameter(&page, "code_challenge"));
    assert_eq!(exchange["code"], "the-code");
    assert_eq!(exchange["redirect_uri"], "https://calendar.example/oauth/google/callback");
}

#[test]
fn no_secret_is_stored_or_cached_in_the_clear() {
    let app = app();
    let mut browser = Browser::default();
    let page = browser.start(&app);
    let state = parameter(&page, "state").unwrap();
    let cookie = browser.cookie.clone().unwrap();
    let before = app.db.read("SELECT * FROM oauth_state");
    script_consent(&app, tokens_with_refresh());
    let home = home(browser.come_back_with_code(&app, &page));
    let verifier: Value = serde_json::from_slice(app.http.requests()[0].body()).unwrap();
    let id = ConnectorId::new(parameter(&home, "connector_id").unwrap());
    let mut everything = format!("{before:?}{home}{:?}", app.token_cache.held(&id));
    for table in ["oauth_state", "connectors", "calendars", "sync_state", "outbox", "tasks"] {
        everything += &format!("{:?}", app.db.read(&format!("SELECT * FROM {table}")));
    }
    let verifier = verifier["verifier"].as_str().unwrap();
    for secret in ["refresh-secret", "access-secret", "the-code", &state, cookie.to_cookie(), verifier] {
        assert!(!everything.contains(secret), "{secret}");
    }
}

#[test]
fn connecting_again_keeps_the_id_the_preferences_and_the_data() {
    let (app, id) = connected();
    app.db.execute(
        "UPDATE connectors SET status = 'reauth_required', refresh_token = NULL, preferences = '{\"timeZone\":\"Asia/Tokyo\"}'",
    );
    let generation = app.db.read("SELECT generation FROM connectors")[0]["generation"].as_i64();
    let mut browser = Browser::default();
    let page = browser.start(&app);
    script_consent(&app, tokens_with_refresh());
    let home = home(browser.come_back_with_code(&app, &page));
    assert_eq!(parameter(&home, "connector_id").as_deref(), Some(id.as_str()));
    let rows = app
        .db
        .read("SELECT status, preferences, generation, refresh_token IS NOT NULL AS held FROM connectors");
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["status"], &rows[0]["held"]), (&json!("active"), &json!(1)));
    assert_eq!(rows[0]["preferences"], json!("{\"timeZone\":\"Asia/Tokyo\"}"));
    assert!(rows[0]["generation"].as_i64() > generation);
    assert_eq!(app.db.read("SELECT * FROM outbox").len(), 2, "it is announced again");
}

#[test]
fn two_first_connections_at_once_are_one_connector() {
    let app = app();
    let (mut one, mut other) = (Browser::default(), Browser::default());
    let (page, other_page) = (one.start(&app), other.start(&app));
    script_consent(&app, tokens_with_refresh());
    script_consent(&app, tokens_with_refresh());
    let (first, second) =
        (home(one.come_back_with_code(&app, &page)), home(other.come_back_with_code(&app, &other_page)));
    assert_eq!(first, second);
    assert_eq!(app.db.read("SELECT id FROM connectors").len(), 1);
}

#[test]
fn the_same_account_of_another_user_or_workspace_is_another_connector() {
    use crate::store::oauth_state::Wish;
    let wish = |user: &str, workspace: Option<&str>| Wish {
        user: user.into(),
        workspace: workspace.map(Into::into),
        provider: ProviderKind::Google,
        tenant: None,
        redirect_uri: String::new(),
        scopes: vec![],
    };
    let ids: std::collections::BTreeSet<_> =
        [wish("ada", None), wish("ada", Some("math")), wish("eve", None), wish("adamath", None)]
            .iter()
            .map(|wish| connect::connector_id(wish, &"account-1".into()))
            .collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn two_attempts_in_two_tabs_of_one_browser_both_end_well() {
    let app = app();
    let mut browser = Browser::default();
    let (page, other_page) = (browser.start(&app), browser.start(&app));
    for page in [&page, &other_page] {
        script_consent(&app, tokens_with_refresh());
        home(browser.come_back_with_code(&app, page));
    }
}

#[test]
fn an_attempt_is_refused_on_a_page_when_the_state_is_not_this_browsers_to_use() {
    type Change = fn(&TestApp, &mut Browser, &mut Return);
    let cases: [(&str, Change); 4] = [
        ("state_missing", |_, _, returned| returned.state = None),
        ("state_unknown", |_, _, returned| returned.state = Some("forged".to_owned())),
        ("state_other_browser", |_, browser, _| browser.cookie = None),
        ("state_other_browser", |app, browser, _| {
            let mut other = Browser::default();
            other.start(app);
            browser.cookie = other.cookie;
        }),
    ];
    for (code, change) in cases {
        let app = app();
        let mut browser = Browser::default();
        let page = browser.start(&app);
        let mut returned = with_code(&page);
        change(&app, &mut browser, &mut returned);
        let failure = browser.come_back(&app, returned).unwrap_err();
        assert_eq!(failure.code, code);
        assert!(app.http.requests().is_empty());
        nothing_is_connected(&app);
    }
}

#[test]
fn a_state_is_used_once_whatever_came_of_it() {
    for first in [Some("access_denied"), None] {
        let app = app();
        let mut browser = Browser::default();
        let page = browser.start(&app);
        script_consent(&app, tokens_with_refresh());
        let returned = Return { error: first.map(str::to_owned), ..with_code(&page) };
        home(browser.come_back(&app, returned));
        let calls = app.http.requests().len();
        let failure = browser.come_back_with_code(&app, &page).unwrap_err();
        assert_eq!(failure.code, "state_reused");
        assert_eq!(app.http.requests().len(), calls);
    }
}

#[test]
fn an_attempt_lasts_ten_minutes() {
    let app = app();
    let mut browser = Browser::default();
    let page = browser.start(&app);
    app.clock.advance(ATTEMPT_LIFETIME + TimeDelta::minutes(1));
    block_on(crate::cron::tick(&*app));
    assert_eq!(error_of(&home(browser.come_back_with_code(&app, &page))), "invalid_request");
    assert!(app.http.requests().is_empty());
    nothing_is_connected(&app);

    let page = browser.start(&app);
    app.clock.advance(ATTEMPT_LIFETIME - TimeDelta::seconds(1));
    script_consent(&app, tokens_with_refresh());
    assert!(parameter(&home(browser.come_back_with_code(&app, &page)), "connector_id").is_some());
}

#[test]
fn a_redirect_uri_taken_off_the_list_meanwhile_is_not_followed() {
    let app = app();
    let mut browser = Browser::default();
    let page = browser.start(&app);
    app.db.execute("UPDATE oauth_state SET redirect_uri = 'https://evil.example/'");
    assert_eq!(browser.come_back_with_code(&app, &page).unwrap_err().code, "redirect_uri_not_allowed");
    assert!(app.http.requests().is_empty());
}

#[test]
fn an_unknown_provider_is_refused_both_ways() {
    let app = app();
    for failure in [
        block_on(start(&app, "gogle", Some("x"), None)).unwrap_err(),
        block_on(finish(&app, "gogle", Return::default())).unwrap_err(),
        block_on(admin_consent::start(&app, "gogle", Some("x"), None)).unwrap_err(),
    ] {
        assert_eq!((failure.code.as_ref(), failure.field()), ("unknown_provider", Some("provider")));
    }
    assert_eq!(block_on(start(&app, "google", None, None)).unwrap_err().code, "connect_link_invalid");
    assert!(app.db.trips().is_empty());
}

#[test]
fn what_goes_wrong_at_the_provider_is_told_in_oauths_terms() {
    type Script = fn(&TestApp) -> Return;
    fn coded(_: &TestApp) -> Return {
        Return { code: Some(AuthorizationCode::new("the-code")), ..Return::default() }
    }
    let cases: [(&str, Script); 8] = [
        ("access_denied", |_| Return { error: Some("access_denied".to_owned()), ..Return::default() }),
        ("invalid_request", |_| Return::default()),
        ("temporarily_unavailable", |app| {
            app.http.answer("/token", Ok(json_response(503, &json!({}))));
            coded(app)
        }),
        ("temporarily_unavailable", |app| {
            app.http.answer("/token", Err(HttpError::Timeout));
            coded(app)
        }),
        ("invalid_grant", |app| {
            app.http
                .answer("/token", Ok(refused(&Failure::reauthorize("invalid_grant", "the code was used"))));
            coded(app)
        }),
        ("server_error", |app| {
            app.http.answer("/token", Ok(refused(&Failure::fatal("invalid_client", "the secret is wrong"))));
            coded(app)
        }),
        ("temporarily_unavailable", |app| {
            app.http.answer("/token", Ok(granted(tokens_with_refresh())));
            app.http.answer("/me", Ok(json_response(500, &json!({}))));
            coded(app)
        }),
        ("temporarily_unavailable", |app| {
            app.http.answer("/token", Ok(granted(tokens_with_refresh())));
            app.http.answer("/me", Ok(granted(json!({"id": "account-1"}))));
            app.http.answer("/calendars", Ok(json_response(429, &json!({}))));
            coded(app)
        }),
    ];
    for (error, script) in cases {
        let app = app();
        let mut browser = Browser::default();
        let page = browser.start(&app);
        let returned = Return { state: parameter(&page, "state"), ..script(&app) };
        assert_eq!(error_of(&home(browser.come_back(&app, returned))), error);
        nothing_is_connected(&app);
    }
}

#[test]
fn a_database_that_does_not_take_the_connection_is_no_connection() {
    let app = app();
    let mut browser = Browser::default();
    let page = browser.start(&app);
    script_consent(&app, tokens_with_refresh());
    app.db.fail_next("connectors.connect");
    assert_eq!(error_of(&home(browser.come_back_with_code(&app, &page))), "temporarily_unavailable");
    nothing_is_connected(&app);
}

#[test]
fn without_a_refresh_token_the_consent_page_is_asked_for_once_and_no_more() {
    let (app, _) = connected();
    app.db.execute("UPDATE connectors SET account_id = 'another account'");
    let mut browser = Browser::default();
    let page = browser.start(&app);
    assert_eq!(parameter(&page, "prompt"), None, "a refresh token is held, perhaps for this account");
    script_consent(&app, tokens_without_refresh());
    let Ok(Onward::Again(departure)) = browser.come_back_with_code(&app, &page) else { panic!("sent home") };
    assert_eq!(parameter(&departure.url, "prompt").as_deref(), Some("consent"));
    assert_eq!(parameter(&departure.url, "login_hint").as_deref(), Some("ada@example.com"));
    assert_eq!(departure.browser.to_cookie(), browser.cookie.as_ref().unwrap().to_cookie());

    script_consent(&app, tokens_without_refresh());
    let home = home(browser.come_back_with_code(&app, &departure.url));
    assert_eq!(error_of(&home), "server_error");
    assert_eq!(app.db.read("SELECT id FROM connectors").len(), 1);
}

#[test]
fn without_a_new_refresh_token_the_one_held_is_kept() {
    let (app, id) = connected();
    let held = app.db.read("SELECT refresh_token FROM connectors");
    let mut browser = Browser::default();
    let page = browser.start(&app);
    assert_eq!(parameter(&page, "prompt"), None);
    script_consent(&app, tokens_without_refresh());
    let home = home(browser.come_back_with_code(&app, &page));
    assert_eq!(parameter(&home, "connector_id").as_deref(), Some(id.as_str()));
    assert_eq!(app.db.read("SELECT refresh_token FROM connectors"), held);
}

#[test]
fn too_little_granted_connects_nothing_and_is_told_to_whoever_has_the_connector() {
    let unticked = json!({"access_token": "a", "refresh_token": "r", "scope": "openid"});
    let app_without = app();
    let (app_with, id) = connected();
    for (app, notifications) in [(&app_without, 0), (&app_with, 1)] {
        let rows = app.db.read("SELECT * FROM connectors");
        let mut browser = Browser::default();
        let page = browser.start(app);
        script_consent(app, unticked.clone());
        assert_eq!(error_of(&home(browser.come_back_with_code(app, &page))), "insufficient_scope");
        assert_eq!(app.db.read("SELECT * FROM connectors"), rows);
        let told =
            app.db.read("SELECT body FROM outbox WHERE type = 'calendar.connector.scopes_insufficient'");
        assert_eq!(told.len(), notifications);
        if let Some(told) = told.first() {
            let told: Value = serde_json::from_str(told["body"].as_str().unwrap()).unwrap();
            assert_eq!((&told["subject"], &told["data"]["missing"]), (&json!(id), &json!(["calendar"])));
        }
    }
}

/// Ends the connector as the task does, and answers what was done.
fn end(app: &TestApp, id: &ConnectorId) -> Result<disconnect::Disconnection, Failure> {
    let rows = block_on(app.db.query(connectors::get(id))).unwrap();
    let connector = connectors::from_row(&rows[0]).unwrap();
    let done = block_on(disconnect::revoke(app, &connector, true))?;
    block_on(app.db.batch(disconnect::purge(&connector, &"the-task".into()))).unwrap();
    Ok(done)
}

fn place_hold(app: &TestApp, id: &ConnectorId, hold: &str, event: Option<&str>) {
    let event = event.map_or("NULL".to_owned(), |event| format!("'{event}'"));
    let key = crate::domain::event::CreationKey::derive(&[hold]);
    app.db.execute(&format!(
        "INSERT INTO holds (connector_id, hold_id, task_id, calendar_id, event_id, creation_key, start_at, end_at, expires_at, \
         state, created_at, updated_at) VALUES ('{id}', '{hold}', 't', 'primary', {event}, '{}', 1, 2, 3, 'held', 0, 0)",
        key.as_str()
    ));
}

#[test]
fn disconnecting_revokes_and_leaves_nothing_behind() {
    let (app, id) = connected();
    app.db.execute(
        "INSERT INTO outbox (id, connector_id, type, body, created_at) VALUES ('unsent', 'x', 't', '{}', 0); \
         UPDATE outbox SET connector_id = (SELECT id FROM connectors)",
    );
    app.http.answer("/revoke", Ok(granted(json!(null))));
    let done = end(&app, &id).unwrap();
    assert_eq!(done, disconnect::Disconnection { revoked: true, holds_released: 0, holds_left: 0 });
    assert_eq!(
        app.db.read("SELECT id FROM outbox"),
        [json!({"id": "unsent"})],
        "what was not sent yet still will be"
    );
    let revocation: Value = serde_json::from_slice(app.http.requests()[0].body()).unwrap();
    assert_eq!(revocation["token"], "refresh-secret");
    for table in ["connectors", "calendars", "sync_state", "holds", "tasks"] {
        assert!(app.db.read(&format!("SELECT * FROM {table}")).is_empty(), "{table}");
    }
    assert_eq!(app.token_cache.held(&id), None);
    assert!(app.gate.forgotten().contains(&id));
}

#[test]
fn holds_are_taken_off_the_calendar_as_far_as_that_works() {
    let (app, id) = connected();
    place_hold(&app, &id, "h1", Some("event-1"));
    place_hold(&app, &id, "h2", Some("event-2"));
    place_hold(&app, &id, "h3", None);
    app.db.execute("UPDATE connectors SET status = 'paused'");
    app.http.answer("/delete-event", Ok(granted(json!("deleted"))));
    app.http.answer("/delete-event", Ok(refused(&Failure::not_found("event_not_found", "no calendar"))));
    app.http.answer("/find-event", Ok(granted(json!(null))));
    app.http.answer("/revoke", Ok(granted(json!(null))));
    let done = end(&app, &id).unwrap();
    assert_eq!(done, disconnect::Disconnection { revoked: true, holds_released: 2, holds_left: 1 });
}

#[test]
fn a_hold_whose_cancelling_failed_goes_too() {
    let (app, id) = connected();
    place_hold(&app, &id, "h1", Some("event-1"));
    app.db.execute("UPDATE holds SET state = 'cancelling'");
    app.http.answer("/delete-event", Ok(granted(json!("deleted"))));
    app.http.answer("/revoke", Ok(granted(json!(null))));
    assert_eq!(end(&app, &id).unwrap().holds_released, 1);
}

#[test]
fn holds_are_waited_for_before_the_grant_is_ended_and_left_when_that_is_in_vain() {
    let (app, id) = connected();
    place_hold(&app, &id, "h1", Some("event-1"));
    let connector = connectors::from_row(&block_on(app.db.query(connectors::get(&id))).unwrap()[0]).unwrap();
    app.gate
        .answer_next(Ok(Admission::Wait { after: TimeDelta::seconds(7), reason: WaitReason::Concurrency }));
    let failure = block_on(disconnect::revoke(&app, &connector, true)).unwrap_err();
    assert_eq!(failure.action, Action::Wait { after: TimeDelta::seconds(7) });

    app.http.answer("/delete-event", Err(HttpError::Timeout));
    assert!(block_on(disconnect::revoke(&app, &connector, false)).unwrap_err().is_retryable());
    app.http.answer("/delete-event", Err(HttpError::Timeout));
    app.http.answer("/revoke", Ok(granted(json!(null))));
    let done = block_on(disconnect::revoke(&app, &connector, true)).unwrap();
    assert_eq!(done, disconnect::Disconnection { revoked: true, holds_released: 0, holds_left: 1 });
}

#[test]
fn nothing_of_a_connection_made_meanwhile_is_purged() {
    let (app, id) = connected();
    place_hold(&app, &id, "h1", Some("event-1"));
    let connector = connectors::from_row(&block_on(app.db.query(connectors::get(&id))).unwrap()[0]).unwrap();
    app.db.execute("UPDATE connectors SET generation = generation + 1");
    let count = || {
        let tables = ["connectors", "calendars", "holds", "outbox"];
        tables.map(|table| app.db.read(&format!("SELECT * FROM {table}")).len())
    };
    let before = count();
    block_on(app.db.batch(disconnect::purge(&connector, &"the-task".into()))).unwrap();
    assert_eq!(count(), before);
    assert!(before.iter().all(|rows| *rows > 0), "{before:?}");
}

#[test]
fn an_account_whose_refresh_token_no_key_opens_is_asked_for_another() {
    let (app, id) = connected();
    app.db.execute("UPDATE connectors SET refresh_token = 'v1.lost-key.AAAAAAAAAAAAAAAA.AAAA'");
    let mut browser = Browser::default();
    let page = browser.start(&app);
    script_consent(&app, tokens_without_refresh());
    let Onward::Again(again) = browser.come_back_with_code(&app, &page).unwrap() else {
        panic!("connected without lasting access")
    };
    script_consent(&app, tokens_with_refresh());
    let home = home(browser.come_back_with_code(&app, &again.url));
    assert_eq!(parameter(&home, "connector_id").as_deref(), Some(id.as_str()));
}

#[test]
fn a_provider_that_cannot_be_reached_keeps_the_connector_until_it_can() {
    let (app, id) = connected();
    for answer in [Err(HttpError::Timeout), Ok(json_response(503, &json!({})))] {
        app.http.answer("/revoke", answer);
        assert!(end(&app, &id).unwrap_err().is_retryable());
        assert_eq!(app.db.read("SELECT id FROM connectors").len(), 1);
    }
    app.http.answer("/revoke", Ok(granted(json!(null))));
    assert!(end(&app, &id).unwrap().revoked);
}

#[test]
fn a_grant_that_is_gone_or_cannot_be_opened_does_not_keep_a_connector_alive() {
    for ruin in [
        "UPDATE connectors SET refresh_token = NULL",
        "UPDATE connectors SET refresh_token = 'v1.lost-key.AAAAAAAAAAAAAAAA.AAAA'",
        "UPDATE connectors SET refresh_token = 'garbage'",
    ] {
        let (app, id) = connected();
        app.db.execute(ruin);
        assert!(!end(&app, &id).unwrap().revoked);
        assert!(app.http.requests().is_empty());
        assert!(app.db.read("SELECT id FROM connectors").is_empty());
    }
    let (app, id) = connected();
    app.http.answer("/revoke", Ok(refused(&Failure::fatal("invalid_client", "who are you"))));
    assert!(!end(&app, &id).unwrap().revoked);
}

#[test]
fn an_account_connected_again_after_its_end_has_its_id_but_another_generation() {
    let (app, id) = connected();
    let generation =
        |app: &TestApp| app.db.read("SELECT generation FROM connectors")[0]["generation"].as_i64();
    let before = generation(&app);
    app.http.answer("/revoke", Ok(granted(json!(null))));
    end(&app, &id).unwrap();
    app.clock.advance(TimeDelta::seconds(1));
    let mut browser = Browser::default();
    let page = browser.start(&app);
    script_consent(&app, tokens_with_refresh());
    let home = home(browser.come_back_with_code(&app, &page));
    assert_eq!(parameter(&home, "connector_id").as_deref(), Some(id.as_str()));
    assert!(generation(&app) > before);
}
