//! The world, natively and well behaved: the ports on SQLite, maps and scripted answers, for tests of every layer.
//!
//! The simulation tests wrap these to make them misbehave. Nothing here is part of the worker that is deployed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use this; a broken assumption must stop them"
)]

mod connected;
mod gate;
mod hosted_gate;
mod http;
mod provider;
mod query_plans;
mod queue_rules;
mod sqlite;
mod world;

use std::{collections::HashMap, rc::Rc};

use base64::{Engine, engine::general_purpose::STANDARD};

pub use self::{
    connected::{connect, connect_for, connect_with, connecting, reread},
    gate::OpenGate,
    hosted_gate::{Disk, HostedGate},
    http::{ScriptedHttp, json_response},
    provider::{FakeProvider, challenged, granted, refused},
    queue_rules::{refusal, through_javascript},
    sqlite::SqliteDb,
    world::{FixedClock, MapCache, RecordingMetrics, RecordingQueues, SeededRandom, SwitchedRateLimiter},
};
use crate::{app::App, config::Settings, ports::Ports, providers::Registry, vault::Vault};

/// The ports of tests.
pub struct TestPorts;

impl Ports for TestPorts {
    type Db = SqliteDb;
    type TokenCache = MapCache;
    type Queues = RecordingQueues;
    type Http = ScriptedHttp;
    type Gate = OpenGate;
    type Clock = FixedClock;
    type Random = SeededRandom;
    type Metrics = RecordingMetrics;
    type RateLimiter = SwitchedRateLimiter;
}

/// A worker as tests have it.
pub type TestApp = App<TestPorts>;

/// The operator's key in [`settings`].
pub const API_KEY: &str = "operator-key-of-the-tests";

/// When tests start: 2026-03-02T09:00:00Z, a Monday.
pub const START_MILLIS: i64 = 1_772_442_000_000;

/// The environment of a production deployment, to be changed by a test before it is parsed.
pub fn environment() -> HashMap<&'static str, String> {
    HashMap::from([
        ("PUBLIC_BASE_URL", "https://calendar.example".to_owned()),
        ("REDIRECT_ALLOWLIST", "https://app.example/done,https://other.example/".to_owned()),
        ("API_KEY", API_KEY.to_owned()),
        ("WEBHOOK_SECRET", "webhook-secret-of-the-tests".to_owned()),
        ("OAUTH_ENC_KEY", STANDARD.encode([7; 32])),
        ("GOOGLE_CLIENT_ID", "client-of-the-tests".to_owned()),
        ("GOOGLE_CLIENT_SECRET", "client-secret-of-the-tests".to_owned()),
    ])
}

/// The settings of [`environment`].
pub fn settings() -> Settings {
    parse(&environment())
}

/// The settings of an environment that a test changed.
pub fn parse(environment: &HashMap<&'static str, String>) -> Settings {
    Settings::parse(|name| environment.get(name).cloned()).unwrap()
}

/// A worker with the settings of [`settings`] and a [`FakeProvider`] in the place of Google.
pub fn app() -> Rc<TestApp> {
    app_with(settings(), Registry::of(vec![Box::new(FakeProvider)]))
}

/// A worker with settings and providers of the test's choice.
pub fn app_with(settings: Settings, providers: Registry) -> Rc<TestApp> {
    let clock = FixedClock::at_millis(START_MILLIS);
    Rc::new(App {
        vault: Vault::new(&settings.encryption_keys),
        settings,
        providers,
        db: SqliteDb::new(&clock),
        token_cache: MapCache::new(&clock),
        queues: RecordingQueues::default(),
        http: ScriptedHttp::default(),
        gate: OpenGate::new(&clock),
        clock,
        random: SeededRandom::new(1),
        metrics: RecordingMetrics::default(),
        rate_limiter: SwitchedRateLimiter::default(),
    })
}

/// Runs a future to its end on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    futures_executor::block_on(future)
}
