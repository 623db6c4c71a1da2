//! `freeBusy.query`: any number of calendars over any range, in requests of the size Google takes. A calendar Google does
//! not answer for is unknown, never free.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::TimeDelta;
use http::Method;
use serde_json::json;

use super::{
    errors::{Operation, read},
    wire::{BusySpan, CalendarAnswer, FreeBusyAnswer},
};
use crate::{
    config::BaseUrl,
    domain::{
        busy::{CalendarBusy, CalendarUnknown, FreeBusy, FreeBusyQuery, clip, merge},
        failure::Failure,
        ids::CalendarId,
        time::{Interval, Timestamp},
    },
    ports::{HttpRequest, HttpResponse},
    providers::{Exchange, Pending, Step, excerpt::excerpt, requests::ApiCall},
};

/// The most calendars of one request (`calendarExpansionMax`).
const CALENDARS_A_REQUEST: usize = 50;
/// The longest range of one request. Google documents none; about three months are refused as `timeRangeTooLong`.
const LONGEST_RANGE: TimeDelta = TimeDelta::days(60);

/// Busy time of the query's calendars.
pub(super) fn query(api: &BaseUrl, query: FreeBusyQuery) -> Pending<FreeBusy> {
    let unique: Vec<CalendarId> =
        query.calendars.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    let chunks = query
        .window
        .pieces(LONGEST_RANGE)
        .into_iter()
        .flat_map(|range| {
            unique
                .chunks(CALENDARS_A_REQUEST)
                .map(move |calendars| Chunk { range, calendars: calendars.to_vec() })
        })
        .collect();
    Box::new(QueryFreeBusy { api: api.clone(), asked: query.calendars, chunks, found: BTreeMap::new() })
}

struct Chunk {
    range: Interval,
    calendars: Vec<CalendarId>,
}

struct QueryFreeBusy {
    api: BaseUrl,
    asked: Vec<CalendarId>,
    /// What is still to be asked; the first is the one whose answer is awaited.
    chunks: VecDeque<Chunk>,
    found: BTreeMap<CalendarId, Result<Vec<Interval>, CalendarUnknown>>,
}

impl QueryFreeBusy {
    fn request(&self, chunk: &Chunk) -> Result<HttpRequest, Failure> {
        let items: Vec<_> = chunk.calendars.iter().map(|calendar| json!({ "id": calendar })).collect();
        ApiCall::new(Method::POST, &self.api, "/calendar/v3/freeBusy")
            .json(json!({
                "timeMin": chunk.range.start().to_rfc3339(),
                "timeMax": chunk.range.end().to_rfc3339(),
                "timeZone": "UTC",
                "calendarExpansionMax": CALENDARS_A_REQUEST,
                "items": items,
            }))
            .build()
    }

    fn take(&mut self, chunk: Chunk, mut answer: FreeBusyAnswer) {
        for calendar in chunk.calendars {
            let busy = answer.calendars.remove(calendar.as_str()).map_or_else(
                || Err(unknown("notAnswered", "Google's answer does not mention this calendar")),
                |answer| busy_of(answer, chunk.range),
            );
            match (self.found.get_mut(&calendar), busy) {
                // Once unknown, always unknown: part of an answer would look like free time.
                (Some(Err(_)), _) => {}
                (Some(Ok(known)), Ok(more)) => known.extend(more),
                (_, busy) => {
                    self.found.insert(calendar, busy);
                }
            }
        }
    }

    fn result(&mut self) -> FreeBusy {
        let found = std::mem::take(&mut self.found);
        let calendars = std::mem::take(&mut self.asked)
            .into_iter()
            .map(|calendar| {
                let busy = match found.get(&calendar) {
                    Some(Ok(busy)) => Ok(merge(busy.clone())),
                    Some(Err(why)) => Err(why.clone()),
                    None => Err(unknown("notAsked", "this calendar was not asked about")),
                };
                CalendarBusy { calendar, busy }
            })
            .collect();
        FreeBusy { calendars, working_week: None }
    }
}

impl Exchange for QueryFreeBusy {
    type Output = FreeBusy;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<FreeBusy>, Failure> {
        if let Some(answer) = answer {
            let answer: FreeBusyAnswer = read(Operation::FreeBusy, &answer)?;
            if let Some(chunk) = self.chunks.pop_front() {
                self.take(chunk, answer);
            }
        }
        match self.chunks.front() {
            Some(chunk) => self.request(chunk).map(Step::Send),
            None => Ok(Step::Done(self.result())),
        }
    }
}

fn busy_of(answer: CalendarAnswer, range: Interval) -> Result<Vec<Interval>, CalendarUnknown> {
    if let Some(error) = answer.errors.into_iter().next() {
        let reason = error.reason.unwrap_or_else(|| "unknown".to_owned());
        let message = match reason.as_str() {
            "notFound" => "Google has no such calendar, or this account may not see when it is busy",
            "internalError" => "Google could not look at this calendar; try again",
            "tooManyCalendarsRequested" | "groupTooBig" => {
                "Google refused to look at so many calendars at once"
            }
            _ => "Google could not look at this calendar",
        };
        return Err(unknown(&excerpt(reason.as_bytes()), message));
    }
    let mut busy = Vec::with_capacity(answer.busy.len());
    for span in &answer.busy {
        let (start, end) =
            instants(span).ok_or_else(|| unknown("unreadable", "Google's busy times are not understood"))?;
        // A span without duration takes no time.
        busy.extend(Interval::new(start, end));
    }
    Ok(clip(busy, range))
}

fn instants(span: &BusySpan) -> Option<(Timestamp, Timestamp)> {
    let (start, end) = (Timestamp::parse_rfc3339(&span.start)?, Timestamp::parse_rfc3339(&span.end)?);
    (start <= end).then_some((start, end))
}

fn unknown(code: &str, message: &str) -> CalendarUnknown {
    CalendarUnknown { code: code.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        domain::{
            connector::{Connector, ConnectorStatus, Preferences, ProviderKind},
            ids::{AccountId, ConnectorId, UserId},
            zone::Zone,
        },
        providers::google::fixtures::{answer, api_url, drive, json, shown, stored},
    };

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn span(start: &str, end: &str) -> Interval {
        Interval::new(at(start), at(end)).unwrap()
    }

    fn asked(calendars: &[&str], window: Interval) -> Pending<FreeBusy> {
        let now = at("2026-01-01T00:00:00Z");
        let connector = Connector {
            id: ConnectorId::new("con"),
            user: UserId::new("user"),
            workspace: None,
            provider: ProviderKind::Google,
            tenant: None,
            account: AccountId::new("1"),
            email: None,
            status: ConnectorStatus::Active,
            scopes: vec![],
            zone: Zone::utc(),
            preferences: Preferences::default(),
            generation: 1,
            created_at: now,
            updated_at: now,
        };
        let calendars = calendars.iter().map(|id| CalendarId::new(*id)).collect();
        query(&api_url(), FreeBusyQuery { connector, calendars, primary: None, window })
    }

    fn body(request: &HttpRequest) -> Value {
        serde_json::from_slice(request.body()).unwrap()
    }

    #[test]
    fn one_request_asks_about_up_to_fifty_calendars() {
        let window = span("2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z");
        let (requests, free_busy) = drive(
            asked(&["ada@example.com", "gone@example.com", "primary"], window),
            [stored("free_busy.http")],
        );
        insta::assert_snapshot!(shown(&requests[0]), @r#"
        POST https://www.googleapis.com/calendar/v3/freeBusy
        accept: application/json
        content-type: application/json

        {
          "calendarExpansionMax": 50,
          "items": [
            {
              "id": "ada@example.com"
            },
            {
              "id": "gone@example.com"
            },
            {
              "id": "primary"
            }
          ],
          "timeMax": "2026-03-30T00:00:00Z",
          "timeMin": "2026-03-28T00:00:00Z",
          "timeZone": "UTC"
        }
        "#);
        let known: Vec<_> = free_busy
            .unwrap()
            .calendars
            .into_iter()
            .map(|answer| (answer.calendar.to_string(), answer.busy.map_err(|why| why.code)))
            .collect();
        assert_eq!(
            known,
            [
                (
                    "ada@example.com".to_owned(),
                    Ok(vec![
                        span("2026-03-28T00:00:00Z", "2026-03-28T00:30:00Z"),
                        span("2026-03-28T09:00:00Z", "2026-03-28T11:00:00Z"),
                    ])
                ),
                ("gone@example.com".to_owned(), Err("notFound".to_owned())),
                ("primary".to_owned(), Err("notAnswered".to_owned())),
            ]
        );
    }

    #[test]
    fn calendars_and_ranges_are_cut_to_what_google_takes() {
        let names: Vec<String> = (0..101).map(|n| format!("c{n:03}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let window = span("2026-01-01T00:00:00Z", "2026-03-15T00:00:00Z");
        let (requests, _) = drive(asked(&names, window), (0..6).map(|_| json(json!({"calendars": {}}))));
        let sizes: Vec<usize> =
            requests.iter().map(|request| body(request)["items"].as_array().unwrap().len()).collect();
        assert_eq!(sizes, [50, 50, 1, 50, 50, 1]);
        assert_eq!(body(&requests[0])["timeMax"], "2026-03-02T00:00:00Z");
        assert_eq!(body(&requests[5])["timeMin"], "2026-03-02T00:00:00Z");
        assert_eq!(body(&requests[5])["timeMax"], "2026-03-15T00:00:00Z");
    }

    #[test]
    fn a_calendar_unknown_in_one_part_of_the_window_is_unknown() {
        let window = span("2026-01-01T00:00:00Z", "2026-03-15T00:00:00Z");
        let known = json!({"busy": [{"start": "2026-01-05T09:00:00Z", "end": "2026-01-05T10:00:00Z"}]});
        let broken = json!({"errors": [{"domain": "global", "reason": "internalError"}], "busy": []});
        for parts in [[known.clone(), broken.clone()], [broken, known]] {
            let answers = parts.map(|part| json(json!({"calendars": {"c": part}})));
            let (_, free_busy) = drive(asked(&["c"], window), answers);
            let busy = free_busy.unwrap().calendars.remove(0).busy;
            assert_eq!(busy.unwrap_err().code, "internalError");
        }
    }

    #[test]
    fn a_busy_time_across_two_parts_of_the_window_is_one() {
        let window = span("2026-01-01T00:00:00Z", "2026-03-15T00:00:00Z");
        let part = json!({"calendars": {"c": {"busy": [{"start": "2026-02-28T00:00:00Z", "end": "2026-03-05T00:00:00Z"}]}}});
        let (_, free_busy) = drive(asked(&["c"], window), [json(part.clone()), json(part)]);
        let busy = free_busy.unwrap().calendars.remove(0).busy;
        assert_eq!(busy, Ok(vec![span("2026-02-28T00:00:00Z", "2026-03-05T00:00:00Z")]));
    }

    #[test]
    fn times_nobody_understands_make_the_calendar_unknown() {
        let window = span("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        for (start, end) in
            [("soon", "2026-01-01T10:00:00Z"), ("2026-01-01T10:00:00Z", "2026-01-01T09:00:00Z")]
        {
            let calendars = json!({"calendars": {"c": {"busy": [{"start": start, "end": end}]}}});
            let (_, free_busy) = drive(asked(&["c"], window), [json(calendars)]);
            let busy = free_busy.unwrap().calendars.remove(0).busy;
            assert_eq!(busy.unwrap_err().code, "unreadable");
        }
    }

    #[test]
    fn a_refused_request_fails_the_whole_query() {
        let window = span("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        let (_, free_busy) = drive(asked(&["c"], window), [stored("errors/429_rate_limit_seconds.http")]);
        assert_eq!(free_busy.unwrap_err().code, "provider_throttled");
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_error_or_an_answer(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let window = span("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
            let _ = drive(asked(&["c"], window), [answer(200, body)]);
        }

        #[test]
        fn every_instant_of_the_window_is_asked_about_once_for_every_calendar(
            days in 1i64..400, count in 1usize..120
        ) {
            let start = at("2026-01-01T00:00:00Z");
            let window = Interval::new(start, start.plus(TimeDelta::days(days))).unwrap();
            let names: Vec<String> = (0..count).map(|n| format!("c{n}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let expected = names.len().div_ceil(50) * usize::try_from((days + 59) / 60).unwrap();
            let (requests, free_busy) =
                drive(asked(&names, window), (0..expected).map(|_| json(json!({"calendars": {}}))));
            prop_assert_eq!(free_busy.unwrap().calendars.len(), count);
            let mut covered: BTreeMap<String, Vec<Interval>> = BTreeMap::new();
            for request in &requests {
                let body = body(request);
                let range = span(body["timeMin"].as_str().unwrap(), body["timeMax"].as_str().unwrap());
                prop_assert!(range.duration() <= LONGEST_RANGE);
                for item in body["items"].as_array().unwrap() {
                    covered.entry(item["id"].as_str().unwrap().to_owned()).or_default().push(range);
                }
            }
            prop_assert_eq!(covered.len(), count);
            for ranges in covered.into_values() {
                let total = ranges.iter().fold(TimeDelta::zero(), |sum, range| sum + range.duration());
                prop_assert_eq!(total, window.duration());
                prop_assert_eq!(merge(ranges), vec![window]);
            }
        }
    }
}
