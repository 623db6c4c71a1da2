//! An event as the simulator keeps it, and a series expanded into its occurrences.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::ids::ItemKey;
use super::recurrence::Recurrence;
use super::zone::Zone;

/// The most occurrences one series is expanded into.
const MOST_OCCURRENCES: usize = 5_000;

/// What an event is within a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not part of a series.
    Single,
    /// The series itself.
    Master,
    /// One of a series, as the series says.
    Occurrence,
    /// One of a series, changed.
    Exception,
}

impl Kind {
    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "singleInstance",
            Self::Master => "seriesMaster",
            Self::Occurrence => "occurrence",
            Self::Exception => "exception",
        }
    }
}

/// A person as mail knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name shown.
    pub name: String,
    /// The address.
    pub address: String,
}

impl Person {
    /// As Graph shows a person in an event.
    pub fn render(&self) -> Value {
        json!({ "emailAddress": { "name": self.name, "address": self.address } })
    }
}

/// The mailbox owner's answer to an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnResponse {
    /// `organizer`, `notResponded`, `accepted`, `tentativelyAccepted`, `declined` or `none`.
    pub response: &'static str,
    /// When it was given.
    pub at: Option<Timestamp>,
}

/// A half-open range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Events that end at or before this are outside.
    pub from: Timestamp,
    /// Events that start at or after this are outside.
    pub until: Timestamp,
}

/// An event as the simulator keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number, and for one of a series the day it was planned for.
    pub key: ItemKey,
    /// Single, series or part of one.
    pub kind: Kind,
    /// Every plain property, as Graph shows it.
    pub fields: Map<String, Value>,
    /// When it starts, in `start_zone`; midnight when it is all day.
    pub start: DateTime,
    /// The zone it was planned in.
    pub start_zone: Zone,
    /// When it ends, in `end_zone`; exclusive.
    pub end: DateTime,
    /// The zone of its end.
    pub end_zone: Zone,
    /// Whole days: shown from midnight to midnight wherever it is looked at, though it takes up the days of its own zone.
    pub all_day: bool,
    /// Shown as `originalStartTimeZone` instead of the zone's name; some clients store odd ones.
    pub shown_zone: Option<String>,
    /// Set on a series.
    pub recurrence: Option<Recurrence>,
    /// Changed occurrences by the day they were planned for.
    pub exceptions: BTreeMap<Date, Event>,
    /// Days whose occurrence was deleted.
    pub cancelled_days: BTreeSet<Date>,
    /// The client's key for creating it once.
    pub transaction_id: Option<String>,
    /// What the client sent to create it, which a repeat of the transaction is compared with.
    pub created_from: Map<String, Value>,
    /// The same on every copy of a meeting.
    pub ical_uid: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub modified: Timestamp,
    /// The change that last touched it.
    pub change: u64,
    /// The change that last touched every occurrence of it.
    pub series_change: u64,
    /// Who called the meeting.
    pub organizer: Person,
    /// Whether that is the mailbox's owner.
    pub is_organizer: bool,
    /// The owner's answer.
    pub response: OwnResponse,
    /// The organiser cancelled it.
    pub is_cancelled: bool,
    /// Set when it has a Teams meeting.
    pub online_meeting: Option<Value>,
    /// Single-value extended properties: id and value.
    pub properties: Vec<(String, String)>,
    /// For one of a series, when it was planned.
    pub original_start: Option<Timestamp>,
}

impl Event {
    /// A plain property's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    /// Its title.
    pub fn subject(&self) -> &str {
        self.text("subject").unwrap_or("")
    }

    /// The addresses of its attendees, in lower case.
    pub fn attendees(&self) -> Vec<String> {
        let list = self.fields.get("attendees").and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|attendee| attendee["emailAddress"]["address"].as_str())
            .map(str::to_ascii_lowercase)
            .collect()
    }

    /// When it starts. Exchange keeps the instant of a whole day too: midnight in the zone it was written with, which need
    /// not be the mailbox's.
    pub fn starts(&self) -> Timestamp {
        self.start_zone.instant(self.start)
    }

    /// When it ends, exclusive.
    pub fn ends(&self) -> Timestamp {
        self.end_zone.instant(self.end)
    }

    /// Whether it overlaps a window.
    pub fn overlaps(&self, window: Window) -> bool {
        let starts = self.starts();
        // An event without length counts as lasting a moment, so that it is inside the range it starts in.
        let ends = self.ends().max(starts + SignedDuration::from_nanos(1));
        starts < window.until && ends > window.from
    }

    /// The occurrence of a series that was planned for a day, exceptions considered.
    pub fn occurrence(&self, day: Date) -> Option<Event> {
        if self.cancelled_days.contains(&day) {
            return None;
        }
        if let Some(exception) = self.exceptions.get(&day) {
            return Some(exception.clone());
        }
        self.planned_days().take_while(|planned| *planned <= day).last().filter(|last| *last == day)?;
        Some(self.without_changes().planned(day))
    }

    /// What a calendar shows of this event inside a window: itself, or its occurrences.
    pub fn expand(&self, window: Window) -> Vec<Event> {
        if self.recurrence.is_none() {
            return if self.overlaps(window) { vec![self.clone()] } else { Vec::new() };
        }
        let mut found: Vec<Event> =
            self.exceptions.values().filter(|event| event.overlaps(window)).cloned().collect();
        let bare = self.without_changes();
        for day in self.planned_days() {
            if self.cancelled_days.contains(&day) || self.exceptions.contains_key(&day) {
                continue;
            }
            let occurrence = bare.planned(day);
            if occurrence.starts() >= window.until {
                break;
            }
            if occurrence.overlaps(window) {
                found.push(occurrence);
            }
            if found.len() == MOST_OCCURRENCES {
                break;
            }
        }
        found.sort_by_key(|event| event.starts());
        found
    }

    fn planned_days(&self) -> impl Iterator<Item = Date> {
        self.recurrence.iter().flat_map(|recurrence| recurrence.starts(self.start)).map(DateTime::date)
    }

    /// The series alone, cheap to make occurrences of.
    fn without_changes(&self) -> Event {
        let (exceptions, cancelled_days) = (BTreeMap::new(), BTreeSet::new());
        let bare =
            Event { exceptions, cancelled_days, recurrence: None, transaction_id: None, ..self.clone() };
        Event { kind: Kind::Occurrence, change: self.series_change, ..bare }
    }

    /// The occurrence on a day that the pattern is known to have.
    fn planned(&self, day: Date) -> Event {
        let start = day.to_datetime(self.start.time());
        let length = self.end.duration_since(self.start);
        let mut occurrence = Event {
            key: ItemKey { event: self.key.event, day: Some(day) },
            start,
            end: start.saturating_add(length),
            ..self.clone()
        };
        occurrence.original_start = Some(occurrence.starts());
        occurrence.ical_uid = occurrence_uid(&self.ical_uid, day);
        occurrence
    }
}

/// A global object id: the same form as Outlook's, with random content.
pub fn new_ical_uid() -> String {
    format!("040000008200E00074C5B7101A82E00800000000{:032X}0000000010000000", fastrand::u128(..))
}

/// The id of one occurrence: the day is written into bytes 16 to 19 of the global object id (MS-OXOCAL 2.2.1.27).
fn occurrence_uid(uid: &str, day: Date) -> String {
    match (uid.get(..32), uid.get(40..)) {
        (Some(head), Some(tail)) => {
            format!("{head}{:04X}{:02X}{:02X}{tail}", day.year(), day.month(), day.day())
        }
        _ => uid.to_owned(),
    }
}
