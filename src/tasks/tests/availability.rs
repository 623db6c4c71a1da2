//! check-availability.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::World;
use crate::{domain::failure::Failure, testing::refused};

#[test]
fn busy_time_is_merged_and_shown_in_the_asked_zone_across_summer_time() {
    let world = World::new();
    world.grant(
        "free-busy",
        json!({
            "primary": [["2026-03-28T08:00:00Z", "2026-03-28T09:00:00Z"], ["2026-03-30T08:00:00Z", "2026-03-30T09:00:00Z"]],
            "second": [["2026-03-28T09:00:00Z", "2026-03-28T10:00:00Z"]],
        }),
    );
    let result = world.succeed(
        "check-availability",
        "task-1",
        json!({ "timeMin": "2026-03-28T00:00", "timeMax": "2026-03-31T00:00", "timeZone": "Europe/Berlin",
                "calendars": ["primary", "second"] }),
    );
    assert_eq!(
        result["busy"],
        json!([
            { "start": "2026-03-28T09:00:00+01:00", "end": "2026-03-28T11:00:00+01:00" },
            { "start": "2026-03-30T10:00:00+02:00", "end": "2026-03-30T11:00:00+02:00" },
        ])
    );
    assert_eq!(result["complete"], true);
}

#[test]
fn a_calendar_that_is_not_heard_is_told_and_never_free() {
    let world = World::new();
    world.grant("free-busy", json!({ "primary": [], "lost": "notFound" }));
    let result = world.succeed(
        "check-availability",
        "task-1",
        json!({ "timeMin": "2026-03-28T00:00:00Z", "timeMax": "2026-03-29T00:00:00Z", "timeZone": "UTC",
                "calendars": ["primary", "lost"] }),
    );
    assert_eq!(result["complete"], false);
    assert_eq!(result["calendarErrors"][0]["calendarId"], "lost");
}

#[test]
fn what_the_provider_refuses_names_the_field_by_its_path_in_the_message() {
    let world = World::new();
    let refusal = Failure::rejected("interval_too_long", "timeMax", "too long");
    world.app.http.answer("free-busy", Ok(refused(&refusal)));
    let error = world.fail(
        "check-availability",
        "task-1",
        json!({ "timeMin": "2026-03-28T00:00:00Z", "timeMax": "2026-03-29T00:00:00Z", "timeZone": "UTC" }),
    );
    assert_eq!(error["field"], "payload.timeMax");
}

#[test]
fn an_answer_that_no_row_can_hold_is_refused_rather_than_asked_for_for_ever() {
    let world = World::new();
    let start = "2026-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap();
    let minutes = |minutes: i64| (start + TimeDelta::minutes(minutes)).to_rfc3339();
    let busy: Vec<_> = (0..20_000).map(|place| json!([minutes(place * 4), minutes(place * 4 + 1)])).collect();
    world.grant("free-busy", json!({ "primary": busy }));
    let error = world.fail(
        "check-availability",
        "task-1",
        json!({ "timeMin": "2026-01-01T00:00:00Z", "timeMax": "2026-03-01T00:00:00Z", "timeZone": "UTC" }),
    );
    assert_eq!((&error["code"], &error["field"]), (&json!("answer_too_large"), &json!("payload.timeMax")));
}

#[test]
fn availability_takes_one_call_and_three_round_trips() {
    let world = World::new();
    world.grant("free-busy", json!({ "primary": [] }));
    world.succeed(
        "check-availability",
        "task-1",
        json!({ "timeMin": "2026-03-28T00:00:00Z", "timeMax": "2026-03-29T00:00:00Z", "timeZone": "UTC" }),
    );
    assert_eq!(world.asked().len(), 1);
    assert_eq!(world.app.db.trips().len(), 3);
}

#[test]
fn a_window_must_be_one() {
    let world = World::new();
    for (min, max, zone, field) in [
        ("2026-03-29T00:00:00Z", "2026-03-28T00:00:00Z", "UTC", "payload.timeMax"),
        ("soon", "2026-03-28T00:00:00Z", "UTC", "payload.timeMin"),
        ("2026-03-27T00:00:00Z", "2026-03-28T00:00:00Z", "Mars", "payload.timeZone"),
    ] {
        let payload = json!({ "timeMin": min, "timeMax": max, "timeZone": zone });
        assert_eq!(world.fail("check-availability", &format!("{min}{zone}"), payload)["field"], field);
    }
}
