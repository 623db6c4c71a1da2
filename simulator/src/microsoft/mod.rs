//! Microsoft: the identity platform v2.0, and the calendar side of Graph v1.0.

pub mod api;
pub mod batch;
pub mod behaviour;
pub mod calendar_view;
pub mod calendars;
pub mod control_api;
pub mod delta;
pub mod errors;
pub mod event;
pub mod event_body;
pub mod event_view;
pub mod events;
pub mod handshake;
pub mod identity;
pub mod ids;
pub mod mailbox;
pub mod mailbox_settings;
pub mod meeting_times;
pub mod meetings;
pub mod notifications;
pub mod operation;
pub mod query;
pub mod recurrence;
pub mod responses;
pub mod schedule;
pub mod seed;
pub mod subscriptions;
#[cfg(test)]
pub mod testing;
pub mod throttle;
pub mod wire;
pub mod world;
pub mod zone;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;

use crate::control::dispatch::Outcome;
use crate::control::faults::ScriptedAnswer;
use crate::control::provider::{Call, Provider, Request, Response};
use crate::control::{Control, lock};
use errors::{ApiError, Stamp};
use identity::errors::AuthError;
use identity::{admin_consent, authorize, discovery, token};
use notifications::Deliveries;
use operation::{Kind, Operation};
use wire::Params;
use world::World;

/// The simulated Microsoft.
#[derive(Debug)]
pub struct Microsoft {
    control: Control,
    world: Mutex<World>,
    deliveries: Mutex<Deliveries>,
    /// For handshakes and notifications.
    pub http: reqwest::Client,
}

impl Microsoft {
    /// With its seeded accounts.
    pub fn seeded() -> Self {
        let control = Control::default();
        let world = seed::seeded_world(control.clock.now());
        Self { control, world: Mutex::new(world), deliveries: Mutex::default(), http: reqwest::Client::new() }
    }

    /// Everything the simulated Microsoft remembers.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// What became of notifications.
    pub fn deliveries(&self) -> MutexGuard<'_, Deliveries> {
        lock(&self.deliveries)
    }

    /// Forgets everything; `seeded` brings the accounts back.
    pub fn start_over(&self, seeded: bool) {
        let now = self.control.clock.now();
        *self.world() = if seeded { seed::seeded_world(now) } else { World::empty() };
        *self.deliveries() = Deliveries::default();
    }
}

/// The tenant and the route of an identity request.
fn identity_route(path: &str) -> Option<(&str, &'static str)> {
    let (tenant, rest) = path.strip_prefix('/')?.split_once('/')?;
    let route = match rest {
        "oauth2/v2.0/authorize" => "authorize",
        "oauth2/v2.0/token" => "token",
        "v2.0/adminconsent" | "adminconsent" => "adminconsent",
        "v2.0/.well-known/openid-configuration" => "discovery",
        _ => return None,
    };
    Some((tenant, route))
}

impl Provider for Microsoft {
    fn control(&self) -> &Control {
        &self.control
    }

    fn identify(&self, request: &Request) -> Call {
        let path = request.uri().path();
        let world = self.world();
        if let Some((_, route)) = identity_route(path) {
            let form = Params::parse(request.body());
            let by_code = form.get("code").and_then(|code| world.grants.code(code)).map(|code| &code.party);
            let party = by_code.or_else(|| world.grants.refresh_owner(form.get("refresh_token")?));
            let named = Params::of_query(request).get("account").map(str::to_owned);
            return Call {
                route,
                account: party.map(|party| party.account.clone()).or(named),
                calendar: None,
            };
        }
        let token = wire::bearer_token(request.headers()).and_then(|token| world.grants.access(token));
        let account = token.map(|token| token.party.account.clone());
        match Operation::find(request.method(), path) {
            Ok(operation) => {
                let default = || {
                    let mailbox = world.mailbox(account.as_deref()?)?;
                    let names_it = operation.item.is_none() && operation.kind.is_of_calendar();
                    names_it.then(|| ids::calendar_id(mailbox.number, mailbox.default_calendar))
                };
                let calendar = operation.calendar.clone().or_else(default);
                Call { route: operation.kind.route(), account, calendar }
            }
            Err(_) => Call { route: "unknown", account, calendar: None },
        }
    }

    async fn answer(self: &Arc<Self>, _call: Call, request: Request) -> Outcome {
        let path = request.uri().path();
        if let Some((tenant, route)) = identity_route(path) {
            return Outcome::Answer(self.answer_identity(tenant, route, &request));
        }
        let operation = match Operation::find(request.method(), path) {
            Ok(operation) => operation,
            Err(error) => {
                return Outcome::Answer(error.into_response(&Stamp::of(&request, self.control.clock.now())));
            }
        };
        let response = match operation.kind {
            Kind::Batch => return batch::batch(self, &request).await,
            Kind::SubscriptionsCreate => handshake::create(self, &operation, &request).await,
            kind => {
                let arrived = self.control.clock.now();
                let admitted = api::admit(&mut self.world(), &self.control, &operation, &request, arrived);
                if let Err(error) = admitted {
                    return Outcome::Answer(error.into_response(&Stamp::of(&request, arrived)));
                }
                let latency = self.world().behaviour.latency_ms;
                if latency > 0 && kind.is_of_mailbox() {
                    tokio::time::sleep(Duration::from_millis(latency)).await;
                }
                let now = self.control.clock.now();
                api::answer(&mut self.world(), &self.control, &operation, &request, now)
            }
        };
        notifications::send_changes(self);
        Outcome::Answer(response)
    }

    fn scripted_error(&self, call: &Call, answer: &ScriptedAnswer) -> Response {
        let now = self.control.clock.now();
        match call.route {
            "token" => AuthError::scripted(answer).into_response(now),
            "authorize" | "adminconsent" => identity::pages::error(&AuthError::scripted(answer), now),
            _ => ApiError::scripted(answer).into_response(&Stamp::anonymous(now)),
        }
    }

    fn control_routes(self: &Arc<Self>) -> Router {
        control_api::router(self)
    }
}

impl Microsoft {
    fn answer_identity(&self, tenant: &str, route: &str, request: &Request) -> Response {
        let now = self.control.clock.now();
        let mut world = self.world();
        match (request.method().as_str(), route) {
            ("GET" | "POST", "authorize") => authorize::authorize(&mut world, tenant, request, now),
            ("GET" | "POST", "adminconsent") => {
                admin_consent::admin_consent(&mut world, tenant, request, now)
            }
            ("POST", "token") => token::token(&mut world, tenant, request, now),
            ("GET", "discovery") => discovery::document(&world, tenant, &wire::origin(request), now),
            _ => {
                let message = "Endpoint only accepts POST requests. Received a GET request.";
                AuthError::new("invalid_request", 900_561, message).into_response(now)
            }
        }
    }
}
