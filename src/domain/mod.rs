//! The words of the field as types: ids, secrets, instants, intervals, zones, events, connectors, tasks and failures.
//!
//! Pure: no I/O, no clock, no randomness. Everything else in the crate may depend on this folder; it depends on nothing.

pub mod busy;
pub mod calendar;
pub mod claims;
pub mod connector;
pub mod event;
pub mod event_time;
pub mod failure;
pub mod hold;
pub mod ids;
pub mod meeting;
pub mod notification;
pub mod recurrence;
pub mod secret;
pub mod time;
mod windows_zones;
pub mod working_hours;
pub mod zone;
