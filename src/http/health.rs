//! `/healthz`: whether the worker could do its work; and the worker that cannot, because a setting is missing.

use axum::{
    Json, Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::{
    auth::Caller,
    guard,
    problem::Problem,
    state::{Shared, local},
};
use crate::{
    config::SettingsError,
    domain::failure::Failure,
    ports::{Db, Ports},
    store,
};

/// How the worker is.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct Health {
    /// `ok`, or `failing` if any check fails.
    status: &'static str,
    /// One entry for each thing looked at.
    checks: Vec<Check>,
}

/// One thing looked at.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct Check {
    /// `settings` or `database`.
    name: &'static str,
    /// Whether it is as it should be.
    ok: bool,
    /// What is wrong with it; settings are named, their values never shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

fn answer(checks: Vec<Check>) -> Response {
    let ok = checks.iter().all(|check| check.ok);
    let (status, word) =
        if ok { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "failing") };
    (status, Json(Health { status: word, checks })).into_response()
}

/// `GET /healthz`. Strangers are limited by address, at a rate that no monitor comes near, because the database is asked. They are
/// counted apart from the browsers that come from there, so that those take nothing away from a monitor.
pub(super) async fn get_health<P: Ports>(State(app): State<Shared<P>>, headers: HeaderMap) -> Response {
    let operator = matches!(Caller::identify(&app, &headers), Ok(Caller::Operator));
    let key = format!("health:{}", guard::address(&headers));
    if !operator && let Err(problem) = guard::limit(&app, key).await {
        return problem.into_response();
    }
    let database = local(async move { app.db.query(store::ping()).await }).await;
    let problems = match &database {
        Ok(_) => vec![],
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            vec!["the database does not answer, or its migrations were not applied".to_owned()]
        }
    };
    answer(vec![
        Check { name: "settings", ok: true, problems: vec![] },
        Check { name: "database", ok: database.is_ok(), problems },
    ])
}

/// The routes of a worker whose settings do not do: every request is told what is wrong with them.
pub fn unconfigured(error: &SettingsError) -> Router {
    let (problems, message) = (error.problems.clone(), error.to_string());
    Router::new()
        .route(
            "/healthz",
            get(|| async move { answer(vec![Check { name: "settings", ok: false, problems }]) }),
        )
        .fallback(|| async move {
            Problem::with_status(StatusCode::SERVICE_UNAVAILABLE, Failure::fatal("settings_invalid", message))
        })
        .layer(middleware::from_fn(guard::secure_headers))
}
