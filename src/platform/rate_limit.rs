//! The Workers rate-limiting binding behind the `RateLimiter` port.

use worker::RateLimiter as Binding;

use crate::ports::RateLimiter;

/// The binding, where there is one.
pub struct WorkersRateLimiter(Option<Binding>);

impl WorkersRateLimiter {
    pub(super) fn new(binding: Option<Binding>) -> Self {
        Self(binding)
    }
}

impl RateLimiter for WorkersRateLimiter {
    async fn allow(&self, key: &str) -> bool {
        let Some(binding) = &self.0 else { return true };
        match binding.limit(key.to_owned()).await {
            Ok(outcome) => outcome.success,
            Err(error) => {
                tracing::warn!(%error, "rate limiter did not answer");
                true
            }
        }
    }
}
