//! What a session does at the provider, at the gate and to the connector, call by call.

use bytes::Bytes;
use chrono::TimeDelta;
use serde_json::json;

use super::*;
use crate::{
    domain::calendar::Calendar,
    gate::WaitReason,
    ports::HttpError,
    providers::single,
    testing::{self, TestApp, block_on, challenged, connect, granted, json_response, refused, reread},
};

fn list_calendars(app: &TestApp, connector: &Connector) -> Result<Vec<Calendar>, Failure> {
    block_on(with_session(app, connector, 1, async |session| {
        session.call(app.providers.get(connector.provider)?.calendars().list_calendars()).await
    }))
}

fn answer(app: &TestApp, response: HttpResponse) {
    app.http.answer("calendars", Ok(response));
}

fn bearers(app: &TestApp) -> Vec<String> {
    app.http
        .requests()
        .iter()
        .map(|request| request.headers()[AUTHORIZATION].to_str().unwrap().to_owned())
        .collect()
}

/// Seven calls in one request, four of them at once.
fn batch_of_seven() -> Pending<()> {
    let mut request = http::Request::get("https://provider.example/calendars").body(Bytes::new()).unwrap();
    request.extensions_mut().insert(Batched { calls: 7, width: 4 });
    single(Ok(request), |_| Ok(()))
}

fn released(app: &TestApp) -> (u32, CallOutcome) {
    let releases = app.gate.releases();
    assert_eq!(releases.len(), 1, "a session is released once");
    (releases[0].unused, releases[0].outcome.clone())
}

#[test]
fn a_call_carries_the_gates_token_and_is_released_as_answered() {
    let app = testing::app();
    let connector = connect(&app, "a");
    answer(&app, granted(json!([])));
    assert_eq!(list_calendars(&app, &connector), Ok(vec![]));
    assert_eq!(bearers(&app), ["Bearer access-1"]);
    assert!(app.http.requests()[0].headers()[AUTHORIZATION].is_sensitive());
    assert_eq!(released(&app), (0, CallOutcome::Answered));
}

#[test]
fn a_cached_token_spares_the_gate() {
    let app = testing::app();
    let connector = connect(&app, "a");
    let grant = CachedGrant {
        token: AccessToken::new("cached"),
        expires_at: app.clock.now().plus(TimeDelta::minutes(30)),
        fresh: true,
    };
    block_on(tokens::remember(&*app, &connector.id, connector.generation, &grant));
    answer(&app, granted(json!([])));
    list_calendars(&app, &connector).unwrap();
    assert_eq!(bearers(&app), ["Bearer cached"]);
}

#[test]
fn the_first_401_is_answered_with_another_token_and_the_second_ends_the_grant_once() {
    let app = testing::app();
    let connector = connect(&app, "a");
    answer(&app, json_response(401, &json!({})));
    answer(&app, granted(json!([])));
    assert_eq!(list_calendars(&app, &connector), Ok(vec![]));
    assert_eq!(bearers(&app), ["Bearer access-1", "Bearer access-2"]);
    assert_eq!(reread(&app, &connector.id).status, ConnectorStatus::Active);

    for _ in 0..2 {
        answer(&app, json_response(401, &json!({})));
        answer(&app, json_response(401, &json!({})));
        let failure = list_calendars(&app, &connector).unwrap_err();
        assert_eq!((failure.action, &*failure.code), (Action::Reauthorize, "access_token_refused"));
    }
    assert_eq!(app.http.left(), 0);
    assert_eq!(reread(&app, &connector.id).status, ConnectorStatus::ReauthRequired);
    assert_eq!(
        app.db.read("SELECT id, type FROM outbox"),
        [
            json!({"id": format!("reauth:con-a:{}", connector.generation), "type": "calendar.connector.reauth_required"})
        ]
    );
    assert!(app.gate.forgotten().contains(&connector.id));
}

#[test]
fn a_token_that_lay_at_the_gate_does_not_end_the_grant_when_it_is_refused() {
    let app = testing::app();
    let connector = connect(&app, "a");
    app.gate.hand_out_old_token_next();
    for _ in 0..2 {
        answer(&app, json_response(401, &json!({})));
    }
    answer(&app, granted(json!([])));
    assert_eq!(list_calendars(&app, &connector), Ok(vec![]));
    assert_eq!(app.http.requests().len(), 3);
    assert_eq!(reread(&app, &connector.id).status, ConnectorStatus::Active);
}

#[test]
fn a_claims_challenge_is_answered_with_a_token_that_proves_them() {
    let app = testing::app();
    let connector = connect(&app, "a");
    let refusal = Failure::reauthorize("token_refused", "");
    let claims = [r#"{"access_token":{"nbf":"1"}}"#, r#"{"access_token":{"nbf":"2"}}"#];
    // An expired token first, then what the new one does not prove, and then more than that.
    answer(&app, json_response(401, &json!({})));
    for claims in claims {
        answer(&app, challenged(401, &refusal, claims));
    }
    answer(&app, granted(json!([])));
    assert_eq!(list_calendars(&app, &connector), Ok(vec![]));
    let asked: Vec<_> = app.gate.wishes().into_iter().skip(1).map(|wish| wish.claims).collect();
    assert_eq!(asked, [None, Claims::parse(claims[0]), Claims::parse(claims[1])]);
    assert_eq!(reread(&app, &connector.id).status, ConnectorStatus::Active);
}

#[test]
fn a_challenge_no_new_token_meets_needs_the_person_and_is_kept_for_the_next_sign_in() {
    let app = testing::app();
    let connector = connect(&app, "a");
    let claims = r#"{"access_token":{"nbf":"1"}}"#;
    for _ in 0..2 {
        answer(&app, challenged(401, &Failure::reauthorize("token_refused", ""), claims));
    }
    let failure = list_calendars(&app, &connector).unwrap_err();
    assert_eq!((failure.action, &*failure.code), (Action::Reauthorize, "access_token_refused"));
    assert_eq!(app.db.read("SELECT claims FROM connectors"), [json!({ "claims": claims })]);
    assert_eq!(app.http.left(), 0, "asked once with them, and no more");
}

#[test]
fn a_challenge_in_a_part_of_a_batch_is_answered_as_if_it_were_the_batchs() {
    let claims = r#"{"access_token":{"nbf":"1"}}"#;
    let challenged = || challenged(200, &Failure::retry("part_refused", "", None), claims);
    let batch = |app: &TestApp, connector: &Connector| {
        block_on(with_session(app, connector, 1, async |session| session.call(batch_of_seven()).await))
    };

    let app = testing::app();
    let connector = connect(&app, "a");
    answer(&app, challenged());
    answer(&app, granted(json!([])));
    assert_eq!(batch(&app, &connector), Ok(()));
    let asked: Vec<_> = app.gate.wishes().into_iter().skip(1).map(|wish| wish.claims).collect();
    assert_eq!(asked, [Claims::parse(claims)]);
    assert_eq!(bearers(&app), ["Bearer access-1", "Bearer access-2"]);

    for _ in 0..2 {
        answer(&app, challenged());
    }
    let failure = batch(&app, &connector).unwrap_err();
    assert_eq!((failure.action, &*failure.code), (Action::Reauthorize, "access_token_refused"));
    assert_eq!(app.db.read("SELECT claims FROM connectors"), [json!({ "claims": claims })]);
}

#[test]
fn a_token_that_ran_out_within_a_batch_is_replaced_and_one_refused_in_vain_costs_nobody_a_consent() {
    let app = testing::app();
    let connector = connect(&app, "a");
    let part_refused = || refused(&Failure::retry("part_refused", "", None));
    let batch =
        || block_on(with_session(&*app, &connector, 1, async |session| session.call(batch_of_seven()).await));
    answer(&app, part_refused());
    answer(&app, granted(json!([])));
    assert_eq!(batch(), Ok(()));
    assert_eq!(bearers(&app), ["Bearer access-1", "Bearer access-2"]);

    for _ in 0..2 {
        answer(&app, part_refused());
    }
    // What the exchange makes of it is the exchange's: this one of the tests takes any answer.
    assert_eq!(batch(), Ok(()));
    assert_eq!((app.http.left(), reread(&app, &connector.id).status), (0, ConnectorStatus::Active));
}

#[test]
fn a_grant_renewed_meanwhile_is_left_alone_and_the_task_tries_again() {
    let app = testing::app();
    let old = connect(&app, "a");
    let renewed = connect(&app, "a");
    assert_eq!(renewed.generation, old.generation + 1);
    answer(&app, json_response(401, &json!({})));
    answer(&app, json_response(401, &json!({})));
    let failure = list_calendars(&app, &old).unwrap_err();
    assert_eq!(&*failure.code, "connector_reconnected");
    assert!(failure.is_retryable());
    assert_eq!(reread(&app, &old.id).status, ConnectorStatus::Active);
    assert!(app.db.read("SELECT * FROM outbox").is_empty());
}

#[test]
fn a_connector_that_must_not_work_does_not() {
    let app = testing::app();
    let mut connector = connect(&app, "a");
    connector.status = ConnectorStatus::Paused;
    assert_eq!(&*list_calendars(&app, &connector).unwrap_err().code, "connector_paused");
    connector.status = ConnectorStatus::ReauthRequired;
    assert_eq!(list_calendars(&app, &connector).unwrap_err().action, Action::Reauthorize);
    assert!(app.gate.calls().is_empty() && app.http.requests().is_empty());
}

#[test]
fn no_room_at_the_gate_is_a_wait_and_nothing_is_called() {
    let app = testing::app();
    let connector = connect(&app, "a");
    let after = TimeDelta::seconds(7);
    app.gate.answer_next(Ok(Admission::Wait { after, reason: WaitReason::RetryAfter }));
    let failure = list_calendars(&app, &connector).unwrap_err();
    assert_eq!((failure.action, &*failure.code), (Action::Wait { after }, "provider_throttled"));
    assert!(app.http.requests().is_empty() && app.gate.releases().is_empty());
}

#[test]
fn a_permit_is_given_back_whole_when_there_is_no_token() {
    let app = testing::app();
    let connector = connect(&app, "a");
    app.gate.refuse_next_token(Failure::reauthorize("invalid_grant", "gone"));
    assert_eq!(list_calendars(&app, &connector).unwrap_err().action, Action::Reauthorize);
    assert_eq!(released(&app), (1, CallOutcome::NotMade));
}

#[test]
fn the_gate_learns_how_calls_went() {
    let after = Some(TimeDelta::seconds(9));
    let slow_down = Failure::retry("rate_limited", "slow down", after);
    for (name, response, expected) in [
        (
            "throttled, whatever the status",
            Ok(refused(&slow_down)),
            CallOutcome::Throttled { retry_after: after },
        ),
        (
            "throttled, without saying for how long",
            Ok(refused(&Failure::retry("provider_throttled", "slow down", None))),
            CallOutcome::Throttled { retry_after: None },
        ),
        (
            "something that may work later, whoever is to blame",
            Ok(refused(&Failure::retry("provider_unsettled", "not yet", None))),
            CallOutcome::Answered,
        ),
        (
            "two writes that met",
            Ok(refused(&Failure::retry("provider_write_conflict", "again", None))),
            CallOutcome::Answered,
        ),
        ("429", Ok(json_response(429, &json!({}))), CallOutcome::Throttled { retry_after: None }),
        ("server error", Ok(json_response(503, &json!({}))), CallOutcome::Failed { retry_after: None }),
        ("no answer", Err(HttpError::Timeout), CallOutcome::Failed { retry_after: None }),
        (
            "a refusal of the request",
            Ok(refused(&Failure::not_found("event_not_found", "gone"))),
            CallOutcome::Answered,
        ),
    ] {
        let app = testing::app();
        let connector = connect(&app, "a");
        app.http.answer("calendars", response);
        list_calendars(&app, &connector).unwrap_err();
        assert_eq!(released(&app).1, expected, "{name}");
    }
}

#[test]
fn a_wish_to_wait_is_not_undone_by_a_later_answer() {
    let app = testing::app();
    let connector = connect(&app, "a");
    let after = Some(TimeDelta::seconds(9));
    answer(&app, refused(&Failure::retry("rate_limited", "slow down", after)));
    answer(&app, granted(json!([])));
    block_on(with_session(&*app, &connector, 2, async |session| {
        let provider = app.providers.get(connector.provider)?;
        session.call(provider.calendars().list_calendars()).await.unwrap_err();
        session.call(provider.calendars().list_calendars()).await
    }))
    .unwrap();
    assert_eq!(released(&app), (0, CallOutcome::Throttled { retry_after: after }));
}

#[test]
fn more_calls_than_planned_are_asked_for_under_the_same_permit_and_the_rest_is_given_back() {
    let app = testing::app();
    let connector = connect(&app, "a");
    for _ in 0..3 {
        answer(&app, granted(json!([])));
    }
    block_on(with_session(&*app, &connector, 2, async |session| {
        for _ in 0..3 {
            session.call(app.providers.get(connector.provider)?.calendars().list_calendars()).await?;
        }
        Ok(())
    }))
    .unwrap();
    let asked: Vec<_> = app.gate.calls().into_iter().map(|call| (call.calls, call.permit)).collect();
    assert_eq!(asked, [(2, None), (MORE_CALLS, Some(PermitId("permit-1".to_owned())))]);
    assert_eq!(released(&app), (MORE_CALLS - 1, CallOutcome::Answered));
}

#[test]
fn a_batch_counts_as_the_calls_in_it_and_takes_their_places() {
    let app = testing::app();
    let connector = connect(&app, "a");
    for _ in 0..2 {
        answer(&app, granted(json!([])));
    }
    block_on(with_session(&*app, &connector, 1, async |session| {
        session.call(batch_of_seven()).await?;
        session.call(batch_of_seven()).await
    }))
    .unwrap();
    let asked: Vec<_> = app.gate.calls().iter().map(|call| (call.calls, call.least, call.width)).collect();
    assert_eq!(asked, [(7, 7, 4), (7, 7, 4)]);
    assert_eq!(released(&app), (0, CallOutcome::Answered));
}

#[test]
fn who_goes_on_for_long_asks_the_gate_again_and_stops_when_the_provider_wants_to_be_left_alone() {
    let app = testing::app();
    let connector = connect(&app, "a");
    for _ in 0..2 {
        answer(&app, granted(json!([])));
    }
    let after = TimeDelta::seconds(30);
    let failure = block_on(with_session(&*app, &connector, 9, async |session| {
        let provider = app.providers.get(connector.provider)?;
        session.call(provider.calendars().list_calendars()).await?;
        app.clock.advance(PERMIT_USE);
        session.call(provider.calendars().list_calendars()).await?;
        app.gate.answer_next(Ok(Admission::Wait { after, reason: WaitReason::RetryAfter }));
        app.clock.advance(PERMIT_USE);
        session.call(provider.calendars().list_calendars()).await
    }));
    assert_eq!(failure.unwrap_err().action, Action::Wait { after });
    let asked: Vec<_> = app.gate.calls().iter().map(|call| (call.calls, call.unused)).collect();
    assert_eq!(asked, [(9, 0), (8, 8), (7, 7)]);
    assert_eq!(released(&app).0, 0, "they went back with the wish for more");
}

#[test]
fn a_session_is_closed_when_its_work_fails() {
    let app = testing::app();
    let connector = connect(&app, "a");
    answer(&app, granted(json!([])));
    let result: Result<(), _> = block_on(with_session(&*app, &connector, 3, async |session| {
        session.call(app.providers.get(connector.provider)?.calendars().list_calendars()).await?;
        Err(Failure::conflict("slot_busy", "taken"))
    }));
    assert_eq!(&*result.unwrap_err().code, "slot_busy");
    assert_eq!(released(&app), (2, CallOutcome::Answered));
}

#[test]
fn work_without_a_request_does_not_trouble_the_gate() {
    let app = testing::app();
    let connector = connect(&app, "a");
    block_on(with_session(&*app, &connector, 3, async |_| Ok(()))).unwrap();
    assert!(app.gate.calls().is_empty() && app.gate.releases().is_empty());
}

#[test]
fn a_session_that_begins_with_a_batch_asks_for_all_that_is_planned() {
    let app = testing::app();
    let connector = connect(&app, "a");
    for _ in 0..2 {
        answer(&app, granted(json!([])));
    }
    block_on(with_session(&*app, &connector, 2, async |session| {
        session.call(batch_of_seven()).await?;
        session.call(app.providers.get(connector.provider)?.calendars().list_calendars()).await
    }))
    .unwrap();
    let asked: Vec<_> = app.gate.calls().iter().map(|call| (call.calls, call.least, call.width)).collect();
    assert_eq!(asked, [(8, 8, 4)]);
    assert_eq!(released(&app), (0, CallOutcome::Answered));
}

#[test]
fn an_exchange_without_end_is_stopped() {
    struct Endless;
    impl crate::providers::Exchange for Endless {
        type Output = ();
        fn step(&mut self, _: Option<HttpResponse>) -> Result<Step<()>, Failure> {
            Ok(Step::Send(http::Request::new(bytes::Bytes::new())))
        }
    }
    let app = testing::app();
    for _ in 0..=MOST_STEPS {
        app.http.answer("", Ok(json_response(200, &json!({}))));
    }
    let failure = block_on(drive(&*app, None, Box::new(Endless))).unwrap_err();
    assert_eq!(&*failure.code, "endless_exchange");
}
