//! The operator's dashboard, and in development the playground on `/`: HTML compiled in, which works without JavaScript.
//!
//! Signed in with the API key; a session is a signed HttpOnly cookie, and every form carries a token that belongs to it.

mod actions;
mod activity;
mod assets;
mod connector_page;
mod field;
mod home_page;
mod session;
mod task_form;
mod wording;

use axum::{
    Router,
    routing::{get, post},
};

use http::HeaderMap;

use super::state::Shared;
use crate::{app::App, ports::Ports};

/// Whether a request comes from somebody who is signed in here.
pub(super) fn is_signed_in<P: Ports>(app: &App<P>, headers: &HeaderMap) -> bool {
    session::Session::of(app, headers).is_some()
}

/// The dashboard's routes.
pub(super) fn routes<P: Ports>() -> Router<Shared<P>> {
    Router::new()
        .route("/", get(home_page::show::<P>))
        .route("/dashboard/sign-in", post(session::sign_in::<P>))
        .route("/dashboard/sign-out", post(session::sign_out::<P>))
        .route("/dashboard/connect/{provider}", get(actions::connect::<P>))
        .route("/dashboard/connect-links", post(actions::make_link::<P>))
        .route("/dashboard/connectors/{id}", get(connector_page::show::<P>))
        .route("/dashboard/connectors/{id}/activity", get(activity::show::<P>))
        .route("/dashboard/connectors/{id}/tasks", post(actions::send_task::<P>))
        .route("/dashboard/connectors/{id}/replay", post(actions::replay::<P>))
        .route("/dashboard/connectors/{id}/pause", post(actions::pause::<P>))
        .route("/dashboard/connectors/{id}/resume", post(actions::resume::<P>))
        .route("/dashboard/connectors/{id}/disconnect", post(actions::disconnect::<P>))
        .route("/assets/style.css", get(assets::style))
        .route("/assets/dashboard.js", get(assets::script))
}
