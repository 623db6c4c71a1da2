//! The Workers runtime behind the ports. Only this folder and `lib.rs` name `worker::`, `js_sys` or `wasm_bindgen`.

pub mod cost;
mod d1;
mod fetch;
mod gate_client;
mod gate_object;
mod kv;
pub mod log;
mod metrics;
pub mod queue;
mod random;
mod rate_limit;

use std::rc::Rc;

use worker::Env;

use self::cost::Cost;
use crate::{
    app::App,
    config::{Settings, SettingsError},
    domain::time::Timestamp,
    ports::{Clock, Ports},
    providers::Registry,
    vault::Vault,
};

/// The ports on Cloudflare.
pub struct Cloudflare;

impl Ports for Cloudflare {
    type Db = d1::D1;
    type TokenCache = kv::KvTokenCache;
    type Queues = queue::CloudflareQueues;
    type Http = fetch::Fetch;
    type Gate = gate_client::GateClient;
    type Clock = WorkersClock;
    type Random = random::SystemRandom;
    type Metrics = metrics::AnalyticsEngine;
    type RateLimiter = rate_limit::WorkersRateLimiter;
}

/// The runtime's clock; it stands still between I/O.
pub struct WorkersClock;

impl Clock for WorkersClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(worker::Date::now().as_millis()).unwrap_or(i64::MAX))
    }
}

/// Puts the worker together from its bindings and settings. Every problem is named at once.
pub fn app(env: &Env) -> Result<App<Cloudflare>, SettingsError> {
    metered(env).map(|(app, _)| app)
}

/// The same, with what it will have cost.
pub fn metered(env: &Env) -> Result<(App<Cloudflare>, Rc<Cost>), SettingsError> {
    let cost = Rc::new(Cost::default());
    let settings = Settings::parse(|name| {
        // A secret and a variable are the same kind of binding; only how they are set differs.
        env.secret(name)
            .map(|value| value.to_string())
            .or_else(|_| env.var(name).map(|value| value.to_string()))
            .ok()
    });
    let mut missing = Missing(Vec::new());
    let db = missing.check("DB", env.d1("DB"));
    let kv = missing.check("KV_OAUTH", env.kv("KV_OAUTH"));
    let queues =
        queue::CloudflareQueues::bind(env, Rc::clone(&cost), |name, result| missing.check(name, result));
    let gate = missing.check("GATE", env.durable_object("GATE"));
    match (settings, db, kv, queues, gate) {
        (Ok(settings), Some(db), Some(kv), Some(queues), Some(gate)) => Ok((
            App {
                vault: Vault::new(&settings.encryption_keys),
                providers: Registry::new(&settings),
                settings,
                db: d1::D1::new(db, Rc::clone(&cost)),
                token_cache: kv::KvTokenCache::new(kv, Rc::clone(&cost)),
                queues,
                http: fetch::Fetch::new(Rc::clone(&cost)),
                gate: gate_client::GateClient::new(gate, Rc::clone(&cost)),
                clock: WorkersClock,
                random: random::SystemRandom,
                metrics: metrics::AnalyticsEngine::new(env.analytics_engine("METRICS").ok()),
                rate_limiter: rate_limit::WorkersRateLimiter::new(env.rate_limiter("RATE_LIMIT").ok()),
            },
            cost,
        )),
        (settings, ..) => {
            let mut problems = settings.err().map_or_else(Vec::new, |error| error.problems);
            problems.extend(missing.0);
            Err(SettingsError { problems })
        }
    }
}

/// Collects bindings that are not there.
struct Missing(Vec<String>);

impl Missing {
    fn check<T>(&mut self, name: &str, binding: worker::Result<T>) -> Option<T> {
        if binding.is_err() {
            self.0.push(format!("binding {name} is missing"));
        }
        binding.ok()
    }
}
