//! A person's browser, out to the provider and back.

use super::*;
use crate::{
    providers::Registry,
    testing::{FakeProvider, app, app_with, environment, granted, parse},
};

fn link(app: &Rc<TestApp>) -> String {
    let body = json!({"userId": "ada", "provider": "google", "redirectUri": "https://app.example/done"});
    post(app, "/v1/connect-links", &body).expect(201).json()["url"].as_str().unwrap().to_owned()
}

fn visit(app: &Rc<TestApp>, url: &str, cookie: &str) -> Reply {
    let mut request = Request::get(url).header(header::ACCEPT, "text/html");
    if !cookie.is_empty() {
        request = request.header(header::COOKIE, cookie);
    }
    send(app, request.body(Body::empty()).unwrap())
}

/// `name=value` of the cookie an answer sets.
fn cookie_of(reply: &Reply) -> String {
    reply.header(header::SET_COOKIE).split(';').next().unwrap().to_owned()
}

fn state_of(reply: &Reply) -> String {
    let url = url::Url::parse(reply.header(header::LOCATION)).unwrap();
    url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
}

#[test]
fn a_person_connects_an_account() {
    let app = app();
    let departure = visit(&app, &link(&app), "").expect(302);
    assert!(departure.header(header::LOCATION).starts_with("https://provider.example/authorize?"));
    let cookie = departure.header(header::SET_COOKIE);
    assert!(cookie.starts_with("__Host-huddle-connect="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"), "{cookie}");

    app.http.answer(
        "/token",
        Ok(granted(json!({"access_token": "a", "refresh_token": "r", "scope": "calendar"}))),
    );
    app.http.answer("/me", Ok(granted(json!({"id": "account-1"}))));
    app.http.answer("/calendars", Ok(granted(json!([{"id": "main", "primary": true}]))));
    let callback = format!("/oauth/google/callback?code=the-code&state={}", state_of(&departure));
    let home = visit(&app, &callback, &cookie_of(&departure)).expect(302);
    let location = home.header(header::LOCATION);
    let id = location.strip_prefix("https://app.example/done?connector_id=").unwrap();

    let connector = get(&app, &format!("/v1/connectors/{id}")).expect(200).json();
    assert_eq!((&connector["userId"], &connector["status"]), (&json!("ada"), &json!("active")));
    let calendars = get(&app, &format!("/v1/connectors/{id}/calendars")).expect(200).json();
    assert_eq!(calendars["calendars"][0]["id"], "main");
    let told = get(&app, &format!("/v1/notifications?connectorId={id}")).expect(200).json();
    assert_eq!(told["notifications"][0]["type"], "calendar.connector.connected");
}

#[test]
fn on_plain_localhost_the_cookie_goes_without_prefix_and_secure() {
    let mut environment = environment();
    environment.insert("PUBLIC_BASE_URL", "http://localhost:8787".to_owned());
    let app = app_with(parse(&environment), Registry::of(vec![Box::new(FakeProvider)]));
    let departure = visit(&app, &link(&app), "").expect(302);
    let cookie = departure.header(header::SET_COOKIE);
    assert!(cookie.starts_with("huddle-connect=") && !cookie.contains("Secure"), "{cookie}");
}

#[test]
fn where_there_is_nowhere_to_go_a_page_says_what_is_wrong() {
    let app = app();
    let departure = visit(&app, &link(&app), "").expect(302);
    let (state, cookie) = (state_of(&departure), cookie_of(&departure));
    let link = link(&app);
    for (url, cookie, status, code) in [
        ("/oauth/gogle/start?link=x", "", 404, "unknown_provider"),
        ("/oauth/google/start", "", 400, "connect_link_invalid"),
        ("/oauth/google/start?link=forged", "", 400, "connect_link_invalid"),
        ("/oauth/gogle/callback?state=x", "", 404, "unknown_provider"),
        ("/oauth/google/callback", "", 400, "state_missing"),
        ("/oauth/gogle/admin-consent?link=x", "", 404, "unknown_provider"),
        ("/oauth/google/admin-consent?link=forged", "", 400, "connect_link_invalid"),
        ("/oauth/google/admin-consent/callback?admin_consent=True", "", 400, "state_missing"),
        ("/oauth/google/callback?state=forged&code=x", cookie.as_str(), 400, "state_unknown"),
        (&format!("/oauth/google/callback?state={state}&code=x"), "", 400, "state_other_browser"),
    ] {
        let page = visit(&app, url, cookie).expect(status);
        assert!(page.header(header::CONTENT_TYPE).starts_with("text/html"), "{url}");
        assert!(page.text().contains(code), "{url}: {}", page.text());
        assert!(page.header(header::CONTENT_SECURITY_POLICY).contains("default-src 'none'"));
        assert_eq!(page.header(header::REFERRER_POLICY), "no-referrer");
        assert_eq!(page.header(header::CACHE_CONTROL), "no-store");
    }
    app.clock.advance(chrono::TimeDelta::minutes(16));
    assert!(visit(&app, &link, "").expect(410).text().contains("connect_link_expired"));
}

#[test]
fn consent_refused_sends_the_browser_home_with_the_error() {
    let app = app();
    let departure = visit(&app, &link(&app), "").expect(302);
    let callback = format!("/oauth/google/callback?error=access_denied&state={}", state_of(&departure));
    let home = visit(&app, &callback, &cookie_of(&departure)).expect(302);
    assert_eq!(
        home.header(header::LOCATION),
        "https://app.example/done?error=access_denied&error_description=consent+was+refused&error_code=consent_denied"
    );
}

#[test]
fn a_page_of_ours_ends_the_way_where_the_product_has_none() {
    let app = app();
    let own =
        json!({"userId": "ada", "provider": "google", "redirectUri": "https://calendar.example/connected"});
    post(&app, "/v1/connect-links", &own).expect(201);
    assert!(visit(&app, "/connected?connector_id=con_1", "").expect(200).text().contains("is connected"));
    let page =
        visit(&app, "/connected?error=access_denied&error_description=call+0900", "").expect(200).text();
    assert!(
        page.contains("is not connected") && !page.contains("0900"),
        "text from the address is not shown"
    );
    let page = visit(&app, "/connected?error=access_denied&error_code=admin_policy", "").expect(200).text();
    assert!(page.contains("A policy of your organisation"), "{page}");
    let page = visit(&app, "/connected?error=access_denied&error_code=call+0900", "").expect(200).text();
    assert!(page.contains("You did not allow access") && !page.contains("0900"), "{page}");
    let page = visit(&app, "/connected?admin_consent=granted", "").expect(200).text();
    assert!(page.contains("organisation has approved"), "{page}");
    let page = visit(&app, "/connected?connector_id=%3Cscript%3E", "").expect(200).text();
    assert!(!page.contains("script"), "{page}");
}

#[test]
fn a_person_who_comes_back_without_a_word_can_try_again_or_ask_an_administrator() {
    let app = app();
    let departure = visit(&app, &link(&app), "").expect(302);
    let callback = format!(
        "/oauth/google/callback?error=access_denied&error_subcode=cancel&state={}",
        state_of(&departure)
    );
    let page = visit(&app, &callback, &cookie_of(&departure)).expect(200).text();
    assert!(page.contains("https://app.example/done?error=access_denied"), "{page}");
    let mut links = page.split("href=\"https://calendar.example").skip(1);
    let mut next = || links.next().unwrap().split('"').next().unwrap();
    let (again, administrator) = (next(), next());
    assert!(visit(&app, again, "").expect(302).header(header::LOCATION).contains("/authorize?"));
    assert!(visit(&app, administrator, "").expect(302).header(header::LOCATION).contains("/admin-consent?"));
}

#[test]
fn a_person_whose_organisation_demands_approval_is_told_what_to_do() {
    let app = app();
    let departure = visit(&app, &link(&app), "").expect(302);
    let callback = format!("/oauth/google/callback?error=ask_administrator&state={}", state_of(&departure));
    let page = visit(&app, &callback, &cookie_of(&departure)).expect(200).text();
    assert!(page.contains("https://app.example/done?error=consent_required"), "{page}");
    let link = page.split("href=\"https://calendar.example").nth(1).unwrap().split('"').next().unwrap();
    assert!(link.starts_with("/oauth/google/admin-consent?link="), "{link}");

    // The administrator has another browser, without our cookie.
    let departure = visit(&app, link, "").expect(302);
    assert!(departure.header(header::LOCATION).starts_with("https://provider.example/admin-consent?"));
    let callback =
        |what: &str| format!("/oauth/google/admin-consent/callback?{what}&state={}", state_of(&departure));
    let claimed = callback("admin_consent=True&error=access_denied&tenant=made-up");
    let page = visit(&app, &claimed, &cookie_of(&departure)).expect(200).text();
    assert!(page.contains("has not approved") && page.contains("consent_denied"), "{page}");
    assert!(!page.contains("made-up"), "nothing the address says is repeated");

    let departure = visit(&app, link, "").expect(302);
    let granted =
        format!("/oauth/google/admin-consent/callback?admin_consent=True&state={}", state_of(&departure));
    let page = visit(&app, &granted, &cookie_of(&departure)).expect(200).text();
    assert!(page.contains("has approved") && page.contains("https://app.example/done?admin_consent=granted"));
}
