//! The worker put together: settings, providers, vault and ports. Every service takes `&App<P>`.

use crate::{config::Settings, ports::Ports, providers::Registry, vault::Vault};

/// The worker, generic over the world it lives in.
pub struct App<P: Ports> {
    /// What the operator set.
    pub settings: Settings,
    /// Seals and opens secrets at rest.
    pub vault: Vault,
    /// The providers there are.
    pub providers: Registry,
    /// The system of record.
    pub db: P::Db,
    /// The cache of access tokens.
    pub token_cache: P::TokenCache,
    /// Queues to send to.
    pub queues: P::Queues,
    /// The way out to providers.
    pub http: P::Http,
    /// The per-connector gate.
    pub gate: P::Gate,
    /// What time it is.
    pub clock: P::Clock,
    /// Unpredictable bytes.
    pub random: P::Random,
    /// Counters for the operator.
    pub metrics: P::Metrics,
    /// Limits on callers.
    pub rate_limiter: P::RateLimiter,
}
