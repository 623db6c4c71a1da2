//! `calendarView`: when a calendar of the account is busy, by its events. For the calendars that `getSchedule` does not look
//! at, and for personal accounts, which do not have it.
//!
//! <https://learn.microsoft.com/en-us/graph/api/calendar-list-calendarview>

use chrono::TimeDelta;
use http::Method;
use serde_json::Value;

use super::{
    requests::{calendar_path, graph},
    schedule::{blocks, instant, local},
};
use crate::{
    config::BaseUrl,
    domain::{
        failure::Failure,
        ids::CalendarId,
        time::{Interval, Timestamp},
        zone::Zone,
    },
    ports::HttpRequest,
};

/// How far apart the same day begins on two sides of the world, from UTC+14 to UTC-12.
const WORLD: TimeDelta = TimeDelta::hours(26);
/// The longest range to ask about: with what is asked for around it less than the 1,825 days that Graph takes.
pub(super) const LONGEST_RANGE: TimeDelta = TimeDelta::days(1_820);

/// Asks what is on a calendar, the first page of it. Graph looks for whole days by the instants they have in the zone they
/// were written in, and the account may live far away from that: so what is asked about is longer than `range`.
pub(super) fn request(api: &BaseUrl, calendar: &CalendarId, range: Interval) -> Result<HttpRequest, Failure> {
    graph(Method::GET, api, &format!("{}/calendarView", calendar_path(calendar)?))
        .query("startDateTime", range.start().plus(-WORLD).to_rfc3339())
        .query("endDateTime", range.end().plus(WORLD).to_rfc3339())
        .query("$select", "showAs,isCancelled,isAllDay,start,end,originalStartTimeZone")
        .query("$top", "1000")
        .build()
}

/// The busy times on a page, also those around the range that was asked about; `None` when they are not understood.
///
/// Graph writes whole days as midnights in UTC. `zone` is the account's, whose clocks its owner means; but colleagues, and
/// whatever searches for meeting times, see the instants that the zone gives in which the days were written. Both are busy.
pub(super) fn read(page: &Value, zone: &Zone) -> Option<Vec<Interval>> {
    let events = page["value"].as_array()?;
    let blocking = |event: &&Value| event["isCancelled"] != true && blocks(&event["showAs"]);
    let mut busy = Vec::new();
    for event in events.iter().filter(blocking) {
        if event["isAllDay"] == true {
            let written = event["originalStartTimeZone"].as_str().and_then(Zone::named);
            for zone in [Some(zone), written.as_ref()].into_iter().flatten() {
                busy.extend(times(event, |time| zone.start_of_day(local(time)?.date()))?);
            }
        } else {
            busy.extend(times(event, instant)?);
        }
    }
    Some(busy)
}

fn times(event: &Value, at: impl Fn(&Value) -> Option<Timestamp>) -> Option<Option<Interval>> {
    let (start, end) = (at(&event["start"])?, at(&event["end"])?);
    (start <= end).then(|| Interval::new(start, end))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::providers::microsoft::fixtures::{api_url, shown};

    fn span(start: &str, end: &str) -> Interval {
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        Interval::new(at(start), at(end)).unwrap()
    }

    #[test]
    fn a_call_asks_for_no_more_than_it_takes_to_be_busy() {
        let range = span("2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z");
        let request = request(&api_url(), &CalendarId::new("AAMk/a="), range).unwrap();
        insta::assert_snapshot!(shown(&request), @r#"
        GET https://graph.microsoft.com/v1.0/me/calendars/AAMk%2Fa%3D/calendarView?startDateTime=2026-03-26T22%3A00%3A00Z&endDateTime=2026-03-31T02%3A00%3A00Z&%24select=showAs%2CisCancelled%2CisAllDay%2Cstart%2Cend%2CoriginalStartTimeZone&%24top=1000
        accept: application/json
        prefer: IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"
        "#);
    }

    fn event(more: Value) -> Value {
        let mut event = json!({
            "showAs": "busy",
            "isCancelled": false,
            "isAllDay": false,
            "start": {"dateTime": "2026-03-28T09:00:00.0000000", "timeZone": "UTC"},
            "end": {"dateTime": "2026-03-28T10:00:00.0000000", "timeZone": "UTC"},
        });
        for (name, value) in more.as_object().unwrap() {
            event[name] = value.clone();
        }
        event
    }

    fn busy(more: Value) -> Option<Vec<Interval>> {
        read(&json!({ "value": [event(more)] }), &Zone::named("Europe/Berlin").unwrap())
    }

    #[test]
    fn events_are_busy_unless_they_are_free_or_called_off() {
        let hour = vec![span("2026-03-28T09:00:00Z", "2026-03-28T10:00:00Z")];
        for (more, expected) in [
            (json!({}), hour.clone()),
            (json!({"showAs": "tentative"}), hour.clone()),
            (json!({"showAs": "oof"}), hour.clone()),
            (json!({"showAs": "unknown"}), hour),
            (json!({"showAs": "free"}), vec![]),
            (json!({"showAs": "workingElsewhere"}), vec![]),
            (json!({"isCancelled": true}), vec![]),
            (json!({"end": {"dateTime": "2026-03-28T09:00:00.0000000", "timeZone": "UTC"}}), vec![]),
        ] {
            assert_eq!(busy(more.clone()), Some(expected), "{more}");
        }
    }

    #[test]
    fn whole_days_are_those_of_the_accounts_clocks_and_those_of_the_zone_they_were_written_in() {
        let here = span("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
        for (written, more) in [
            (json!(null), vec![]),
            (json!("tzone://Microsoft/Custom"), vec![]),
            (json!("W. Europe Standard Time"), vec![here]),
            (json!("UTC"), vec![span("2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z")]),
            (json!("Pacific Standard Time"), vec![span("2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z")]),
        ] {
            let day = json!({
                "isAllDay": true,
                "start": {"dateTime": "2026-03-29T00:00:00.0000000", "timeZone": "UTC"},
                "end": {"dateTime": "2026-03-30T00:00:00.0000000", "timeZone": "UTC"},
                "originalStartTimeZone": written,
            });
            let expected = [here].into_iter().chain(more).collect();
            assert_eq!(busy(day), Some(expected), "{written}");
        }
    }

    #[test]
    fn events_that_are_not_understood_make_the_page_unreadable() {
        for more in [
            json!({"start": null}),
            json!({"end": {"dateTime": "soon", "timeZone": "UTC"}}),
            json!({"end": {"dateTime": "2026-03-28T08:00:00", "timeZone": "UTC"}}),
            json!({"start": {"dateTime": "2026-03-28T09:00:00", "timeZone": "Nowhere"}}),
        ] {
            assert_eq!(busy(more.clone()), None, "{more}");
        }
        assert_eq!(read(&json!({}), &Zone::utc()), None);
    }
}
