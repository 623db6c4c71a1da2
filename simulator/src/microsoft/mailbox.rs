//! A mailbox: calendars with their events, time zone and working hours.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::errors::ApiError;
use super::event::Event;
use super::ids::{self, ItemKey};
use super::zone::Zone;

/// One calendar.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Its number in the mailbox.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// One of Outlook's colour names.
    pub color: &'static str,
    /// Its colour as `#rrggbb`.
    pub hex_color: &'static str,
    /// Somebody else's calendar, or a feed, cannot be written to.
    pub can_edit: bool,
    /// It can be removed.
    pub removable: bool,
    /// Its events by number: singles and series.
    pub events: BTreeMap<u64, Event>,
    /// What was deleted, with the change that did it.
    pub tombstones: Vec<(u64, ItemKey)>,
    /// The change that last touched its properties.
    pub change: u64,
}

/// When its owner works.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkingHours {
    /// Days, in Graph's words.
    pub days: Vec<&'static str>,
    /// From this time of day.
    pub start: Time,
    /// To this time of day.
    pub end: Time,
    /// The `timeZone` that Graph shows: a name, or a custom zone with its bias.
    pub zone_json: Value,
    /// The same zone, to reckon with.
    pub zone: Zone,
}

impl WorkingHours {
    /// Monday to Friday, eight to five.
    pub fn office(zone: &Zone) -> Self {
        Self {
            days: vec!["monday", "tuesday", "wednesday", "thursday", "friday"],
            start: Time::constant(8, 0, 0, 0),
            end: Time::constant(17, 0, 0, 0),
            zone_json: json!({ "name": zone.name() }),
            zone: zone.clone(),
        }
    }

    /// As Graph shows them.
    pub fn render(&self) -> Value {
        let time = |time: Time| format!("{}.0000000", time.strftime("%H:%M:%S"));
        json!({
            "daysOfWeek": self.days,
            "startTime": time(self.start),
            "endTime": time(self.end),
            "timeZone": self.zone_json,
        })
    }

    /// The working time of one day; with `weekends`, of any day.
    pub fn on(&self, day: Date, weekends: bool) -> Option<(Timestamp, Timestamp)> {
        let name = match day.weekday() {
            Weekday::Monday => "monday",
            Weekday::Tuesday => "tuesday",
            Weekday::Wednesday => "wednesday",
            Weekday::Thursday => "thursday",
            Weekday::Friday => "friday",
            Weekday::Saturday => "saturday",
            Weekday::Sunday => "sunday",
        };
        let works = self.days.contains(&name) || (weekends && matches!(name, "saturday" | "sunday"));
        works.then(|| {
            (self.zone.instant(day.to_datetime(self.start)), self.zone.instant(day.to_datetime(self.end)))
        })
    }
}

/// A mailbox.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Its number; part of every id in it.
    pub number: u32,
    /// The zone its owner or administrator set: a Windows or an IANA name.
    pub zone: Zone,
    /// When its owner works.
    pub working_hours: WorkingHours,
    /// By number.
    pub calendars: BTreeMap<u32, Calendar>,
    /// The number of the default calendar.
    pub default_calendar: u32,
}

impl Mailbox {
    /// With one empty calendar.
    pub fn new(number: u32, zone: Zone, change: u64) -> Self {
        let mut mailbox = Self {
            number,
            working_hours: WorkingHours::office(&zone),
            zone,
            calendars: BTreeMap::new(),
            default_calendar: 1,
        };
        mailbox.add_calendar("Calendar", "auto", "", change);
        if let Some(calendar) = mailbox.calendars.get_mut(&1) {
            calendar.removable = false;
        }
        mailbox
    }

    /// Adds a calendar and returns its number.
    pub fn add_calendar(
        &mut self,
        name: &str,
        color: &'static str,
        hex_color: &'static str,
        change: u64,
    ) -> u32 {
        let number = self.calendars.keys().next_back().map_or(1, |last| last + 1);
        let calendar = Calendar {
            number,
            name: name.to_owned(),
            color,
            hex_color,
            can_edit: true,
            removable: true,
            events: BTreeMap::new(),
            tombstones: Vec::new(),
            change,
        };
        self.calendars.insert(number, calendar);
        number
    }

    /// The calendar with this id.
    pub fn calendar_by_id(&self, id: &str) -> Result<&Calendar, ApiError> {
        let number = ids::read_calendar_id(self.number, id).ok_or_else(ApiError::id_malformed)?;
        self.calendars.get(&number).ok_or_else(ApiError::item_not_found)
    }

    /// The calendar an event is on, and the item that its id names.
    ///
    /// A regular id from before the event moved no longer names anything.
    pub fn find(&self, id: &str) -> Result<(u32, ItemKey), ApiError> {
        let (calendar, key) = ids::read_event_id(self.number, id).ok_or_else(ApiError::id_malformed)?;
        let found = self
            .calendars
            .values()
            .find(|calendar| calendar.events.contains_key(&key.event))
            .filter(|found| calendar.is_none_or(|named| named == found.number))
            .ok_or_else(ApiError::item_not_found)?;
        Ok((found.number, key))
    }

    /// The event or occurrence that a key names.
    pub fn item(&self, calendar: u32, key: ItemKey) -> Option<Event> {
        let event = self.calendars.get(&calendar)?.events.get(&key.event)?;
        match key.day {
            None => Some(event.clone()),
            Some(day) => event.occurrence(day),
        }
    }

    /// Midnight in the mailbox's zone.
    pub fn midnight(&self, day: Date) -> Timestamp {
        self.zone.instant(day.at(0, 0, 0, 0))
    }

    /// The day that an instant falls on.
    pub fn day_of(&self, instant: Timestamp) -> Date {
        DateTime::date(self.zone.local(instant))
    }

    /// The day after another.
    pub fn next_day(day: Date) -> Date {
        day.saturating_add(1.day())
    }
}
