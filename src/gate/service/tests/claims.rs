//! A claims challenge on its way through the gate.

use super::*;
use crate::testing::challenged;

#[test]
fn claims_that_were_asked_for_go_along_with_a_refresh_of_its_own() {
    let app = app();
    let connector = connect(&*app, "a");
    let claims = Claims::parse(r#"{"access_token":{"nbf":"1"}}"#);
    let refused = TokenFingerprint::of(&AccessToken::new("access-1"));
    let ask = |claims: &Option<Claims>| {
        let request = TokenRequest::new(1).instead_of(refused.clone()).proving(claims.clone());
        block_on(app.gate.access_token(&connector.id, request)).unwrap()
    };
    answer_refresh(&app, "access-1", None);
    block_on(token(&app, &connector)).unwrap();
    answer_refresh(&app, "access-2", None);
    let grant = ask(&claims);
    assert_eq!((grant.token.expose(), grant.fresh), ("access-2", true));
    let last: serde_json::Value =
        serde_json::from_slice(app.http.script.requests().last().unwrap().body()).unwrap();
    assert_eq!(last["claims"], json!(claims));
    // Whoever else was refused takes the token that came of it.
    let grant = ask(&claims);
    assert_eq!((grant.token.expose(), grant.fresh), ("access-2", false));
}

#[test]
fn a_refresh_others_began_is_not_taken_for_one_that_proves_the_claims() {
    let app = app();
    let connector = connect(&*app, "a");
    let claims = Claims::parse(r#"{"access_token":{"nbf":"1"}}"#);
    answer_refresh(&app, "access-1", None);
    let proving = app.gate.access_token(&connector.id, TokenRequest::new(1).proving(claims));
    let (plain, proving) = block_on(async { futures_util::join!(token(&app, &connector), proving) });
    assert_eq!(plain.as_deref(), Ok("access-1"));
    assert!(!proving.unwrap().fresh, "worth a try, and no reason to give the grant up");
}

#[test]
fn what_the_token_endpoint_wants_to_see_proved_is_kept_for_the_next_sign_in() {
    let asked = r#"{"access_token":{"nbf":"1"}}"#;
    let wanted = r#"{"access_token":{"acrs":"c1"}}"#;
    for (answer, kept) in
        [(challenged(400, &revoked(), wanted), json!(wanted)), (refused(&revoked()), json!(asked))]
    {
        let app = app();
        let connector = connect(&*app, "a");
        app.http.script.answer("refresh", Ok(answer));
        let request = TokenRequest::new(1).proving(Claims::parse(asked));
        block_on(app.gate.access_token(&connector.id, request)).unwrap_err();
        assert_eq!(app.db.read("SELECT claims FROM connectors"), [json!({ "claims": kept })]);
    }
}
