//! Everything the simulated Google remembers: accounts, calendars, clients, grants, channels, quotas.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::behaviour::Behaviour;
use super::errors::ApiError;
use super::event::Event;
use super::oauth::clients::{Client, default_clients};
use super::oauth::grants::Grants;
use super::quota::Quota;
use super::watch::Channels;
use super::zone::Zone;

/// What an account may do on a calendar; each role includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Sees when it is busy.
    FreeBusyReader,
    /// Sees events; private ones without their details.
    Reader,
    /// Changes events.
    Writer,
    /// Shares and deletes the calendar.
    Owner,
}

impl Role {
    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::FreeBusyReader => "freeBusyReader",
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Owner => "owner",
        }
    }
}

/// One account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its address, also the id of its primary calendar.
    pub email: String,
    /// The `sub` of its id tokens.
    pub subject: String,
    /// The person's name.
    pub name: String,
    /// The zone in its settings.
    pub time_zone: String,
    /// Its calendar list, by calendar id.
    pub list: BTreeMap<String, ListEntry>,
    /// Calendar list sync tokens from before this change have expired.
    pub list_sync_floor: u64,
    /// The change that last touched the settings.
    pub settings_change: u64,
}

/// A calendar as it stands in one account's list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListEntry {
    /// Whether its events are shown.
    pub selected: bool,
    /// Whether it is hidden from the list.
    pub hidden: bool,
    /// Taken off the list; kept for sync.
    pub deleted: bool,
    /// The account's own name for it.
    pub summary_override: Option<String>,
    /// Colour, `1` to `24`.
    pub color_id: String,
    /// Default reminders as `(method, minutes)`.
    pub default_reminders: Vec<(String, u32)>,
    /// The change that last touched this entry.
    pub change: u64,
}

/// One calendar with its events.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Its id: the owner's address, or one at `group.calendar.google.com`.
    pub id: String,
    /// Its title.
    pub summary: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its zone.
    pub zone: Zone,
    /// Who may do what.
    pub access: BTreeMap<String, Role>,
    /// Its events by id: singles, masters, exceptions; cancelled ones stay.
    pub events: BTreeMap<String, Event>,
    /// Event sync tokens from before this change have expired.
    pub sync_floor: u64,
    /// The change that last touched the calendar's properties.
    pub change: u64,
    /// When an event last changed.
    pub updated: Timestamp,
}

/// A push notification to be sent once the request that caused it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingNotification {
    /// The channel's id.
    pub channel_id: String,
    /// `sync`, `exists` or `not_exists`.
    pub state: &'static str,
}

/// Everything the simulated Google remembers.
#[derive(Debug)]
pub struct World {
    /// By address.
    pub accounts: BTreeMap<String, Account>,
    /// By id.
    pub calendars: BTreeMap<String, Calendar>,
    /// OAuth clients by id.
    pub clients: BTreeMap<String, Client>,
    /// What was granted, and its tokens.
    pub grants: Grants,
    /// Open notification channels.
    pub channels: Channels,
    /// Requests counted against limits.
    pub quota: Quota,
    /// Knobs.
    pub behaviour: Behaviour,
    /// Events, with their calendars, whose conference may be undecided.
    pub pending_conferences: BTreeSet<(String, String)>,
    /// Notifications to send.
    pub pending_notifications: VecDeque<PendingNotification>,
    last_change: u64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            accounts: BTreeMap::new(),
            calendars: BTreeMap::new(),
            clients: default_clients(),
            grants: Grants::default(),
            channels: Channels::default(),
            quota: Quota::default(),
            behaviour: Behaviour::default(),
            pending_conferences: BTreeSet::new(),
            pending_notifications: VecDeque::new(),
            last_change: 0,
        }
    }
}

impl World {
    /// The number of the newest change; every change anywhere has its own.
    pub fn last_change(&self) -> u64 {
        self.last_change
    }

    /// A number for a change about to be made.
    pub fn next_change(&mut self) -> u64 {
        self.last_change += 1;
        self.last_change
    }

    /// An account's address as it is stored, from any spelling of it.
    pub fn find_account(&self, email: &str) -> Option<String> {
        let email = email.trim().to_ascii_lowercase();
        self.accounts.contains_key(&email).then_some(email)
    }

    /// The id a path names: `primary` is the account's own.
    pub fn resolve_calendar<'a>(account: &'a str, id: &'a str) -> &'a str {
        if id == "primary" { account } else { id }
    }

    /// The calendar, if the account may see it at all.
    pub fn calendar(&self, account: &str, id: &str) -> Result<(&Calendar, Role), ApiError> {
        let calendar =
            self.calendars.get(Self::resolve_calendar(account, id)).ok_or_else(ApiError::not_found)?;
        let role = calendar.access.get(account).copied().ok_or_else(ApiError::not_found)?;
        Ok((calendar, role))
    }

    /// The calendar, if the account has at least this role on it.
    pub fn calendar_as(&self, account: &str, id: &str, least: Role) -> Result<&Calendar, ApiError> {
        let (calendar, role) = self.calendar(account, id)?;
        if role < least { Err(ApiError::requires_access(least.name())) } else { Ok(calendar) }
    }

    /// The same, for changing it.
    pub fn calendar_mut(&mut self, account: &str, id: &str, least: Role) -> Result<&mut Calendar, ApiError> {
        let id = self.calendar_as(account, id, least)?.id.clone();
        self.calendars.get_mut(&id).ok_or_else(ApiError::not_found)
    }

    /// Adds a calendar to an account's list, with its role on it.
    pub fn subscribe(&mut self, account: &str, calendar: &str, role: Role, selected: bool) {
        let change = self.next_change();
        if let Some(calendar) = self.calendars.get_mut(calendar) {
            calendar.access.insert(account.to_owned(), role);
        }
        if let Some(account) = self.accounts.get_mut(account) {
            let color_id = (account.list.len() % 24 + 1).to_string();
            let reminders =
                if calendar == account.email { vec![("popup".to_owned(), 10)] } else { Vec::new() };
            let entry = ListEntry {
                selected,
                hidden: false,
                deleted: false,
                summary_override: None,
                color_id,
                default_reminders: reminders,
                change,
            };
            account.list.insert(calendar.to_owned(), entry);
        }
        self.notify_list(account);
    }

    /// Adds a calendar nobody has access to yet.
    pub fn add_calendar(&mut self, id: &str, summary: &str, zone: Zone, now: Timestamp) {
        let change = self.next_change();
        let calendar = Calendar {
            id: id.to_owned(),
            summary: summary.to_owned(),
            description: None,
            zone,
            access: BTreeMap::new(),
            events: BTreeMap::new(),
            sync_floor: 0,
            change,
            updated: now,
        };
        self.calendars.insert(id.to_owned(), calendar);
    }

    /// Adds an account with its primary calendar.
    pub fn add_account(&mut self, email: &str, name: &str, zone: Zone, now: Timestamp) {
        let change = self.next_change();
        let digits = email.bytes().fold(7u64, |hash, byte| hash.wrapping_mul(131).wrapping_add(byte.into()));
        let account = Account {
            email: email.to_owned(),
            subject: format!("1{:020}", digits),
            name: name.to_owned(),
            time_zone: zone.name().to_owned(),
            list: BTreeMap::new(),
            list_sync_floor: 0,
            settings_change: change,
        };
        self.accounts.insert(email.to_owned(), account);
        self.add_calendar(email, email, zone, now);
        self.subscribe(email, email, Role::Owner, true);
    }

    /// Deletes a calendar; it goes from every list.
    pub fn remove_calendar(&mut self, id: &str) {
        self.calendars.remove(id);
        let change = self.next_change();
        let mut touched = Vec::new();
        for account in self.accounts.values_mut() {
            if let Some(entry) = account.list.get_mut(id) {
                entry.deleted = true;
                entry.change = change;
                touched.push(account.email.clone());
            }
        }
        for account in touched {
            self.notify_list(&account);
        }
    }

    /// Makes event sync tokens issued so far invalid.
    pub fn expire_sync_tokens(&mut self, account: Option<&str>, calendar: Option<&str>) -> usize {
        let floor = self.next_change();
        let mut expired = 0;
        for (id, found) in &mut self.calendars {
            let of_account = account.is_none_or(|account| found.access.contains_key(account));
            if of_account && calendar.is_none_or(|calendar| calendar == id) {
                found.sync_floor = floor;
                expired += 1;
            }
        }
        if calendar.is_none() {
            for (email, found) in &mut self.accounts {
                if account.is_none_or(|account| account == email) {
                    found.list_sync_floor = floor;
                }
            }
        }
        expired
    }

    /// Notes that a calendar's events changed, for the channels that watch it.
    pub fn notify_events(&mut self, calendar: &str) {
        let watching = self.channels.watching_events(calendar);
        self.enqueue(watching);
    }

    /// Notes that an account's calendar list changed.
    pub fn notify_list(&mut self, account: &str) {
        let watching = self.channels.watching_list(account);
        self.enqueue(watching);
    }

    fn enqueue(&mut self, channels: BTreeSet<String>) {
        let pending =
            channels.into_iter().map(|channel_id| PendingNotification { channel_id, state: "exists" });
        self.pending_notifications.extend(pending);
    }
}
