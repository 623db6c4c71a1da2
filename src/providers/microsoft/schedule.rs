//! `getSchedule`: when people of one organisation are busy, on their main calendars. For work accounts only.
//!
//! <https://learn.microsoft.com/en-us/graph/api/calendar-getschedule>

use chrono::{NaiveDateTime, TimeDelta};
use http::Method;
use serde_json::{Value, json};

use super::{requests::graph, working_hours};
use crate::{
    config::BaseUrl,
    domain::{
        busy::{CalendarUnknown, WorkingWeek, clip},
        failure::Failure,
        time::{Interval, Timestamp},
        zone::Zone,
    },
    ports::HttpRequest,
    providers::excerpt::excerpt,
};

/// The most mailboxes of one call.
pub(super) const MOST_MAILBOXES: usize = 20;
/// The longest range of one call: Graph takes less than 62 days.
pub(super) const LONGEST_RANGE: TimeDelta = TimeDelta::days(60);

/// Asks when these mailboxes are busy.
pub(super) fn request(api: &BaseUrl, addresses: &[&str], range: Interval) -> Result<HttpRequest, Failure> {
    // The view, one digit for each stretch of this length, is not used: as short as it can be.
    let stretch = range.duration().num_minutes().clamp(5, 1440);
    graph(Method::POST, api, "/me/calendar/getSchedule")
        .json(json!({
            "schedules": addresses,
            "startTime": date_time(range.start()),
            "endTime": date_time(range.end()),
            "availabilityViewInterval": stretch,
        }))
        .build()
}

/// What Graph says of one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Schedule {
    /// When it is busy in the range asked about, and its owner's working hours.
    Known(Vec<Interval>, Option<WorkingWeek>),
    /// There is too much in it to be told in one answer: a shorter range must be asked about.
    TooMuch,
    /// Why nothing is known.
    Unknown(CalendarUnknown),
}

/// Finds the schedule of `address` in an answer about `range`.
pub(super) fn read(answer: &Value, address: &str, range: Interval) -> Schedule {
    let schedules = answer["value"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_it = |schedule: &&Value| {
        schedule["scheduleId"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(address))
    };
    let Some(schedule) = schedules.iter().find(is_it) else {
        return Schedule::Unknown(unknown("notAnswered", "Microsoft's answer does not mention this mailbox"));
    };
    if let Some(error) = schedule.get("error").filter(|error| !error.is_null()) {
        return refusal(error);
    }
    let busy = schedule["scheduleItems"].as_array().and_then(|items| {
        items.iter().filter(|item| blocks(&item["status"])).map(times).collect::<Option<Vec<_>>>()
    });
    match busy {
        Some(busy) => {
            let busy = clip(busy.into_iter().flatten(), range);
            Schedule::Known(busy, working_hours::read(&schedule["workingHours"]))
        }
        None => Schedule::Unknown(unknown("unreadable", "Microsoft's busy times are not understood")),
    }
}

fn refusal(error: &Value) -> Schedule {
    let code = error["responseCode"].as_str().unwrap_or("unknown");
    Schedule::Unknown(match code {
        // So many entries in one mailbox (1,000) that Graph does not list them.
        "5006" | "ErrorResultSetTooBig" => return Schedule::TooMuch,
        "ErrorMailRecipientNotFound" => {
            unknown("notFound", "there is no such mailbox in the organisation, or it is not to be seen")
        }
        _ => unknown(&excerpt(code.as_bytes()), "Microsoft could not look at this mailbox"),
    })
}

/// Whether a status keeps its time from being free. Somebody who works elsewhere is there; what may be busy is busy:
/// tentative, as holds are, and unknown.
pub(super) fn blocks(status: &Value) -> bool {
    !status.as_str().is_some_and(|status| {
        ["free", "workingElsewhere"].iter().any(|free| status.eq_ignore_ascii_case(free))
    })
}

/// From when until when; the inner `None` for what takes no time, the outer one when it cannot be told.
fn times(item: &Value) -> Option<Option<Interval>> {
    let (start, end) = (instant(&item["start"])?, instant(&item["end"])?);
    (start <= end).then(|| Interval::new(start, end))
}

/// The instant of a `dateTimeTimeZone`: local time with seven decimals and no offset, and the name of its zone, UTC unless said.
pub(super) fn instant(time: &Value) -> Option<Timestamp> {
    Zone::named(time["timeZone"].as_str().unwrap_or("UTC"))?.instant(local(time)?)
}

/// The local time of a `dateTimeTimeZone`.
pub(super) fn local(time: &Value) -> Option<NaiveDateTime> {
    time["dateTime"].as_str()?.parse().ok()
}

/// An instant as a `dateTimeTimeZone` in UTC.
pub(super) fn date_time(instant: Timestamp) -> Value {
    json!({ "dateTime": instant.to_rfc3339().trim_end_matches('Z'), "timeZone": "UTC" })
}

/// Says why nothing is known.
pub(super) fn unknown(code: &str, message: &str) -> CalendarUnknown {
    CalendarUnknown { code: code.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::providers::microsoft::fixtures::{api_url, shown};

    fn span(start: &str, end: &str) -> Interval {
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        Interval::new(at(start), at(end)).unwrap()
    }

    fn day() -> Interval {
        span("2026-03-28T00:00:00Z", "2026-03-29T00:00:00Z")
    }

    fn item(status: &str, start: &str, end: &str, zone: &str) -> Value {
        json!({
            "status": status,
            "start": {"dateTime": format!("2026-03-28T{start}:00.0000000"), "timeZone": zone},
            "end": {"dateTime": format!("2026-03-28T{end}:00.0000000"), "timeZone": zone},
        })
    }

    fn read_items(items: Value) -> Schedule {
        let schedule =
            json!({"scheduleId": "Ada@contoso.example", "availabilityView": "000", "scheduleItems": items});
        read(&json!({ "value": [schedule] }), "ada@contoso.example", day())
    }

    #[test]
    fn a_call_asks_about_several_mailboxes_in_utc() {
        let request = request(&api_url(), &["ada@contoso.example", "bob@contoso.example"], day()).unwrap();
        insta::assert_snapshot!(shown(&request), @r#"
        POST https://graph.microsoft.com/v1.0/me/calendar/getSchedule
        accept: application/json
        prefer: IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"
        content-type: application/json

        {
          "availabilityViewInterval": 1440,
          "endTime": {
            "dateTime": "2026-03-29T00:00:00",
            "timeZone": "UTC"
          },
          "schedules": [
            "ada@contoso.example",
            "bob@contoso.example"
          ],
          "startTime": {
            "dateTime": "2026-03-28T00:00:00",
            "timeZone": "UTC"
          }
        }
        "#);
    }

    #[test]
    fn what_may_be_busy_is_busy_and_working_elsewhere_is_free() {
        for (status, busy) in [
            ("busy", true),
            ("oof", true),
            ("tentative", true),
            ("unknown", true),
            ("newlyInvented", true),
            ("free", false),
            ("workingElsewhere", false),
        ] {
            let known = read_items(json!([item(status, "09:00", "10:00", "UTC")]));
            let expected = busy.then(|| span("2026-03-28T09:00:00Z", "2026-03-28T10:00:00Z"));
            assert_eq!(known, Schedule::Known(expected.into_iter().collect(), None), "{status}");
        }
    }

    #[test]
    fn times_are_read_in_the_zone_they_come_in() {
        for (zone, start) in [
            ("UTC", "2026-03-28T09:00:00Z"),
            ("tzone://Microsoft/Utc", "2026-03-28T09:00:00Z"),
            ("W. Europe Standard Time", "2026-03-28T08:00:00Z"),
            ("Asia/Kolkata", "2026-03-28T03:30:00Z"),
        ] {
            let known = read_items(json!([item("busy", "09:00", "23:00", zone)]));
            let Schedule::Known(busy, _) = known else { panic!("{zone}: {known:?}") };
            assert_eq!(busy[0].start().to_rfc3339(), start, "{zone}");
        }
    }

    #[test]
    fn what_is_not_understood_is_unknown_and_never_free() {
        let without_zone = item("busy", "09:00", "10:00", "Middle-earth Standard Time");
        for items in [
            json!(null),
            json!("none"),
            json!([{"status": "busy"}]),
            json!([without_zone]),
            json!([item("busy", "10:00", "09:00", "UTC")]),
        ] {
            let known = read_items(items.clone());
            assert!(
                matches!(&known, Schedule::Unknown(why) if why.code == "unreadable"),
                "{items}: {known:?}"
            );
        }
        let nobody = read(&json!({ "value": [] }), "ada@contoso.example", day());
        assert!(matches!(&nobody, Schedule::Unknown(why) if why.code == "notAnswered"), "{nobody:?}");
    }

    #[test]
    fn errors_belong_to_the_schedule_they_are_in() {
        for (code, expected) in [
            (json!("ErrorMailRecipientNotFound"), Some("notFound")),
            (json!("ErrorProxyRequestProcessingFailed"), Some("ErrorProxyRequestProcessingFailed")),
            (json!(null), Some("unknown")),
            (json!("5006"), None),
        ] {
            let error = json!({"responseCode": code, "message": "a long story"});
            let schedule = json!({"scheduleId": "ada@contoso.example", "scheduleItems": [], "error": error});
            let found = match read(&json!({ "value": [schedule] }), "ada@contoso.example", day()) {
                Schedule::Unknown(why) => Some(why.code),
                Schedule::TooMuch => None,
                Schedule::Known(..) => panic!("{code}"),
            };
            assert_eq!(found.as_deref(), expected, "{code}");
        }
    }

    proptest! {
        #[test]
        fn any_times_are_busy_in_the_range_or_unknown(start in ".{0,30}", end in ".{0,30}", zone in ".{0,12}") {
            let item = json!({
                "status": "busy",
                "start": {"dateTime": start, "timeZone": zone},
                "end": {"dateTime": end, "timeZone": "UTC"},
            });
            if let Schedule::Known(busy, _) = read_items(json!([item])) {
                prop_assert!(busy.iter().all(|busy| busy.intersection(day()) == Some(*busy)));
            }
        }
    }
}
