//! Which calendars are asked, and how their answers become one.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{
        busy::{clip, merge},
        calendar::CalendarAccess,
        connector::Preferences,
        time::Timestamp,
        working_hours::{Weekday, WorkingHours},
    },
    testing::{self, TestApp, block_on, granted, refused},
};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn question(start: &str, end: &str, zone: &str) -> Question {
    let window = Interval::new(at(start), at(end)).unwrap();
    Question::checked(None, window, Zone::named(zone).unwrap()).unwrap()
}

fn march() -> Question {
    question("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", "Europe/Berlin")
}

fn calendar(id: &str, primary: bool, selected: bool) -> Calendar {
    Calendar {
        id: CalendarId::new(id),
        name: id.to_owned(),
        zone: None,
        primary,
        access: CalendarAccess::Own,
        selected,
    }
}

/// Asks a connector with these preferences and calendars, when the provider answers `answer`.
fn asked(
    preferences: Preferences,
    calendars: &[Calendar],
    question: &Question,
    answer: Value,
) -> (Value, Value) {
    let app = testing::app();
    let mut connector = testing::connect(&app, "ada");
    connector.preferences = preferences;
    app.http.answer("free-busy", Ok(granted(answer)));
    let availability = block_on(check(&app, &connector, calendars, question)).unwrap();
    (sent(&app), serde_json::to_value(availability).unwrap())
}

fn sent(app: &TestApp) -> Value {
    serde_json::from_slice(app.http.requests()[0].body()).unwrap()
}

#[test]
fn the_calendars_asked_about_are_those_wanted_most_plainly() {
    let listed = [calendar("p", true, false), calendar("a", false, true), calendar("b", false, true)];
    let hidden = [calendar("p", true, false), calendar("a", false, false)];
    let preferred = |ids: &[&str]| Preferences {
        availability_calendars: Some(ids.iter().map(|id| CalendarId::new(*id)).collect()),
        ..Preferences::default()
    };
    for (wanted, preferences, calendars, expected) in [
        (Some(&["x", "y", "x"][..]), preferred(&["b"]), &listed[..], &["x", "y"][..]),
        (None, preferred(&["b", "c"]), &listed, &["b", "c"]),
        (None, preferred(&[]), &listed, &["a", "b"]),
        (None, Preferences::default(), &listed, &["a", "b"]),
        (None, Preferences::default(), &hidden, &["p"]),
        (None, Preferences::default(), &[], &["primary"]),
    ] {
        let mut question = march();
        question.calendars = wanted.map(|ids| ids.iter().map(|id| CalendarId::new(*id)).collect());
        let (sent, _) = asked(preferences, calendars, &question, json!({}));
        assert_eq!(sent["calendars"], json!(expected));
    }
}

#[test]
fn busy_time_of_all_calendars_is_one_list_in_the_asked_zone() {
    let (_, answer) = asked(
        Preferences::default(),
        &[],
        &march(),
        json!({
            // The clocks in Berlin go forward on the 29th.
            "a": [["2026-03-28T08:00:00Z", "2026-03-28T09:00:00Z"], ["2026-03-30T08:00:00Z", "2026-03-30T09:00:00Z"]],
            "b": [["2026-03-28T09:00:00Z", "2026-03-28T10:00:00Z"], ["2026-03-31T20:00:00Z", "2026-04-02T00:00:00Z"]],
        }),
    );
    assert_eq!(
        answer,
        json!({
            "busy": [
                {"start": "2026-03-28T09:00:00+01:00", "end": "2026-03-28T11:00:00+01:00"},
                {"start": "2026-03-30T10:00:00+02:00", "end": "2026-03-30T11:00:00+02:00"},
                {"start": "2026-03-31T22:00:00+02:00", "end": "2026-04-01T02:00:00+02:00"},
            ],
            "complete": true,
            "calendarErrors": [],
            "timeZone": "Europe/Berlin",
            "asOf": "2026-03-02T09:00:00Z",
        })
    );
}

#[test]
fn a_calendar_that_is_not_known_makes_the_answer_incomplete_and_not_free() {
    let (_, answer) = asked(
        Preferences::default(),
        &[],
        &march(),
        json!({"a": "notFound", "b": [["2026-03-28T08:00:00Z", "2026-03-28T09:00:00Z"]]}),
    );
    assert_eq!(answer["complete"], false);
    assert_eq!(answer["busy"].as_array().unwrap().len(), 1);
    assert_eq!(
        answer["calendarErrors"],
        json!([{"calendarId": "a", "code": "notFound", "message": "the provider does not say"}])
    );
    let (_, answer) = asked(Preferences::default(), &[], &march(), json!({"a": "internalError"}));
    assert_eq!((&answer["complete"], &answer["busy"]), (&json!(false), &json!([])));
}

#[test]
fn working_hours_come_with_the_zone_they_are_local_to() {
    let hours = |start: &str, end: &str| {
        let monday = WorkingHours { day: Weekday::Monday, start: start.to_owned(), end: end.to_owned() };
        Preferences { working_hours: Some(vec![monday]), ..Preferences::default() }
    };
    let (_, answer) = asked(hours("09:00", "17:00"), &[], &march(), json!({}));
    assert_eq!(answer["workingHours"], json!([{"day": "monday", "start": "09:00", "end": "17:00"}]));
    assert_eq!(answer["workingHoursTimeZone"], "UTC", "the account's own zone");

    let in_new_york =
        Preferences { time_zone: Some("America/New_York".to_owned()), ..hours("09:00", "17:00") };
    let (_, answer) = asked(in_new_york, &[], &march(), json!({}));
    assert_eq!(answer["workingHoursTimeZone"], "America/New_York");

    let (_, answer) = asked(hours("17:00", "09:00"), &[], &march(), json!({}));
    assert!(answer.get("workingHours").is_none() && answer.get("workingHoursTimeZone").is_none());
}

#[test]
fn a_provider_that_refuses_leaves_no_answer() {
    let app = testing::app();
    let connector = testing::connect(&app, "ada");
    let throttled = Failure::retry("provider_throttled", "slow down", None);
    app.http.answer("free-busy", Ok(refused(&throttled)));
    assert_eq!(block_on(check(&app, &connector, &[], &march())), Err(throttled));
}

#[test]
fn questions_that_make_no_sense_are_refused_at_their_field() {
    let ask = |calendars: Option<Vec<CalendarId>>, end: &str| {
        let window = Interval::new(at("2026-01-01T00:00:00Z"), at(end)).unwrap();
        Question::checked(calendars, window, Zone::utc()).map(|_| ()).unwrap_err()
    };
    assert_eq!(ask(None, "2041-01-01T00:00:00Z").field(), Some("timeMax"));
    assert_eq!(ask(Some(vec![]), "2026-01-02T00:00:00Z").field(), Some("calendars"));
    let ids = vec![CalendarId::primary(), CalendarId::new("")];
    assert_eq!(ask(Some(ids), "2026-01-02T00:00:00Z").field(), Some("calendars[1]"));
    let many = |count: usize| Some((0..count).map(|place| CalendarId::new(place.to_string())).collect());
    let failure = ask(many(400), "2030-12-01T00:00:00Z");
    assert_eq!((&*failure.code, failure.field()), ("too_many", Some("calendars")));
    assert_eq!(ask(many(10_001), "2026-01-02T00:00:00Z").field(), Some("calendars"));
}

#[test]
fn many_calendars_or_a_long_window_are_asked_about() {
    for (calendars, end) in [(10_000, "2026-01-02T00:00:00Z"), (300, "2030-12-01T00:00:00Z")] {
        let window = Interval::new(at("2026-01-01T00:00:00Z"), at(end)).unwrap();
        let ids = (0..calendars).map(|place: usize| CalendarId::new(place.to_string())).collect();
        Question::checked(Some(ids), window, Zone::utc()).unwrap();
    }
}

#[test]
fn the_gate_is_asked_for_all_the_requests_a_long_question_takes() {
    let app = testing::app();
    let connector = testing::connect(&app, "ada");
    app.http.answer("free-busy", Ok(granted(json!({ "primary": [] }))));
    let window = Interval::new(at("2026-01-01T00:00:00Z"), at("2026-12-31T00:00:00Z")).unwrap();
    block_on(check(&app, &connector, &[], &Question { window, ..march() })).unwrap();
    let asked: Vec<u32> = app.gate.calls().iter().map(|call| call.calls).collect();
    assert_eq!(asked, [7]);
    assert_eq!(app.gate.releases()[0].unused, 6);
}

proptest! {
    #[test]
    fn the_answer_is_the_union_of_all_calendars_inside_the_window(
        calendars in proptest::collection::vec(proptest::collection::vec((-200i64..1000, 1i64..100), 0..6), 0..4)
    ) {
        let hour = |hours: i64| at("2026-03-01T00:00:00Z").plus(TimeDelta::hours(hours));
        let spans: Vec<Vec<Interval>> = calendars
            .iter()
            .map(|spans| spans.iter().map(|(start, length)| Interval::new(hour(*start), hour(start + length)).unwrap()).collect())
            .collect();
        let answer: serde_json::Map<String, Value> = spans
            .iter()
            .enumerate()
            .map(|(index, spans)| {
                let pairs = spans.iter().map(|span| json!([span.start().to_rfc3339(), span.end().to_rfc3339()]));
                (format!("c{index}"), pairs.collect())
            })
            .collect();
        let (_, answered) = asked(Preferences::default(), &[], &march(), Value::Object(answer));
        let busy: Vec<Interval> = answered["busy"]
            .as_array()
            .unwrap()
            .iter()
            .map(|span| Interval::new(at(span["start"].as_str().unwrap()), at(span["end"].as_str().unwrap())).unwrap())
            .collect();
        let expected = merge(clip(spans.into_iter().flatten(), march().window));
        prop_assert_eq!(busy, expected);
    }
}
