//! Which calls are made for which calendars, and what becomes of their answers.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    domain::{
        connector::Connector,
        time::Timestamp,
        working_hours::{Weekday, WorkingHours},
    },
    providers::{
        Batched,
        microsoft::fixtures::{answer, api_url, connector, drive, json as answered, shown},
    },
};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn span(start: &str, end: &str) -> Interval {
    Interval::new(at(start), at(end)).unwrap()
}

fn day() -> Interval {
    span("2026-03-30T00:00:00Z", "2026-03-31T00:00:00Z")
}

fn personal() -> Connector {
    Connector {
        tenant: Some(PERSONAL_ID.to_owned()),
        email: Some("me@outlook.example".to_owned()),
        ..connector()
    }
}

fn asked(connector: Connector, calendars: &[&str], window: Interval) -> Pending<FreeBusy> {
    let calendars = calendars.iter().map(|id| CalendarId::new(*id)).collect();
    query(&api_url(), FreeBusyQuery { connector, calendars, primary: Some(CalendarId::new("main")), window })
}

/// Plays Graph: answers each call of a request, part by part where it is a batch, and counts requests and calls.
fn play(
    mut exchange: Pending<FreeBusy>,
    mut graph: impl FnMut(&str, &Value) -> (u16, Value),
) -> (Vec<u32>, Result<FreeBusy, Failure>) {
    let mut calls = Vec::new();
    let mut reply = None;
    loop {
        match exchange.step(reply.take()) {
            Ok(Step::Done(output)) => return (calls, Ok(output)),
            Err(failure) => return (calls, Err(failure)),
            Ok(Step::Send(request)) => {
                calls.push(Batched::of(&request).calls);
                let path = request.uri().to_string().replace("https://graph.microsoft.com/v1.0", "");
                let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
                if path != "/$batch" {
                    let (status, said) = graph(&path, &body);
                    reply = Some(answer(status, said.to_string()));
                    continue;
                }
                let parts = body["requests"].as_array().unwrap().iter();
                let responses: Vec<Value> = parts
                    .rev()
                    .map(|part| {
                        let (status, said) = graph(part["url"].as_str().unwrap(), &part["body"]);
                        json!({"id": part["id"], "status": status, "headers": {}, "body": said})
                    })
                    .collect();
                reply = Some(answered(json!({ "responses": responses })));
            }
        }
    }
}

fn hours() -> Value {
    json!({
        "daysOfWeek": ["monday"],
        "startTime": "08:00:00.0000000",
        "endTime": "17:00:00.0000000",
        "timeZone": {"name": "W. Europe Standard Time"},
    })
}

fn time(at: &str) -> Value {
    json!({"dateTime": format!("2026-03-30T{at}:00.0000000"), "timeZone": "UTC"})
}

/// A Graph where everybody is busy from nine to ten by schedule and every calendar from eleven to twelve by its events.
fn well(path: &str, body: &Value) -> (u16, Value) {
    if path == "/me/mailboxSettings" {
        return (200, json!({"timeZone": "Tokyo Standard Time", "workingHours": hours()}));
    }
    if path.contains("/calendarView?") {
        return (200, json!({"value": [{"showAs": "busy", "start": time("11:00"), "end": time("12:00")}]}));
    }
    let schedules: Vec<Value> = body["schedules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|address| {
            let item = json!({"status": "busy", "start": time("09:00"), "end": time("10:00")});
            json!({"scheduleId": address, "scheduleItems": [item], "workingHours": hours()})
        })
        .collect();
    (200, json!({ "value": schedules }))
}

fn by_schedule() -> Result<Vec<Interval>, String> {
    Ok(vec![span("2026-03-30T09:00:00Z", "2026-03-30T10:00:00Z")])
}

fn by_events() -> Result<Vec<Interval>, String> {
    Ok(vec![span("2026-03-30T11:00:00Z", "2026-03-30T12:00:00Z")])
}

fn unknown_for(code: &str) -> Result<Vec<Interval>, String> {
    Err(code.to_owned())
}

fn found(answer: Result<FreeBusy, Failure>) -> Vec<Result<Vec<Interval>, String>> {
    answer.unwrap().calendars.into_iter().map(|calendar| calendar.busy.map_err(|why| why.code)).collect()
}

#[test]
fn one_schedule_answers_for_the_main_calendar_by_any_name_and_for_colleagues() {
    let calendars = ["primary", "bob@contoso.example", "main", "Ada@contoso.example"];
    let (calls, answer) = play(asked(connector(), &calendars, day()), well);
    assert_eq!(calls, [1]);
    let week = answer.as_ref().unwrap().working_week.clone().unwrap();
    assert_eq!(week.zone.name(), "Europe/Berlin");
    assert_eq!(week.hours[0].day, Weekday::Monday);
    assert_eq!(found(answer), [by_schedule(), by_schedule(), by_schedule(), by_schedule()]);
}

#[test]
fn other_calendars_are_looked_at_by_their_events_in_the_same_batch() {
    let (requests, _) =
        drive(asked(connector(), &["primary", "family"], day()), [answered(json!({ "responses": [] }))]);
    insta::assert_snapshot!(shown(&requests[0]), @r#"
    POST https://graph.microsoft.com/v1.0/$batch
    accept: application/json
    prefer: IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"
    content-type: application/json

    {
      "requests": [
        {
          "body": {
            "availabilityViewInterval": 1440,
            "endTime": {
              "dateTime": "2026-03-31T00:00:00",
              "timeZone": "UTC"
            },
            "schedules": [
              "ada@contoso.example"
            ],
            "startTime": {
              "dateTime": "2026-03-30T00:00:00",
              "timeZone": "UTC"
            }
          },
          "headers": {
            "accept": "application/json",
            "content-type": "application/json",
            "prefer": "IdType=\"ImmutableId\", outlook.timezone=\"UTC\", outlook.body-content-type=\"text\""
          },
          "id": "0",
          "method": "POST",
          "url": "/me/calendar/getSchedule"
        },
        {
          "headers": {
            "accept": "application/json",
            "prefer": "IdType=\"ImmutableId\", outlook.timezone=\"UTC\", outlook.body-content-type=\"text\""
          },
          "id": "1",
          "method": "GET",
          "url": "/me/calendars/family/calendarView?startDateTime=2026-03-28T22%3A00%3A00Z&endDateTime=2026-04-01T02%3A00%3A00Z&%24select=showAs%2CisCancelled%2CisAllDay%2Cstart%2Cend%2CoriginalStartTimeZone&%24top=1000"
        }
      ]
    }
    "#);
    let (calls, answer) = play(asked(connector(), &["primary", "family"], day()), well);
    assert_eq!(calls, [2]);
    assert_eq!(found(answer), [by_schedule(), by_events()]);
}

#[test]
fn personal_accounts_have_events_and_settings_alone() {
    let (calls, answer) =
        play(asked(personal(), &["main", "bob@outlook.example", "me@outlook.example"], day()), well);
    assert_eq!(calls, [2]);
    assert!(answer.as_ref().unwrap().working_week.is_some());
    assert_eq!(found(answer), [by_events(), unknown_for("notFound"), by_events()]);
}

#[test]
fn hours_of_our_own_are_not_asked_for() {
    let mut connector = personal();
    connector.preferences.working_hours = Some(WorkingHours::office_week());
    let (calls, answer) = play(asked(connector, &["primary"], day()), well);
    assert_eq!(calls, [1]);
    assert_eq!(answer.unwrap().working_week, None);
}

#[test]
fn twenty_calendars_take_one_request_and_fifty_take_three() {
    for (count, expected) in [(20, vec![20]), (50, vec![20, 20, 10])] {
        let names: Vec<String> = (1..count).map(|n| format!("c{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).chain(["primary"]).collect();
        let (calls, answer) = play(asked(connector(), &names, day()), well);
        assert_eq!(calls, expected, "{count}");
        assert_eq!(found(answer).len(), count);
    }
}

#[test]
fn an_account_without_an_address_is_looked_at_by_its_events() {
    let (calls, answer) = play(asked(Connector { email: None, ..connector() }, &["primary"], day()), well);
    assert_eq!(calls, [2]);
    assert_eq!(found(answer), [by_events()]);
}

#[test]
fn a_schedule_that_fails_is_unknown_and_the_accounts_own_is_looked_at_directly() {
    let (calls, answer) =
        play(asked(connector(), &["primary", "bob@contoso.example"], day()), |path, body| {
            let (status, mut said) = well(path, body);
            if path.ends_with("getSchedule") {
                for schedule in said["value"].as_array_mut().unwrap() {
                    schedule["error"] = json!({"responseCode": "ErrorTimeoutExpired"});
                }
            }
            (status, said)
        });
    assert_eq!(calls, [1, 2]);
    assert!(answer.as_ref().unwrap().working_week.is_some());
    assert_eq!(found(answer), [by_events(), unknown_for("ErrorTimeoutExpired")]);
}

#[test]
fn a_mailbox_with_too_many_entries_is_asked_about_in_halves() {
    let too_much = |longest: i64| {
        move |path: &str, body: &Value| {
            let (status, mut said) = well(path, body);
            let instant = |name: &str| schedule::instant(&body[name]).unwrap();
            if instant("endTime").since(instant("startTime")) > TimeDelta::hours(longest) {
                said["value"][0] =
                    json!({"scheduleId": "bob@contoso.example", "error": {"responseCode": "5006"}});
            }
            (status, said)
        }
    };
    let mut connector = connector();
    connector.preferences.working_hours = Some(WorkingHours::office_week());
    let ask = || asked(connector.clone(), &["bob@contoso.example"], day());
    let (calls, answer) = play(ask(), too_much(13));
    assert_eq!((calls, found(answer)), (vec![1, 2], vec![by_schedule()]));
    let (calls, answer) = play(ask(), too_much(0));
    assert_eq!((calls, found(answer)), (vec![1, 2, 4, 8, 16, 20, 12], vec![unknown_for("tooManyEntries")]));
}

#[test]
fn pages_are_followed_within_graph_and_nowhere_else() {
    let paged = |link: &'static str| {
        move |path: &str, body: &Value| {
            let (status, mut said) = well(path, body);
            if path.contains("/calendarView?") && !path.contains("skip=1") {
                said["value"][0]["end"] = time("11:30");
                said["@odata.nextLink"] = json!(link);
            }
            (status, said)
        }
    };
    let own = "https://graph.microsoft.com/v1.0/me/calendars/family/calendarView?skip=1";
    let (calls, answer) = play(asked(connector(), &["primary", "family"], day()), paged(own));
    assert_eq!((calls, found(answer)), (vec![2, 1], vec![by_schedule(), by_events()]));
    for foreign in
        ["https://example.com/v1.0/me?skip=1", "https://graph.microsoft.com/v1.0.example.com/?skip=1"]
    {
        let (_, answer) = play(asked(connector(), &["family"], day()), paged(foreign));
        assert_eq!(answer.unwrap_err().code, "provider_unreadable", "{foreign}");
    }
}

#[test]
fn a_calendar_that_cannot_be_seen_says_nothing_of_the_others() {
    let (_, answer) =
        play(asked(connector(), &["primary", "gone", "secret", "family"], day()), |path, body| {
            let error = |code: &str| json!({"error": {"code": code, "message": ""}});
            match path {
                _ if path.contains("/gone/") => (404, error("ErrorItemNotFound")),
                _ if path.contains("/secret/") => (403, error("ErrorAccessDenied")),
                _ => well(path, body),
            }
        });
    assert_eq!(
        found(answer),
        [by_schedule(), unknown_for("notFound"), unknown_for("forbidden"), by_events()]
    );
}

#[test]
fn whole_days_are_those_of_the_zone_the_mailbox_has_now() {
    let on_a_whole_day = |path: &str, body: &Value| {
        let (status, mut said) = well(path, body);
        if path.contains("/calendarView?") {
            let midnight =
                |day: &str| json!({"dateTime": format!("{day}T00:00:00.0000000"), "timeZone": "UTC"});
            said["value"] = json!([
                {"showAs": "busy", "isAllDay": true, "start": midnight("2026-03-29"), "end": midnight("2026-03-31")},
            ]);
        }
        (status, said)
    };
    let until = |end| vec![Ok(vec![span("2026-03-30T00:00:00Z", end)])];
    // By its settings: it moved to Tokyo since it was connected.
    let (calls, answer) = play(asked(personal(), &["primary"], day()), on_a_whole_day);
    assert_eq!((calls, found(answer)), (vec![2], until("2026-03-30T15:00:00Z")));
    // By its schedule.
    let (calls, answer) = play(asked(connector(), &["primary", "family"], day()), on_a_whole_day);
    assert_eq!((calls, found(answer).split_off(1)), (vec![2], until("2026-03-30T22:00:00Z")));
    // By settings that do not say it but with their hours.
    let (_, answer) = play(asked(personal(), &["primary"], day()), |path, body| {
        let (status, mut said) = on_a_whole_day(path, body);
        if path.ends_with("mailboxSettings") {
            said["timeZone"] = json!("Customized Time Zone");
        }
        (status, said)
    });
    assert_eq!(found(answer), until("2026-03-30T22:00:00Z"));
    // As it was, where the settings may not be read.
    let elsewhere = Connector { zone: Zone::named("Asia/Kolkata").unwrap(), ..personal() };
    let (_, answer) = play(asked(elsewhere, &["primary"], day()), |path, body| match path {
        "/me/mailboxSettings" => (403, json!({"error": {"code": "ErrorAccessDenied", "message": ""}})),
        _ => on_a_whole_day(path, body),
    });
    assert_eq!(found(answer), until("2026-03-30T18:30:00Z"));
}

#[test]
fn hours_that_may_not_be_read_are_left_out() {
    let (_, answer) = play(asked(personal(), &["primary"], day()), |path, body| {
        if path.ends_with("mailboxSettings") {
            return (403, json!({"error": {"code": "ErrorAccessDenied", "message": ""}}));
        }
        well(path, body)
    });
    assert_eq!(answer.as_ref().unwrap().working_week, None);
    assert_eq!(found(answer), [by_events()]);
}

#[test]
fn what_the_account_itself_is_refused_fails_the_query() {
    let denied =
        |code: &'static str| move |_: &str, _: &Value| (403, json!({"error": {"code": code, "message": ""}}));
    let (_, answer) = play(asked(connector(), &["primary"], day()), denied("ErrorAccessDenied"));
    assert_eq!(answer.unwrap_err().code, "scope_missing");
    let (_, answer) = play(asked(personal(), &["primary", "family"], day()), denied("ErrorAccessDenied"));
    assert_eq!(answer.unwrap_err().code, "scope_missing");
}

#[test]
fn a_part_that_is_throttled_or_not_answered_is_never_free() {
    let (_, answer) = play(asked(connector(), &["primary", "family"], day()), |path, body| match path {
        _ if path.contains("/family/") => {
            (429, json!({"error": {"code": "ApplicationThrottled", "message": ""}}))
        }
        _ => well(path, body),
    });
    assert_eq!(answer.unwrap_err().code, "provider_throttled");
    let (_, answer) =
        drive(asked(connector(), &["primary", "family"], day()), [answered(json!({ "responses": [] }))]);
    assert_eq!(found(answer), [unknown_for("notAnswered"), unknown_for("notAnswered")]);
}

#[test]
fn a_calendar_unknown_in_one_part_of_the_window_is_unknown() {
    let window = span("2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z");
    let (_, answer) = play(asked(connector(), &["bob@contoso.example"], window), |path, body| {
        let (status, mut said) = well(path, body);
        if body["startTime"]["dateTime"] == "2026-01-01T00:00:00" {
            said["value"][0] =
                json!({"scheduleId": "bob@contoso.example", "error": {"responseCode": "ErrorServerBusy"}});
        }
        (status, said)
    });
    assert_eq!(found(answer), [unknown_for("ErrorServerBusy")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_instant_of_the_window_is_asked_about_once_for_every_calendar(
        days in 1i64..1_830, people in 0usize..50, others in 0usize..30, main in any::<bool>()
    ) {
        let window = Interval::new(day().start(), day().start().plus(TimeDelta::days(days))).unwrap();
        let mut names: Vec<String> = (0..people).map(|n| format!("p{n}@contoso.example")).collect();
        names.extend((0..others).map(|n| format!("c{n}")));
        names.extend(main.then(|| "primary".to_owned()));
        prop_assume!(!names.is_empty());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut covered: BTreeMap<String, Vec<Interval>> = BTreeMap::new();
        let (calls, answer) = play(asked(connector(), &names, window), |path, body| {
            if let Some(schedules) = body["schedules"].as_array() {
                assert!(schedules.len() <= 20);
                let range = Interval::new(
                    schedule::instant(&body["startTime"]).unwrap(),
                    schedule::instant(&body["endTime"]).unwrap(),
                );
                assert!(range.unwrap().duration() < TimeDelta::days(62));
                for address in schedules {
                    covered.entry(address.as_str().unwrap().to_owned()).or_default().extend(range);
                }
            } else if path.contains("/calendarView?") {
                let url = url::Url::parse(&format!("https://graph.microsoft.com{path}")).unwrap();
                let get = |name: &str| at(&url.query_pairs().find(|(key, _)| key == name).unwrap().1);
                let range = Interval::new(get("startDateTime"), get("endDateTime")).unwrap();
                assert!(range.duration() <= TimeDelta::days(1_825));
                // A day around it for days of other zones.
                let around = TimeDelta::hours(26);
                let range = Interval::new(range.start().plus(around), range.end().plus(-around));
                covered.entry(url.path().to_owned()).or_default().extend(range);
            }
            well(path, body)
        });
        prop_assert!(calls.iter().all(|calls| *calls <= 20));
        prop_assert!(calls[..calls.len() - 1].iter().all(|calls| *calls == 20), "no request is wasted: {calls:?}");
        let answer = answer.unwrap();
        prop_assert_eq!(answer.calendars.len(), names.len());
        prop_assert!(answer.calendars.iter().all(|calendar| calendar.busy.is_ok()));
        prop_assert_eq!(covered.len(), names.len());
        for ranges in covered.into_values() {
            let total = ranges.iter().fold(TimeDelta::zero(), |sum, range| sum + range.duration());
            prop_assert_eq!(total, window.duration());
            prop_assert_eq!(merge(ranges), vec![window]);
        }
    }

    #[test]
    fn any_bytes_are_an_error_or_an_answer(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut exchange = asked(connector(), &["primary", "family"], day());
        prop_assert!(exchange.step(None).is_ok());
        let _ = exchange.step(Some(answer(200, body)));
    }
}
