//! Everything the simulated Microsoft remembers: tenants, accounts, mailboxes, clients, grants, subscriptions.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::behaviour::Behaviour;
use super::delta::DeltaStates;
use super::event::Event;
use super::identity::clients::{Client, default_clients};
use super::identity::grants::{Grants, Scopes};
use super::ids::ItemKey;
use super::mailbox::Mailbox;
use super::subscriptions::Subscriptions;
use super::throttle::Throttle;

/// The tenant that every personal account belongs to, the same as at Microsoft.
pub const PERSONAL_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// An organisation.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its GUID.
    pub id: String,
    /// What its pages call it.
    pub name: String,
    /// Its domain, also usable in URLs.
    pub domain: String,
    /// Whether its people may consent for themselves.
    pub users_may_consent: bool,
    /// What its administrators granted, by client.
    pub admin_consents: BTreeMap<String, Scopes>,
}

/// One account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its address, also its sign-in name.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// Its directory object, `oid` in tokens and `id` of `/me`.
    pub object_id: String,
    /// Its tenant's GUID.
    pub tenant: String,
    /// It can grant for the whole tenant.
    pub is_admin: bool,
    /// Grants from before this are dead.
    pub sessions_valid_from: Option<Timestamp>,
    /// Its mail and calendars.
    pub mailbox: Mailbox,
}

impl Account {
    /// A personal account rather than one of an organisation.
    pub fn is_personal(&self) -> bool {
        self.tenant == PERSONAL_TENANT
    }
}

/// A change to an event that subscriptions may want to know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventChange {
    /// The mailbox's account.
    pub account: String,
    /// The calendar's number.
    pub calendar: u32,
    /// Which item.
    pub key: ItemKey,
    /// `created`, `updated` or `deleted`.
    pub kind: &'static str,
    /// The change's number, for the etag.
    pub change: u64,
}

/// Everything the simulated Microsoft remembers.
#[derive(Debug)]
pub struct World {
    /// By GUID.
    pub tenants: BTreeMap<String, Tenant>,
    /// By address.
    pub accounts: BTreeMap<String, Account>,
    /// OAuth clients by id.
    pub clients: BTreeMap<String, Client>,
    /// Consents, codes and tokens.
    pub grants: Grants,
    /// Change notification subscriptions.
    pub subscriptions: Subscriptions,
    /// What delta tokens stand for.
    pub deltas: DeltaStates,
    /// Requests counted against Outlook's limits.
    pub throttle: Throttle,
    /// Awkwardness.
    pub behaviour: Behaviour,
    /// Changes not yet turned into notifications.
    pub changes: VecDeque<EventChange>,
    last_change: u64,
    last_event: u64,
}

impl World {
    /// With the default client and nobody in it.
    pub fn empty() -> Self {
        Self {
            tenants: BTreeMap::new(),
            accounts: BTreeMap::new(),
            clients: default_clients(),
            grants: Grants::default(),
            subscriptions: Subscriptions::default(),
            deltas: DeltaStates::default(),
            throttle: Throttle::default(),
            behaviour: Behaviour::default(),
            changes: VecDeque::new(),
            last_change: 1_000,
            last_event: 0,
        }
    }

    /// The next change's number.
    pub fn next_change(&mut self) -> u64 {
        self.last_change += 1;
        self.last_change
    }

    /// The number of the last change.
    pub fn last_change(&self) -> u64 {
        self.last_change
    }

    /// The next event's number.
    pub fn next_event(&mut self) -> u64 {
        self.last_event += 1;
        self.last_event
    }

    /// An account by its address, in any case.
    pub fn find_account(&self, address: &str) -> Option<&Account> {
        self.accounts.get(&address.to_ascii_lowercase())
    }

    /// An account's address by its object id or its own address.
    pub fn resolve_user(&self, id: &str) -> Option<String> {
        let by_id = self.accounts.values().find(|account| account.object_id == id);
        by_id.or_else(|| self.find_account(id)).map(|account| account.email.clone())
    }

    /// A tenant by its GUID or its domain.
    pub fn find_tenant(&self, name: &str) -> Option<&Tenant> {
        let name = name.to_ascii_lowercase();
        self.tenants.values().find(|tenant| tenant.id == name || tenant.domain == name)
    }

    /// A mailbox that is known to exist.
    pub fn mailbox(&self, account: &str) -> Option<&Mailbox> {
        self.accounts.get(account).map(|account| &account.mailbox)
    }

    /// Puts an event into a calendar and notes the change.
    pub fn put_event(&mut self, account: &str, calendar: u32, event: Event, kind: &'static str) {
        let (key, change) = (event.key, event.change);
        if let Some(found) =
            self.accounts.get_mut(account).and_then(|found| found.mailbox.calendars.get_mut(&calendar))
        {
            found.events.insert(key.event, event);
            self.note(account, calendar, key, kind, change);
        }
    }

    /// Takes an event out of a calendar and notes the change.
    pub fn remove_event(&mut self, account: &str, calendar: u32, event: u64) -> Option<Event> {
        let change = self.next_change();
        let found = self.accounts.get_mut(account)?.mailbox.calendars.get_mut(&calendar)?;
        let removed = found.events.remove(&event)?;
        found.tombstones.push((change, removed.key));
        self.note(account, calendar, removed.key, "deleted", change);
        Some(removed)
    }

    /// Notes a change for the subscriptions.
    pub fn note(&mut self, account: &str, calendar: u32, key: ItemKey, kind: &'static str, change: u64) {
        self.changes.push_back(EventChange { account: account.to_owned(), calendar, key, kind, change });
    }
}
