//! Every event exchange against canned answers.

use chrono::NaiveDate;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{
        event::{Attendee, EventTimes, Marker, Reminder, ReminderMethod, Transparency, Visibility},
        ids::HoldId,
        time::{Interval, Timestamp},
        zone::Zone,
    },
    providers::CHANGES_KEPT,
    providers::google::fixtures::{answer, api_url, drive, first, json, shown, stored},
};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn key() -> CreationKey {
    CreationKey::parse(KEY).unwrap()
}

fn times(start: &str, end: &str, zone: &str) -> EventTimes {
    let at = |text| Timestamp::parse_rfc3339(text).unwrap();
    EventTimes::Timed {
        interval: Interval::new(at(start), at(end)).unwrap(),
        zone: Zone::named(zone).unwrap(),
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn attendee(email: &str) -> Attendee {
    Attendee { email: email.to_owned(), display_name: None, optional: false }
}

/// A hold: nobody invited, nothing optional set.
fn hold() -> EventDraft {
    EventDraft {
        calendar: "primary".into(),
        marker: Marker { key: key(), hold: Some(HoldId::new("hold-1")) },
        summary: "Held".to_owned(),
        description: None,
        location: None,
        times: times("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "Europe/Berlin"),
        attendees: vec![],
        conference: false,
        recurrence: vec![],
        reminders: None,
        visibility: Visibility::Private,
        transparency: Transparency::Opaque,
        status: EventStatus::Tentative,
    }
}

/// An event with everything an event can have.
fn meeting() -> EventDraft {
    EventDraft {
        calendar: "team@group.calendar.google.com".into(),
        marker: Marker { key: key(), hold: None },
        summary: "Review".to_owned(),
        description: Some("Quarterly \"numbers\"".to_owned()),
        location: Some("Room 4".to_owned()),
        times: EventTimes::AllDay { start: day("2026-03-29"), end: day("2026-03-30"), zone: Zone::utc() },
        attendees: vec![
            Attendee { display_name: Some("Ada".to_owned()), ..attendee("ada@example.com") },
            Attendee { optional: true, ..attendee("bob@example.com") },
        ],
        conference: true,
        recurrence: vec!["RRULE:FREQ=WEEKLY;COUNT=4".to_owned()],
        reminders: Some(vec![Reminder { method: ReminderMethod::Popup, minutes: 10 }]),
        visibility: Visibility::Default,
        transparency: Transparency::Transparent,
        status: EventStatus::Confirmed,
    }
}

fn resource(extra: Value) -> Value {
    let mut event = json!({
        "id": KEY, "status": "confirmed", "etag": "\"1\"",
        "start": {"dateTime": "2026-03-29T09:00:00Z"}, "end": {"dateTime": "2026-03-29T10:00:00Z"},
        "extendedProperties": {"private": {"calendarSyncKey": KEY}},
    });
    event.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap());
    event
}

#[test]
fn a_hold_is_a_private_tentative_event_that_bothers_nobody() {
    insta::assert_snapshot!(shown(&first(&mut *create(&api_url(), hold()))), @r#"
    POST https://www.googleapis.com/calendar/v3/calendars/primary/events?sendUpdates=none
    accept: application/json
    content-type: application/json

    {
      "end": {
        "dateTime": "2026-03-29T03:30:00+02:00",
        "timeZone": "Europe/Berlin"
      },
      "extendedProperties": {
        "private": {
          "calendarSyncHold": "hold-1",
          "calendarSyncKey": "0123456789abcdef0123456789abcdef"
        }
      },
      "id": "0123456789abcdef0123456789abcdef",
      "start": {
        "dateTime": "2026-03-29T01:30:00+01:00",
        "timeZone": "Europe/Berlin"
      },
      "status": "tentative",
      "summary": "Held",
      "transparency": "opaque",
      "visibility": "private"
    }
    "#);
}

#[test]
fn an_event_carries_everything_and_invites_its_people() {
    insta::assert_snapshot!(shown(&first(&mut *create(&api_url(), meeting()))), @r#"
    POST https://www.googleapis.com/calendar/v3/calendars/team%40group.calendar.google.com/events?conferenceDataVersion=1&sendUpdates=all
    accept: application/json
    content-type: application/json

    {
      "attendees": [
        {
          "displayName": "Ada",
          "email": "ada@example.com"
        },
        {
          "email": "bob@example.com",
          "optional": true
        }
      ],
      "conferenceData": {
        "createRequest": {
          "conferenceSolutionKey": {
            "type": "hangoutsMeet"
          },
          "requestId": "0123456789abcdef0123456789abcdef"
        }
      },
      "description": "Quarterly \"numbers\"",
      "end": {
        "date": "2026-03-30"
      },
      "extendedProperties": {
        "private": {
          "calendarSyncKey": "0123456789abcdef0123456789abcdef"
        }
      },
      "id": "0123456789abcdef0123456789abcdef",
      "location": "Room 4",
      "recurrence": [
        "RRULE:FREQ=WEEKLY;COUNT=4"
      ],
      "reminders": {
        "overrides": [
          {
            "method": "popup",
            "minutes": 10
          }
        ],
        "useDefault": false
      },
      "start": {
        "date": "2026-03-29"
      },
      "status": "confirmed",
      "summary": "Review",
      "transparency": "transparent"
    }
    "#);
}

#[test]
fn a_created_event_is_answered_as_google_made_it() {
    let (_, event) = drive(create(&api_url(), meeting()), [stored("event_created.http")]);
    let attendees = vec![
        Attendee { display_name: Some("Ada".to_owned()), ..attendee("ada@example.com") },
        Attendee { optional: true, ..attendee("bob@example.com") },
    ];
    assert_eq!(
        event,
        Ok(Event {
            id: EventId::new(KEY),
            calendar: meeting().calendar,
            etag: Some(ETag::new("\"3549432000000000\"")),
            status: EventStatus::Confirmed,
            times: Some(meeting().times),
            summary: Some("Review".to_owned()),
            attendees,
            recurrence: meeting().recurrence,
            marker: Some(meeting().marker),
            html_link: Some("https://www.google.com/calendar/event?eid=MDEyMzQ1".to_owned()),
            // Google makes conferences after the answer.
            conference_url: None,
            ical_uid: Some(format!("{KEY}@google.com")),
        })
    );
}

#[test]
fn creating_again_answers_with_the_event_made_before() {
    for (found, status) in [
        (resource(json!({})), EventStatus::Confirmed),
        (resource(json!({"status": "cancelled"})), EventStatus::Cancelled),
        // All that Google promises of a deleted event.
        (json!({"id": KEY, "status": "cancelled"}), EventStatus::Cancelled),
    ] {
        let answers = [stored("errors/409_duplicate.http"), json(found)];
        let (requests, event) = drive(create(&api_url(), hold()), answers);
        assert_eq!(requests[1].method(), Method::GET);
        assert_eq!(requests[1].uri().path(), format!("/calendar/v3/calendars/primary/events/{KEY}"));
        let event = event.unwrap();
        assert_eq!((event.id.as_str(), event.status), (KEY, status));
    }
}

#[test]
fn an_event_under_our_id_that_is_not_ours_is_a_conflict() {
    let other = "ffffffffffffffffffffffffffffffff";
    for found in [
        resource(json!({"extendedProperties": {}})),
        resource(json!({"extendedProperties": {"private": {"calendarSyncKey": other}}})),
        resource(
            json!({"status": "cancelled", "extendedProperties": {"private": {"calendarSyncKey": other}}}),
        ),
    ] {
        let answers = [stored("errors/409_duplicate.http"), json(found.clone())];
        let (_, event) = drive(create(&api_url(), hold()), answers);
        assert_eq!(event.unwrap_err().code, "event_id_taken", "{found}");
        let (_, event) = drive(find(&api_url(), &"primary".into(), &key()), [json(found)]);
        assert_eq!(event, Ok(None));
    }
}

#[test]
fn failures_while_creating_say_what_to_do() {
    for (answers, code) in [
        (vec!["404_not_found"], "calendar_not_found"),
        (vec!["409_conflict"], "provider_write_conflict"),
        (vec!["409_duplicate", "404_not_found"], "provider_unsettled"),
        (vec!["409_duplicate", "503_unavailable_retry_after"], "provider_unavailable"),
        (vec!["403_quota"], "provider_throttled"),
    ] {
        let stored = answers.iter().map(|name| stored(&format!("errors/{name}.http")));
        let (_, event) = drive(create(&api_url(), hold()), stored);
        assert_eq!(event.unwrap_err().code, code, "{answers:?}");
    }
}

#[test]
fn an_event_is_found_by_its_key_even_when_it_was_cancelled() {
    let find = || find(&api_url(), &"primary".into(), &key());
    for status in ["confirmed", "tentative", "cancelled"] {
        let (_, event) = drive(find(), [json(resource(json!({"status": status})))]);
        assert_eq!(event.unwrap().map(|event| event.id), Some(EventId::new(KEY)), "{status}");
    }
    for gone in ["404_not_found", "410_deleted"] {
        let (_, event) = drive(find(), [stored(&format!("errors/{gone}.http"))]);
        assert_eq!(event, Ok(None), "{gone}");
    }
    let (_, event) = drive(find(), [stored("errors/500_backend_error.http")]);
    assert!(event.unwrap_err().is_retryable());
}

#[test]
fn a_deleted_event_is_gone_for_those_who_read_it() {
    let get = || get(&api_url(), &"primary".into(), &"e1".into());
    let (_, event) = drive(get(), [json(resource(json!({"status": "cancelled"})))]);
    assert_eq!(event.unwrap_err().action, Action::NotFound);
    let (_, event) = drive(get(), [stored("errors/404_not_found.http")]);
    assert_eq!(event.unwrap_err().action, Action::NotFound);
    let (_, event) = drive(get(), [json(resource(json!({})))]);
    assert_eq!(event.unwrap().etag, Some(ETag::new("\"1\"")));
}

#[test]
fn times_of_a_zone_without_a_name_are_told_without_it_and_do_not_repeat() {
    let interval = |start: &str, end: &str| {
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        Interval::new(at(start), at(end)).unwrap()
    };
    let times = EventTimes::Timed {
        interval: interval("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"),
        zone: Zone::named("<+0130>-1:30").unwrap(),
    };
    let draft = EventDraft { times: times.clone(), ..hold() };
    let patch = EventPatch { times: Some(times), ..EventPatch::default() };
    let start = |mut exchange: Pending<Event>| {
        let body: Value = serde_json::from_slice(first(&mut *exchange).body()).unwrap();
        body["start"].clone()
    };
    let told = "2026-03-29T02:00:00+01:30";
    assert_eq!(start(create(&api_url(), draft.clone())), json!({ "dateTime": told }));
    assert_eq!(start(change(patch.clone(), None)), json!({"dateTime": told, "date": null, "timeZone": null}));
    let daily = vec!["RRULE:FREQ=DAILY".to_owned()];
    let series = create(&api_url(), EventDraft { recurrence: daily.clone(), ..draft });
    let repeated = change(EventPatch { recurrence: Some(daily), ..patch }, None);
    for mut exchange in [series, repeated] {
        let failure = exchange.step(None).map(|_| ()).unwrap_err();
        assert_eq!(
            (failure.code.as_ref(), failure.field()),
            ("recurrence_not_supported", Some("recurrence[0]"))
        );
    }
}

fn change(patch: EventPatch, if_match: Option<&ETag>) -> Pending<Event> {
    update(&api_url(), &"primary".into(), &"e1".into(), patch, if_match)
}

#[test]
fn a_patch_sends_what_changes_and_nothing_else() {
    let patch = EventPatch {
        summary: Some("New".to_owned()),
        description: Some(String::new()),
        times: Some(EventTimes::AllDay {
            start: day("2026-03-29"),
            end: day("2026-03-30"),
            zone: Zone::utc(),
        }),
        recurrence: Some(vec![]),
        conference: Some(true),
        ..EventPatch::default()
    };
    let etag = ETag::new("\"3181161784712000\"");
    insta::assert_snapshot!(shown(&first(&mut *change(patch, Some(&etag)))), @r#"
    PATCH https://www.googleapis.com/calendar/v3/calendars/primary/events/e1?conferenceDataVersion=1&sendUpdates=all
    accept: application/json
    if-match: "3181161784712000"
    content-type: application/json

    {
      "conferenceData": {
        "createRequest": {
          "conferenceSolutionKey": {
            "type": "hangoutsMeet"
          },
          "requestId": "af25cac3f644d23f663873a8eb32e7f6"
        }
      },
      "description": "",
      "end": {
        "date": "2026-03-30",
        "dateTime": null,
        "timeZone": null
      },
      "recurrence": [],
      "start": {
        "date": "2026-03-29",
        "dateTime": null,
        "timeZone": null
      },
      "summary": "New"
    }
    "#);
}

#[test]
fn an_event_that_gets_a_time_of_day_loses_its_date() {
    let patch = EventPatch {
        times: Some(times("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "Europe/Berlin")),
        ..EventPatch::default()
    };
    let request = first(&mut *change(patch, None));
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(
        body,
        json!({
            "start": {"dateTime": "2026-10-25T02:30:00+02:00", "timeZone": "Europe/Berlin", "date": null},
            "end": {"dateTime": "2026-10-25T02:30:00+01:00", "timeZone": "Europe/Berlin", "date": null},
        })
    );
}

#[test]
fn people_who_stay_invited_keep_their_answers() {
    let patch = EventPatch {
        attendees: Some(vec![attendee("ADA@example.com"), attendee("new@example.com")]),
        ..EventPatch::default()
    };
    let before = resource(json!({"attendees": [
        {"email": "ada@example.com", "responseStatus": "accepted", "comment": "gladly", "optional": true},
        {"email": "bob@example.com", "responseStatus": "declined"},
    ]}));
    let (requests, event) = drive(change(patch, None), [json(before), json(resource(json!({})))]);
    event.unwrap();
    let body: Value = serde_json::from_slice(requests[1].body()).unwrap();
    assert_eq!(
        body,
        json!({"attendees": [
            {"email": "ada@example.com", "responseStatus": "accepted", "comment": "gladly", "optional": false},
            {"email": "new@example.com"},
        ]})
    );
}

/// An event on which those changes were made, latest first.
fn changed_by(changes: &[CreationKey]) -> HttpResponse {
    let list = changes.iter().map(CreationKey::as_str).collect::<Vec<_>>().join(",");
    json(resource(
        json!({ "etag": "\"7\"", "extendedProperties": { "private": { "calendarSyncChange": list } } }),
    ))
}

fn numbered(number: usize) -> CreationKey {
    CreationKey::derive(&["update", &number.to_string()])
}

fn named(change: usize) -> EventPatch {
    let applied_by = Some(numbered(change));
    EventPatch { summary: Some("New".to_owned()), applied_by, ..EventPatch::default() }
}

#[test]
fn a_change_that_was_made_already_is_not_made_again_whatever_came_after_it() {
    let made: Vec<_> = (0..CHANGES_KEPT).map(numbered).collect();
    let stale = ETag::new("\"1\"");
    for number in [0, CHANGES_KEPT - 1] {
        let (requests, event) = drive(change(named(number), Some(&stale)), [changed_by(&made)]);
        assert_eq!(event.unwrap().etag, Some(ETag::new("\"7\"")));
        assert_eq!(requests.len(), 1, "nothing was written");
    }
}

#[test]
fn a_named_change_is_remembered_with_those_before_it_as_far_as_google_lets_it() {
    for count in [0, 1, CHANGES_KEPT] {
        let made: Vec<_> = (1..=count).map(numbered).collect();
        let (requests, event) = drive(change(named(0), None), [changed_by(&made), json(resource(json!({})))]);
        event.unwrap();
        assert_eq!(if_match(&requests[1]), Some("\"7\""), "a change in between is not overlooked");
        let body: Value = serde_json::from_slice(requests[1].body()).unwrap();
        let list = body["extendedProperties"]["private"]["calendarSyncChange"].as_str().unwrap();
        assert!(list.len() <= 1_024, "the most Google takes as one value");
        let expected: Vec<_> = (0..=count).take(CHANGES_KEPT).map(numbered).collect();
        assert_eq!(list, expected.iter().map(CreationKey::as_str).collect::<Vec<_>>().join(","));
    }
}

fn confirmation() -> EventPatch {
    EventPatch { status: Some(EventStatus::Confirmed), ..EventPatch::default() }
}

fn if_match(request: &HttpRequest) -> Option<&str> {
    request.headers().get("if-match").map(|etag| etag.to_str().unwrap())
}

#[test]
fn a_deleted_event_is_not_brought_back_to_life() {
    for gone in [json(resource(json!({"status": "cancelled"}))), stored("errors/404_not_found.http")] {
        let (requests, event) = drive(change(confirmation(), None), [gone]);
        assert_eq!(event.unwrap_err().action, Action::NotFound);
        assert_eq!(requests.len(), 1, "nothing was written");
    }
}

#[test]
fn a_change_that_rests_on_a_reading_is_made_to_that_version_or_read_again() {
    let version = |etag: &str| json(resource(json!({"etag": etag, "status": "tentative"})));
    let changed = || stored("errors/412_condition_not_met.http");
    let answers = [version("\"1\""), changed(), version("\"2\""), json(resource(json!({})))];
    let (requests, event) = drive(change(confirmation(), None), answers);
    event.unwrap();
    assert_eq!((if_match(&requests[1]), if_match(&requests[3])), (Some("\"1\""), Some("\"2\"")));

    let answers = (0..3).flat_map(|_| [version("\"1\""), changed()]);
    let (_, event) = drive(change(confirmation(), None), answers);
    assert_eq!(event.unwrap_err().code, "event_keeps_changing");

    // Whoever names a version wants to hear that it is no longer the one.
    let meant = ETag::new("\"0\"");
    let (requests, event) = drive(change(confirmation(), Some(&meant)), [version("\"1\""), changed()]);
    assert_eq!(if_match(&requests[1]), Some("\"0\""));
    assert_eq!(event.unwrap_err().code, "event_changed");
}

#[test]
fn a_conference_asked_for_twice_is_asked_for_under_one_name() {
    let name = |event: &str| {
        let patch = EventPatch { conference: Some(true), ..EventPatch::default() };
        let request = first(&mut *update(&api_url(), &"primary".into(), &event.into(), patch, None));
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        body["conferenceData"]["createRequest"]["requestId"].as_str().unwrap().to_owned()
    };
    assert_eq!(name("e1"), name("e1"));
    assert_ne!(name("e1"), name("e2"));
    assert_eq!(name(KEY), KEY, "an event of ours asks under the key it was created with");
}

#[test]
fn changes_that_cannot_be_made_say_why() {
    for (found, code) in [
        (stored("errors/412_condition_not_met.http"), "event_changed"),
        (stored("errors/404_not_found.http"), "event_not_found"),
        (stored("errors/403_forbidden_for_non_organizer.http"), "not_organizer"),
        (json(resource(json!({"status": "cancelled"}))), "event_deleted"),
    ] {
        let (_, event) = drive(change(EventPatch::default(), None), [found]);
        assert_eq!(event.unwrap_err().code, code);
    }
}

#[test]
fn deleting_tells_the_people_invited_and_a_deleted_event_is_no_error() {
    let etag = ETag::new("\"7\"");
    let mut exchange = delete(&api_url(), &"primary".into(), &"e1".into(), Some(&etag));
    insta::assert_snapshot!(shown(&first(&mut *exchange)), @r#"
    DELETE https://www.googleapis.com/calendar/v3/calendars/primary/events/e1?sendUpdates=all
    accept: application/json
    if-match: "7"
    "#);
    for (found, expected) in [
        (answer(204, ""), Ok(Deletion::Deleted)),
        (stored("errors/404_not_found.http"), Ok(Deletion::AlreadyGone)),
        (stored("errors/410_deleted.http"), Ok(Deletion::AlreadyGone)),
        (answer(410, ""), Ok(Deletion::AlreadyGone)),
        (stored("errors/412_condition_not_met.http"), Err("event_changed")),
        // A page from something that is not Google says nothing about the event.
        (stored("errors/404_html.http"), Err("provider_unreadable")),
    ] {
        let (_, deletion) = drive(delete(&api_url(), &"primary".into(), &"e1".into(), None), [found]);
        assert_eq!(deletion.map_err(|failure| failure.code), expected.map_err(Into::into));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_or_an_event(status in 200u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let answers = || std::iter::repeat_with(|| answer(status, body.clone())).take(if status == 409 { 2 } else { 1 });
        let mut create = create(&api_url(), hold());
        let _ = create.step(None);
        for answer in answers() {
            let _ = create.step(Some(answer));
        }
    }

    #[test]
    fn any_json_is_an_error_or_an_event(
        start in ".{0,25}", date in any::<bool>(), zone in ".{0,20}", status in ".{0,12}", link in ".{0,20}"
    ) {
        let time = if date { json!({"date": start}) } else { json!({"dateTime": start, "timeZone": zone}) };
        let body = json!({"id": "e", "status": status, "start": time, "end": time, "hangoutLink": link});
        let _ = drive(get(&api_url(), &"primary".into(), &"e".into()), [json(body)]);
    }
}
