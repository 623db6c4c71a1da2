//! What is in the calendars, and a record of everything that was ever done to them.

use std::collections::BTreeMap;

use huddle_calendar_sync::domain::time::{Interval, Timestamp};
use serde_json::{Map, Value, json};

use super::Account;

/// The private property that holds the key an event was created under: what the worker documents as its marker.
const KEY: &str = "calendarSyncKey";
/// The private property that names the hold an event is.
const HOLD: &str = "calendarSyncHold";
/// The private property that names the last changes, the latest first.
const CHANGE: &str = "calendarSyncChange";

/// An event, live or deleted.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// In which calendar.
    pub calendar: String,
    /// Its version.
    pub version: u64,
    /// When it was made.
    pub made_at: Timestamp,
    /// Everything else, as Google shows it.
    pub body: Map<String, Value>,
}

impl Event {
    /// Whether it was deleted.
    pub fn is_deleted(&self) -> bool {
        self.status() == "cancelled"
    }

    /// `confirmed`, `tentative` or `cancelled`.
    pub fn status(&self) -> &str {
        self.body.get("status").and_then(Value::as_str).unwrap_or("confirmed")
    }

    /// The key it was created under, where the worker made it.
    pub fn key(&self) -> Option<&str> {
        self.private(KEY)
    }

    /// The hold it is.
    pub fn hold(&self) -> Option<&str> {
        self.private(HOLD)
    }

    /// The time it takes, if it blocks any.
    pub fn blocks(&self) -> Option<Interval> {
        if self.is_deleted() || self.body.get("transparency").and_then(Value::as_str) == Some("transparent") {
            return None;
        }
        self.interval()
    }

    /// When it is.
    pub fn interval(&self) -> Option<Interval> {
        let at = |name: &str| {
            let time = self.body.get(name)?;
            match time.get("dateTime").and_then(Value::as_str) {
                Some(instant) => Timestamp::parse_rfc3339(instant),
                None => Timestamp::parse_rfc3339(&format!("{}T00:00:00Z", time.get("date")?.as_str()?)),
            }
        };
        Interval::new(at("start")?, at("end")?)
    }

    fn private(&self, name: &str) -> Option<&str> {
        self.body.get("extendedProperties")?.get("private")?.get(name)?.as_str()
    }

    fn attendees(&self) -> Vec<String> {
        let list = self.body.get("attendees").and_then(Value::as_array);
        let email = |entry: &Value| entry.get("email").and_then(Value::as_str).map(str::to_owned);
        list.into_iter().flatten().filter_map(email).collect()
    }

    /// The event as Google shows it.
    pub fn shown(&self) -> Value {
        let mut shown = self.body.clone();
        shown.insert("id".to_owned(), json!(self.id));
        shown.insert("etag".to_owned(), json!(self.etag()));
        Value::Object(shown)
    }

    /// Its version as a header carries it.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }
}

/// What a message in somebody's inbox says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Letter {
    /// You are invited.
    Invitation,
    /// Something changed.
    Change,
    /// It is off.
    Cancellation,
}

/// A message in somebody's inbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mail {
    /// About which event.
    pub event: String,
    /// To whom.
    pub to: String,
    /// What it says.
    pub letter: Letter,
}

/// Something that was done to a calendar through the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// An event was made.
    Created {
        /// Its id.
        event: String,
        /// Under which key.
        key: Option<String>,
    },
    /// An event was changed.
    Changed {
        /// Its id.
        event: String,
        /// What the change was called.
        change: Option<String>,
    },
    /// An event was deleted.
    Deleted {
        /// Its id.
        event: String,
        /// Its status until then.
        status: String,
        /// The hold it was.
        hold: Option<String>,
    },
}

/// All calendars.
#[derive(Debug, Default)]
pub struct Agenda {
    calendars: BTreeMap<String, BTreeMap<String, Event>>,
    versions: u64,
    /// Everyone's inboxes together.
    pub mails: Vec<Mail>,
    /// Everything that was done, oldest first.
    pub deeds: Vec<Deed>,
}

impl Agenda {
    pub(super) fn of(accounts: &[Account]) -> Self {
        let calendars = accounts
            .iter()
            .flat_map(|account| [account.email.clone(), second(&account.email)])
            .map(|calendar| (calendar, BTreeMap::new()))
            .collect();
        Self { calendars, ..Self::default() }
    }

    /// The ids of an account's calendars, the primary one first.
    pub fn calendars_of(&self, account: &str) -> [String; 2] {
        [account.to_owned(), second(account)]
    }

    /// The events of a calendar the account may see; `None` where there is no such calendar.
    pub fn events(&self, account: &str, calendar: &str) -> Option<&BTreeMap<String, Event>> {
        let calendar = if calendar == "primary" { account } else { calendar };
        self.calendars_of(account).contains(&calendar.to_owned()).then(|| &self.calendars[calendar])
    }

    /// Every event there is or was.
    pub fn all(&self) -> impl Iterator<Item = &Event> {
        self.calendars.values().flat_map(BTreeMap::values)
    }

    /// An event by its id, wherever it is.
    pub fn find(&self, id: &str) -> Option<&Event> {
        self.all().find(|event| event.id == id)
    }

    /// Makes an event; its id must be free.
    pub fn create(
        &mut self,
        calendar: &str,
        id: String,
        mut body: Map<String, Value>,
        invite: bool,
        now: Timestamp,
    ) -> &Event {
        body.remove("id");
        body.entry("status").or_insert_with(|| json!("confirmed"));
        body.insert("iCalUID".to_owned(), json!(format!("{id}@google.com")));
        body.insert("htmlLink".to_owned(), json!(format!("https://www.google.com/calendar/event?eid={id}")));
        if let Some(request) = body.get("conferenceData").and_then(|data| data.get("createRequest")) {
            let id = request.get("requestId").cloned();
            let point = json!({ "entryPointType": "video", "uri": format!("https://meet.google.com/{}", id.unwrap_or_default().as_str().unwrap_or_default()) });
            body.insert("conferenceData".to_owned(), json!({ "entryPoints": [point] }));
        }
        self.versions += 1;
        let event = Event {
            id: id.clone(),
            calendar: calendar.to_owned(),
            version: self.versions,
            made_at: now,
            body,
        };
        self.deeds.push(Deed::Created { event: id.clone(), key: event.key().map(str::to_owned) });
        if invite {
            self.mail(&event, Letter::Invitation, &event.attendees());
        }
        let events = self.calendars.get_mut(calendar).unwrap();
        events.insert(id.clone(), event);
        &events[&id]
    }

    /// Changes an event: members replace, `null` removes, maps are merged.
    pub fn patch(&mut self, calendar: &str, id: &str, patch: &Map<String, Value>, tell: bool) -> &Event {
        self.versions += 1;
        let mut event = self.calendars[calendar][id].clone();
        let before = event.attendees();
        event.version = self.versions;
        merge(&mut event.body, patch);
        let named = patch.get("extendedProperties").and_then(|properties| properties.get("private"));
        let changes = named.and_then(|private| private.get(CHANGE)).and_then(Value::as_str);
        let change = changes.and_then(|changes| changes.split(',').next());
        self.deeds.push(Deed::Changed { event: id.to_owned(), change: change.map(str::to_owned) });
        if tell {
            let (old, new): (Vec<_>, Vec<_>) =
                event.attendees().into_iter().partition(|attendee| before.contains(attendee));
            self.mail(&event, Letter::Change, &old);
            self.mail(&event, Letter::Invitation, &new);
        }
        let events = self.calendars.get_mut(calendar).unwrap();
        events.insert(id.to_owned(), event);
        &events[id]
    }

    /// Deletes an event.
    pub fn delete(&mut self, calendar: &str, id: &str, tell: bool) {
        self.versions += 1;
        let event = self.calendars.get_mut(calendar).unwrap().get_mut(id).unwrap();
        let deed = Deed::Deleted {
            event: id.to_owned(),
            status: event.status().to_owned(),
            hold: event.hold().map(str::to_owned),
        };
        self.deeds.push(deed);
        event.version = self.versions;
        event.body.insert("status".to_owned(), json!("cancelled"));
        let event = event.clone();
        if tell {
            self.mail(&event, Letter::Cancellation, &event.attendees());
        }
    }

    fn mail(&mut self, event: &Event, letter: Letter, to: &[String]) {
        let mails = to.iter().map(|to| Mail { event: event.id.clone(), to: to.clone(), letter });
        self.mails.extend(mails);
    }
}

fn second(account: &str) -> String {
    format!("{}@group.calendar.google.com", account.replace('@', "."))
}

fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (target.get_mut(name), value) {
            (_, Value::Null) => {
                target.remove(name);
            }
            (Some(Value::Object(inner)), Value::Object(changes)) => merge(inner, changes),
            (_, Value::Object(changes)) => {
                let mut inner = Map::new();
                merge(&mut inner, changes);
                target.insert(name.clone(), Value::Object(inner));
            }
            (_, value) => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}
