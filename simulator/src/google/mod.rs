//! Google: OAuth 2.0 and Calendar v3.

pub mod api;
pub mod batch;
pub mod behaviour;
pub mod calendar_events;
pub mod calendar_list;
pub mod calendars;
pub mod conference;
pub mod control_api;
pub mod delivery;
pub mod errors;
pub mod event;
pub mod event_body;
pub mod event_list;
pub mod events;
pub mod fields;
pub mod free_busy;
pub mod invitations;
pub mod oauth;
pub mod operation;
pub mod quota;
pub mod recurrence;
pub mod scopes;
pub mod seed;
pub mod settings;
pub mod sync_tokens;
pub mod watch;
pub mod wire;
pub mod world;
pub mod zone;

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use http::{Method, StatusCode};
use serde_json::json;

use crate::control::dispatch::Outcome;
use crate::control::faults::ScriptedAnswer;
use crate::control::provider::{Call, Provider, Request, Response};
use crate::control::{Control, lock};
use delivery::Deliveries;
use errors::ApiError;
use oauth::{account_info, authorize, token};
use operation::Operation;
use wire::Params;
use world::World;

/// The simulated Google.
#[derive(Debug, Default)]
pub struct Google {
    control: Control,
    world: Mutex<World>,
    deliveries: Mutex<Deliveries>,
    /// For notifications.
    pub http: reqwest::Client,
}

impl Google {
    /// With its seeded accounts.
    pub fn seeded() -> Self {
        let google = Self::default();
        google.start_over(true);
        google
    }

    /// Everything the simulated Google remembers.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// What became of notifications.
    pub fn deliveries(&self) -> MutexGuard<'_, Deliveries> {
        lock(&self.deliveries)
    }

    /// Forgets everything; `seeded` brings the accounts back.
    pub fn start_over(&self, seeded: bool) {
        *self.world() = control_api::fresh_world(seeded, self.control.clock.now());
        *self.deliveries() = Deliveries::default();
    }
}

/// The routes beside the Calendar API.
fn oauth_route(path: &str) -> Option<&'static str> {
    match path {
        "/o/oauth2/v2/auth" | "/o/oauth2/auth" => Some("authorize"),
        "/token" | "/oauth2/v4/token" => Some("token"),
        "/revoke" | "/o/oauth2/revoke" => Some("revoke"),
        "/tokeninfo" | "/oauth2/v3/tokeninfo" => Some("tokeninfo"),
        "/oauth2/v3/userinfo" | "/oauth2/v2/userinfo" | "/v1/userinfo" => Some("userinfo"),
        _ => None,
    }
}

impl Provider for Google {
    fn control(&self) -> &Control {
        &self.control
    }

    fn identify(&self, request: &Request) -> Call {
        let path = request.uri().path();
        let bearer_account = || {
            let token = wire::bearer_token(request)?;
            Some(self.world().grants.access_owner(&token)?.account.clone())
        };
        if let Some(operation) = Operation::find(request.method(), path) {
            let account = bearer_account();
            let calendar = operation.calendar.as_deref();
            let calendar = match &account {
                Some(account) => calendar.map(|id| World::resolve_calendar(account, id).to_owned()),
                None => calendar.map(str::to_owned),
            };
            return Call { route: operation.kind.route(), account, calendar };
        }
        match oauth_route(path) {
            Some(route @ ("token" | "revoke")) => {
                let form = Params::parse(request.body());
                let world = self.world();
                let by_code =
                    form.get("code").and_then(|code| world.grants.code(code)).map(|code| &code.party);
                let token = form.get("refresh_token").or_else(|| form.get("token"));
                let by_token = token.and_then(|token| {
                    world.grants.refresh_owner(token).or_else(|| world.grants.access_owner(token))
                });
                let account = by_code.or(by_token).map(|party| party.account.clone());
                Call { route, account, calendar: None }
            }
            Some("authorize") => {
                let account = Params::of_query(request).get("account").map(str::to_owned);
                Call { route: "authorize", account, calendar: None }
            }
            Some(route) => Call { route, account: bearer_account(), calendar: None },
            None if is_batch(request) => Call { route: "batch", account: bearer_account(), calendar: None },
            None => Call { route: "unknown", account: None, calendar: None },
        }
    }

    async fn answer(self: &Arc<Self>, _call: Call, request: Request) -> Outcome {
        if is_batch(&request) {
            return batch::batch(self, request).await;
        }
        let response = self.answer_one(&request);
        delivery::send_pending(self);
        Outcome::Answer(response)
    }

    fn scripted_error(&self, call: &Call, answer: &ScriptedAnswer) -> Response {
        if !matches!(call.route, "token" | "revoke" | "tokeninfo" | "userinfo") {
            return ApiError::scripted(answer).into_response();
        }
        let status = answer.status.unwrap_or(500);
        let error = answer.reason.as_deref().unwrap_or(match status {
            400 => "invalid_grant",
            401 => "invalid_client",
            403 => "access_denied",
            429 => "rate_limit_exceeded",
            _ => "internal_failure",
        });
        let description = answer.message.as_deref().unwrap_or(match error {
            "invalid_grant" => "Token has been expired or revoked.",
            "invalid_client" => "Unauthorized",
            _ => "Bad Request",
        });
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        wire::json(status, &json!({ "error": error, "error_description": description }))
    }

    fn control_routes(self: &Arc<Self>) -> Router {
        control_api::router(self)
    }
}

fn is_batch(request: &Request) -> bool {
    request.method() == Method::POST && matches!(request.uri().path(), "/batch/calendar/v3" | "/batch")
}

impl Google {
    fn answer_one(&self, request: &Request) -> Response {
        let now = self.control.clock.now();
        let mut world = self.world();
        let path = request.uri().path();
        if let Some(operation) = Operation::find(request.method(), path) {
            return api::answer(&mut world, &self.control, &operation, request, now);
        }
        match (request.method().as_str(), oauth_route(path)) {
            ("GET" | "POST", Some("authorize")) => authorize::authorize(&mut world, request, now),
            ("POST", Some("token")) => token::token(&mut world, request, now),
            ("POST" | "GET", Some("revoke")) => account_info::revoke(&mut world, request, now),
            ("POST" | "GET", Some("tokeninfo")) => account_info::token_info(&world, request, now),
            ("POST" | "GET", Some("userinfo")) => account_info::user_info(&world, request, now),
            _ => ApiError::not_found().into_response(),
        }
    }
}
