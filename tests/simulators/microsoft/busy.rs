//! Free and busy time, working hours, and when several people can meet.

use chrono::TimeDelta;
use huddle_calendar_sync::{
    domain::{
        busy::{FreeBusy, FreeBusyQuery},
        connector::{Connector, ProviderKind},
        event::{
            CreationKey, EventDraft, EventPatch, EventStatus, EventTimes, Marker, Transparency, Visibility,
        },
        failure::{Action, Failure},
        ids::CalendarId,
        meeting::{MeetingTimes, MeetingTimesQuery},
        time::{Interval, Timestamp},
        working_hours::Weekday,
        zone::Zone,
    },
    providers::{Batched, Provider},
};
use serde_json::{Value, json};
use simulator::control::provider::Provider as _;

use super::{CONSUMERS, CONTOSO, EMPTY, EMPTY_PERSONAL, PERSONAL, WORK, World};
use crate::world::{at, connector};

const COLLEAGUE: &str = "colleague@contoso.example";
const MANY: &str = "many-calendars@contoso.example";

/// The connector of an account, in its tenant and its own zone.
fn account(address: &str) -> Connector {
    let personal = address.ends_with("@outlook.example");
    let zone = match address {
        WORK => "Europe/Berlin",
        PERSONAL => "Asia/Kolkata",
        _ => "UTC",
    };
    Connector {
        tenant: Some(if personal { CONSUMERS } else { CONTOSO }.to_owned()),
        zone: Zone::named(zone).unwrap(),
        ..connector(ProviderKind::Microsoft, address)
    }
}

/// A month around the simulator's today.
fn month(world: &World) -> Interval {
    let now = world.simulated.control().clock.now().as_second();
    let midnight = Timestamp::from_seconds(now - now.rem_euclid(86_400));
    Interval::new(midnight.plus(TimeDelta::days(-14)), midnight.plus(TimeDelta::days(30))).unwrap()
}

fn ask(
    world: &World,
    connector: &Connector,
    calendars: &[&str],
    window: Interval,
) -> Result<FreeBusy, Failure> {
    let token = world.token(connector.email.as_deref().unwrap_or(WORK));
    let query = FreeBusyQuery {
        connector: connector.clone(),
        calendars: calendars.iter().map(|id| CalendarId::new(*id)).collect(),
        primary: None,
        window,
    };
    world.take_sent();
    world.drive(Some(&token), world.provider.calendars().free_busy(query))
}

fn busy(answer: &FreeBusy) -> Vec<Result<Vec<Interval>, String>> {
    let busy = answer.calendars.iter().map(|calendar| calendar.busy.clone().map_err(|why| why.code));
    busy.collect()
}

/// How many calls each of the requests was that were sent for the last question.
fn calls(world: &World) -> Vec<u32> {
    world.take_sent().iter().map(|request| Batched::of(request).calls).collect()
}

/// The ids of an account's calendars, its main one left out.
fn side_calendars(world: &World, account: &str) -> Vec<String> {
    let request = http::Request::get("http://127.0.0.1:8791/v1.0/me/calendars?$top=50")
        .header("authorization", format!("Bearer {}", world.token(account).expose()))
        .body(bytes::Bytes::new());
    let list: Value = serde_json::from_slice(world.send(request.unwrap()).body()).unwrap();
    let calendars = list["value"].as_array().unwrap().iter();
    let side = calendars.filter(|calendar| calendar["isDefaultCalendar"] != true);
    side.map(|calendar| calendar["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_schedule_and_the_events_of_a_calendar_say_the_same() {
    let world = World::new();
    let window = month(&world);
    let by_schedule = ask(&world, &account(WORK), &["primary"], window).unwrap();
    assert_eq!(calls(&world), [1]);
    // Without an address of its own there is no schedule to ask for.
    let token = world.token(WORK);
    let query = FreeBusyQuery {
        connector: Connector { email: None, ..account(WORK) },
        calendars: vec![CalendarId::primary()],
        primary: None,
        window,
    };
    let by_events = world.drive(Some(&token), world.provider.calendars().free_busy(query)).unwrap();
    assert_eq!(calls(&world), [2]);
    assert!(busy(&by_schedule)[0].as_ref().unwrap().len() > 10, "a month of work is busy");
    assert_eq!(busy(&by_schedule), busy(&by_events));
    assert_eq!(by_schedule.working_week, by_events.working_week);
    assert_eq!(by_schedule.working_week.unwrap().zone.name(), "Europe/Berlin");
}

/// Writes an event of whole days as a client that has them in `zone`.
fn whole_days(world: &World, account: &str, zone: &str, start: &str, end: &str) {
    let midnight = |day: &str| json!({"dateTime": format!("{day}T00:00:00"), "timeZone": zone});
    let event = json!({"subject": "Away", "isAllDay": true, "start": midnight(start), "end": midnight(end)});
    world.control("events", &json!({"account": account, "event": event}));
}

fn lives_in(world: &World, account: &str, zone: &str) {
    world.control("mailbox", &json!({"account": account, "timeZone": zone}));
}

fn span(start: &str, end: &str) -> Interval {
    Interval::new(at(start), at(end)).unwrap()
}

#[test]
fn whole_days_that_we_write_are_those_of_their_zone_by_schedule_and_by_events() {
    let zone = Zone::named("America/Los_Angeles").unwrap();
    let (start, end) = ("2031-07-01".parse().unwrap(), "2031-07-02".parse().unwrap());
    for address in [EMPTY, EMPTY_PERSONAL] {
        let world = World::new();
        lives_in(&world, address, "Pacific Standard Time");
        let draft = EventDraft {
            calendar: CalendarId::primary(),
            marker: Marker { key: CreationKey::derive(&["con", "task"]), hold: None },
            summary: "Away".to_owned(),
            description: None,
            location: None,
            times: EventTimes::AllDay { start, end, zone: zone.clone() },
            attendees: vec![],
            conference: false,
            recurrence: vec![],
            reminders: None,
            visibility: Visibility::Default,
            transparency: Transparency::Opaque,
            status: EventStatus::Confirmed,
        };
        let create = world.provider.calendars().create_event(draft);
        let id = world.drive(Some(&world.token(address)), create).unwrap().id;
        let window = span("2031-06-25T00:00:00Z", "2031-07-10T00:00:00Z");
        let by_schedule = ask(&world, &account(address), &["primary"], window).unwrap();
        assert_eq!(busy(&by_schedule), [Ok(vec![span("2031-07-01T07:00:00Z", "2031-07-02T07:00:00Z")])]);
        // Moved by a day.
        let times = EventTimes::AllDay { start: end, end: end.succ_opt().unwrap(), zone: zone.clone() };
        let patch = EventPatch { times: Some(times), ..EventPatch::default() };
        let update = world.provider.calendars().update_event(&CalendarId::primary(), &id, patch, None);
        world.drive(Some(&world.token(address)), update).unwrap();
        let moved = ask(&world, &account(address), &["primary"], window).unwrap();
        assert_eq!(busy(&moved), [Ok(vec![span("2031-07-02T07:00:00Z", "2031-07-03T07:00:00Z")])]);
    }
}

#[test]
fn whole_days_of_another_zone_are_not_missed_at_the_edge_of_a_window() {
    let world = World::new();
    lives_in(&world, EMPTY_PERSONAL, "UTC");
    // Written where that day is over at eleven in the morning.
    whole_days(&world, EMPTY_PERSONAL, "Tonga Standard Time", "2031-07-01", "2031-07-02");
    let ask =
        |start, end| busy(&ask(&world, &account(EMPTY_PERSONAL), &["primary"], span(start, end)).unwrap());
    let afternoon = ("2031-07-01T14:00:00Z", "2031-07-01T20:00:00Z");
    assert_eq!(ask(afternoon.0, afternoon.1), [Ok(vec![span(afternoon.0, afternoon.1)])]);
    let night_before = ("2031-06-30T12:00:00Z", "2031-06-30T20:00:00Z");
    assert_eq!(ask(night_before.0, night_before.1), [Ok(vec![span(night_before.0, night_before.1)])]);
    assert_eq!(ask("2031-07-02T00:00:00Z", "2031-07-03T00:00:00Z"), [Ok(vec![])]);
}

#[test]
fn whole_days_go_along_when_the_account_moves() {
    let world = World::new();
    whole_days(&world, EMPTY_PERSONAL, "UTC", "2031-07-01", "2031-07-02");
    let window = span("2031-06-30T00:00:00Z", "2031-07-03T00:00:00Z");
    lives_in(&world, EMPTY_PERSONAL, "Tokyo Standard Time");
    let answer = ask(&world, &account(EMPTY_PERSONAL), &["primary"], window).unwrap();
    assert_eq!(busy(&answer), [Ok(vec![span("2031-06-30T15:00:00Z", "2031-07-02T00:00:00Z")])]);
    assert_eq!(calls(&world), [2]);
}

#[test]
fn a_personal_account_is_answered_for_by_its_events_in_the_same_shape() {
    let world = World::new();
    let window = month(&world);
    let answer = ask(&world, &account(PERSONAL), &["primary", EMPTY, PERSONAL], window).unwrap();
    assert_eq!(calls(&world), [2]);
    let found = busy(&answer);
    assert!(found[0].as_ref().unwrap().len() > 10, "a month of work is busy");
    assert_eq!(found[1], Err("notFound".to_owned()));
    assert_eq!(found[2], found[0]);
    assert_eq!(answer.working_week.unwrap().zone.name(), "Asia/Kolkata");
}

#[test]
fn many_calendars_and_colleagues_take_one_request() {
    let world = World::new();
    let side = side_calendars(&world, MANY);
    assert_eq!(side.len(), 13);
    let ids: Vec<&str> = side.iter().map(String::as_str).chain(["primary", COLLEAGUE]).collect();
    let answer = ask(&world, &account(MANY), &ids, month(&world)).unwrap();
    assert_eq!(calls(&world), [14]);
    for (calendar, busy) in side.iter().zip(busy(&answer)) {
        let busy = busy.unwrap();
        assert_eq!(busy.len(), 1, "{calendar}");
        assert_eq!(busy[0].duration(), TimeDelta::minutes(30), "{calendar}");
    }
    assert_eq!(busy(&answer)[13], Ok(vec![]));
    assert!(busy(&answer)[14].as_ref().is_ok_and(|busy| busy.len() > 10));
}

#[test]
fn a_window_of_a_year_is_asked_about_in_pieces() {
    let world = World::new();
    let start = month(&world).start();
    let window = Interval::new(start, start.plus(TimeDelta::days(365))).unwrap();
    let year = ask(&world, &account(WORK), &["primary", "nowhere@contoso.example"], window).unwrap();
    assert_eq!(calls(&world), [7]);
    assert_eq!(busy(&year)[1], Err("notFound".to_owned()));
    let month = ask(&world, &account(WORK), &["primary"], month(&world)).unwrap();
    let year = busy(&year).remove(0).unwrap();
    let missing = |busy: &&Interval| !year.iter().any(|longer| longer.intersection(**busy) == Some(**busy));
    assert_eq!(busy(&month)[0].as_ref().unwrap().iter().find(missing), None);
}

#[test]
fn hours_are_local_to_the_zone_the_mailbox_has() {
    let world = World::new();
    for (address, zone, days) in [
        ("custom-zone@contoso.example", "America/Los_Angeles", 3),
        ("remote@contoso.example", "America/New_York", 5),
        (COLLEAGUE, "Asia/Tokyo", 5),
    ] {
        let answer = ask(&world, &account(address), &["primary"], month(&world)).unwrap();
        let week = answer.working_week.unwrap();
        assert_eq!((week.zone.name(), week.hours.len()), (zone, days), "{address}");
        assert_eq!((week.hours[0].start.as_str(), week.hours[0].end.as_str()), ("08:00", "17:00"));
        assert!(week.hours.iter().all(|hours| hours.day != Weekday::Sunday), "{address}");
    }
}

#[test]
fn a_schedule_that_fails_leaves_the_others_as_they_are() {
    let world = World::new();
    let window = month(&world);
    let fail = |address: &str, reason: &str| {
        let fault = json!({"status": 500, "reason": reason});
        world.fault(json!({"route": "getSchedule.schedule", "match": {"calendar": address}, "fault": fault}));
    };
    let plain = busy(&ask(&world, &account(WORK), &["primary", COLLEAGUE], window).unwrap());
    fail(COLLEAGUE, "ErrorProxyRequestProcessingFailed");
    let answer = ask(&world, &account(WORK), &["primary", COLLEAGUE], window).unwrap();
    assert_eq!(busy(&answer), [plain[0].clone(), Err("ErrorProxyRequestProcessingFailed".to_owned())]);
    assert_eq!(calls(&world), [1]);
    // The account's own calendar is looked at directly then, and is known all the same.
    fail(WORK, "ErrorMailboxFailover");
    assert_eq!(busy(&ask(&world, &account(WORK), &["primary", COLLEAGUE], window).unwrap()), plain);
    assert_eq!(calls(&world), [1, 2]);
    // More entries than a schedule lists are asked for in halves.
    fail(COLLEAGUE, "5006");
    assert_eq!(busy(&ask(&world, &account(WORK), &["primary", COLLEAGUE], window).unwrap()), plain);
    assert_eq!(calls(&world), [1, 2]);
}

#[test]
fn a_part_of_a_batch_fails_or_is_waited_for_on_its_own() {
    let world = World::new();
    let side = side_calendars(&world, WORK);
    let ids: Vec<&str> = side.iter().map(String::as_str).chain(["primary"]).collect();
    let window = month(&world);
    let part = |fault: Value| world.fault(json!({"route": "calendarView", "fault": fault}));
    part(json!({"status": 404, "reason": "ErrorItemNotFound"}));
    let answer = ask(&world, &account(WORK), &ids, window).unwrap();
    let failed = busy(&answer).into_iter().filter(Result::is_err);
    assert_eq!(failed.collect::<Vec<_>>(), [Err("notFound".to_owned())]);
    part(json!({"status": 429, "retryAfter": 17}));
    let failure = ask(&world, &account(WORK), &ids, window).unwrap_err();
    assert_eq!(failure.action, Action::Retry { after: Some(TimeDelta::seconds(17)) });
    part(json!({"status": 401}));
    let failure = ask(&world, &account(WORK), &ids, window).unwrap_err();
    assert_eq!(failure.action, Action::Retry { after: None });
    assert!(
        ask(&world, &account(WORK), &ids, window).unwrap().calendars.iter().all(|known| known.busy.is_ok())
    );
}

#[test]
fn colleagues_are_offered_times_at_which_both_are_free() {
    let world = World::new();
    let mut organiser = account(EMPTY);
    organiser.scopes = vec!["Calendars.Read.Shared".to_owned()];
    let window = month(&world);
    let question = |people: &[&str]| MeetingTimesQuery {
        organiser: organiser.clone(),
        people: people.iter().map(|address| (*address).to_owned()).collect(),
        window,
        duration: TimeDelta::minutes(30),
        step: TimeDelta::minutes(30),
        at_most: 10,
        at_any_hour: false,
    };
    let find = |people: &[&str]| {
        let exchange = world.provider.calendars().meeting_times(question(people)).unwrap();
        world.drive(Some(&world.token(EMPTY)), exchange).unwrap()
    };
    let MeetingTimes::Known(times) = find(&[WORK, COLLEAGUE]) else { panic!("nothing suggested") };
    assert_eq!(times.len(), 10);
    let answer = ask(&world, &account(EMPTY), &["primary", WORK, COLLEAGUE], window).unwrap();
    let taken: Vec<Interval> = busy(&answer).into_iter().flat_map(Result::unwrap).collect();
    assert!(times.iter().all(|time| !taken.iter().any(|taken| taken.overlaps(*time))));
    // Nobody can tell when somebody elsewhere is free.
    assert_eq!(find(&[WORK, "somebody@elsewhere.example"]), MeetingTimes::NotKnown);
    let mut personal = question(&[WORK]);
    personal.organiser.tenant = Some(CONSUMERS.to_owned());
    assert!(world.provider.calendars().meeting_times(personal).is_none());
}
