//! What a provider wants to see proved is asked for at the next sign-in, once.

use super::*;
use crate::{domain::claims::Claims, reauthorization, store::connectors, testing::challenged};

const CLAIMS: &str = r#"{"access_token":{"acrs":{"value":"c1"}}}"#;

fn factor_missing() -> Failure {
    Failure::refused("mfa_required", "a second factor is missing")
}

#[test]
fn a_code_that_proves_too_little_sends_the_browser_round_once_more_and_no_more() {
    let app = app();
    let mut browser = Browser::default();
    let page = browser.start(&app);
    assert_eq!(parameter(&page, "claims"), None);
    app.http.answer("/token", Ok(challenged(400, &factor_missing(), CLAIMS)));
    let Ok(Onward::Again(departure)) = browser.come_back_with_code(&app, &page) else { panic!("sent home") };
    assert_eq!(parameter(&departure.url, "claims").as_deref(), Some(CLAIMS));

    app.http.answer("/token", Ok(challenged(400, &factor_missing(), r#"{"id_token":{"acr":null}}"#)));
    assert_eq!(error_of(&home(browser.come_back_with_code(&app, &departure.url))), "access_denied");
    let exchange: Value = serde_json::from_slice(app.http.requests()[1].body()).unwrap();
    assert_eq!(exchange["claims"], CLAIMS, "the exchange asks for them too");
    nothing_is_connected(&app);
}

#[test]
fn what_ended_a_grant_is_asked_for_when_the_person_connects_again_and_then_forgotten() {
    let (app, id) = connected();
    let connector = connectors::from_row(&block_on(app.db.query(connectors::get(&id))).unwrap()[0]).unwrap();
    let claims = Claims::parse(CLAIMS);
    let refusal = Failure::reauthorize("mfa_required", "a second factor is missing");
    block_on(reauthorization::require(&*app, &connector, &refusal, claims.as_ref())).unwrap();

    app.db.forget_trips();
    let mut browser = Browser::default();
    let page = browser.start(&app);
    assert_eq!(app.db.trips(), [["oauth_state.insert"]], "still one round trip");
    assert_eq!(parameter(&page, "claims").as_deref(), Some(CLAIMS));
    script_consent(&app, tokens_with_refresh());
    home(browser.come_back_with_code(&app, &page));
    assert_eq!(app.db.read("SELECT claims FROM connectors"), [json!({"claims": null})]);
    assert_eq!(parameter(&browser.start(&app), "claims"), None);
}

#[test]
fn what_one_account_must_prove_is_not_asked_of_others() {
    let (app, _) = connected();
    app.db.execute(&format!("UPDATE connectors SET claims = '{CLAIMS}'"));
    let asked = |hint: &str| {
        app.db.execute("DELETE FROM oauth_state");
        let request = ConnectLinkRequest {
            user_id: "ada".to_owned(),
            workspace_id: Some("math".to_owned()),
            provider: "google".to_owned(),
            redirect_uri: "https://app.example/done".to_owned(),
            scopes: None,
            login_hint: Some(hint.to_owned()),
            tenant: None,
        };
        let link = Url::parse(&connect_link::create(&app, request).unwrap().url).unwrap();
        let departure = block_on(start(&app, "google", parameter(&link, "link").as_deref(), None)).unwrap();
        parameter(&departure.url, "claims")
    };
    assert_eq!(asked("Ada@Example.com").as_deref(), Some(CLAIMS));
    assert_eq!(asked("bob@example.com"), None);
    app.db.execute("UPDATE connectors SET user_id = 'eve'");
    assert_eq!(asked("ada@example.com"), None);
}

#[test]
fn a_row_that_holds_no_request_for_claims_asks_for_none() {
    let (app, _) = connected();
    app.db.execute("UPDATE connectors SET claims = 'garbage'");
    assert_eq!(parameter(&Browser::default().start(&app), "claims"), None);
}
