//! The one error that crosses module borders. It says what to do next, and carries context for a human.

use std::{borrow::Cow, fmt};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::time::millis;

/// What the holder of a [`Failure`] should do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Try again, not before `after` if given, else after an exponential backoff. Costs one attempt.
    Retry {
        /// What the provider's `Retry-After` said.
        #[serde(with = "millis::optional")]
        after: Option<TimeDelta>,
    },
    /// Our own budget or a circuit breaker says wait: deliver again after this long. Costs no attempt.
    Wait {
        /// How long until there is room.
        #[serde(with = "millis")]
        after: TimeDelta,
    },
    /// The grant is gone: stop this connector's work and ask the person to connect again.
    Reauthorize,
    /// The caller's fault: the same request will always be refused.
    Rejected(Blame),
    /// What the request speaks of does not exist (any more).
    NotFound,
    /// Something else has changed or taken what the request wanted.
    Conflict,
    /// A bug, or an answer nobody understands. Trying again will not help.
    Fatal,
}

/// What a rejection is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The request as a whole.
    Request,
    /// One field of it, by its path, such as `payload.attendees[0].email`.
    Field(String),
    /// The person has not granted this scope, named as the provider names it.
    Scope(String),
}

/// Why something did not work, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// What to do next.
    pub action: Action,
    /// A stable, machine-readable name in snake_case, such as `slot_busy`. Part of the API.
    pub code: Cow<'static, str>,
    /// For a human. Never holds a secret.
    pub message: String,
}

impl Failure {
    /// Try again, after `after` if the provider named a time.
    pub fn retry(code: &'static str, message: impl fmt::Display, after: Option<TimeDelta>) -> Self {
        Self::with(Action::Retry { after }, code, message)
    }

    /// Wait for room in a budget; no attempt is spent.
    pub fn wait(code: &'static str, message: impl fmt::Display, after: TimeDelta) -> Self {
        Self::with(Action::Wait { after }, code, message)
    }

    /// The person must connect again.
    pub fn reauthorize(code: &'static str, message: impl fmt::Display) -> Self {
        Self::with(Action::Reauthorize, code, message)
    }

    /// The caller sent something that can never work; `field` is its path.
    pub fn rejected(code: &'static str, field: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::with(Action::Rejected(Blame::Field(field.into())), code, message)
    }

    /// The caller asked for something that can never work, and no single field is to blame.
    pub fn refused(code: &'static str, message: impl fmt::Display) -> Self {
        Self::with(Action::Rejected(Blame::Request), code, message)
    }

    /// The person has not granted `scope`, without which the caller's request can never work.
    pub fn unscoped(code: &'static str, scope: impl Into<String>, message: impl fmt::Display) -> Self {
        Self::with(Action::Rejected(Blame::Scope(scope.into())), code, message)
    }

    /// What was asked for does not exist.
    pub fn not_found(code: &'static str, message: impl fmt::Display) -> Self {
        Self::with(Action::NotFound, code, message)
    }

    /// Somebody else was first.
    pub fn conflict(code: &'static str, message: impl fmt::Display) -> Self {
        Self::with(Action::Conflict, code, message)
    }

    /// Give up: trying again will not help.
    pub fn fatal(code: &'static str, message: impl fmt::Display) -> Self {
        Self::with(Action::Fatal, code, message)
    }

    /// The offending field, for a rejection that names one.
    pub fn field(&self) -> Option<&str> {
        match &self.action {
            Action::Rejected(Blame::Field(field)) => Some(field),
            _ => None,
        }
    }

    /// The same rejection with its field path put under `prefix` (`start` becomes `payload.start`, and an empty path, which is
    /// of the whole, `payload`).
    pub fn under(mut self, prefix: &str) -> Self {
        if let Action::Rejected(Blame::Field(field)) = &mut self.action {
            *field = if field.is_empty() { prefix.to_owned() } else { format!("{prefix}.{field}") };
        }
        self
    }

    /// Whether the same request may succeed later without anybody changing it.
    pub fn is_retryable(&self) -> bool {
        matches!(self.action, Action::Retry { .. } | Action::Wait { .. })
    }

    fn with(action: Action, code: &'static str, message: impl fmt::Display) -> Self {
        Self { action, code: Cow::Borrowed(code), message: message.to_string() }
    }
}
