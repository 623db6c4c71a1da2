//! The small ports: clock, randomness, cache, queues, metrics, rate limiter.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use chrono::TimeDelta;

use super::{refusal, through_javascript};
use crate::{
    domain::{failure::Failure, ids::ConnectorId, time::Timestamp},
    ports::{
        Clock, Metrics, OutgoingMessage, QueueError, QueueName, Queues, Random, RateLimiter, TokenCache,
    },
};

/// A clock that moves only when told. Clones show the same time.
#[derive(Debug, Clone)]
pub struct FixedClock(Rc<Cell<i64>>);

impl FixedClock {
    /// A clock that shows this many milliseconds since the epoch.
    pub fn at_millis(millis: i64) -> Self {
        Self(Rc::new(Cell::new(millis)))
    }

    /// Moves it.
    pub fn advance(&self, by: TimeDelta) {
        self.0.set(self.0.get() + by.num_milliseconds());
    }

    /// Sets it.
    pub fn set(&self, to: Timestamp) {
        self.0.set(to.as_millis());
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.get())
    }
}

/// The same bytes for the same seed (SplitMix64); never twice the same within one run.
#[derive(Debug)]
pub struct SeededRandom(Cell<u64>);

impl SeededRandom {
    /// A source that starts at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Failure> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// A cache that forgets nothing before its time.
#[derive(Debug)]
pub struct MapCache {
    clock: FixedClock,
    entries: RefCell<BTreeMap<ConnectorId, (String, Timestamp)>>,
}

impl MapCache {
    /// An empty cache that lives by `clock`.
    pub fn new(clock: &FixedClock) -> Self {
        Self { clock: clock.clone(), entries: RefCell::default() }
    }

    /// What is held for a connector, as it is stored.
    pub fn held(&self, connector: &ConnectorId) -> Option<String> {
        let entries = self.entries.borrow();
        entries
            .get(connector)
            .filter(|(_, until)| *until > self.clock.now())
            .map(|(sealed, _)| sealed.clone())
    }
}

impl TokenCache for MapCache {
    async fn get(&self, connector: &ConnectorId) -> Option<String> {
        self.held(connector)
    }

    async fn put(&self, connector: &ConnectorId, sealed: &str, lifetime: TimeDelta) {
        let until = self.clock.now().plus(lifetime);
        self.entries.borrow_mut().insert(connector.clone(), (sealed.to_owned(), until));
    }

    async fn delete(&self, connector: &ConnectorId) {
        self.entries.borrow_mut().remove(connector);
    }
}

/// Queues that keep what they are sent, as a consumer would receive it.
#[derive(Debug, Default)]
pub struct RecordingQueues {
    sent: RefCell<Vec<(QueueName, OutgoingMessage)>>,
    down: Cell<bool>,
}

impl RecordingQueues {
    /// Makes every send fail, or work again.
    pub fn set_down(&self, down: bool) {
        self.down.set(down);
    }

    /// What one queue was sent, oldest first.
    pub fn sent(&self, queue: QueueName) -> Vec<OutgoingMessage> {
        let sent = self.sent.borrow();
        sent.iter().filter(|(name, _)| *name == queue).map(|(_, message)| message.clone()).collect()
    }

    /// Takes what one queue was sent out of it.
    pub fn take(&self, queue: QueueName) -> Vec<OutgoingMessage> {
        let taken = self.sent(queue);
        self.sent.borrow_mut().retain(|(name, _)| *name != queue);
        taken
    }
}

impl Queues for RecordingQueues {
    async fn send(&self, queue: QueueName, messages: Vec<OutgoingMessage>) -> Result<(), QueueError> {
        let down = self.down.get().then(|| "told to be down".to_owned());
        if let Some(message) = down.or_else(|| refusal(&messages)) {
            return Err(QueueError { queue, message });
        }
        let received = |message: OutgoingMessage| OutgoingMessage {
            body: through_javascript(&message.body),
            delay: message.delay,
        };
        self.sent.borrow_mut().extend(messages.into_iter().map(|message| (queue, received(message))));
        Ok(())
    }
}

/// Metrics that keep what was recorded.
#[derive(Debug, Default)]
pub struct RecordingMetrics(RefCell<Vec<(&'static str, String, f64)>>);

impl RecordingMetrics {
    /// What was recorded, oldest first.
    pub fn recorded(&self) -> Vec<(&'static str, String, f64)> {
        self.0.borrow().clone()
    }
}

impl Metrics for RecordingMetrics {
    fn record(&self, name: &'static str, label: &str, value: f64) {
        self.0.borrow_mut().push((name, label.to_owned(), value));
    }
}

/// A rate limiter that lets everybody in until told otherwise, and remembers who came.
#[derive(Debug, Default)]
pub struct SwitchedRateLimiter {
    closed: Cell<bool>,
    seen: RefCell<Vec<String>>,
}

impl SwitchedRateLimiter {
    /// Refuses everybody, or lets them in again.
    pub fn set_closed(&self, closed: bool) {
        self.closed.set(closed);
    }

    /// The keys it was asked about, oldest first.
    pub fn seen(&self) -> Vec<String> {
        self.seen.borrow().clone()
    }
}

impl RateLimiter for SwitchedRateLimiter {
    async fn allow(&self, key: &str) -> bool {
        self.seen.borrow_mut().push(key.to_owned());
        !self.closed.get()
    }
}
