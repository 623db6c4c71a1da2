//! The runtime's random source (`crypto.getRandomValues`) behind the `Random` port.

use crate::{domain::failure::Failure, ports::Random};

/// Cryptographically secure bytes.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Failure> {
        getrandom::fill(bytes).map_err(|error| Failure::retry("random_unavailable", error, None))
    }
}
