//! Google: OAuth 2.0 and Calendar v3.

pub mod errors;
pub mod scopes;

use std::sync::Arc;

use axum::Router;

use crate::control::Control;
use crate::control::dispatch::Outcome;
use crate::control::faults::ScriptedAnswer;
use crate::control::provider::{Call, Provider, Request, Response};

/// The simulated Google.
#[derive(Debug, Default)]
pub struct Google {
    control: Control,
}

impl Google {
    /// With its seeded accounts.
    pub fn seeded() -> Self {
        Self::default()
    }
}

impl Provider for Google {
    fn control(&self) -> &Control {
        &self.control
    }

    fn identify(&self, _request: &Request) -> Call {
        Call { route: "unknown", account: None, calendar: None }
    }

    async fn answer(self: &Arc<Self>, _call: Call, _request: Request) -> Outcome {
        Outcome::Answer(errors::ApiError::not_found().into_response())
    }

    fn scripted_error(&self, _call: &Call, answer: &ScriptedAnswer) -> Response {
        errors::ApiError::scripted(answer).into_response()
    }

    fn control_routes(self: &Arc<Self>) -> Router {
        Router::new()
    }
}
