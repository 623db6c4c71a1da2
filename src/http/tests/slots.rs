//! `POST /v1/slots`, and `find-slots` over HTTP.

use super::*;
use crate::{
    domain::failure::Failure,
    testing::{app, connect, connect_for, granted, refused},
};

fn morning(more: Value) -> Value {
    let mut body = json!({
        "timeMin": "2026-03-03T09:00", "timeMax": "2026-03-03T11:00", "timeZone": "Europe/Berlin", "durationMinutes": 60,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[test]
fn slots_of_several_connectors_cost_one_round_trip_and_one_call_each() {
    let app = app();
    for account in ["a", "b", "c"] {
        connect(&app, account);
    }
    app.db.forget_trips();
    for busy in [json!([]), json!([["2026-03-03T08:00:00Z", "2026-03-03T09:00:00Z"]]), json!([])] {
        app.http.answer("/free-busy", Ok(granted(json!({ "primary": busy }))));
    }
    let everybody = json!({"connectorId": "con-a", "connectorIds": ["con-b", "con-c", "con-a"]});
    let reply = post(&app, "/v1/slots", &morning(everybody)).expect(200).json();
    assert_eq!(
        reply,
        json!({
            "slots": [{"start": "2026-03-03T10:00:00+01:00", "end": "2026-03-03T11:00:00+01:00"}],
            "complete": true, "unknown": [], "source": "computed",
            "timeZone": "Europe/Berlin", "asOf": "2026-03-02T09:00:00Z",
        })
    );
    assert_eq!(app.db.trips().len(), 1);
    assert_eq!(app.http.requests().len(), 3, "a connector named twice is asked once");
}

#[test]
fn people_of_one_organisation_cost_one_call_in_all() {
    let app = app();
    for account in ["a", "b", "c"] {
        connect(&app, account);
    }
    app.db.execute("UPDATE connectors SET tenant = 'contoso'");
    app.http.answer("/meeting-times", Ok(granted(json!([["2026-03-03T08:30:00Z", "2026-03-03T09:30:00Z"]]))));
    let reply = post(&app, "/v1/slots", &morning(json!({"connectorIds": ["con-a", "con-b", "con-c"]})));
    let reply = reply.expect(200).json();
    assert_eq!(
        (&reply["source"], &reply["slots"]),
        (
            &json!("provider"),
            &json!([{"start": "2026-03-03T09:30:00+01:00", "end": "2026-03-03T10:30:00+01:00"}])
        )
    );
    assert_eq!(app.http.requests().len(), 1);
}

#[test]
fn a_connector_that_could_not_be_asked_is_told_and_nothing_is_offered() {
    let app = app();
    connect(&app, "a");
    connect_for(&app, "his", "refresh", "bob", None);
    let bob = access_token(&app, &json!({"userId": "bob"}));
    app.http.answer("/free-busy", Ok(granted(json!({"primary": []}))));
    let body = morning(json!({"connectorIds": ["con-his", "con-a", "con-none"]}));
    let reply = call(&app, &bob, "POST", "/v1/slots", Some(&body)).expect(200).json();
    assert_eq!((&reply["complete"], &reply["slots"]), (&json!(false), &json!([])));
    let told: Vec<_> =
        reply["unknown"].as_array().unwrap().iter().map(|one| (&one["connectorId"], &one["code"])).collect();
    let missing = json!("connector_not_found");
    assert_eq!(
        told,
        [(&json!("con-a"), &missing), (&json!("con-none"), &missing)],
        "one looks like the other"
    );
    assert_eq!(app.http.requests().len(), 1);

    app.http.answer("/free-busy", Ok(refused(&Failure::retry("provider_unavailable", "down", None))));
    let reply = post(&app, "/v1/slots", &morning(json!({"connectorId": "con-a"}))).expect(200).json();
    assert_eq!(
        reply["unknown"],
        json!([{"connectorId": "con-a", "code": "provider_unavailable", "message": "down", "retryable": true}])
    );
}

#[test]
fn slots_refuse_what_makes_no_sense_with_its_field() {
    let app = app();
    for (more, code, field) in [
        (json!({}), "missing_field", "connectorIds"),
        (json!({"connectorIds": []}), "missing_field", "connectorIds"),
        (json!({"connectorIds": "con-a"}), "wrong_type", "connectorIds"),
        (json!({"connectorId": "con-a", "durationMinutes": "1h"}), "wrong_type", "durationMinutes"),
        (json!({"connectorId": "con-a", "durationMinutes": 121, "timeMin": "soon"}), "bad_time", "timeMin"),
        (json!({"connectorId": "con-a", "attendees": ["x"]}), "bad_address", "attendees[0]"),
    ] {
        let problem = post(&app, "/v1/slots", &morning(more.clone())).problem();
        assert_eq!(problem, (422, code.to_owned(), Some(field.to_owned())), "{more}");
    }
    assert_eq!(
        post(&app, "/v1/slots", &json!({"connectorId": "con-a"})).problem(),
        (422, "missing_field".to_owned(), Some("timeMin".to_owned()))
    );
}

#[test]
fn a_task_is_taken_only_from_those_who_reach_every_connector_it_speaks_of() {
    let app = app();
    connect_for(&app, "hers", "refresh", "ada", Some("math"));
    connect_for(&app, "his", "refresh", "bob", Some("math"));
    let task = |others: Value| json!({"type": "find-slots", "connectorId": "con-hers", "payload": morning(json!({"connectorIds": others}))});
    let ada = access_token(&app, &json!({"userId": "ada"}));
    let math = access_token(&app, &json!({"workspaceId": "math"}));
    for (token, others, status) in [
        (ada.as_str(), json!([]), 202),
        (&ada, json!(["con-hers"]), 202),
        (&ada, json!(["con-his"]), 404),
        (&ada, json!(["con-none"]), 404),
        (&math, json!(["con-his"]), 202),
        (&math, json!(["con-none"]), 404),
        (API_KEY, json!(["con-his"]), 202),
    ] {
        call(&app, token, "POST", "/v1/tasks", Some(&task(others))).expect(status);
    }
}
