//! The worker's ports onto the simulated world, each with its own ways to fail.

pub mod cache;
pub mod database;
pub mod gate;
pub mod network;
pub mod queues;

use huddle_calendar_sync::{
    app::App,
    ports::Ports,
    testing::{FixedClock, RecordingMetrics, SeededRandom, SwitchedRateLimiter},
};

/// The ports of the simulation.
pub struct Simulated;

impl Ports for Simulated {
    type Db = database::Database;
    type TokenCache = cache::Cache;
    type Queues = queues::Outlets;
    type Http = network::Network;
    type Gate = gate::Gatekeeper;
    type Clock = FixedClock;
    type Random = SeededRandom;
    type Metrics = RecordingMetrics;
    type RateLimiter = SwitchedRateLimiter;
}

/// The worker in the simulated world.
pub type Worker = App<Simulated>;
