//! What the worker needs of the world, as traits. `platform` implements them on Cloudflare; the simulation tests implement
//! them natively, with a clock, a network and a queue that misbehave on purpose.
//!
//! Futures need not be `Send`: an isolate has one thread.
#![allow(async_fn_in_trait, reason = "every caller is generic over the port and runs on one thread")]

use bytes::Bytes;
use chrono::TimeDelta;

use crate::{
    domain::{failure::Failure, ids::ConnectorId, time::Timestamp},
    gate::{Admission, AdmissionRequest, CachedGrant, Release, TokenRequest},
    store::{Row, Statement},
};

/// All the ports together, so that a function generic over the world has one parameter.
pub trait Ports: 'static {
    /// The system of record.
    type Db: Db;
    /// The cache of access tokens.
    type TokenCache: TokenCache;
    /// Queues to send to.
    type Queues: Queues;
    /// The way out to providers.
    type Http: Http;
    /// The per-connector gate.
    type Gate: Gate;
    /// What time it is.
    type Clock: Clock;
    /// Unpredictable bytes.
    type Random: Random;
    /// Counters for the operator.
    type Metrics: Metrics;
    /// Limits on callers.
    type RateLimiter: RateLimiter;
}

/// A database that did not answer or answered nonsense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("database, statement {statement}: {message}")]
pub struct DbError {
    /// The name of the statement.
    pub statement: &'static str,
    /// What went wrong; holds no bound values.
    pub message: String,
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Failure::retry("database_unavailable", error, None)
    }
}

/// SQLite, as D1 speaks it. Each call is one round trip.
pub trait Db {
    /// Runs one statement and returns its rows.
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, DbError>;
    /// Runs the statements in order as one transaction: all of them, or none.
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, DbError>;
}

/// A cache of sealed access tokens: eventually consistent, may forget, may fail. Never the only copy of anything.
pub trait TokenCache {
    /// The sealed entry, or `None` when there is none or the cache does not answer.
    async fn get(&self, connector: &ConnectorId) -> Option<String>;
    /// Keeps a sealed entry for `lifetime`. A failure is logged by the adapter and ignored.
    async fn put(&self, connector: &ConnectorId, sealed: &str, lifetime: TimeDelta);
    /// Drops the entry. A failure is logged by the adapter and ignored.
    async fn delete(&self, connector: &ConnectorId);
}

/// The queues we send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueName {
    /// `calendar-tasks`: somebody is waiting.
    Tasks,
    /// `calendar-tasks-dlq`: given up after five attempts.
    TasksDeadLetter,
    /// `calendar-sync`: periodic work.
    Sync,
    /// `notify-tasks`: results for other services.
    Notify,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq)]
pub struct OutgoingMessage {
    /// The body: a JSON value, sent as JSON.
    pub body: serde_json::Value,
    /// How long the queue keeps it back; at most 12 hours.
    pub delay: TimeDelta,
}

/// A queue that did not take a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("queue {queue:?} did not take the message: {message}")]
pub struct QueueError {
    /// Which queue.
    pub queue: QueueName,
    /// What it said.
    pub message: String,
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        Failure::retry("queue_unavailable", error, None)
    }
}

/// Sending to queues. Delivery is at least once and in no order.
pub trait Queues {
    /// Sends messages to one queue; on an error, some may have been sent.
    async fn send(&self, queue: QueueName, messages: Vec<OutgoingMessage>) -> Result<(), QueueError>;
}

/// A request to a provider. The body is whole, so that it can be sent again.
pub type HttpRequest = http::Request<Bytes>;
/// A provider's answer, read whole.
pub type HttpResponse = http::Response<Bytes>;

/// A request that got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Nothing came in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection failed.
    #[error("connection failed: {0}")]
    Network(String),
}

/// The way out. Never follows redirects.
pub trait Http {
    /// Sends one request and reads the whole answer; gives up after a time the adapter sets (seconds, not minutes).
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError>;
}

/// The gate of a connector: see [`crate::gate`].
pub trait Gate {
    /// Asks to make provider calls. See [`crate::gate::Admission`].
    async fn admit(&self, connector: &ConnectorId, request: AdmissionRequest) -> Result<Admission, Failure>;
    /// Says how the admitted calls went.
    async fn release(&self, connector: &ConnectorId, release: Release) -> Result<(), Failure>;
    /// An access token that is good for a while. At most one refresh per connector is under way at any time (G5).
    async fn access_token(
        &self,
        connector: &ConnectorId,
        request: TokenRequest,
    ) -> Result<CachedGrant, Failure>;
    /// Forgets the connector's tokens: it was disconnected, or connected anew.
    async fn forget(&self, connector: &ConnectorId) -> Result<(), Failure>;
}

/// The clock. On Workers it stands still between I/O.
pub trait Clock {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// A cryptographically secure source of bytes.
pub trait Random {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Failure>;
}

/// Counters for the operator's time series. Losing one is harmless.
pub trait Metrics {
    /// Records `value` for `name` under one label, such as (`task`, `create-event`).
    fn record(&self, name: &'static str, label: &str, value: f64);
}

/// Limits how often a caller may come.
pub trait RateLimiter {
    /// Whether the caller named `key` may go on; `true` when the limiter itself does not answer.
    async fn allow(&self, key: &str) -> bool;
}
