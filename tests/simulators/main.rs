//! Each provider against its simulated self, in process: every request is one that the simulator, which was checked with the
//! provider's own client, understands, and every answer is one that the provider here does.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its assumptions break")]

mod google;
mod microsoft;
mod world;
