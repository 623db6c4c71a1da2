//! Google's JSON as it comes, and its conversion into our types. What may be missing, is optional.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;

use crate::domain::{
    calendar::{Calendar, CalendarAccess},
    event::{Attendee, CreationKey, Event, EventStatus, EventTimes, Marker},
    failure::Failure,
    ids::{CalendarId, ETag, EventId, HoldId},
    time::{Interval, Timestamp},
    zone::Zone,
};

/// The private extended property that holds an event's creation key.
pub(super) const KEY_PROPERTY: &str = "calendarSyncKey";
/// The private extended property that holds the id of the hold an event is.
pub(super) const HOLD_PROPERTY: &str = "calendarSyncHold";
/// The private extended property that names the last change we made.
pub(super) const CHANGE_PROPERTY: &str = "calendarSyncChange";

/// A page of `calendarList.list`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CalendarListPage {
    #[serde(default)]
    pub(super) items: Vec<CalendarListEntry>,
    #[serde(default)]
    pub(super) next_page_token: Option<String>,
}

/// An entry of the calendar list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CalendarListEntry {
    id: String,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    summary_override: Option<String>,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    primary: Option<bool>,
    #[serde(default)]
    access_role: Option<String>,
    #[serde(default)]
    selected: Option<bool>,
    #[serde(default)]
    deleted: Option<bool>,
}

impl CalendarListEntry {
    /// The calendar; `None` for one that was removed from the list or that the account may not see at all.
    pub(super) fn into_calendar(self) -> Option<Calendar> {
        let access = match self.access_role.as_deref() {
            Some("owner") => CalendarAccess::Own,
            Some("writer" | "writerWithoutPrivateAccess") => CalendarAccess::Write,
            Some("reader") => CalendarAccess::Read,
            Some("none") => return None,
            // A role newer than this code: the least that every role allows.
            Some(_) | None => CalendarAccess::FreeBusy,
        };
        (self.deleted != Some(true)).then(|| Calendar {
            name: self.summary_override.or(self.summary).unwrap_or_else(|| self.id.clone()),
            id: CalendarId::new(self.id),
            zone: self.time_zone.as_deref().and_then(Zone::named),
            primary: self.primary.unwrap_or(false),
            access,
            selected: self.selected.unwrap_or(false),
        })
    }
}

/// An answer of `freeBusy.query`.
#[derive(Debug, Deserialize)]
pub(super) struct FreeBusyAnswer {
    #[serde(default)]
    pub(super) calendars: BTreeMap<String, CalendarAnswer>,
}

/// What `freeBusy.query` says of one calendar.
#[derive(Debug, Deserialize)]
pub(super) struct CalendarAnswer {
    #[serde(default)]
    pub(super) busy: Vec<BusySpan>,
    #[serde(default)]
    pub(super) errors: Vec<CalendarError>,
}

/// A busy span, RFC 3339.
#[derive(Debug, Deserialize)]
pub(super) struct BusySpan {
    pub(super) start: String,
    pub(super) end: String,
}

/// Why a calendar is not answered for.
#[derive(Debug, Deserialize)]
pub(super) struct CalendarError {
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// The parts of a calendar resource that tell whose it is and where it is at home.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CalendarResource {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) time_zone: Option<String>,
}

/// One of the account's settings.
#[derive(Debug, Deserialize)]
pub(super) struct Setting {
    #[serde(default)]
    pub(super) value: Option<String>,
}

/// An event resource.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventResource {
    id: String,
    #[serde(default)]
    etag: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    html_link: Option<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    start: Option<EventTime>,
    #[serde(default)]
    end: Option<EventTime>,
    #[serde(default)]
    attendees: Vec<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    recurrence: Vec<String>,
    #[serde(default)]
    hangout_link: Option<String>,
    #[serde(default)]
    conference_data: Option<ConferenceData>,
    #[serde(default)]
    extended_properties: Option<ExtendedProperties>,
    #[serde(default, rename = "iCalUID")]
    ical_uid: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventTime {
    #[serde(default)]
    date: Option<String>,
    #[serde(default)]
    date_time: Option<String>,
    #[serde(default)]
    time_zone: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConferenceData {
    #[serde(default)]
    entry_points: Vec<EntryPoint>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryPoint {
    #[serde(default)]
    entry_point_type: Option<String>,
    #[serde(default)]
    uri: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ExtendedProperties {
    #[serde(default)]
    private: BTreeMap<String, String>,
}

impl EventResource {
    /// The people invited, with everything Google says about them.
    pub(super) fn attendees(&self) -> &[serde_json::Map<String, serde_json::Value>] {
        &self.attendees
    }

    /// The changes of ours it remembers, the latest first.
    pub(super) fn changes(&self) -> Vec<CreationKey> {
        let properties = self.extended_properties.as_ref();
        let list = properties.and_then(|properties| properties.private.get(CHANGE_PROPERTY));
        list.into_iter().flat_map(|list| list.split(',')).filter_map(CreationKey::parse).collect()
    }

    /// The event, as one of `calendar`.
    pub(super) fn into_event(self, calendar: &CalendarId) -> Result<Event, Failure> {
        let times = match (&self.start, &self.end) {
            (Some(start), Some(end)) => event_times(start, end)?,
            _ => None,
        };
        let video = self.conference_data.and_then(|data| {
            let mut points = data.entry_points.into_iter();
            points.find(|point| point.entry_point_type.as_deref() == Some("video"))?.uri
        });
        let private = self.extended_properties.map(|properties| properties.private).unwrap_or_default();
        Ok(Event {
            id: EventId::new(self.id),
            calendar: calendar.clone(),
            etag: self.etag.map(ETag::new),
            status: match self.status.as_deref() {
                Some("cancelled") => EventStatus::Cancelled,
                Some("tentative") => EventStatus::Tentative,
                _ => EventStatus::Confirmed,
            },
            times,
            summary: self.summary,
            attendees: self.attendees.into_iter().filter_map(attendee).collect(),
            recurrence: self.recurrence,
            marker: marker(&private),
            html_link: self.html_link,
            conference_url: video.or(self.hangout_link),
            ical_uid: self.ical_uid,
        })
    }
}

fn attendee(entry: serde_json::Map<String, serde_json::Value>) -> Option<Attendee> {
    let text = |name: &str| entry.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    Some(Attendee {
        email: text("email")?,
        display_name: text("displayName"),
        optional: entry.get("optional").and_then(serde_json::Value::as_bool).unwrap_or(false),
    })
}

fn marker(private: &BTreeMap<String, String>) -> Option<Marker> {
    Some(Marker {
        key: CreationKey::parse(private.get(KEY_PROPERTY)?)?,
        hold: private.get(HOLD_PROPERTY).map(|hold| HoldId::new(hold.as_str())),
    })
}

/// `None` for an event without duration, which no half-open span can say.
fn event_times(start: &EventTime, end: &EventTime) -> Result<Option<EventTimes>, Failure> {
    match (&start.date, &end.date) {
        (Some(first), Some(after)) => {
            let start = date(first, "start.date")?;
            let end = date(after, "end.date")?;
            Ok((start < end).then(|| EventTimes::AllDay { start, end, zone: Zone::utc() }))
        }
        _ => {
            let zone = start.time_zone.as_deref().and_then(Zone::named).unwrap_or_else(Zone::utc);
            let interval = Interval::new(instant(start, "start")?, instant(end, "end")?);
            Ok(interval.map(|interval| EventTimes::Timed { interval, zone }))
        }
    }
}

fn date(text: &str, path: &str) -> Result<NaiveDate, Failure> {
    text.parse().map_err(|_| odd(path, "a date"))
}

fn instant(time: &EventTime, path: &str) -> Result<Timestamp, Failure> {
    let text = time.date_time.as_deref().unwrap_or_default();
    Timestamp::parse_rfc3339(text).ok_or_else(|| odd(path, "an instant"))
}

fn odd(path: &str, expected: &str) -> Failure {
    Failure::fatal("provider_unreadable", format!("Google's event has no {expected} at {path}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(json: Value) -> Result<Event, Failure> {
        serde_json::from_value::<EventResource>(json).unwrap().into_event(&"primary".into())
    }

    fn calendar(json: Value) -> Option<Calendar> {
        serde_json::from_value::<CalendarListEntry>(json).unwrap().into_calendar()
    }

    #[test]
    fn access_roles_become_what_we_may_do() {
        for (role, access) in [
            ("owner", Some(CalendarAccess::Own)),
            ("writer", Some(CalendarAccess::Write)),
            ("writerWithoutPrivateAccess", Some(CalendarAccess::Write)),
            ("reader", Some(CalendarAccess::Read)),
            ("freeBusyReader", Some(CalendarAccess::FreeBusy)),
            ("somethingNew", Some(CalendarAccess::FreeBusy)),
            ("none", None),
        ] {
            let calendar = calendar(json!({"id": "c", "accessRole": role}));
            assert_eq!(calendar.map(|calendar| calendar.access), access, "{role}");
        }
    }

    #[test]
    fn a_calendar_is_called_what_its_person_calls_it() {
        let named = |json| calendar(json).unwrap().name;
        assert_eq!(named(json!({"id": "c", "summary": "Team", "summaryOverride": "Us"})), "Us");
        assert_eq!(named(json!({"id": "c", "summary": "Team"})), "Team");
        assert_eq!(named(json!({"id": "c"})), "c");
        assert_eq!(calendar(json!({"id": "c", "deleted": true})), None);
    }

    #[test]
    fn a_timed_event_keeps_its_instants_and_its_zone() {
        let event = event(json!({
            "id": "e1", "etag": "\"33\"", "status": "tentative", "summary": "Review", "iCalUID": "e1@google.com",
            "htmlLink": "https://www.google.com/calendar/event?eid=1",
            "start": {"dateTime": "2026-03-29T09:00:00+02:00", "timeZone": "Europe/Berlin"},
            "end": {"dateTime": "2026-03-29T08:00:00Z"},
            "attendees": [{"email": "ada@example.com", "displayName": "Ada", "optional": true}, {"id": "7"}],
            "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"],
            "hangoutLink": "https://meet.google.com/old",
            "conferenceData": {"entryPoints": [
                {"entryPointType": "phone", "uri": "tel:+1"},
                {"entryPointType": "video", "uri": "https://meet.google.com/abc"}
            ]},
            "extendedProperties": {"private": {
                "calendarSyncKey": "0123456789abcdef0123456789abcdef", "calendarSyncHold": "h1", "other": "x",
                "calendarSyncChange": "ffffffffffffffffffffffffffffffff,eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
            }}
        }))
        .unwrap();
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        assert_eq!(
            event,
            Event {
                id: EventId::new("e1"),
                calendar: CalendarId::new("primary"),
                etag: Some(ETag::new("\"33\"")),
                status: EventStatus::Tentative,
                times: Some(EventTimes::Timed {
                    interval: Interval::new(at("2026-03-29T07:00:00Z"), at("2026-03-29T08:00:00Z")).unwrap(),
                    zone: Zone::named("Europe/Berlin").unwrap(),
                }),
                summary: Some("Review".to_owned()),
                attendees: vec![Attendee {
                    email: "ada@example.com".to_owned(),
                    display_name: Some("Ada".to_owned()),
                    optional: true,
                }],
                recurrence: vec!["RRULE:FREQ=WEEKLY;COUNT=4".to_owned()],
                marker: Some(Marker {
                    key: CreationKey::parse("0123456789abcdef0123456789abcdef").unwrap(),
                    hold: Some(HoldId::new("h1")),
                }),
                html_link: Some("https://www.google.com/calendar/event?eid=1".to_owned()),
                conference_url: Some("https://meet.google.com/abc".to_owned()),
                ical_uid: Some("e1@google.com".to_owned()),
            }
        );
    }

    #[test]
    fn an_all_day_event_is_days_and_a_bare_cancelled_one_says_little() {
        let all_day =
            event(json!({"id": "e", "start": {"date": "2026-03-29"}, "end": {"date": "2026-03-31"}}))
                .unwrap();
        assert_eq!(
            all_day.times,
            Some(EventTimes::AllDay {
                start: NaiveDate::from_ymd_opt(2026, 3, 29).unwrap(),
                end: NaiveDate::from_ymd_opt(2026, 3, 31).unwrap(),
                zone: Zone::utc(),
            })
        );
        let cancelled = event(json!({"id": "e", "status": "cancelled"})).unwrap();
        assert_eq!((cancelled.status, cancelled.times), (EventStatus::Cancelled, None));
        let pending = event(
            json!({"id": "e", "conferenceData": {"createRequest": {"status": {"statusCode": "pending"}}}}),
        );
        assert_eq!(pending.unwrap().conference_url, None);
    }

    #[test]
    fn times_nobody_understands_are_an_error_that_says_where() {
        for (start, end, path) in [
            (json!({"date": "29.3.2026"}), json!({"date": "2026-03-31"}), "start.date"),
            (
                json!({"dateTime": "2026-03-29T09:00:00"}),
                json!({"dateTime": "2026-03-29T09:00:00Z"}),
                "start",
            ),
            (json!({"dateTime": "2026-03-29T09:00:00Z"}), json!({}), "end"),
        ] {
            let failure = event(json!({"id": "e", "start": start, "end": end})).unwrap_err();
            assert_eq!(failure.code, "provider_unreadable");
            assert!(failure.message.ends_with(&format!("at {path}")), "{failure}");
        }
    }
}
