//! Slots by example, and against the definition for anything.

use chrono::Timelike;
use proptest::prelude::*;

use super::*;
use crate::domain::working_hours::{Weekday, WorkingHours};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn span(start: &str, end: &str) -> Interval {
    Interval::new(at(start), at(end)).unwrap()
}

fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap()
}

/// Half an hour, every half hour, any time of 2026-03-02, a Monday, in UTC.
fn search() -> SlotSearch {
    SlotSearch {
        window: span("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"),
        not_before: at("2026-03-01T00:00:00Z"),
        duration: TimeDelta::minutes(30),
        step: TimeDelta::minutes(30),
        buffer_before: TimeDelta::zero(),
        buffer_after: TimeDelta::zero(),
        limit: MOST_SLOTS,
        zone: Zone::utc(),
    }
}

fn works(start: &str, end: &str, name: &str) -> Option<WorkingWeek> {
    let days = [Weekday::Sunday, Weekday::Monday, Weekday::Tuesday];
    let hours = days.map(|day| WorkingHours { day, start: start.to_owned(), end: end.to_owned() });
    Some(WorkingWeek { hours: hours.to_vec(), zone: zone(name) })
}

fn person(busy: &[(&str, &str)], working: Option<WorkingWeek>) -> Person {
    Person { busy: busy.iter().map(|(start, end)| span(start, end)).collect(), working }
}

/// When the slots start, by the clocks of the search's zone.
fn starts(search: &SlotSearch, people: &[Person]) -> Vec<String> {
    let shown = |slot: &Interval| search.zone.local(slot.start()).format("%d %H:%M").to_string();
    search.find(people).iter().map(shown).collect()
}

#[test]
fn slots_lie_in_working_hours_and_around_what_is_busy() {
    let ada = person(
        &[("2026-03-02T10:00:00Z", "2026-03-02T10:45:00Z"), ("2026-03-02T12:00:00Z", "2026-03-02T16:00:00Z")],
        works("09:00", "17:00", "UTC"),
    );
    assert_eq!(
        starts(&search(), &[ada]),
        ["02 09:00", "02 09:30", "02 11:00", "02 11:30", "02 16:00", "02 16:30"]
    );
}

#[test]
fn everybody_must_be_free_and_at_work() {
    let berlin =
        person(&[("2026-03-02T14:00:00Z", "2026-03-02T14:30:00Z")], works("09:00", "17:00", "Europe/Berlin"));
    let new_york = person(&[], works("09:00", "17:00", "America/New_York"));
    // Berlin works from 8 to 16 in UTC, New York from 14 to 22.
    assert_eq!(starts(&search(), &[berlin.clone(), new_york]), ["02 14:30", "02 15:00", "02 15:30"]);
    let tokyo = person(&[], works("09:00", "17:00", "Asia/Tokyo"));
    assert_eq!(starts(&search(), &[berlin, tokyo]), Vec::<String>::new());
}

#[test]
fn buffers_keep_a_slot_away_from_what_is_busy_on_either_side() {
    let ada =
        || [person(&[("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z")], works("09:00", "13:00", "UTC"))];
    let before = SlotSearch { buffer_before: TimeDelta::minutes(15), ..search() };
    assert_eq!(starts(&before, &ada()), ["02 09:00", "02 09:30", "02 11:30", "02 12:00", "02 12:30"]);
    let after = SlotSearch { buffer_after: TimeDelta::minutes(15), ..search() };
    assert_eq!(starts(&after, &ada()), ["02 09:00", "02 11:00", "02 11:30", "02 12:00", "02 12:30"]);
}

#[test]
fn notice_and_limit_cut_the_list_at_its_ends() {
    let ada = || [person(&[], works("09:00", "17:00", "UTC"))];
    let soon = SlotSearch { not_before: at("2026-03-02T09:10:00Z"), limit: 2, ..search() };
    assert_eq!(starts(&soon, &ada()), ["02 09:30", "02 10:00"]);
    let late = SlotSearch { not_before: at("2026-03-04T00:00:00Z"), ..search() };
    assert!(starts(&late, &ada()).is_empty());
}

#[test]
fn slots_longer_than_the_step_overlap_and_fit_to_the_end() {
    let long = SlotSearch { duration: TimeDelta::minutes(90), ..search() };
    let ada = person(&[], works("09:00", "11:30", "UTC"));
    assert_eq!(starts(&long, &[ada]), ["02 09:00", "02 09:30", "02 10:00"]);
}

#[test]
fn slots_start_on_the_clock_of_the_asked_zone() {
    // Kathmandu is 5 hours and 45 minutes ahead.
    let kathmandu = SlotSearch { zone: zone("Asia/Kathmandu"), limit: 2, ..search() };
    let ada = || [person(&[("2026-03-02T00:00:00Z", "2026-03-02T05:20:00Z")], None)];
    assert_eq!(starts(&kathmandu, &ada()), ["02 11:30", "02 12:00"]);
    // A step that does not divide the day starts anew at midnight.
    let odd = SlotSearch {
        step: TimeDelta::hours(7),
        window: span("2026-03-02T12:00:00Z", "2026-03-03T12:00:00Z"),
        ..search()
    };
    assert_eq!(starts(&odd, &[]), ["02 14:00", "02 21:00", "03 00:00", "03 07:00"]);
}

#[test]
fn working_hours_and_starts_follow_the_change_of_clocks() {
    let ada = || [person(&[], works("01:00", "04:00", "Europe/Berlin"))];
    // On 2026-03-29 clocks go from 02:00 to 03:00, on 2026-10-25 from 03:00 back to 02:00.
    for (start, end, expected) in [
        ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", &["29 01:00", "29 03:00"][..]),
        ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", &["25 01:00", "25 02:00", "25 02:00", "25 03:00"]),
    ] {
        let hourly = SlotSearch {
            window: span(start, end),
            duration: TimeDelta::hours(1),
            step: TimeDelta::hours(1),
            zone: zone("Europe/Berlin"),
            ..search()
        };
        assert_eq!(starts(&hourly, &ada()), expected);
    }
    // Lord Howe Island moves its clocks by half an hour.
    let howe = SlotSearch {
        window: span("2026-04-04T13:00:00Z", "2026-04-04T18:00:00Z"),
        duration: TimeDelta::hours(1),
        step: TimeDelta::hours(1),
        zone: zone("Australia/Lord_Howe"),
        ..search()
    };
    assert_eq!(starts(&howe, &[]), ["05 00:00", "05 01:00", "05 02:00", "05 03:00"]);
}

#[test]
fn searches_without_sense_are_refused_at_their_field_and_find_nothing() {
    let minutes = TimeDelta::minutes;
    for (search, field) in [
        (SlotSearch { duration: TimeDelta::zero(), ..search() }, "durationMinutes"),
        (SlotSearch { duration: minutes(-30), ..search() }, "durationMinutes"),
        (SlotSearch { step: TimeDelta::zero(), ..search() }, "stepMinutes"),
        (SlotSearch { step: TimeDelta::days(2), ..search() }, "stepMinutes"),
        (SlotSearch { buffer_before: minutes(-1), ..search() }, "bufferBeforeMinutes"),
        (SlotSearch { buffer_after: TimeDelta::days(9), ..search() }, "bufferAfterMinutes"),
        (SlotSearch { limit: 0, ..search() }, "limit"),
        (SlotSearch { window: span("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z"), ..search() }, "timeMax"),
    ] {
        assert_eq!(search.check().unwrap_err().field(), Some(field));
        assert!(search.find(&[]).is_empty(), "{field}");
    }
}

fn people() -> impl Strategy<Value = Vec<Person>> {
    let busy = proptest::collection::vec((-300i64..3000, 1i64..300), 0..5);
    let working = proptest::option::of((
        0u32..12,
        13u32..24,
        prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Kolkata"]),
    ));
    proptest::collection::vec((busy, working), 0..3).prop_map(|people| {
        people
            .into_iter()
            .map(|(busy, working)| Person {
                busy: busy
                    .into_iter()
                    .map(|(start, length)| {
                        let start = at("2026-03-28T00:00:00Z").plus(TimeDelta::minutes(start));
                        Interval::new(start, start.plus(TimeDelta::minutes(length))).unwrap()
                    })
                    .collect(),
                working: working.and_then(|(start, end, zone)| {
                    works(&format!("{start:02}:00"), &format!("{end:02}:00"), zone)
                }),
            })
            .collect()
    })
}

proptest! {
    /// Against the definition, minute by minute over the two days around a change of clocks.
    #[test]
    fn exactly_the_starts_that_keep_every_promise_are_found(
        people in people(), duration in 1i64..120, step in 1usize..5, before in 0i64..40, after in 0i64..40, notice in 0i64..600,
    ) {
        let window = span("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
        let step_minutes = [10u32, 15, 30, 45, 60][step];
        let search = SlotSearch {
            window,
            not_before: window.start().plus(TimeDelta::minutes(notice)),
            duration: TimeDelta::minutes(duration),
            step: TimeDelta::minutes(i64::from(step_minutes)),
            buffer_before: TimeDelta::minutes(before),
            buffer_after: TimeDelta::minutes(after),
            limit: MOST_SLOTS,
            zone: zone("Europe/Berlin"),
        };
        let works_through = |person: &Person, slot: Interval| match &person.working {
            None => true,
            Some(week) => working_time(&week.hours, &week.zone, window)
                .iter()
                .any(|work| work.intersection(slot) == Some(slot)),
        };
        let expected: Vec<Interval> = (0..window.duration().num_minutes())
            .filter_map(|minute| {
                let start = window.start().plus(TimeDelta::minutes(minute));
                let local = search.zone.local(start);
                let slot = Interval::new(start, start.plus(search.duration)).unwrap();
                let wide = Interval::new(start.plus(-search.buffer_before), slot.end().plus(search.buffer_after)).unwrap();
                let kept = (local.hour() * 60 + local.minute()).is_multiple_of(step_minutes)
                    && start >= search.not_before
                    && slot.end() <= window.end()
                    && people.iter().all(|person| works_through(person, slot))
                    && people.iter().flat_map(|person| &person.busy).all(|busy| !busy.overlaps(wide));
                kept.then_some(slot)
            })
            .collect();
        prop_assert_eq!(search.find(&people), expected);
    }
}
