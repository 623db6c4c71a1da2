//! Rules to Graph and back, held against two expansions that know nothing of each other.

use ical::recur::expand::IcalRecurExpand;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::time::Interval;

/// A series of one-hour events that begins when clocks in Berlin show `local`, or of whole days from a date.
fn begins(text: &str) -> Beginning {
    let berlin = Zone::named("Europe/Berlin").unwrap();
    Beginning::of(&match text.parse::<NaiveDate>() {
        Ok(start) => EventTimes::AllDay { start, end: start.succ_opt().unwrap(), zone: berlin },
        Err(_) => {
            let start = berlin.instant(text.parse().unwrap()).unwrap();
            let interval = Interval::new(start, start.plus(chrono::TimeDelta::hours(1))).unwrap();
            EventTimes::Timed { interval, zone: berlin }
        }
    })
}

fn graph(rule: &str, start: &str) -> Result<Value, Failure> {
    to_graph(&[format!("RRULE:{rule}")], &begins(start))
}

/// The days of an RFC 5545 rule, by ical-rs.
fn days_of_rule(rule: &str, begins: &Beginning, most: usize) -> Vec<String> {
    let mut rule = IcalRecurRule::parse(rule).unwrap();
    let day = begins.day();
    if let (Some(until), Some(zone)) = (rule.until, &begins.zone) {
        // The expansion is civil.
        let until = zone.local(Timestamp::from_seconds(until.seconds()));
        rule.until = Some(IcalRecurDateTime::parse(&until.format("%Y%m%dT%H%M%S").to_string()).unwrap());
    }
    let start = IcalRecurDateTime::parse(&begins.local.format("%Y%m%dT%H%M%S").to_string()).unwrap();
    let days = IcalRecurExpand::new(rule, start).take(most);
    let days: Vec<_> = days.map(|at| format!("{:04}-{:02}-{:02}", at.year, at.month, at.day)).collect();
    assert!(days.first().is_none_or(|first| *first == day.to_string()), "{days:?}");
    days
}

/// The days of a `patternedRecurrence`, as the simulated Graph reads and expands it.
fn days_of_graph(recurrence: &Value, begins: &Beginning, most: usize) -> Vec<String> {
    let first: jiff::civil::DateTime = begins.local.format("%Y-%m-%dT%H:%M:%S").to_string().parse().unwrap();
    let read = simulator::microsoft::recurrence::Recurrence::read(recurrence, first.date(), "UTC").unwrap();
    read.starts(first).take(most).map(|at| at.date().to_string()).collect()
}

#[test]
fn rules_become_patterns_and_patterns_rules() {
    for (start, rule, pattern, back) in [
        ("2026-03-02T09:00:00", "FREQ=DAILY;INTERVAL=3", json!({"type": "daily", "interval": 3}), None),
        (
            "2026-03-02T09:00:00",
            "FREQ=WEEKLY",
            json!({"type": "weekly", "daysOfWeek": ["monday"], "firstDayOfWeek": "monday", "interval": 1}),
            None,
        ),
        (
            "2026-03-02T09:00:00",
            "FREQ=WEEKLY;BYDAY=WE,MO;WKST=SU;INTERVAL=2",
            json!({"type": "weekly", "daysOfWeek": ["monday", "wednesday"], "firstDayOfWeek": "sunday", "interval": 2}),
            Some("FREQ=WEEKLY;BYDAY=MO,WE;WKST=SU;INTERVAL=2"),
        ),
        (
            "2026-03-02T09:00:00",
            "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
            json!({"type": "weekly", "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                   "firstDayOfWeek": "monday", "interval": 1}),
            Some("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ),
        (
            "2026-03-02T09:00:00",
            "FREQ=MONTHLY;BYDAY=MO",
            json!({"type": "weekly", "daysOfWeek": ["monday"], "firstDayOfWeek": "monday", "interval": 1}),
            Some("FREQ=WEEKLY"),
        ),
        (
            "2026-03-15",
            "FREQ=MONTHLY;BYMONTHDAY=15",
            json!({"type": "absoluteMonthly", "dayOfMonth": 15, "interval": 1}),
            Some("FREQ=MONTHLY"),
        ),
        (
            "2026-02-28",
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            json!({"type": "absoluteMonthly", "dayOfMonth": 31, "interval": 1}),
            None,
        ),
        (
            "2026-01-30",
            "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1",
            json!({"type": "absoluteMonthly", "dayOfMonth": 30, "interval": 1}),
            None,
        ),
        (
            "2026-03-10",
            "FREQ=MONTHLY;BYDAY=2TU",
            json!({"type": "relativeMonthly", "daysOfWeek": ["tuesday"], "index": "second", "interval": 1}),
            None,
        ),
        (
            "2026-03-31",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            json!({"type": "relativeMonthly", "index": "last", "interval": 1,
                   "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"]}),
            None,
        ),
        (
            "2026-03-02",
            "FREQ=YEARLY",
            json!({"type": "absoluteYearly", "month": 3, "dayOfMonth": 2, "interval": 1}),
            None,
        ),
        (
            "2026-12-31",
            "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31;INTERVAL=2",
            json!({"type": "absoluteYearly", "month": 12, "dayOfMonth": 31, "interval": 2}),
            Some("FREQ=YEARLY;INTERVAL=2"),
        ),
        (
            "2028-02-29",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1",
            json!({"type": "absoluteYearly", "month": 2, "dayOfMonth": 29, "interval": 1}),
            None,
        ),
        (
            "2026-11-26",
            "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
            json!({"type": "relativeYearly", "month": 11, "daysOfWeek": ["thursday"], "index": "fourth", "interval": 1}),
            None,
        ),
        ("2026-10-25", "FREQ=YEARLY;BYMONTH=10;BYDAY=SA,SU;BYSETPOS=-2", Value::Null, None),
    ] {
        if pattern.is_null() {
            assert_eq!(graph(rule, start).unwrap_err().field(), Some("recurrence[0]"), "{rule}");
            continue;
        }
        let recurrence = graph(rule, start).unwrap();
        assert_eq!(recurrence["pattern"], pattern, "{rule}");
        assert_eq!(
            to_lines(&recurrence, &begins(start)),
            [format!("RRULE:{}", back.unwrap_or(rule))],
            "{rule}"
        );
    }
}

#[test]
fn a_series_ends_on_a_day_of_its_own_zone() {
    // Clocks in Berlin go forward on 29 March: nine o'clock is 08:00Z before and 07:00Z from then on.
    for (start, end, range, back) in [
        ("2026-03-26T09:00:00", "", json!({"type": "noEnd"}), ""),
        (
            "2026-03-26T09:00:00",
            ";COUNT=4",
            json!({"type": "numbered", "numberOfOccurrences": 4}),
            ";COUNT=4",
        ),
        (
            "2026-03-26T09:00:00",
            ";UNTIL=20260330T070000Z",
            json!({"type": "endDate", "endDate": "2026-03-30"}),
            ";UNTIL=20260330T070000Z",
        ),
        (
            "2026-03-26T09:00:00",
            ";UNTIL=20260330T065959Z",
            json!({"type": "endDate", "endDate": "2026-03-29"}),
            ";UNTIL=20260329T070000Z",
        ),
        // Half past midnight in Berlin is the day before in UTC.
        (
            "2026-03-26T00:30:00",
            ";UNTIL=20260327T233000Z",
            json!({"type": "endDate", "endDate": "2026-03-28"}),
            ";UNTIL=20260327T233000Z",
        ),
        (
            "2026-03-26",
            ";UNTIL=20260330",
            json!({"type": "endDate", "endDate": "2026-03-30"}),
            ";UNTIL=20260330",
        ),
    ] {
        let recurrence = graph(&format!("FREQ=DAILY{end}"), start).unwrap();
        let mut expected = range;
        expected["startDate"] = "2026-03-26".into();
        expected["recurrenceTimeZone"] = "W. Europe Standard Time".into();
        assert_eq!(recurrence["range"], expected, "{end}");
        assert_eq!(to_lines(&recurrence, &begins(start)), [format!("RRULE:FREQ=DAILY{back}")]);
    }
}

#[test]
fn what_graph_cannot_express_is_refused_with_its_line_and_the_reason() {
    for (rule, why) in [
        ("FREQ=HOURLY", "by the day"),
        ("FREQ=MINUTELY;INTERVAL=30", "by the day"),
        ("FREQ=DAILY;BYHOUR=9,17", "BYHOUR"),
        ("FREQ=DAILY;BYMONTH=1", "BYMONTH"),
        ("FREQ=DAILY;INTERVAL=2;BYDAY=MO", "BYDAY"),
        ("FREQ=DAILY;INTERVAL=1000", "at most 999"),
        ("FREQ=DAILY;COUNT=1000", "at most 999"),
        ("FREQ=DAILY;UNTIL=20260301T080000Z", "before the start"),
        ("FREQ=WEEKLY;BYMONTH=3", "BYMONTH"),
        ("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=WEEKLY;BYDAY=TU", "on a day of its rule"),
        ("FREQ=MONTHLY;BYMONTHDAY=2,16", "one day of a month"),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", "from its beginning"),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "BYMONTHDAY=-1"),
        ("FREQ=MONTHLY;BYMONTHDAY=3", "on a day of its rule"),
        ("FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=2", "one day of a month"),
        ("FREQ=MONTHLY;BYDAY=MO;INTERVAL=2", "one day of a month"),
        ("FREQ=MONTHLY;BYDAY=1MO,3MO", "one day of a month"),
        ("FREQ=MONTHLY;BYDAY=5MO", "number 5"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1,2", "one day of a month"),
        ("FREQ=MONTHLY;BYDAY=TU,TH;BYSETPOS=2", "one day of the week"),
        ("FREQ=MONTHLY;BYMONTH=3;BYMONTHDAY=2", "BYMONTH"),
        ("FREQ=YEARLY;BYYEARDAY=61", "BYYEARDAY"),
        ("FREQ=YEARLY;BYWEEKNO=10", "BYWEEKNO"),
        ("FREQ=YEARLY;BYMONTH=3,9", "one month"),
        ("FREQ=YEARLY;BYMONTHDAY=2", "name it by BYMONTH"),
        ("FREQ=YEARLY;BYDAY=10MO", "name it by BYMONTH"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "BYMONTHDAY=-1"),
        ("FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31", "from its beginning"),
    ] {
        let failure = graph(rule, "2026-03-02T09:00:00").unwrap_err();
        assert_eq!(
            (failure.code.as_ref(), failure.field()),
            ("recurrence_not_supported", Some("recurrence[0]")),
            "{rule}"
        );
        assert!(failure.message.contains(why), "{rule}: {failure}");
    }
    for line in ["EXDATE:20260303T080000Z", "RDATE:20260303T080000Z"] {
        let lines = ["RRULE:FREQ=DAILY".to_owned(), line.to_owned()];
        let failure = to_graph(&lines, &begins("2026-03-02T09:00:00")).unwrap_err();
        assert_eq!(failure.field(), Some("recurrence[1]"), "{line}");
    }
    // What a series leaves open is read from its start: the 31st, and 29 February.
    assert!(graph("FREQ=MONTHLY", "2026-01-31").unwrap_err().message.contains("BYMONTHDAY=-1"));
    assert!(graph("FREQ=YEARLY", "2028-02-29").unwrap_err().message.contains("BYMONTHDAY=-1"));
}

#[test]
fn a_series_goes_along_when_its_start_is_moved() {
    let move_to = |rule: &str, start: &str, to: &str| {
        let recurrence = graph(rule, start).unwrap();
        moved(&recurrence, &begins(start), &begins(to)).map(|moved| to_lines(&moved, &begins(to)).concat())
    };
    let monday = "2026-03-02T09:00:00";
    for (rule, to, expected) in [
        ("FREQ=WEEKLY;COUNT=4", "2026-03-03T09:00:00", "RRULE:FREQ=WEEKLY;COUNT=4"),
        ("FREQ=WEEKLY;BYDAY=MO,WE", "2026-03-04T10:00:00", "RRULE:FREQ=WEEKLY;BYDAY=MO,WE"),
        (
            "FREQ=WEEKLY;UNTIL=20260330T070000Z",
            "2026-03-03T15:00:00",
            "RRULE:FREQ=WEEKLY;UNTIL=20260330T130000Z",
        ),
        ("FREQ=YEARLY;UNTIL=20300302T080000Z", "2026-04-01", "RRULE:FREQ=YEARLY;UNTIL=20300302"),
    ] {
        assert_eq!(move_to(rule, monday, to).as_deref(), Ok(expected), "{rule}");
    }
    let failure = move_to("FREQ=WEEKLY;BYDAY=MO,WE", monday, "2026-03-03T09:00:00").unwrap_err();
    assert_eq!((failure.code.as_ref(), failure.field()), ("recurrence_not_supported", Some("start")));
    let unknown = json!({"pattern": {"type": "lunar"}, "range": {"type": "noEnd"}});
    assert_eq!(moved(&unknown, &begins(monday), &begins(monday)).unwrap_err().field(), Some("start"));
}

fn weekdays() -> impl Strategy<Value = String> {
    proptest::sample::subsequence(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"], 1..=7)
        .prop_map(|days| days.join(","))
}

/// Rules of every kind, most of which Graph can express.
fn rules() -> impl Strategy<Value = String> {
    let frequency = prop_oneof![
        Just("FREQ=DAILY".to_owned()),
        Just("FREQ=WEEKLY".to_owned()),
        Just("FREQ=MONTHLY".to_owned()),
        Just("FREQ=YEARLY".to_owned()),
        (weekdays(), "(MO|SU|WE)").prop_map(|(days, week)| format!("FREQ=WEEKLY;BYDAY={days};WKST={week}")),
        weekdays().prop_map(|days| format!("FREQ=DAILY;BYDAY={days}")),
        (-1i32..=31).prop_map(|day| format!("FREQ=MONTHLY;BYMONTHDAY={}", if day == 0 { 1 } else { day })),
        (29u32..=31).prop_map(|last| {
            let days: Vec<_> = (28..=last).map(|day| day.to_string()).collect();
            format!("FREQ=MONTHLY;BYMONTHDAY={};BYSETPOS=-1", days.join(","))
        }),
        ("(1|2|3|4|-1)", "(MO|TH|SU)").prop_map(|(place, day)| format!("FREQ=MONTHLY;BYDAY={place}{day}")),
        (weekdays(), "(1|2|3|4|-1)")
            .prop_map(|(days, place)| format!("FREQ=MONTHLY;BYDAY={days};BYSETPOS={place}")),
        (1u32..=12, -1i32..=31).prop_map(|(month, day)| {
            format!("FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={}", if day == 0 { 1 } else { day })
        }),
        (1u32..=12, "(1|2|3|4|-1)", "(MO|TH|SU)")
            .prop_map(|(month, place, day)| format!("FREQ=YEARLY;BYMONTH={month};BYDAY={place}{day}")),
        (1u32..=12, weekdays(), "(1|2|3|4|-1)").prop_map(|(month, days, place)| format!(
            "FREQ=YEARLY;BYMONTH={month};BYDAY={days};BYSETPOS={place}"
        )),
    ];
    let end = prop_oneof![
        Just(String::new()),
        (1u32..30).prop_map(|count| format!(";COUNT={count}")),
        (0i64..2_000).prop_map(|days| {
            let until =
                Timestamp::parse_rfc3339("2026-01-01T08:00:00Z").unwrap().plus(chrono::TimeDelta::days(days));
            format!(";UNTIL={}", until.to_chrono().format("%Y%m%dT%H%M%SZ"))
        }),
    ];
    (frequency, 1u32..5, end).prop_map(|(rule, interval, end)| format!("{rule};INTERVAL={interval}{end}"))
}

proptest! {
    /// The start is put on the rule's first day, as Graph wants it.
    #[test]
    fn a_rule_means_the_same_days_at_graph_and_back_again(rule in rules(), day in 0i64..800, hour in 0u32..24) {
        let from = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::TimeDelta::days(day);
        let parsed = IcalRecurRule::parse(&rule).unwrap();
        let start = IcalRecurDateTime::parse(&from.format("%Y%m%d").to_string()).unwrap();
        let endless = IcalRecurRule { until: None, count: None, ..parsed };
        let Some(first) = IcalRecurExpand::new(endless, start).next() else { return Ok(()) };
        let local = format!("{:04}-{:02}-{:02}T{hour:02}:30:00", first.year, first.month, first.day);
        let begins = begins(&local);
        let Ok(recurrence) = to_graph(&[format!("RRULE:{rule}")], &begins) else { return Ok(()) };
        let asked = days_of_rule(&rule, &begins, 40);
        prop_assert_eq!(&days_of_graph(&recurrence, &begins, 40), &asked, "{} as {}", rule, recurrence);
        let lines = to_lines(&recurrence, &begins);
        let back = lines[0].strip_prefix("RRULE:").unwrap();
        prop_assert_eq!(&days_of_rule(back, &begins, 40), &asked, "{} came back as {}", rule, back);
        let line = std::slice::from_ref(&lines[0]);
        prop_assert_eq!(crate::domain::recurrence::check(line, false), Ok(()));
        prop_assert_eq!(to_graph(line, &begins).map(|again| to_lines(&again, &begins)), Ok(lines.clone()));
    }

    #[test]
    fn any_line_is_refused_or_becomes_a_pattern(line in "(RRULE:)?[A-Z0-9=;,:+-]{0,40}") {
        let _ = to_graph(&[line], &begins("2026-03-02T09:00:00"));
    }

    #[test]
    fn any_pattern_becomes_a_line_or_none(
        kind in "(daily|weekly|absoluteMonthly|relativeMonthly|absoluteYearly|relativeYearly|lunar)",
        number in any::<i64>(), days in proptest::collection::vec("(monday|sunday|caturday)", 0..3),
        index in "(first|last|fifth)", end in "(noEnd|endDate|numbered|never)", date in "(2026-03-02|9999-12-31|soon)",
    ) {
        let recurrence = json!({
            "pattern": {"type": kind, "interval": number, "month": number, "dayOfMonth": number, "daysOfWeek": days, "index": index},
            "range": {"type": end, "endDate": date, "numberOfOccurrences": number},
        });
        let (old, new) = (begins("2026-03-02T09:00:00"), begins("2026-03-31"));
        let _ = to_lines(&recurrence, &old);
        let _ = moved(&recurrence, &old, &new);
    }
}
