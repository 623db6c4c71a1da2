//! Every route there is, with the guard it stands behind.

use std::rc::Rc;

use axum::{
    Router,
    extract::Request,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{StatusCode, header};

use super::{
    access_tokens, admin, availability, connect_links, connectors, dashboard, disconnection, guard, health,
    metrics, notifications, oauth, openapi, pages::error_page, problem::Problem, slots, state::Shared, tasks,
};
use crate::{app::App, domain::failure::Failure, ports::Ports};

/// The worker's HTTP side.
pub fn router<P: Ports>(app: Rc<App<P>>) -> Router {
    let shared = Shared::new(app);
    Router::new()
        .merge(api::<P>().route_layer(from_fn_with_state(shared.clone(), guard::api::<P>)))
        .merge(browsers::<P>().route_layer(from_fn_with_state(shared.clone(), guard::browser::<P>)))
        .route("/healthz", get(health::get_health::<P>))
        .route("/openapi.json", get(openapi::get_document))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(guard::secure_headers))
        .with_state(shared)
}

/// For callers with the API key or an access token.
fn api<P: Ports>() -> Router<Shared<P>> {
    Router::new()
        .route("/v1/connect-links", post(connect_links::create::<P>))
        .route("/v1/access-tokens", post(access_tokens::create::<P>))
        .route("/v1/connectors", get(connectors::list::<P>))
        .route(
            "/v1/connectors/{id}",
            get(connectors::get::<P>).patch(connectors::patch::<P>).delete(disconnection::delete::<P>),
        )
        .route("/v1/connectors/{id}/pause", post(connectors::pause::<P>))
        .route("/v1/connectors/{id}/resume", post(connectors::resume::<P>))
        .route("/v1/connectors/{id}/calendars", get(connectors::list_calendars::<P>))
        .route("/v1/connectors/{id}/history", get(connectors::get_history::<P>))
        .route("/v1/tasks", post(tasks::create::<P>))
        .route("/v1/tasks/{id}", get(tasks::get::<P>))
        .route("/v1/tasks/{id}/replay", post(tasks::replay::<P>))
        .route("/v1/availability", post(availability::check::<P>))
        .route("/v1/slots", post(slots::find::<P>))
        .route("/v1/notifications", get(notifications::list::<P>))
        .route("/v1/admin/rotate-key", post(admin::rotate_key::<P>))
        .route("/metrics", get(metrics::get_metrics::<P>))
}

/// For people's browsers.
fn browsers<P: Ports>() -> Router<Shared<P>> {
    Router::new()
        .route("/oauth/{provider}/start", get(oauth::start::<P>))
        .route("/oauth/{provider}/callback", get(oauth::callback::<P>))
        .route("/connected", get(oauth::connected))
        .merge(dashboard::routes::<P>())
}

async fn not_found(request: Request) -> Response {
    let problem = Problem::from(Failure::not_found("route_not_found", "there is nothing at this address"));
    if wants_page(&request) { error_page(&problem) } else { problem.into_response() }
}

async fn method_not_allowed(request: Request) -> Response {
    let failure = Failure::refused("method_not_allowed", "this address does not answer to this method");
    let problem = Problem::with_status(StatusCode::METHOD_NOT_ALLOWED, failure);
    if wants_page(&request) { error_page(&problem) } else { problem.into_response() }
}

/// Whether a person's browser asks.
fn wants_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}
