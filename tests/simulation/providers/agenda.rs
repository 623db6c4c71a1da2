//! What is in the calendars, and a record of everything that was ever done to them.

use std::collections::BTreeMap;

use huddle_calendar_sync::domain::time::{Interval, Timestamp};
use serde_json::{Map, Value};

/// What an event's body says, whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whether it is certain, and not tentative.
    pub confirmed: bool,
    /// When it is; `None` where that makes no sense.
    pub interval: Option<Interval>,
    /// Whether it makes its time busy.
    pub blocks: bool,
    /// The key it was created under, where the worker made it.
    pub key: Option<String>,
    /// Who is invited.
    pub attendees: Vec<String>,
}

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
    /// Whether it was deleted.
    pub deleted: bool,
    /// What its body says.
    pub facts: Facts,
    /// Everything else, in its provider's words.
    pub body: Map<String, Value>,
}

impl Event {
    /// The key it was created under, where the worker made it.
    pub fn key(&self) -> Option<&str> {
        self.facts.key.as_deref()
    }

    /// The time it takes, if it blocks any.
    pub fn blocks(&self) -> Option<Interval> {
        self.facts.interval.filter(|_| self.facts.blocks && !self.deleted)
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

/// Something that was done to a calendar.
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
        /// What the change was called.
        change: Option<String>,
    },
    /// An event was deleted.
    Deleted {
        /// Its id.
        event: String,
    },
}

/// All calendars.
#[derive(Debug, Default)]
pub struct Agenda {
    /// The ids of each account's calendars, the primary one first.
    accounts: BTreeMap<String, Vec<String>>,
    calendars: BTreeMap<String, BTreeMap<String, Event>>,
    versions: u64,
    /// Everyone's inboxes together.
    pub mails: Vec<Mail>,
    /// Everything that was done, oldest first.
    pub deeds: Vec<Deed>,
}

impl Agenda {
    pub(super) fn of(accounts: BTreeMap<String, Vec<String>>) -> Self {
        let calendars = accounts.values().flatten().map(|id| (id.clone(), BTreeMap::new())).collect();
        Self { accounts, calendars, ..Self::default() }
    }

    /// The ids of an account's calendars, the primary one first.
    pub fn calendars_of(&self, account: &str) -> &[String] {
        self.accounts.get(account).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whose a calendar is.
    pub fn owner_of(&self, calendar: &str) -> &str {
        let owner = self.accounts.iter().find(|(_, ids)| ids.iter().any(|id| id == calendar));
        owner.map(|(account, _)| account.as_str()).expect("every calendar is somebody's")
    }

    /// The events of a calendar the account may see; `None` where there is no such calendar.
    pub fn events(&self, account: &str, calendar: &str) -> Option<&BTreeMap<String, Event>> {
        let known = self.calendars_of(account).iter().any(|id| id == calendar);
        self.calendars.get(calendar).filter(|_| known)
    }

    /// Every event there is or was.
    pub fn all(&self) -> impl Iterator<Item = &Event> {
        self.calendars.values().flat_map(BTreeMap::values)
    }

    /// An event by its id, wherever it is.
    pub fn find(&self, id: &str) -> Option<&Event> {
        self.calendars.values().find_map(|events| events.get(id))
    }

    /// Every event made under that key, wherever it is.
    pub fn made_under(&self, key: &str) -> impl Iterator<Item = &Event> {
        self.all().filter(move |event| event.key() == Some(key))
    }

    /// Makes an event; its id must be free.
    pub fn create(
        &mut self,
        calendar: &str,
        id: String,
        body: Map<String, Value>,
        facts: Facts,
        invite: bool,
        now: Timestamp,
    ) -> &Event {
        self.versions += 1;
        self.deeds.push(Deed::Created { event: id.clone(), key: facts.key.clone() });
        let event = Event {
            id: id.clone(),
            calendar: calendar.to_owned(),
            version: self.versions,
            made_at: now,
            deleted: false,
            facts,
            body,
        };
        if invite {
            self.mail(&id, Letter::Invitation, &event.facts.attendees);
        }
        let events = self.calendars.get_mut(calendar).unwrap();
        events.insert(id.clone(), event);
        &events[&id]
    }

    /// Gives an event another body, by a change of that name.
    pub fn change(
        &mut self,
        calendar: &str,
        id: &str,
        body: Map<String, Value>,
        facts: Facts,
        change: Option<String>,
        tell: bool,
    ) -> &Event {
        self.versions += 1;
        self.deeds.push(Deed::Changed { change });
        let mut event = self.calendars[calendar][id].clone();
        if tell {
            let known = |attendee: &String| event.facts.attendees.contains(attendee);
            let (old, new): (Vec<_>, Vec<_>) = facts.attendees.iter().cloned().partition(known);
            self.mail(id, Letter::Change, &old);
            self.mail(id, Letter::Invitation, &new);
        }
        event.version = self.versions;
        event.body = body;
        event.facts = facts;
        let events = self.calendars.get_mut(calendar).unwrap();
        events.insert(id.to_owned(), event);
        &events[id]
    }

    /// Undoes that an event was deleted.
    pub fn revive(&mut self, calendar: &str, id: &str) {
        self.calendars.get_mut(calendar).unwrap().get_mut(id).unwrap().deleted = false;
    }

    /// Deletes an event.
    pub fn delete(&mut self, calendar: &str, id: &str, tell: bool) {
        self.versions += 1;
        self.deeds.push(Deed::Deleted { event: id.to_owned() });
        let event = self.calendars.get_mut(calendar).unwrap().get_mut(id).unwrap();
        event.version = self.versions;
        event.deleted = true;
        let attendees = event.facts.attendees.clone();
        if tell {
            self.mail(id, Letter::Cancellation, &attendees);
        }
    }

    fn mail(&mut self, event: &str, letter: Letter, to: &[String]) {
        let mails = to.iter().map(|to| Mail { event: event.to_owned(), to: to.clone(), letter });
        self.mails.extend(mails);
    }
}
