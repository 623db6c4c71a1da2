//! Where only an administrator may consent: what the person is shown, and the administrator's own way.

use super::*;
use crate::store::oauth_state::Wish;

/// What a person is shown who came back with this error.
fn shown(app: &TestApp, error: &str, subcode: Option<&str>) -> Approval {
    let mut browser = Browser::default();
    let page = browser.start(app);
    let returned = Return {
        state: parameter(&page, "state"),
        error: Some(error.to_owned()),
        error_subcode: subcode.map(str::to_owned),
        ..Return::default()
    };
    let Ok(Onward::NeedsApproval(approval)) = browser.come_back(app, returned) else { panic!("sent home") };
    approval
}

/// The link that a person is shown who was refused for want of an administrator, and where the way back leads.
fn refused_for_want_of_an_administrator(app: &TestApp) -> (String, Url) {
    let approval = shown(app, "ask_administrator", None);
    assert_eq!(approval.again, None, "it would end the same way");
    (parameter(&Url::parse(&approval.link).unwrap(), "link").unwrap(), approval.home)
}

/// An administrator's browser on its way to the provider.
fn departed(app: &TestApp) -> Departure {
    let (link, _) = refused_for_want_of_an_administrator(app);
    block_on(admin_consent::start(app, "google", Some(&link), None)).unwrap()
}

fn back(departure: &Departure, error: Option<&str>) -> Return {
    Return {
        state: parameter(&departure.url, "state"),
        error: error.map(str::to_owned),
        browser: Some(departure.browser.clone()),
        ..Return::default()
    }
}

#[test]
fn the_person_is_given_a_link_for_the_administrator_and_a_way_back() {
    let app = app();
    let (link, home) = refused_for_want_of_an_administrator(&app);
    assert_eq!(error_of(&home), "consent_required");
    app.db.forget_trips();
    let departure = block_on(admin_consent::start(&app, "google", Some(&link), None)).unwrap();
    assert_eq!(app.db.trips(), [["oauth_state.insert"]]);
    assert!(departure.url.as_str().starts_with("https://provider.example/admin-consent?"));
    assert_eq!(
        parameter(&departure.url, "redirect_uri").as_deref(),
        Some("https://calendar.example/oauth/google/admin-consent/callback")
    );
    assert_eq!(
        parameter(&departure.url, "scope").as_deref(),
        Some("openid calendar"),
        "what the person was asked for"
    );
    nothing_is_connected(&app);
}

#[test]
fn a_person_who_may_as_well_have_said_no_is_given_both_ways() {
    let app = app();
    let approval = shown(&app, "access_denied", Some("cancel"));
    assert_eq!(error_of(&approval.home), "access_denied");
    assert_eq!(parameter(&approval.home, "error_code").as_deref(), Some("consent_cancelled"));
    let link = |url: &str| parameter(&Url::parse(url).unwrap(), "link").unwrap();
    let again = link(&approval.again.unwrap());
    let departure = block_on(start(&app, "google", Some(&again), None)).unwrap();
    assert_eq!(parameter(&departure.url, "scope").as_deref(), Some("openid calendar"));
    let administrators = link(&approval.link);
    block_on(admin_consent::start(&app, "google", Some(&administrators), None)).unwrap();
    assert!(block_on(start(&app, "google", Some(&administrators), None)).is_err(), "not to connect with");
    app.clock.advance(connect_link::LIFETIME);
    assert_eq!(block_on(start(&app, "google", Some(&again), None)).unwrap_err().code, "connect_link_expired");
}

#[test]
fn an_administrator_who_leaves_the_page_has_said_no() {
    let app = app();
    let returned =
        Return { error_subcode: Some("cancel".to_owned()), ..back(&departed(&app), Some("access_denied")) };
    let decision = block_on(admin_consent::finish(&app, "google", returned, true)).unwrap();
    assert_eq!(decision.refusal.unwrap().code, "consent_denied");
}

#[test]
fn an_administrator_who_consents_goes_on_to_the_product() {
    let app = app();
    let decision =
        block_on(admin_consent::finish(&app, "google", back(&departed(&app), None), true)).unwrap();
    assert_eq!(decision.refusal, None);
    assert_eq!(decision.home.as_str(), "https://app.example/done?admin_consent=granted");
    nothing_is_connected(&app);
}

#[test]
fn an_error_counts_even_where_consent_is_claimed_beside_it() {
    for (error, granted, code, told) in [
        (Some("access_denied"), true, "consent_denied", "access_denied"),
        (Some("access_denied"), false, "consent_denied", "access_denied"),
        (None, false, "admin_consent_unclear", "invalid_request"),
    ] {
        let app = app();
        let decision =
            block_on(admin_consent::finish(&app, "google", back(&departed(&app), error), granted)).unwrap();
        assert_eq!(decision.refusal.unwrap().code, code);
        assert_eq!(error_of(&decision.home), told);
    }
}

#[test]
fn an_administrators_attempt_is_one_browsers_once_and_for_ten_minutes() {
    let app = app();
    let departure = departed(&app);
    let finish = |returned| block_on(admin_consent::finish(&app, "google", returned, true));
    let other = Return { browser: None, ..back(&departure, None) };
    assert_eq!(finish(other).unwrap_err().code, "state_other_browser");
    assert_eq!(finish(back(&departure, None)).unwrap_err().code, "state_reused");
    assert_eq!(finish(Return::default()).unwrap_err().code, "state_missing");

    let late = departed(&app);
    app.clock.advance(ATTEMPT_LIFETIME);
    assert_eq!(finish(back(&late, None)).unwrap().refusal.unwrap().code, "state_expired");
}

#[test]
fn the_state_of_one_way_is_worth_nothing_on_the_other() {
    let app = app();
    let administrator = departed(&app);
    let returned = Return { code: Some(AuthorizationCode::new("the-code")), ..back(&administrator, None) };
    assert_eq!(block_on(finish(&app, "google", returned)).unwrap_err().code, "state_other_purpose");

    let mut browser = Browser::default();
    let page = browser.start(&app);
    let returned = Return { browser: browser.cookie.clone(), ..with_code(&page) };
    let failure = block_on(admin_consent::finish(&app, "google", returned, true)).unwrap_err();
    assert_eq!(failure.code, "state_other_purpose");
    assert!(app.http.requests().is_empty());
    nothing_is_connected(&app);
}

#[test]
fn where_there_is_no_administrator_nobody_is_sent_to_one() {
    let app = app();
    let wish = Wish {
        user: "ada".into(),
        workspace: None,
        provider: ProviderKind::Google,
        tenant: Some("nobodys".to_owned()),
        redirect_uri: "https://app.example/done".to_owned(),
        scopes: vec!["calendar".to_owned()],
    };
    let link = Url::parse(&connect_link::for_administrator(&app, &wish)).unwrap();
    let link = parameter(&link, "link");
    let failure = block_on(admin_consent::start(&app, "google", link.as_deref(), None)).unwrap_err();
    assert_eq!(failure.code, "admin_consent_not_supported");
    assert!(app.db.trips().is_empty());

    let mut browser = Browser::default();
    let page = browser.start(&app);
    app.db.execute("UPDATE oauth_state SET tenant = 'nobodys'");
    let returned = Return {
        state: parameter(&page, "state"),
        error: Some("ask_administrator".to_owned()),
        ..Return::default()
    };
    assert_eq!(error_of(&home(browser.come_back(&app, returned))), "consent_required");
}
