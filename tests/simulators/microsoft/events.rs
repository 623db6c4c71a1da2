//! Calendars and events, on work and on personal accounts.

use huddle_calendar_sync::{
    domain::{
        calendar::CalendarAccess,
        event::{
            Attendee, CreationKey, Event, EventDraft, EventPatch, EventStatus, EventTimes, Marker,
            Transparency, Visibility,
        },
        failure::{Action, Failure},
        ids::{CalendarId, ETag, EventId, HoldId},
        secret::AccessToken,
        time::Interval,
        zone::Zone,
    },
    providers::{CalendarProvider, Deletion},
};
use serde_json::json;
use simulator::control::provider::Provider as _;

use super::{EMPTY, PERSONAL, WORK, World};
use crate::world::at;

/// A world and somebody signed in.
struct Signed {
    world: World,
    token: AccessToken,
}

impl Signed {
    fn in_as(account: &str) -> Self {
        let world = World::new();
        let token = world.token(account);
        Self { world, token }
    }

    fn create(&self, draft: EventDraft) -> Result<Event, Failure> {
        self.world.drive(Some(&self.token), self.world.provider.create_event(draft))
    }

    fn find(&self, key: &CreationKey) -> Result<Option<Event>, Failure> {
        self.world.drive(Some(&self.token), self.world.provider.find_event(&CalendarId::primary(), key))
    }

    fn get(&self, id: &EventId) -> Result<Event, Failure> {
        self.world.drive(Some(&self.token), self.world.provider.get_event(&CalendarId::primary(), id))
    }

    fn update(&self, id: &EventId, patch: EventPatch, etag: Option<&ETag>) -> Result<Event, Failure> {
        let exchange = self.world.provider.update_event(&CalendarId::primary(), id, patch, etag);
        self.world.drive(Some(&self.token), exchange)
    }

    fn delete(&self, id: &EventId, etag: Option<&ETag>) -> Result<Deletion, Failure> {
        let exchange = self.world.provider.delete_event(&CalendarId::primary(), id, etag);
        self.world.drive(Some(&self.token), exchange)
    }

    /// What was mailed so far: kind and address.
    fn mailed(&self) -> Vec<(&'static str, String)> {
        let outbox = self.world.simulated.control().outbox();
        outbox.mails().map(|mail| (mail.kind, mail.to.clone())).collect()
    }
}

fn key(task: &str) -> CreationKey {
    CreationKey::derive(&["con", task])
}

fn times(start: &str, end: &str, zone: &str) -> EventTimes {
    let interval = Interval::new(at(start), at(end)).unwrap();
    EventTimes::Timed { interval, zone: Zone::named(zone).unwrap() }
}

fn days(start: &str, end: &str) -> EventTimes {
    let zone = Zone::named("America/Los_Angeles").unwrap();
    EventTimes::AllDay { start: start.parse().unwrap(), end: end.parse().unwrap(), zone }
}

fn person(email: &str) -> Attendee {
    Attendee { email: email.to_owned(), display_name: None, optional: false }
}

/// A hold across the night in which clocks go forward.
fn hold(task: &str) -> EventDraft {
    EventDraft {
        calendar: CalendarId::primary(),
        marker: Marker { key: key(task), hold: Some(HoldId::new("it's a hold")) },
        summary: "Held".to_owned(),
        description: None,
        location: None,
        times: times("2031-03-29T23:30:00Z", "2031-03-30T01:30:00Z", "Europe/Berlin"),
        attendees: vec![],
        conference: false,
        recurrence: vec![],
        reminders: Some(vec![]),
        visibility: Visibility::Private,
        transparency: Transparency::Opaque,
        status: EventStatus::Tentative,
    }
}

fn meeting(task: &str) -> EventDraft {
    EventDraft {
        marker: Marker { key: key(task), hold: None },
        description: Some("Numbers\n& more".to_owned()),
        location: Some("Room 4".to_owned()),
        attendees: vec![person("guest@fabrikam.example")],
        visibility: Visibility::Default,
        status: EventStatus::Confirmed,
        ..hold(task)
    }
}

#[test]
fn calendars_are_listed_with_what_the_account_may_do() {
    for account in [WORK, PERSONAL] {
        let signed = Signed::in_as(account);
        let calendars =
            signed.world.drive(Some(&signed.token), signed.world.provider.list_calendars()).unwrap();
        let primary: Vec<_> = calendars.iter().filter(|calendar| calendar.primary).collect();
        assert_eq!(primary.len(), 1);
        assert_eq!((primary[0].access, primary[0].selected), (CalendarAccess::Own, true));
        let family = calendars.iter().find(|calendar| calendar.name == "Family").unwrap();
        assert_eq!((family.access, family.selected), (CalendarAccess::Own, true));
        let read_only = calendars.iter().find(|calendar| calendar.access == CalendarAccess::Read).unwrap();
        assert!(!read_only.selected, "{read_only:?}");
    }
}

#[test]
fn many_calendars_come_on_pages() {
    let signed = Signed::in_as("many-calendars@contoso.example");
    signed.world.simulated.world().behaviour.page_size_limit = Some(3);
    let calendars = signed.world.drive(Some(&signed.token), signed.world.provider.list_calendars()).unwrap();
    assert_eq!(calendars.len(), 14);
    assert_eq!(signed.world.take_sent().len(), 5);
}

#[test]
fn an_event_is_created_once_and_found_by_its_key() {
    for (account, conflicts) in [(WORK, false), (PERSONAL, false), (EMPTY, true)] {
        let signed = Signed::in_as(account);
        signed.world.simulated.world().behaviour.duplicate_transaction_conflicts = conflicts;
        let created = signed.create(hold("task-1")).unwrap();
        assert_eq!(signed.world.take_sent().len(), 1, "one call for a new event");
        assert_eq!(created.times, Some(hold("task-1").times));
        assert_eq!(created.marker, Some(hold("task-1").marker));
        assert_eq!(created.status, EventStatus::Tentative);
        // Again, as after an answer that was lost, and with other content.
        assert_eq!(signed.create(hold("task-1")).unwrap().id, created.id);
        let otherwise = EventDraft { summary: "Kept".to_owned(), ..hold("task-1") };
        let again = signed.create(otherwise).unwrap();
        assert_eq!((again.id, again.summary.as_deref()), (created.id.clone(), Some("Held")));
        let found = signed.find(&key("task-1")).unwrap().unwrap();
        assert_eq!((&found.id, &found.marker), (&created.id, &created.marker));
        assert_eq!(signed.find(&key("task-2")), Ok(None));
        assert_eq!(signed.get(&created.id).unwrap().marker, created.marker);
    }
}

#[test]
fn an_event_that_was_moved_is_not_made_again() {
    let signed = Signed::in_as(WORK);
    let created = signed.create(hold("task-1")).unwrap();
    {
        let mut world = signed.world.simulated.world();
        let mailbox = &world.accounts[WORK].mailbox;
        let family = mailbox.calendars.values().find(|calendar| calendar.name == "Family").unwrap().number;
        let (from, key) = mailbox.find(created.id.as_str()).unwrap();
        let event = world.remove_event(WORK, from, key.event).unwrap();
        world.put_event(WORK, family, event, "created");
    }
    let otherwise = EventDraft { summary: "Kept".to_owned(), ..hold("task-1") };
    assert_eq!(signed.create(otherwise).unwrap().id, created.id);
}

#[test]
fn ids_are_those_that_survive_a_move() {
    let signed = Signed::in_as(WORK);
    let calendars = signed.world.drive(Some(&signed.token), signed.world.provider.list_calendars()).unwrap();
    let family = calendars.into_iter().find(|calendar| calendar.name == "Family").unwrap().id;
    let created = signed.create(EventDraft { calendar: family.clone(), ..hold("task-1") }).unwrap();
    let elsewhere = signed.world.provider.find_event(&family, &key("task-1"));
    let found = signed.world.drive(Some(&signed.token), elsewhere).unwrap().unwrap();
    assert_eq!((found.id.clone(), found.calendar), (created.id.clone(), family));
    assert_eq!(signed.find(&key("task-1")), Ok(None), "the main calendar does not have it");
    for request in signed.world.take_sent() {
        assert!(
            request.headers()["prefer"].to_str().unwrap().contains("IdType=\"ImmutableId\""),
            "{request:?}"
        );
    }
}

#[test]
fn a_hold_is_confirmed_in_place_and_people_are_invited_once() {
    for account in [EMPTY, PERSONAL] {
        let signed = Signed::in_as(account);
        let held = signed.create(hold("task-1")).unwrap();
        assert_eq!(signed.mailed(), []);
        let patch = EventPatch {
            summary: Some("Decision".to_owned()),
            attendees: Some(vec![person("guest@fabrikam.example")]),
            visibility: Some(Visibility::Default),
            transparency: Some(Transparency::Opaque),
            status: Some(EventStatus::Confirmed),
            applied_by: Some(key("task-2")),
            ..EventPatch::default()
        };
        let confirmed = signed.update(&held.id, patch.clone(), None).unwrap();
        assert_eq!(confirmed.id, held.id);
        assert_eq!((confirmed.status, confirmed.times), (EventStatus::Confirmed, held.times));
        assert_eq!(signed.mailed(), [("invitation", "guest@fabrikam.example".to_owned())]);
        let read = signed.get(&held.id).unwrap();
        assert_eq!(read.marker, held.marker);
        // Confirmed again by the same task, whatever came in between: nothing changes, and nobody is mailed twice.
        let renamed = EventPatch {
            summary: Some("Renamed".to_owned()),
            applied_by: Some(key("task-3")),
            ..EventPatch::default()
        };
        signed.update(&held.id, renamed, None).unwrap();
        let mails = signed.mailed().len();
        assert_eq!(signed.update(&held.id, patch, None).unwrap().summary.as_deref(), Some("Renamed"));
        assert_eq!(signed.mailed().len(), mails);
        assert_eq!(read.attendees, [person("guest@fabrikam.example")]);
    }
}

#[test]
fn events_of_whole_days_and_of_every_zone_keep_their_times() {
    let signed = Signed::in_as(EMPTY);
    for (number, times) in [
        days("2031-03-30", "2031-03-31"),
        days("2031-12-31", "2032-01-02"),
        times("2031-03-30T00:30:00Z", "2031-03-30T01:30:00Z", "Europe/Berlin"),
        times("2031-10-26T00:30:00Z", "2031-10-26T01:30:00Z", "Europe/Berlin"),
        times("2031-07-01T03:30:00Z", "2031-07-01T04:30:00Z", "Asia/Kolkata"),
        times("2031-07-01T03:30:00Z", "2031-07-01T04:30:00Z", "America/Sao_Paulo"),
        times("2031-07-01T03:30:00Z", "2031-07-01T04:30:00Z", "UTC"),
    ]
    .into_iter()
    .enumerate()
    {
        let created =
            signed.create(EventDraft { times: times.clone(), ..hold(&format!("task-{number}")) }).unwrap();
        assert_eq!(created.times, Some(times.clone()));
        assert_eq!(signed.get(&created.id).unwrap().times, Some(times));
    }
    let created = signed.create(hold("task-x")).unwrap();
    let day = EventPatch { times: Some(days("2031-04-01", "2031-04-02")), ..EventPatch::default() };
    assert_eq!(signed.update(&created.id, day.clone(), None).unwrap().times, day.times);
    let back = EventPatch { times: Some(hold("task-x").times), ..EventPatch::default() };
    assert_eq!(signed.update(&created.id, back.clone(), None).unwrap().times, back.times);
}

#[test]
fn times_of_a_zone_without_a_name_are_written_all_the_same() {
    let signed = Signed::in_as(EMPTY);
    let nameless = Zone::named("<+0130>-1:30").unwrap();
    let morning = times("2031-07-01T03:30:00Z", "2031-07-01T04:30:00Z", nameless.name());
    let created = signed.create(EventDraft { times: morning, ..hold("task-1") }).unwrap();
    assert_eq!(created.times, Some(times("2031-07-01T03:30:00Z", "2031-07-01T04:30:00Z", "UTC")));
    let EventTimes::AllDay { start, end, .. } = days("2031-07-01", "2031-07-02") else { unreachable!() };
    let day = EventTimes::AllDay { start, end, zone: nameless };
    let created = signed.create(EventDraft { times: day, ..hold("task-2") }).unwrap();
    assert!(matches!(created.times, Some(EventTimes::AllDay { start: shown, .. }) if shown == start));
}

#[test]
fn a_series_repeats_as_asked_and_says_so() {
    let signed = Signed::in_as(EMPTY);
    let morning = times("2031-03-28T08:00:00Z", "2031-03-28T09:00:00Z", "Europe/Berlin");
    for (number, (times, rule)) in [
        (morning.clone(), "RRULE:FREQ=DAILY;UNTIL=20310402T070000Z"),
        (morning.clone(), "RRULE:FREQ=WEEKLY;BYDAY=WE,FR;WKST=SU;INTERVAL=2;COUNT=10"),
        (morning.clone(), "RRULE:FREQ=MONTHLY;BYDAY=-1FR"),
        (morning.clone(), "RRULE:FREQ=YEARLY;COUNT=3"),
        (days("2031-03-31", "2031-04-01"), "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20321231"),
        (days("2031-03-06", "2031-03-07"), "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=4"),
    ]
    .into_iter()
    .enumerate()
    {
        let rule = vec![rule.to_owned()];
        let draft =
            EventDraft { times: times.clone(), recurrence: rule.clone(), ..hold(&format!("task-{number}")) };
        let created = signed.create(draft).unwrap();
        assert_eq!((&created.times, &created.recurrence), (&Some(times), &rule));
        assert_eq!(signed.get(&created.id).unwrap().recurrence, rule);
    }
}

#[test]
fn a_series_is_moved_repeated_otherwise_and_ended() {
    let signed = Signed::in_as(EMPTY);
    let friday = times("2031-03-28T08:00:00Z", "2031-03-28T09:00:00Z", "Europe/Berlin");
    let weekly = vec!["RRULE:FREQ=WEEKLY;COUNT=4".to_owned()];
    let created =
        signed.create(EventDraft { times: friday, recurrence: weekly.clone(), ..hold("task-1") }).unwrap();
    let monday = times("2031-03-31T07:00:00Z", "2031-03-31T08:00:00Z", "Europe/Berlin");
    let moved = EventPatch { times: Some(monday.clone()), ..EventPatch::default() };
    let moved = signed.update(&created.id, moved, None).unwrap();
    assert_eq!((moved.times, moved.recurrence), (Some(monday), weekly));
    let monthly = vec!["RRULE:FREQ=MONTHLY;BYMONTHDAY=-1".to_owned()];
    let patch = EventPatch { recurrence: Some(monthly.clone()), ..EventPatch::default() };
    assert_eq!(signed.update(&created.id, patch, None).unwrap().recurrence, monthly);
    let patch = EventPatch { recurrence: Some(vec![]), ..EventPatch::default() };
    assert_eq!(signed.update(&created.id, patch, None).unwrap().recurrence, Vec::<String>::new());
}

#[test]
fn an_event_is_changed_in_the_version_that_was_meant() {
    let signed = Signed::in_as(WORK);
    let created = signed.create(meeting("task-1")).unwrap();
    let patch = EventPatch { summary: Some("Decision".to_owned()), ..EventPatch::default() };
    let changed = signed.update(&created.id, patch.clone(), created.etag.as_ref()).unwrap();
    assert_eq!(changed.summary.as_deref(), Some("Decision"));
    assert_eq!(changed.attendees, created.attendees);
    for patch in [patch, EventPatch { description: Some("x".to_owned()), ..EventPatch::default() }] {
        let failure = signed.update(&created.id, patch, created.etag.as_ref()).unwrap_err();
        assert_eq!((failure.action, failure.code.as_ref()), (Action::Conflict, "event_changed"));
    }
    assert_eq!(signed.delete(&created.id, created.etag.as_ref()).unwrap_err().code, "event_changed");
    let missing = signed.update(&"AAkALgAA".into(), EventPatch::default(), None).unwrap_err();
    assert_eq!(missing.action, Action::NotFound);
}

#[test]
fn a_meeting_is_cancelled_once_and_what_is_gone_stays_gone() {
    for account in [EMPTY, PERSONAL] {
        let signed = Signed::in_as(account);
        let created = signed.create(meeting("task-1")).unwrap();
        assert_eq!(signed.delete(&created.id, created.etag.as_ref()), Ok(Deletion::Deleted));
        assert_eq!(signed.delete(&created.id, None), Ok(Deletion::AlreadyGone));
        let guest = || "guest@fabrikam.example".to_owned();
        assert_eq!(signed.mailed(), [("invitation", guest()), ("cancellation", guest())]);
        assert_eq!(signed.get(&created.id).unwrap_err().action, Action::NotFound);
        assert_eq!(signed.find(&key("task-1")), Ok(None));
        let patch = EventPatch { status: Some(EventStatus::Confirmed), ..EventPatch::default() };
        assert_eq!(signed.update(&created.id, patch, None).unwrap_err().action, Action::NotFound);

        let held = signed.create(hold("task-2")).unwrap();
        assert_eq!(signed.delete(&held.id, None), Ok(Deletion::Deleted));
        assert_eq!(signed.mailed().len(), 2, "nobody hears of a hold");
    }
}

#[test]
fn a_meeting_called_off_by_its_organiser_is_gone_for_its_guests() {
    let signed = Signed::in_as(EMPTY);
    let created = signed.create(EventDraft { attendees: vec![person(WORK)], ..meeting("task-1") }).unwrap();
    let guest = Signed { token: signed.world.token(WORK), world: signed.world };
    let filter =
        format!("/v1.0/me/events?$filter=iCalUId eq '{}'", created.ical_uid.unwrap()).replace(' ', "%20");
    let copy = || {
        let request = http::Request::get(format!("{}{filter}", super::ORIGIN))
            .header("authorization", format!("Bearer {}", guest.token.expose()))
            .header("prefer", "IdType=\"ImmutableId\"")
            .body(bytes::Bytes::new());
        let answer: serde_json::Value =
            serde_json::from_slice(guest.world.send(request.unwrap()).body()).unwrap();
        EventId::new(answer["value"][0]["id"].as_str().unwrap())
    };
    let copied = guest.get(&copy()).unwrap();
    assert_eq!((copied.status, copied.marker), (EventStatus::Tentative, None));
    let organiser = guest.world.token(EMPTY);
    let cancel = guest.world.provider.delete_event(&CalendarId::primary(), &created.id, None);
    assert_eq!(guest.world.drive(Some(&organiser), cancel), Ok(Deletion::Deleted));
    assert_eq!(guest.get(&copy()).unwrap_err().code, "event_deleted");
    assert_eq!(guest.delete(&copy(), None), Ok(Deletion::Deleted), "its copy can still be removed");
}

#[test]
fn people_at_work_meet_on_teams_and_others_are_told_that_they_cannot() {
    let signed = Signed::in_as(WORK);
    let created = signed.create(EventDraft { conference: true, ..meeting("task-1") }).unwrap();
    let url = created.conference_url.clone().unwrap();
    assert!(url.starts_with("https://teams.microsoft.com/"), "{url}");
    // A new text keeps the conference.
    let patch = EventPatch { description: Some("<Other> numbers".to_owned()), ..EventPatch::default() };
    assert_eq!(signed.update(&created.id, patch, None).unwrap().conference_url.as_ref(), Some(&url));
    let later = signed.create(meeting("task-2")).unwrap();
    let patch = EventPatch { conference: Some(true), ..EventPatch::default() };
    assert!(signed.update(&later.id, patch, None).unwrap().conference_url.is_some());

    let signed = Signed::in_as(PERSONAL);
    let failure = signed.create(EventDraft { conference: true, ..meeting("task-1") }).unwrap_err();
    assert_eq!((failure.code.as_ref(), failure.field()), ("conference_not_supported", Some("conference")));
    assert_eq!((signed.find(&key("task-1")), signed.mailed()), (Ok(None), vec![]));
}

#[test]
fn a_calendar_that_may_only_be_read_is_not_written_to() {
    let signed = Signed::in_as(WORK);
    let calendars = signed.world.drive(Some(&signed.token), signed.world.provider.list_calendars()).unwrap();
    let holidays = calendars.into_iter().find(|calendar| calendar.access == CalendarAccess::Read).unwrap().id;
    let failure = signed.create(EventDraft { calendar: holidays, ..hold("task-1") }).unwrap_err();
    assert_eq!(failure.code, "scope_missing");
    assert!(failure.message.contains("may not do this"), "{failure}");
    let failure = signed.create(EventDraft { calendar: "AAMkAGnone".into(), ..hold("task-1") }).unwrap_err();
    assert_eq!(failure.code, "calendar_not_found");
}

#[test]
fn a_creation_whose_answer_was_lost_is_found_again() {
    let signed = Signed::in_as(EMPTY);
    signed.world.fault(json!({"route": "events.create", "fault": {"status": 503, "after": true}}));
    assert!(signed.create(meeting("task-1")).unwrap_err().is_retryable());
    let found = signed.find(&key("task-1")).unwrap().unwrap();
    assert_eq!(signed.create(meeting("task-1")).unwrap().id, found.id);
    assert_eq!(signed.mailed().len(), 1, "one invitation");
}
