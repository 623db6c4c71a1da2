//! The Microsoft provider against the simulated Microsoft, in process: every request is one that the simulator, which was
//! checked with Microsoft's own client, understands, and every answer is one that the provider does.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its assumptions break")]

mod busy;
mod events;
mod sign_in;
mod world;
