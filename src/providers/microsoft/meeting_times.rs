//! `findMeetingTimes`: when everybody of one organisation can meet, as Exchange suggests it. For work accounts only.
//!
//! <https://learn.microsoft.com/en-us/graph/api/user-findmeetingtimes>

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};

use super::{
    errors::{Operation, read},
    freebusy::is_personal,
    requests::graph,
    schedule::{blocks, date_time, instant},
};
use crate::{
    config::BaseUrl,
    domain::{
        meeting::{MeetingTimes, MeetingTimesQuery},
        time::Interval,
    },
    providers::{Pending, single},
};

/// How far apart Exchange's suggestions start.
const STEP: TimeDelta = TimeDelta::minutes(30);

/// Either of these scopes is needed; we do not ask for them of our own accord.
const SCOPES: [&str; 2] = ["Calendars.Read.Shared", "Calendars.ReadWrite.Shared"];

/// Asks for the times; `None` for personal accounts, those that did not grant a scope for it, other steps than Exchange's,
/// and meetings that are not of whole minutes.
pub(super) fn find(api: &BaseUrl, query: &MeetingTimesQuery) -> Option<Pending<MeetingTimes>> {
    let organiser = &query.organiser;
    let may = organiser.scopes.iter().any(|granted| SCOPES.iter().any(|scope| granted.ends_with(scope)));
    let minutes = query.duration.num_minutes();
    if !may
        || is_personal(organiser.tenant.as_deref())
        || query.step != STEP
        || query.duration != TimeDelta::minutes(minutes)
    {
        return None;
    }
    let attendees: Vec<Value> = query
        .people
        .iter()
        .map(|address| json!({ "type": "required", "emailAddress": { "address": address } }))
        .collect();
    let (start, end) = (date_time(query.window.start()), date_time(query.window.end()));
    let request = graph(Method::POST, api, "/me/findMeetingTimes").json(json!({
        "attendees": attendees,
        "timeConstraint": {
            "activityDomain": if query.at_any_hour { "unrestricted" } else { "work" },
            "timeSlots": [{ "start": start, "end": end }],
        },
        "meetingDuration": format!("PT{minutes}M"),
        "isOrganizerOptional": false,
        "minimumAttendeePercentage": 100,
        "maxCandidates": query.at_most,
    }));
    let query = query.clone();
    let read = move |answer: &_| Ok(suggestions(&read(Operation::Calendar, answer)?, &query));
    Some(single(request.build(), read))
}

/// The suggestions that are what was asked for. None at all may as well mean that somebody is not known
/// (`emptySuggestionsReason`) as that nothing is free at the half hours Exchange looks at.
fn suggestions(answer: &Value, query: &MeetingTimesQuery) -> MeetingTimes {
    let suggestions = answer["meetingTimeSuggestions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let times: Vec<Interval> = suggestions
        .iter()
        .filter(|suggestion| suits_everybody(suggestion, &query.people))
        .filter_map(|suggestion| {
            let slot = &suggestion["meetingTimeSlot"];
            Interval::new(instant(&slot["start"])?, instant(&slot["end"])?)
        })
        .filter(|time| time.duration() == query.duration && time.intersection(query.window) == Some(*time))
        .collect();
    if times.is_empty() { MeetingTimes::NotKnown } else { MeetingTimes::Known(times) }
}

/// Whether each of them is known to be free then, the organiser too.
fn suits_everybody(suggestion: &Value, people: &[String]) -> bool {
    let attendees = suggestion["attendeeAvailability"].as_array().map(Vec::as_slice).unwrap_or_default();
    let free = |address: &String| {
        attendees.iter().any(|attendee| {
            let known = attendee["attendee"]["emailAddress"]["address"].as_str();
            known.is_some_and(|known| known.eq_ignore_ascii_case(address))
                && !blocks(&attendee["availability"])
        })
    };
    !blocks(&suggestion["organizerAvailability"]) && people.iter().all(free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::time::Timestamp,
        providers::microsoft::fixtures::{answer, api_url, connector, drive, json as answered, shown},
    };

    fn span(start: &str, end: &str) -> Interval {
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        Interval::new(at(start), at(end)).unwrap()
    }

    fn question() -> MeetingTimesQuery {
        let mut organiser = connector();
        organiser.scopes = vec!["https://graph.microsoft.com/Calendars.Read.Shared".to_owned()];
        MeetingTimesQuery {
            organiser,
            people: vec!["bob@contoso.example".to_owned(), "eve@contoso.example".to_owned()],
            window: span("2026-03-30T00:00:00Z", "2026-03-31T00:00:00Z"),
            duration: TimeDelta::minutes(30),
            step: STEP,
            at_most: 5,
            at_any_hour: false,
        }
    }

    #[test]
    fn everybody_must_be_there() {
        let (requests, found) = drive(
            find(&api_url(), &question()).unwrap(),
            [answered(
                json!({"emptySuggestionsReason": "AttendeesUnavailable", "meetingTimeSuggestions": []}),
            )],
        );
        insta::assert_snapshot!(shown(&requests[0]), @r#"
        POST https://graph.microsoft.com/v1.0/me/findMeetingTimes
        accept: application/json
        prefer: IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"
        content-type: application/json

        {
          "attendees": [
            {
              "emailAddress": {
                "address": "bob@contoso.example"
              },
              "type": "required"
            },
            {
              "emailAddress": {
                "address": "eve@contoso.example"
              },
              "type": "required"
            }
          ],
          "isOrganizerOptional": false,
          "maxCandidates": 5,
          "meetingDuration": "PT30M",
          "minimumAttendeePercentage": 100,
          "timeConstraint": {
            "activityDomain": "work",
            "timeSlots": [
              {
                "end": {
                  "dateTime": "2026-03-31T00:00:00",
                  "timeZone": "UTC"
                },
                "start": {
                  "dateTime": "2026-03-30T00:00:00",
                  "timeZone": "UTC"
                }
              }
            ]
          }
        }
        "#);
        assert_eq!(found, Ok(MeetingTimes::NotKnown));
    }

    #[test]
    fn only_times_at_which_everybody_is_known_to_be_free_are_taken() {
        let suggestion = |hour: &str, organiser: &str, others: &[(&str, &str)]| {
            let others: Vec<Value> = others
                .iter()
                .map(|(address, availability)| {
                    json!({"attendee": {"emailAddress": {"address": address}}, "availability": availability})
                })
                .collect();
            json!({
                "confidence": 100.0,
                "organizerAvailability": organiser,
                "attendeeAvailability": others,
                "meetingTimeSlot": {
                    "start": {"dateTime": format!("2026-03-30T{hour}:00:00.0000000"), "timeZone": "UTC"},
                    "end": {"dateTime": format!("2026-03-30T{hour}:30:00.0000000"), "timeZone": "UTC"},
                },
            })
        };
        let (bob, eve) = ("Bob@contoso.example", "eve@contoso.example");
        let mut longer = suggestion("15", "free", &[(bob, "free"), (eve, "free")]);
        longer["meetingTimeSlot"]["end"]["dateTime"] = json!("2026-03-30T16:00:00.0000000");
        let mut later = suggestion("16", "free", &[(bob, "free"), (eve, "free")]);
        later["meetingTimeSlot"]["start"]["dateTime"] = json!("2026-04-30T16:00:00.0000000");
        later["meetingTimeSlot"]["end"]["dateTime"] = json!("2026-04-30T16:30:00.0000000");
        let answer = answered(json!({"meetingTimeSuggestions": [
            suggestion("09", "free", &[(bob, "free"), (eve, "workingElsewhere")]),
            suggestion("10", "tentative", &[(bob, "free"), (eve, "free")]),
            suggestion("11", "free", &[(bob, "unknown"), (eve, "free")]),
            suggestion("12", "free", &[(bob, "free")]),
            suggestion("13", "free", &[(eve, "free"), (bob, "free")]),
            longer,
            later,
        ]}));
        let (_, found) = drive(find(&api_url(), &question()).unwrap(), [answer]);
        let expected = ["09", "13"]
            .map(|hour| span(&format!("2026-03-30T{hour}:00:00Z"), &format!("2026-03-30T{hour}:30:00Z")));
        assert_eq!(found, Ok(MeetingTimes::Known(expected.to_vec())));
    }

    #[test]
    fn who_cannot_ask_does_not() {
        assert!(find(&api_url(), &question()).is_some());
        let mut personal = question();
        personal.organiser.tenant = Some(crate::providers::microsoft::tenant::PERSONAL_ID.to_owned());
        let mut without_scope = question();
        without_scope.organiser.scopes = vec!["Calendars.ReadWrite".to_owned()];
        let odd = MeetingTimesQuery { duration: TimeDelta::seconds(90), ..question() };
        let finer = MeetingTimesQuery { step: TimeDelta::minutes(15), ..question() };
        for query in [personal, without_scope, odd, finer] {
            assert!(find(&api_url(), &query).is_none());
        }
    }

    #[test]
    fn a_refusal_is_a_failure() {
        let (_, found) = drive(find(&api_url(), &question()).unwrap(), [answer(503, "")]);
        assert_eq!(found.unwrap_err().code, "provider_unavailable");
    }
}
