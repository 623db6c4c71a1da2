//! The HTTP side: routes, who may use them, what they take and answer.
//!
//! Handlers read a request, call a service and write its answer; they hold no rules of their own beyond whose rows a caller
//! reaches (G9, in `auth`). Errors are RFC 9457 problem documents with a stable `code`.

mod access_tokens;
mod admin;
mod auth;
mod availability;
mod body;
mod connect_links;
mod connectors;
mod cookies;
mod dashboard;
mod disconnection;
mod guard;
mod health;
mod history;
mod metrics;
mod notifications;
mod oauth;
mod openapi;
mod pages;
mod preferences;
mod problem;
mod router;
mod slots;
mod state;
mod task_view;
mod tasks;

#[cfg(test)]
mod tests;

pub use health::unconfigured;
pub use router::router;
