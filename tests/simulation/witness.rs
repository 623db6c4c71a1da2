//! Sees everything that happens and remembers what the promises are judged by.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use huddle_calendar_sync::{domain::time::Timestamp, store::tasks::Asked};
use serde_json::Value as Json;

use crate::kernel::Isolate;

/// The promises, by their numbers in ARCHITECTURE.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// Exactly-once effect.
    G1,
    /// No lost result.
    G2,
    /// Secrets are never seen.
    G4,
    /// One refresh at a time, rotated tokens stored before use.
    G5,
    /// Connecting is safe.
    G6,
    /// Budgets.
    G7,
    /// Revocation.
    G8,
    /// Isolation.
    G9,
    /// One run at a time.
    G10,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// How.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.what)
    }
}

/// A task as a delivered message asked for it: connector, task, digest.
pub type Identity = (String, String, String);

/// What is known of a message's task.
#[derive(Debug, Clone)]
pub struct Heard {
    /// What was asked.
    pub asked: Asked,
}

/// A connector's history.
#[derive(Debug, Clone, Default)]
pub struct Life {
    /// The grant it has, and the generation it got it in.
    pub grants: BTreeMap<usize, i64>,
    /// Its generation now.
    pub generation: i64,
    /// When its grant was last marked as gone; `None` while it works.
    pub marked_at: Option<Timestamp>,
    /// The generations that were marked.
    pub marked: BTreeSet<i64>,
    /// When it was last purged.
    pub purged_at: Option<Timestamp>,
    /// How often it was purged.
    pub purges: u32,
}

/// How busy it ever got for an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Busiest {
    /// The most calls within its provider's window.
    pub calls: u32,
    /// The most calls in flight.
    pub in_flight: u32,
}

/// Everything seen.
#[derive(Default)]
pub struct Witness {
    violations: RefCell<Vec<Violation>>,
    /// What was delivered to the consumers of tasks.
    pub heard: RefCell<BTreeMap<Identity, Heard>>,
    /// What `notify-tasks` took, in order.
    pub published: RefCell<Vec<Json>>,
    /// Every message any queue took.
    pub sent: RefCell<Vec<String>>,
    /// What was logged.
    pub logged: RefCell<Vec<String>>,
    /// Every text that went to a provider in the open: URLs.
    pub urls: RefCell<BTreeSet<String>>,
    /// What callers and browsers were told.
    pub told: RefCell<Vec<String>>,
    /// When an isolate last claimed a task of a connector.
    pub claims: RefCell<BTreeMap<(Isolate, String), Timestamp>>,
    /// How often each run of a task was ended.
    pub ends: RefCell<BTreeMap<(String, String, i64), u32>>,
    /// Connectors by id.
    pub lives: RefCell<BTreeMap<String, Life>>,
    /// Connections made, by the isolate that made them.
    pub connections: RefCell<BTreeMap<Isolate, u32>>,
    /// The grant an isolate got by its last code.
    pub exchanged: RefCell<BTreeMap<Isolate, usize>>,
    /// The most calls for an account within its window, and in flight at once.
    pub busiest: RefCell<BTreeMap<String, Busiest>>,
    /// Messages the queue gave up by itself.
    pub dead_lettered: Cell<u32>,
}

impl Witness {
    /// A promise was broken.
    pub fn accuse(&self, promise: Promise, what: String) {
        let violation = Violation { promise, what };
        let mut violations = self.violations.borrow_mut();
        if !violations.contains(&violation) {
            violations.push(violation);
        }
    }

    /// Accuses unless that is so.
    pub fn expect(&self, so: bool, promise: Promise, what: impl FnOnce() -> String) {
        if !so {
            self.accuse(promise, what());
        }
    }

    /// The promises broken so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.violations.borrow().clone()
    }

    /// So many calls were made for an account within its provider's window, and so many are in flight.
    pub fn busy(&self, account: &str, calls: u32, in_flight: u32) {
        let mut busiest = self.busiest.borrow_mut();
        let most = busiest.entry(account.to_owned()).or_default();
        most.calls = most.calls.max(calls);
        most.in_flight = most.in_flight.max(in_flight);
    }

    /// Changes what is known of a connector.
    pub fn life<T>(&self, connector: &str, work: impl FnOnce(&mut Life) -> T) -> T {
        work(self.lives.borrow_mut().entry(connector.to_owned()).or_default())
    }
}
