//! Who is asked, and what is offered.

use serde_json::json;

use super::*;
use crate::{
    availability::slot_request::SlotRequest,
    domain::{
        calendar::CalendarAccess,
        connector::{Preferences, ProviderKind},
        working_hours::WorkingHours,
    },
    testing::{self, TestApp, block_on, connect, granted, refused},
};

/// The tests begin at nine o'clock of Monday, 2026-03-02.
fn meeting(more: Json) -> Meeting {
    let mut request = json!({
        "timeMin": "2026-03-03T08:00:00Z", "timeMax": "2026-03-03T10:00:00Z", "timeZone": "UTC", "durationMinutes": 60,
    });
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    serde_json::from_value::<SlotRequest>(request).unwrap().checked().unwrap()
}

/// Ada, Bob and so on: each connected, in the tenant `contoso`.
fn people(app: &TestApp, names: &[&str]) -> Vec<Account> {
    let tenant = || Some("contoso".to_owned());
    names.iter().map(|name| (Connector { tenant: tenant(), ..connect(app, name) }, Vec::new())).collect()
}

type Account = (Connector, Vec<Calendar>);

fn office(zone: &str) -> Preferences {
    Preferences {
        working_hours: Some(WorkingHours::office_week()),
        time_zone: Some(zone.to_owned()),
        ..Preferences::default()
    }
}

fn search(app: &TestApp, people: &[Account], more: Json) -> (Json, Vec<(usize, Failure)>) {
    let people: Vec<_> =
        people.iter().map(|account| Participant { id: &account.0.id, account: Some(account) }).collect();
    let found = block_on(find(app, &people, &meeting(more)));
    (found.slots.to_json().unwrap(), found.failures)
}

fn starts(answer: &Json) -> Vec<&str> {
    answer["slots"].as_array().unwrap().iter().map(|slot| slot["start"].as_str().unwrap()).collect()
}

/// The bodies of the requests to an operation.
fn asked(app: &TestApp, operation: &str) -> Vec<Json> {
    let requests = app.http.requests();
    let of_it = requests.iter().filter(|request| request.uri().path().ends_with(operation));
    of_it.map(|request| serde_json::from_slice(request.body()).unwrap()).collect()
}

#[test]
fn people_in_several_zones_meet_in_the_hours_they_share_whatever_their_clocks_do() {
    let app = testing::app();
    let mut people = people(&app, &["ada", "bob"]);
    people[0].0.preferences = office("Europe/Berlin");
    people[1].0.preferences = office("America/New_York");
    app.http.answer(
        "free-busy",
        Ok(granted(json!({"primary": [["2026-03-27T13:00:00Z", "2026-03-27T14:00:00Z"]]}))),
    );
    app.http.answer("free-busy", Ok(granted(json!({"primary": []}))));
    // Berlin's clocks go forward on Sunday the 29th, New York's did three weeks before.
    let (answer, _) = search(
        &app,
        &people,
        json!({"timeMin": "2026-03-27", "timeMax": "2026-03-31", "timeZone": "Europe/Berlin", "stepMinutes": 60}),
    );
    assert_eq!(
        starts(&answer),
        [
            "2026-03-27T15:00:00+01:00",
            "2026-03-27T16:00:00+01:00",
            "2026-03-30T15:00:00+02:00",
            "2026-03-30T16:00:00+02:00",
        ]
    );
    assert_eq!((&answer["complete"], &answer["source"]), (&json!(true), &json!("computed")));
    assert_eq!(answer["timeZone"], "Europe/Berlin");
    assert_eq!(asked(&app, "free-busy").len(), 2, "one call each");
}

#[test]
fn one_call_to_a_provider_that_knows_everybody_replaces_one_for_each() {
    let app = testing::app();
    let suggested = json!([
        ["2026-03-03T09:00:00Z", "2026-03-03T10:00:00Z"],
        ["2026-03-03T08:30:00Z", "2026-03-03T09:30:00Z"],
        ["2026-03-03T08:30:00Z", "2026-03-03T09:30:00Z"],
        // Not on the clock, too short, outside the window.
        ["2026-03-03T08:10:00Z", "2026-03-03T09:10:00Z"],
        ["2026-03-03T08:00:00Z", "2026-03-03T08:30:00Z"],
        ["2026-03-03T09:30:00Z", "2026-03-03T10:30:00Z"],
    ]);
    app.http.answer("meeting-times", Ok(granted(suggested)));
    let (answer, failures) = search(
        &app,
        &people(&app, &["ada", "bob"]),
        json!({"attendees": ["Cy@contoso.example"], "limit": 5}),
    );
    assert_eq!(
        answer["slots"],
        json!([
            {"start": "2026-03-03T08:30:00Z", "end": "2026-03-03T09:30:00Z"},
            {"start": "2026-03-03T09:00:00Z", "end": "2026-03-03T10:00:00Z"},
        ])
    );
    assert_eq!((&answer["complete"], &answer["source"]), (&json!(true), &json!("provider")));
    assert!(failures.is_empty());
    assert_eq!(app.http.requests().len(), 1);
    assert_eq!(
        asked(&app, "meeting-times")[0],
        json!({
            "people": ["bob@example.com", "cy@contoso.example"],
            "start": "2026-03-03T08:00:00Z", "end": "2026-03-03T10:00:00Z", "minutes": 60, "at_most": 5, "at_any_hour": false,
        })
    );
}

#[test]
fn when_the_provider_has_nothing_to_offer_everybody_is_asked() {
    for answer in [
        granted(json!(null)),
        granted(json!([])),
        granted(json!([["2026-03-03T08:10:00Z", "2026-03-03T09:10:00Z"]])),
        refused(&Failure::refused("scope_missing", "the search needs more")),
        refused(&Failure::fatal("provider_unreadable", "what?")),
    ] {
        let app = testing::app();
        app.http.answer("meeting-times", Ok(answer));
        for _ in 0..2 {
            app.http.answer("free-busy", Ok(granted(json!({"primary": []}))));
        }
        let (answer, failures) = search(&app, &people(&app, &["ada", "bob"]), json!({}));
        assert_eq!(
            starts(&answer),
            ["2026-03-03T08:00:00Z", "2026-03-03T08:30:00Z", "2026-03-03T09:00:00Z"],
            "{answer}"
        );
        assert_eq!(answer["source"], "computed");
        assert!(failures.is_empty());
    }
}

#[test]
fn a_provider_that_may_answer_later_is_not_gone_around() {
    let app = testing::app();
    app.http.answer("meeting-times", Ok(refused(&Failure::retry("provider_throttled", "slow down", None))));
    let (answer, failures) = search(&app, &people(&app, &["ada", "bob"]), json!({}));
    assert_eq!((&answer["slots"], &answer["complete"]), (&json!([]), &json!(false)));
    assert_eq!(
        answer["unknown"],
        json!([{"connectorId": "con-ada", "code": "provider_throttled", "message": "slow down", "retryable": true}])
    );
    assert_eq!((failures[0].0, failures[0].1.is_retryable()), (0, true));
    assert_eq!(app.http.requests().len(), 1);
}

#[test]
fn the_provider_is_not_asked_for_what_it_does_not_look_at() {
    type Change = fn(&mut Vec<Account>);
    let shown = |id: &str, primary: bool| Calendar {
        id: CalendarId::new(id),
        name: id.to_owned(),
        zone: None,
        primary,
        access: CalendarAccess::Own,
        selected: true,
    };
    let two_calendars = vec![shown("main", true), shown("second", false)];
    let cases: [(&str, Json, Change); 11] = [
        ("one person", json!({}), |people| people.truncate(1)),
        ("the same person twice", json!({}), |people| people[1].0.email = Some("ADA@example.com".to_owned())),
        ("no tenant", json!({}), |people| people.iter_mut().for_each(|one| one.0.tenant = None)),
        ("another tenant", json!({}), |people| people[1].0.tenant = Some("fabrikam".to_owned())),
        ("another provider", json!({}), |people| people[1].0.provider = ProviderKind::Microsoft),
        ("no address", json!({}), |people| people[1].0.email = None),
        ("a paused connector", json!({}), |people| people[1].0.status = ConnectorStatus::Paused),
        ("hours of our own", json!({}), |people| people[1].0.preferences = office("UTC")),
        ("a buffer", json!({"bufferAfterMinutes": 5}), |_| {}),
        ("a finer step", json!({"stepMinutes": 15}), |_| {}),
        ("named calendars", json!({"calendars": ["main"]}), |_| {}),
    ];
    for (what, more, change) in cases {
        let app = testing::app();
        let mut people = people(&app, &["ada", "bob"]);
        change(&mut people);
        let (answer, _) = search(&app, &people, more);
        assert_eq!(asked(&app, "meeting-times").len(), 0, "{what}");
        assert_eq!(answer["source"], "computed", "{what}");
    }
    let app = testing::app();
    let mut people = people(&app, &["ada", "bob"]);
    people[1].1 = two_calendars;
    search(&app, &people, json!({}));
    assert_eq!(asked(&app, "meeting-times").len(), 0, "a second calendar counts");

    // With working hours out of the question, ours do not stand in the way.
    people[1].1.truncate(1);
    people[1].0.preferences = office("UTC");
    search(&app, &people, json!({"ignoreWorkingHours": true}));
    assert_eq!(asked(&app, "meeting-times")[0]["at_any_hour"], true);
}

#[test]
fn attendees_without_a_connector_are_asked_about_on_the_organisers_behalf() {
    let app = testing::app();
    let mut one = people(&app, &["ada"]);
    one[0].0.tenant = None;
    app.http.answer(
        "free-busy",
        Ok(granted(json!({
            "primary": [], "cy@contoso.example": [["2026-03-03T08:00:00Z", "2026-03-03T09:00:00Z"]],
        }))),
    );
    // Ada is there already.
    let attendees = json!({"attendees": ["Cy@contoso.example", "ADA@example.com", "cy@contoso.example"]});
    let (answer, _) = search(&app, &one, attendees);
    assert_eq!(starts(&answer), ["2026-03-03T09:00:00Z"]);
    assert_eq!(asked(&app, "free-busy").len(), 1);
    assert_eq!(asked(&app, "free-busy")[0]["calendars"], json!(["primary", "cy@contoso.example"]));
}

#[test]
fn as_long_as_anybody_is_unknown_no_slot_is_offered() {
    let app = testing::app();
    let people = people(&app, &["ada", "bob", "cy"]);
    app.http.answer(
        "free-busy",
        Ok(granted(json!({"primary": "internalError", "eve@else.example": "notFound"}))),
    );
    app.http.answer("free-busy", Ok(refused(&Failure::reauthorize("reauth_required", "connect again"))));
    app.http.answer("free-busy", Ok(granted(json!({"primary": []}))));
    let (answer, failures) =
        search(&app, &people, json!({"attendees": ["eve@else.example"], "stepMinutes": 60}));
    assert_eq!((&answer["slots"], &answer["complete"]), (&json!([]), &json!(false)));
    let says_nothing = "the provider does not say";
    assert_eq!(
        answer["unknown"],
        json!([
            {"connectorId": "con-ada", "attendee": "eve@else.example", "code": "notFound", "message": says_nothing},
            {"connectorId": "con-ada", "calendarId": "primary", "code": "internalError", "message": says_nothing},
            {"connectorId": "con-bob", "code": "reauth_required", "message": "connect again", "retryable": false},
        ])
    );
    assert_eq!(failures.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [1]);
}

#[test]
fn what_lies_just_outside_the_window_keeps_its_distance_too() {
    let app = testing::app();
    let one = people(&app, &["ada"]);
    let around = json!({"primary": [
        ["2026-03-03T07:00:00Z", "2026-03-03T08:00:00Z"], ["2026-03-03T10:00:00Z", "2026-03-03T11:00:00Z"],
    ]});
    app.http.answer("free-busy", Ok(granted(around)));
    let (answer, _) = search(&app, &one, json!({"bufferBeforeMinutes": 15, "bufferAfterMinutes": 20}));
    assert_eq!(starts(&answer), ["2026-03-03T08:30:00Z"]);
    let window = (&asked(&app, "free-busy")[0]["start"], &asked(&app, "free-busy")[0]["end"]);
    assert_eq!(window, (&json!("2026-03-03T07:45:00Z"), &json!("2026-03-03T10:20:00Z")));
}

#[test]
fn nothing_is_offered_sooner_than_the_notice_allows() {
    let app = testing::app();
    let one = people(&app, &["ada"]);
    for (notice, expected) in [
        (0, vec!["2026-03-03T08:00:00Z", "2026-03-03T08:30:00Z", "2026-03-03T09:00:00Z"]),
        (23 * 60 + 15, vec!["2026-03-03T08:30:00Z", "2026-03-03T09:00:00Z"]),
        (48 * 60, vec![]),
    ] {
        app.http.answer("free-busy", Ok(granted(json!({"primary": []}))));
        let (answer, _) = search(&app, &one, json!({"minimumNoticeMinutes": notice}));
        assert_eq!(starts(&answer), expected);
        assert_eq!(answer["complete"], true);
    }
}
