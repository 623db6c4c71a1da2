//! Every event exchange against canned answers.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use crate::{
    domain::{
        event::{Attendee, EventTimes, Marker, Reminder, ReminderMethod, Transparency, Visibility},
        ids::HoldId,
        time::{Interval, Timestamp},
        zone::Zone,
    },
    providers::CHANGES_KEPT,
    providers::microsoft::fixtures::{answer, api_url, drive, first, json as answered, shown, stored},
};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "ffffffffffffffffffffffffffffffff";

fn key() -> CreationKey {
    CreationKey::parse(KEY).unwrap()
}

fn times(start: &str, end: &str, zone: &str) -> EventTimes {
    let at = |text| Timestamp::parse_rfc3339(text).unwrap();
    let interval = Interval::new(at(start), at(end)).unwrap();
    EventTimes::Timed { interval, zone: Zone::named(zone).unwrap() }
}

fn days(start: &str, end: &str) -> EventTimes {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    EventTimes::AllDay { start: day(start), end: day(end), zone: Zone::named("America/Los_Angeles").unwrap() }
}

fn attendee(email: &str) -> Attendee {
    Attendee { email: email.to_owned(), display_name: None, optional: false }
}

fn popup(minutes: u32) -> Reminder {
    Reminder { method: ReminderMethod::Popup, minutes }
}

/// A hold: nobody invited, nothing optional set.
fn hold() -> EventDraft {
    EventDraft {
        calendar: CalendarId::primary(),
        marker: Marker { key: key(), hold: Some(HoldId::new("hold-1")) },
        summary: "Held".to_owned(),
        description: None,
        location: None,
        times: times("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "Europe/Berlin"),
        attendees: vec![],
        conference: false,
        recurrence: vec![],
        reminders: Some(vec![]),
        visibility: Visibility::Private,
        transparency: Transparency::Opaque,
        status: EventStatus::Tentative,
    }
}

/// An event with everything an event can have.
fn meeting() -> EventDraft {
    EventDraft {
        calendar: "AAMkAG/Team=".into(),
        marker: Marker { key: key(), hold: None },
        summary: "Review".to_owned(),
        description: Some("Quarterly \"numbers\"".to_owned()),
        location: Some("Room 4".to_owned()),
        times: days("2026-03-29", "2026-03-30"),
        attendees: vec![
            Attendee { display_name: Some("Ada".to_owned()), ..attendee("ada@contoso.example") },
            Attendee { optional: true, ..attendee("bob@contoso.example") },
        ],
        conference: true,
        recurrence: vec!["RRULE:FREQ=WEEKLY;COUNT=4".to_owned()],
        reminders: Some(vec![popup(10)]),
        visibility: Visibility::Default,
        transparency: Transparency::Transparent,
        status: EventStatus::Confirmed,
    }
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(request.body()).unwrap()
}

fn resource(extra: Value) -> Value {
    let mut event = json!({
        "@odata.etag": "W/\"1\"", "id": "AAkALg1", "subject": "Review", "showAs": "busy", "isCancelled": false,
        "isOrganizer": true, "isAllDay": false, "originalStartTimeZone": "W. Europe Standard Time",
        "start": {"dateTime": "2026-03-30T07:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-30T08:00:00.0000000", "timeZone": "UTC"},
        "singleValueExtendedProperties": [{"id": KEY_PROPERTY, "value": KEY}],
    });
    event.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap());
    event
}

fn teams() -> HttpResponse {
    answered(json!({ "id": "c", "allowedOnlineMeetingProviders": ["skypeForBusiness", "teamsForBusiness"] }))
}

#[test]
fn a_hold_is_a_private_tentative_event_that_bothers_nobody() {
    insta::assert_snapshot!(shown(&first(&mut *create(&api_url(), hold()))), @r#"
    POST https://graph.microsoft.com/v1.0/me/calendar/events
    accept: application/json
    prefer: IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"
    content-type: application/json

    {
      "end": {
        "dateTime": "2026-03-29T03:30:00",
        "timeZone": "W. Europe Standard Time"
      },
      "isAllDay": false,
      "isReminderOn": false,
      "sensitivity": "private",
      "showAs": "tentative",
      "singleValueExtendedProperties": [
        {
          "id": "String {5d1f3f0c-7b52-4b0e-9d6a-0c2f6a3e8b41} Name calendarSyncKey",
          "value": "0123456789abcdef0123456789abcdef"
        },
        {
          "id": "String {5d1f3f0c-7b52-4b0e-9d6a-0c2f6a3e8b41} Name calendarSyncHold",
          "value": "hold-1"
        }
      ],
      "start": {
        "dateTime": "2026-03-29T01:30:00",
        "timeZone": "W. Europe Standard Time"
      },
      "subject": "Held",
      "transactionId": "0123456789abcdef0123456789abcdef"
    }
    "#);
}

#[test]
fn an_event_carries_everything_and_invites_its_people() {
    let (requests, _) = drive(create(&api_url(), meeting()), [teams(), answered(resource(json!({})))]);
    assert_eq!(
        requests[0].uri().to_string(),
        "https://graph.microsoft.com/v1.0/me/calendars/AAMkAG%2FTeam%3D?%24select=id%2CallowedOnlineMeetingProviders"
    );
    insta::assert_snapshot!(shown(&requests[1]), @r#"
    POST https://graph.microsoft.com/v1.0/me/calendars/AAMkAG%2FTeam%3D/events
    accept: application/json
    prefer: IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"
    content-type: application/json

    {
      "attendees": [
        {
          "emailAddress": {
            "address": "ada@contoso.example",
            "name": "Ada"
          },
          "type": "required"
        },
        {
          "emailAddress": {
            "address": "bob@contoso.example"
          },
          "type": "optional"
        }
      ],
      "body": {
        "content": "Quarterly \"numbers\"",
        "contentType": "text"
      },
      "end": {
        "dateTime": "2026-03-30T00:00:00",
        "timeZone": "Pacific Standard Time"
      },
      "isAllDay": true,
      "isOnlineMeeting": true,
      "isReminderOn": true,
      "location": {
        "displayName": "Room 4"
      },
      "onlineMeetingProvider": "teamsForBusiness",
      "recurrence": {
        "pattern": {
          "daysOfWeek": [
            "sunday"
          ],
          "firstDayOfWeek": "monday",
          "interval": 1,
          "type": "weekly"
        },
        "range": {
          "numberOfOccurrences": 4,
          "recurrenceTimeZone": "Pacific Standard Time",
          "startDate": "2026-03-29",
          "type": "numbered"
        }
      },
      "reminderMinutesBeforeStart": 10,
      "showAs": "free",
      "singleValueExtendedProperties": [
        {
          "id": "String {5d1f3f0c-7b52-4b0e-9d6a-0c2f6a3e8b41} Name calendarSyncKey",
          "value": "0123456789abcdef0123456789abcdef"
        }
      ],
      "start": {
        "dateTime": "2026-03-29T00:00:00",
        "timeZone": "Pacific Standard Time"
      },
      "subject": "Review",
      "transactionId": "0123456789abcdef0123456789abcdef"
    }
    "#);
}

#[test]
fn a_created_event_is_answered_as_graph_made_it() {
    let (requests, event) = drive(create(&api_url(), hold()), [stored("event_created.http")]);
    assert_eq!(requests.len(), 1);
    assert_eq!(
        event,
        Ok(Event {
            id: EventId::new("AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AZBLE="),
            calendar: CalendarId::primary(),
            etag: Some(ETag::new("W/\"ZlnW4RIAV06KYYwlrfNZvQAAKGWwbw==\"")),
            status: EventStatus::Tentative,
            times: Some(hold().times),
            summary: Some("Held".to_owned()),
            attendees: vec![Attendee {
                display_name: Some("Bob".to_owned()),
                optional: true,
                ..attendee("bob@contoso.example")
            }],
            recurrence: vec!["RRULE:FREQ=WEEKLY;COUNT=4".to_owned()],
            // Graph does not show our properties here.
            marker: Some(hold().marker),
            html_link: Some(
                "https://outlook.office365.com/owa/?itemid=AAkALg&exvsurl=1&path=/calendar/item".to_owned()
            ),
            conference_url: Some(
                "https://teams.microsoft.com/l/meetup-join/19%3ameeting_x%40thread.v2/0".to_owned()
            ),
            ical_uid: Some("040000008200E00074C5B7101A82E008".to_owned()),
        })
    );
}

#[test]
fn a_transaction_that_graph_knows_is_looked_for() {
    let conflict = || stored("errors/409_duplicate_transaction.http");
    let others = resource(json!({"singleValueExtendedProperties": [{"id": KEY_PROPERTY, "value": OTHER}]}));
    // Graph may write the set's id in capitals.
    let ours = resource(
        json!({"singleValueExtendedProperties": [{"id": KEY_PROPERTY.to_uppercase(), "value": KEY}]}),
    );
    let found = answered(json!({ "value": [others, ours] }));
    let (requests, event) = drive(create(&api_url(), hold()), [conflict(), found]);
    assert_eq!(event.unwrap().id, EventId::new("AAkALg1"));
    insta::assert_snapshot!(shown(&requests[1]).replace('&', "\n&"), @r#"
    GET https://graph.microsoft.com/v1.0/me/calendar/events?%24expand=singleValueExtendedProperties%28%24filter%3Did+eq+%27String+%7B5d1f3f0c-7b52-4b0e-9d6a-0c2f6a3e8b41%7D+Name+calendarSyncKey%27+or+id+eq+%27String+%7B5d1f3f0c-7b52-4b0e-9d6a-0c2f6a3e8b41%7D+Name+calendarSyncHold%27+or+id+eq+%27String+%7B5d1f3f0c-7b52-4b0e-9d6a-0c2f6a3e8b41%7D+Name+calendarSyncChange%27%29
    &%24filter=singleValueExtendedProperties%2FAny%28ep%3A+ep%2Fid+eq+%27String+%7B5d1f3f0c-7b52-4b0e-9d6a-0c2f6a3e8b41%7D+Name+calendarSyncKey%27+and+ep%2Fvalue+eq+%270123456789abcdef0123456789abcdef%27%29
    accept: application/json
    prefer: IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"
    "#);

    let nothing = answered(json!({ "value": [] }));
    let (_, event) = drive(create(&api_url(), hold()), [conflict(), nothing]);
    assert_eq!(event.unwrap_err().code, "provider_unsettled");
}

#[test]
fn an_event_that_graph_says_was_made_in_the_transaction_is_read_wherever_it_is_now() {
    let named = || stored("errors/400_duplicate_transaction.http");
    let (requests, event) = drive(create(&api_url(), hold()), [named(), answered(resource(json!({})))]);
    let event = event.unwrap();
    assert_eq!((event.id, event.marker.map(|marker| marker.key)), (EventId::new("AAkALg1"), Some(key())));
    let uri = requests[1].uri().to_string();
    assert!(uri.starts_with("https://graph.microsoft.com/v1.0/me/events/AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AZBLE%3D?%24expand="), "{uri}");

    // What is not there, or not ours, is looked for.
    let others = resource(json!({"singleValueExtendedProperties": [{"id": KEY_PROPERTY, "value": OTHER}]}));
    for named_event in [stored("errors/404_item_not_found.http"), answered(others)] {
        let found = answered(json!({ "value": [resource(json!({}))] }));
        let (requests, event) = drive(create(&api_url(), hold()), [named(), named_event, found]);
        assert_eq!(event.unwrap().id, EventId::new("AAkALg1"));
        assert!(requests[2].uri().path().ends_with("/me/calendar/events"));
    }
    let unavailable = stored("errors/503_server_busy.http");
    let (_, event) = drive(create(&api_url(), hold()), [named(), unavailable]);
    assert_eq!(event.unwrap_err().code, "provider_unavailable");
}

#[test]
fn a_transaction_is_known_by_its_code_whatever_the_status_and_whether_or_not_an_event_is_named() {
    for (status, error, expected) in [
        (400, json!({"code": "ErrorDuplicateTransactionId"}), Some(None)),
        (422, json!({"code": "ErrorDuplicateTransactionId", "@event.existingEventId": ""}), Some(None)),
        (409, json!({"code": "ErrorDuplicateTransactionId", "@event.existingEventId": "A"}), Some(Some("A"))),
        (409, json!({"code": "ErrorConflict"}), Some(None)),
        (409, Value::Null, Some(None)),
        (400, json!({"code": "ErrorInvalidRequest"}), None),
        (503, json!({"code": "ErrorDuplicateTransactionId"}), None),
        (201, Value::Null, None),
    ] {
        let known = known_transaction(&answer(status, json!({ "error": error }).to_string()));
        let event = known.map(|known| known.event);
        assert_eq!(event, expected.map(|id| id.map(EventId::new)), "{status} {error}");
    }
}

#[test]
fn an_event_is_found_by_its_key_on_whichever_page_it_is() {
    let next = "https://graph.microsoft.com/v1.0/me/calendar/events?$skip=10";
    let pages = [
        answered(json!({ "value": [], "@odata.nextLink": next })),
        answered(json!({ "value": [resource(json!({"isCancelled": true}))] })),
    ];
    let (_, event) = drive(find(&api_url(), &CalendarId::primary(), &key()), pages);
    assert_eq!(event.unwrap().map(|event| event.status), Some(EventStatus::Cancelled));
    let (_, event) =
        drive(find(&api_url(), &CalendarId::primary(), &key()), [answered(json!({ "value": [] }))]);
    assert_eq!(event, Ok(None));
}

#[test]
fn failures_while_creating_say_what_to_do() {
    for (name, code) in [
        ("404_item_not_found", "calendar_not_found"),
        ("400_time_zone_not_supported", "unknown_time_zone"),
        ("403_error_access_denied", "scope_missing"),
        ("429_application_throttled", "provider_throttled"),
        ("503_server_busy", "provider_unavailable"),
    ] {
        let (_, event) = drive(create(&api_url(), hold()), [stored(&format!("errors/{name}.http"))]);
        assert_eq!(event.unwrap_err().code, code, "{name}");
    }
}

#[test]
fn what_graph_cannot_do_is_refused_with_its_field_before_anything_is_sent() {
    let email = Reminder { method: ReminderMethod::Email, minutes: 10 };
    for (draft, code, field) in [
        (
            EventDraft { reminders: Some(vec![popup(10), popup(60)]), ..hold() },
            "reminder_not_supported",
            "reminders[1]",
        ),
        (
            EventDraft { reminders: Some(vec![email]), conference: true, ..hold() },
            "reminder_not_supported",
            "reminders[0].method",
        ),
        (
            EventDraft { recurrence: vec!["RRULE:FREQ=HOURLY".to_owned()], ..hold() },
            "recurrence_not_supported",
            "recurrence[0]",
        ),
        (
            // Clocks that no zone with a name has.
            EventDraft {
                times: times("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "<+0130>-1:30"),
                recurrence: vec!["RRULE:FREQ=DAILY".to_owned()],
                ..hold()
            },
            "recurrence_not_supported",
            "recurrence[0]",
        ),
        (EventDraft { calendar: "..".into(), ..hold() }, "bad_id", "calendarId"),
    ] {
        let (requests, event) = drive(create(&api_url(), draft), []);
        let failure = event.unwrap_err();
        assert_eq!((failure.code.as_ref(), failure.field()), (code, Some(field)));
        assert!(requests.is_empty());
    }
}

#[test]
fn times_of_a_zone_that_graph_does_not_know_are_told_in_one_that_it_does() {
    let nameless = |start: &str, end: &str| times(start, end, "<+0130>-1:30");
    let whole_day = EventTimes::AllDay {
        start: "2026-03-29".parse().unwrap(),
        end: "2026-03-30".parse().unwrap(),
        zone: Zone::named("<+0530>-5:30").unwrap(),
    };
    for (times, start, zone) in [
        (nameless("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"), "2026-03-29T00:30:00", "UTC"),
        (whole_day, "2026-03-29T00:00:00", "India Standard Time"),
    ] {
        let draft = EventDraft { times: times.clone(), ..hold() };
        let patch = EventPatch { times: Some(times), ..EventPatch::default() };
        for (exchange, answers) in [(create(&api_url(), draft), 1), (change(patch, None), 2)] {
            let (requests, _) = drive(exchange, vec![answered(resource(json!({}))); answers]);
            let body: Value = serde_json::from_slice(requests.last().unwrap().body()).unwrap();
            assert_eq!(body["start"], json!({"dateTime": start, "timeZone": zone}));
            assert_eq!(body["end"]["timeZone"], zone);
        }
    }
}

#[test]
fn nobody_is_invited_to_a_conference_that_there_cannot_be() {
    for providers in [json!([]), json!(["skypeForConsumer"]), Value::Null] {
        let calendar = answered(json!({ "id": "c", "allowedOnlineMeetingProviders": providers }));
        let (requests, event) = drive(create(&api_url(), meeting()), [calendar]);
        let failure = event.unwrap_err();
        assert_eq!(
            (failure.code.as_ref(), failure.field()),
            ("conference_not_supported", Some("conference"))
        );
        assert_eq!(requests.len(), 1);
    }
}

#[test]
fn times_are_local_to_a_zone_that_graph_knows() {
    for (zone, start, expected) in [
        ("Europe/Berlin", "2026-03-29T07:00:00Z", ("2026-03-29T09:00:00", "W. Europe Standard Time")),
        ("Europe/Vienna", "2026-03-28T08:00:00Z", ("2026-03-28T09:00:00", "W. Europe Standard Time")),
        ("Asia/Kolkata", "2026-03-29T03:30:00.250Z", ("2026-03-29T09:00:00.250", "India Standard Time")),
        ("UTC", "2026-03-29T09:00:00Z", ("2026-03-29T09:00:00", "UTC")),
        // Half past two comes twice that night: as a local time it means the first.
        ("Europe/Berlin", "2026-10-25T00:30:00Z", ("2026-10-25T02:30:00", "W. Europe Standard Time")),
        ("Europe/Berlin", "2026-10-25T01:30:00Z", ("2026-10-25T01:30:00", "UTC")),
    ] {
        let draft = EventDraft { times: times(start, "2026-12-01T00:00:00Z", zone), ..hold() };
        let body = body(&first(&mut *create(&api_url(), draft)));
        assert_eq!(body["start"], json!({"dateTime": expected.0, "timeZone": expected.1}), "{zone} {start}");
    }
}

#[test]
fn an_event_that_was_called_off_or_deleted_is_gone_for_those_who_read_it() {
    let get = || get(&api_url(), &CalendarId::primary(), &"AAkALg1".into());
    let (_, event) = drive(get(), [answered(resource(json!({"isCancelled": true})))]);
    assert_eq!(event.unwrap_err().code, "event_deleted");
    for gone in ["404_item_not_found", "400_invalid_id_malformed"] {
        let (_, event) = drive(get(), [stored(&format!("errors/{gone}.http"))]);
        assert_eq!(event.unwrap_err().code, "event_not_found");
    }
    let (_, event) = drive(get(), [answered(resource(json!({})))]);
    let event = event.unwrap();
    assert_eq!(
        (event.etag, event.marker.map(|marker| marker.key)),
        (Some(ETag::new("W/\"1\"")), Some(key()))
    );
}

fn change(patch: EventPatch, if_match: Option<&ETag>) -> Pending<Event> {
    update(&api_url(), &CalendarId::primary(), &"AAkALg1".into(), patch, if_match)
}

/// The body of the write that follows a reading.
fn written(patch: EventPatch, before: Value) -> Value {
    let (requests, event) = drive(change(patch, None), [answered(before), answered(resource(json!({})))]);
    event.unwrap();
    assert_eq!(if_match(&requests[1]), Some("W/\"1\""));
    body(&requests[1])
}

fn if_match(request: &HttpRequest) -> Option<&str> {
    request.headers().get("if-match").map(|etag| etag.to_str().unwrap())
}

#[test]
fn a_patch_sends_what_changes_and_nothing_else() {
    let patch = EventPatch {
        summary: Some("New".to_owned()),
        location: Some(String::new()),
        times: Some(days("2026-03-29", "2026-03-30")),
        recurrence: Some(vec!["RRULE:FREQ=DAILY;UNTIL=20260401".to_owned()]),
        reminders: Some(vec![]),
        visibility: Some(Visibility::Public),
        attendees: Some(vec![]),
        ..EventPatch::default()
    };
    let (requests, event) =
        drive(change(patch, Some(&ETag::new("W/\"0\""))), [answered(resource(json!({})))]);
    event.unwrap();
    insta::assert_snapshot!(shown(&requests[0]), @r#"
    PATCH https://graph.microsoft.com/v1.0/me/events/AAkALg1
    accept: application/json
    prefer: IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"
    if-match: W/"0"
    content-type: application/json

    {
      "attendees": [],
      "end": {
        "dateTime": "2026-03-30T00:00:00",
        "timeZone": "Pacific Standard Time"
      },
      "isAllDay": true,
      "isReminderOn": false,
      "location": {
        "displayName": ""
      },
      "recurrence": {
        "pattern": {
          "interval": 1,
          "type": "daily"
        },
        "range": {
          "endDate": "2026-04-01",
          "recurrenceTimeZone": "Pacific Standard Time",
          "startDate": "2026-03-29",
          "type": "endDate"
        }
      },
      "sensitivity": "normal",
      "start": {
        "dateTime": "2026-03-29T00:00:00",
        "timeZone": "Pacific Standard Time"
      },
      "subject": "New"
    }
    "#);
}

#[test]
fn a_named_change_is_remembered_with_those_before_it_and_not_made_again() {
    let numbered = |number: usize| CreationKey::derive(&["update", &number.to_string()]);
    let list =
        |changes: &[CreationKey]| changes.iter().map(CreationKey::as_str).collect::<Vec<_>>().join(",");
    let named = |number: usize| EventPatch {
        summary: Some("New".to_owned()),
        applied_by: Some(numbered(number)),
        ..EventPatch::default()
    };
    let made: Vec<_> = (1..=CHANGES_KEPT).map(numbered).collect();
    let found = || {
        answered(resource(json!({ "@odata.etag": "W/\"7\"", "singleValueExtendedProperties": [
            { "id": wire::CHANGE_PROPERTY, "value": list(&made) },
        ] })))
    };

    let (requests, event) = drive(change(named(0), None), [found(), answered(resource(json!({})))]);
    event.unwrap();
    assert_eq!(requests[1].headers()["if-match"], "W/\"7\"", "a change in between is not overlooked");
    let body: Value = serde_json::from_slice(requests[1].body()).unwrap();
    let expected: Vec<_> = (0..CHANGES_KEPT).map(numbered).collect();
    assert_eq!(body["singleValueExtendedProperties"][0]["value"], list(&expected));

    for again in [1, CHANGES_KEPT] {
        let (requests, event) = drive(change(named(again), None), [found()]);
        assert_eq!(event.unwrap().etag, Some(ETag::new("W/\"7\"")));
        assert_eq!(requests.len(), 1, "nothing was written");
    }
}

#[test]
fn a_confirmed_hold_is_busy_and_open_again() {
    let patch = EventPatch {
        status: Some(EventStatus::Confirmed),
        visibility: Some(Visibility::Default),
        transparency: Some(Transparency::Opaque),
        ..EventPatch::default()
    };
    let body = body(&first(&mut *change(patch, None)));
    assert_eq!(body, json!({"showAs": "busy", "sensitivity": "normal"}));
}

#[test]
fn one_word_says_whether_an_event_takes_time_and_is_certain() {
    let patch = |transparency, status| EventPatch { transparency, status, ..EventPatch::default() };
    let free = patch(Some(Transparency::Transparent), None);
    assert_eq!(body(&first(&mut *change(free, None))), json!({"showAs": "free"}));
    for (transparency, status, before, after) in [
        (Some(Transparency::Opaque), None, "free", json!({"showAs": "busy"})),
        (Some(Transparency::Opaque), None, "tentative", json!({})),
        (Some(Transparency::Opaque), None, "oof", json!({})),
        (None, Some(EventStatus::Confirmed), "tentative", json!({"showAs": "busy"})),
        (None, Some(EventStatus::Confirmed), "free", json!({})),
        (None, Some(EventStatus::Tentative), "busy", json!({"showAs": "tentative"})),
    ] {
        assert_eq!(
            written(patch(transparency, status), resource(json!({"showAs": before}))),
            after,
            "{before}"
        );
    }
}

#[test]
fn people_who_stay_invited_keep_their_answers_and_rooms_stay_rooms() {
    let people = ["ADA@contoso.example", "room@contoso.example", "new@contoso.example"].map(attendee);
    let patch = EventPatch { attendees: Some(people.to_vec()), ..EventPatch::default() };
    let accepted = json!({"response": "accepted", "time": "2026-03-01T00:00:00Z"});
    let before = json!({"attendees": [
        {"type": "optional", "status": accepted, "emailAddress": {"name": "Ada", "address": "ada@contoso.example"}},
        {"type": "resource", "status": accepted, "emailAddress": {"name": "Room", "address": "room@contoso.example"}},
        {"type": "required", "status": accepted, "emailAddress": {"name": "Bob", "address": "bob@contoso.example"}},
    ]});
    assert_eq!(
        written(patch, resource(before)),
        json!({"attendees": [
            {"type": "required", "status": accepted, "emailAddress": {"name": "Ada", "address": "ada@contoso.example"}},
            {"type": "resource", "status": accepted, "emailAddress": {"name": "Room", "address": "room@contoso.example"}},
            {"type": "required", "emailAddress": {"address": "new@contoso.example"}},
        ]})
    );
}

fn weekly() -> Value {
    resource(json!({"type": "seriesMaster", "recurrence": {
        "pattern": {"type": "weekly", "interval": 1, "month": 0, "dayOfMonth": 0, "daysOfWeek": ["monday"],
                    "firstDayOfWeek": "monday", "index": "first"},
        "range": {"type": "endDate", "startDate": "2026-03-30", "endDate": "2026-06-30",
                  "recurrenceTimeZone": "W. Europe Standard Time", "numberOfOccurrences": 0},
    }}))
}

#[test]
fn a_series_is_moved_with_its_rule() {
    let new_times = times("2026-03-31T07:00:00Z", "2026-03-31T08:00:00Z", "Europe/Berlin");
    let patch = EventPatch { times: Some(new_times), ..EventPatch::default() };
    assert_eq!(
        written(patch.clone(), weekly())["recurrence"],
        json!({
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"], "firstDayOfWeek": "monday"},
            "range": {"type": "endDate", "startDate": "2026-03-31", "endDate": "2026-06-30",
                      "recurrenceTimeZone": "W. Europe Standard Time"},
        })
    );
    // What is no series does not become one.
    assert_eq!(written(patch, resource(json!({"recurrence": null}))).get("recurrence"), None);
}

#[test]
fn a_new_rule_without_new_times_counts_from_the_start_there_is() {
    let rule = |lines: &[&str]| EventPatch {
        recurrence: Some(lines.iter().map(|line| (*line).to_owned()).collect()),
        ..EventPatch::default()
    };
    let recurrence = &written(rule(&["RRULE:FREQ=WEEKLY;INTERVAL=2"]), resource(json!({})))["recurrence"];
    assert_eq!(
        recurrence["pattern"],
        json!({"type": "weekly", "daysOfWeek": ["monday"], "firstDayOfWeek": "monday", "interval": 2})
    );
}

#[test]
fn a_series_that_ends_becomes_a_single_event() {
    let patch = EventPatch { recurrence: Some(vec![]), ..EventPatch::default() };
    assert_eq!(body(&first(&mut *change(patch, None))), json!({"recurrence": null}));
}

#[test]
fn a_new_text_leaves_the_conference_in_the_meeting() {
    let patch = EventPatch { description: Some("1 < 2\nSee you".to_owned()), ..EventPatch::default() };
    let plain = written(patch.clone(), resource(json!({"isOnlineMeeting": false})));
    assert_eq!(plain, json!({"body": {"contentType": "text", "content": "1 < 2\nSee you"}}));
    let joining = "<div style=\"width:100%\"><span>________________________________________________________________________________</span></div>\
                   <div><a href=\"https://teams.microsoft.com/l/x\">Join</a></div></body></html>";
    let before = resource(json!({"isOnlineMeeting": true, "body": {
        "contentType": "html", "content": format!("<html><body><div>Old</div>{joining}"),
    }}));
    let expected = format!("<html><body>1 &lt; 2<br>See you{joining}");
    assert_eq!(written(patch.clone(), before), json!({"body": {"contentType": "html", "content": expected}}));
    let prefer = first(&mut *change(patch, None)).headers()["prefer"].to_str().unwrap().to_owned();
    assert!(prefer.contains("body-content-type=\"html\"") && prefer.contains("ImmutableId"), "{prefer}");
}

#[test]
fn a_conference_is_added_where_there_can_be_one_and_never_taken_away() {
    let patch = |wanted| EventPatch { conference: Some(wanted), ..EventPatch::default() };
    let online = || answered(resource(json!({"isOnlineMeeting": true})));
    let offline = || answered(resource(json!({"isOnlineMeeting": false})));
    let done = || answered(resource(json!({})));

    let (requests, _) = drive(change(patch(true), None), [offline(), teams(), done()]);
    assert_eq!(
        body(&requests[2]),
        json!({"isOnlineMeeting": true, "onlineMeetingProvider": "teamsForBusiness"})
    );
    for (wanted, before) in [(true, online()), (false, offline())] {
        let (requests, _) = drive(change(patch(wanted), None), [before, done()]);
        assert_eq!(body(&requests[1]), json!({}));
    }
    let (_, event) = drive(change(patch(false), None), [online()]);
    assert_eq!(event.unwrap_err().code, "conference_stays");
    let none = answered(json!({ "id": "c", "allowedOnlineMeetingProviders": [] }));
    let (_, event) = drive(change(patch(true), None), [offline(), none]);
    assert_eq!(event.unwrap_err().code, "conference_not_supported");
}

#[test]
fn a_change_that_rests_on_a_reading_is_made_to_that_version_or_read_again() {
    let patch = || EventPatch { description: Some("x".to_owned()), ..EventPatch::default() };
    let version = |etag: &str| answered(resource(json!({ "@odata.etag": etag })));
    let changed = || stored("errors/412_irresolvable_conflict.http");
    let answers = [version("W/\"1\""), changed(), version("W/\"2\""), answered(resource(json!({})))];
    let (requests, event) = drive(change(patch(), None), answers);
    event.unwrap();
    assert_eq!((if_match(&requests[1]), if_match(&requests[3])), (Some("W/\"1\""), Some("W/\"2\"")));

    let answers = (0..3).flat_map(|_| [version("W/\"1\""), changed()]);
    let (_, event) = drive(change(patch(), None), answers);
    assert_eq!(event.unwrap_err().code, "event_keeps_changing");

    // Whoever names a version wants to hear that it is no longer the one.
    let meant = ETag::new("W/\"0\"");
    let (requests, event) = drive(change(patch(), Some(&meant)), [version("W/\"1\""), changed()]);
    assert_eq!(if_match(&requests[1]), Some("W/\"0\""));
    assert_eq!(event.unwrap_err().code, "event_changed");

    // Where none was named, two writes met.
    let patch = EventPatch { summary: Some("x".to_owned()), ..EventPatch::default() };
    let (_, event) = drive(change(patch, None), [stored("errors/409_irresolvable_conflict.http")]);
    assert_eq!(event.unwrap_err().code, "provider_write_conflict");
}

#[test]
fn an_event_that_is_gone_is_not_changed() {
    let patch = || EventPatch { description: Some("x".to_owned()), ..EventPatch::default() };
    for gone in [answered(resource(json!({"isCancelled": true}))), stored("errors/404_item_not_found.http")] {
        let (requests, event) = drive(change(patch(), None), [gone]);
        assert_eq!(event.unwrap_err().action, Action::NotFound);
        assert_eq!(requests.len(), 1, "nothing was written");
    }
}

#[test]
fn organisers_cancel_meetings_and_everything_else_is_deleted() {
    let people = json!([{"type": "required", "emailAddress": {"address": "ada@contoso.example"}}]);
    for (organizer, people, method, path) in [
        (true, people.clone(), Method::POST, "/v1.0/me/events/AAkALg1/cancel"),
        (false, people, Method::DELETE, "/v1.0/me/events/AAkALg1"),
        (true, json!([]), Method::DELETE, "/v1.0/me/events/AAkALg1"),
    ] {
        let found =
            json!({"@odata.etag": "W/\"1\"", "id": "AAkALg1", "isOrganizer": organizer, "attendees": people});
        let meant = ETag::new("W/\"1\"");
        let (requests, deletion) =
            drive(delete(&api_url(), &"AAkALg1".into(), Some(&meant)), [answered(found), answer(202, "")]);
        assert_eq!(deletion, Ok(Deletion::Deleted));
        assert_eq!((requests[1].method(), requests[1].uri().path()), (&method, path));
        assert_eq!(if_match(&requests[1]).is_some(), method == Method::DELETE);
    }
}

#[test]
fn deleting_what_is_gone_is_done_and_what_was_changed_is_told() {
    let remove = |etag: Option<&ETag>| delete(&api_url(), &"AAkALg1".into(), etag);
    let gone = || stored("errors/404_item_not_found.http");
    let found =
        || answered(json!({"@odata.etag": "W/\"1\"", "id": "AAkALg1", "isOrganizer": true, "attendees": []}));
    assert_eq!(drive(remove(None), [gone()]).1, Ok(Deletion::AlreadyGone));
    assert_eq!(drive(remove(None), [found(), gone()]).1, Ok(Deletion::AlreadyGone));
    let (requests, deletion) = drive(remove(Some(&ETag::new("W/\"0\""))), [found()]);
    assert_eq!((requests.len(), deletion.unwrap_err().code.as_ref()), (1, "event_changed"));
    let (_, deletion) = drive(remove(None), [found(), stored("errors/503_server_busy.http")]);
    assert!(deletion.unwrap_err().is_retryable());
}

#[test]
fn times_nobody_understands_are_an_error_that_says_where() {
    for (field, time) in [
        ("start", json!({"dateTime": "soon", "timeZone": "UTC"})),
        ("end", json!({"dateTime": "2026-03-30T07:00:00.0000000", "timeZone": "Mars"})),
        ("start", json!({})),
    ] {
        let (_, event) = drive(
            get(&api_url(), &CalendarId::primary(), &"AAkALg1".into()),
            [answered(resource(json!({ field: time })))],
        );
        let failure = event.unwrap_err();
        assert_eq!(failure.code, "provider_unreadable");
        assert!(failure.message.ends_with(&format!("at {field}")), "{failure}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_or_an_event(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = drive(get(&api_url(), &CalendarId::primary(), &"e".into()), [answer(200, body)]);
    }

    #[test]
    fn any_json_is_an_error_or_an_event(
        field in "(id|start|end|attendees|recurrence|isAllDay|singleValueExtendedProperties|onlineMeeting|showAs)",
        text in ".{0,20}", number in any::<i64>(), shape in 0..5,
    ) {
        let value = match shape {
            0 => json!(text),
            1 => json!(number),
            2 => json!([text]),
            3 => json!({ text: number }),
            _ => Value::Null,
        };
        let found = resource(json!({ field: value }));
        let _ = drive(get(&api_url(), &CalendarId::primary(), &"e".into()), [answered(found.clone())]);
        let patch = EventPatch {
            description: Some("x".to_owned()),
            attendees: Some(vec![attendee("a@example.com")]),
            times: Some(days("2026-03-29", "2026-03-30")),
            ..EventPatch::default()
        };
        let _ = drive(change(patch, None), [answered(found), answered(resource(json!({})))]);
    }
}
