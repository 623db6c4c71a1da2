//! The control API that every provider has: clock, faults, counters, request log, outbox.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::Rule;
use super::provider::Provider;

/// A refusal: status and a JSON body that says why.
pub type Refusal = (StatusCode, Json<Value>);

/// A 400 with a sentence.
pub fn bad_request(message: impl Into<String>) -> Refusal {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": message.into() })))
}

/// A 404 with a sentence.
pub fn not_found(message: impl Into<String>) -> Refusal {
    (StatusCode::NOT_FOUND, Json(json!({ "error": message.into() })))
}

/// Parses a control request's body; anything that does not fit is named in a 400.
pub fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let body = if body.is_empty() { b"{}".as_slice() } else { body };
    serde_json::from_slice(body).map_err(|error| bad_request(error.to_string()))
}

/// The shared routes; the provider's own are merged beside them.
pub fn router<P: Provider>(provider: &Arc<P>) -> Router {
    Router::new()
        .route("/control/health", get(health::<P>))
        .route("/control/clock", get(clock::<P>).post(move_clock::<P>))
        .route("/control/clock/advance", post(move_clock::<P>))
        .route("/control/faults", get(faults::<P>).post(add_fault::<P>).delete(clear_faults::<P>))
        .route("/control/faults/{id}", delete(remove_fault::<P>))
        .route("/control/counters", get(counters::<P>).delete(reset_counters::<P>))
        .route("/control/counters/reset", post(reset_counters::<P>))
        .route("/control/requests", get(requests::<P>).delete(clear_requests::<P>))
        .route("/control/outbox", get(outbox::<P>))
        .with_state(Arc::clone(provider))
}

async fn health<P: Provider>(State(provider): State<Arc<P>>) -> Json<Value> {
    Json(json!({ "ok": true, "now": provider.control().clock.now().to_string() }))
}

async fn clock<P: Provider>(State(provider): State<Arc<P>>) -> Json<Value> {
    let clock = &provider.control().clock;
    Json(json!({ "now": clock.now().to_string(), "offsetMs": clock.offset_ms() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ClockMove {
    seconds: Option<i64>,
    ms: Option<i64>,
    /// ISO 8601 duration or jiff's friendly form: `PT7D`, `3 days`.
    by: Option<SignedDuration>,
    now: Option<Timestamp>,
    #[serde(default)]
    reset: bool,
}

async fn move_clock<P: Provider>(
    State(provider): State<Arc<P>>,
    body: bytes::Bytes,
) -> Result<Json<Value>, Refusal> {
    let change: ClockMove = parse(&body)?;
    let clock = &provider.control().clock;
    if change.reset {
        clock.reset();
    }
    if let Some(now) = change.now {
        clock.set(now);
    }
    clock.advance_ms(change.seconds.unwrap_or(0).saturating_mul(1000));
    clock.advance_ms(change.ms.unwrap_or(0));
    if let Some(by) = change.by {
        clock.advance_ms(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
    }
    Ok(Json(json!({ "now": clock.now().to_string(), "offsetMs": clock.offset_ms() })))
}

async fn faults<P: Provider>(State(provider): State<Arc<P>>) -> Json<Value> {
    Json(json!({ "faults": provider.control().faults().pending() }))
}

async fn add_fault<P: Provider>(
    State(provider): State<Arc<P>>,
    body: bytes::Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let rule: Rule = parse(&body)?;
    let id = provider.control().faults().add(rule);
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

async fn remove_fault<P: Provider>(
    State(provider): State<Arc<P>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Refusal> {
    if provider.control().faults().remove(id) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_found(format!("no fault {id} is waiting; it may have been used up")))
    }
}

async fn clear_faults<P: Provider>(State(provider): State<Arc<P>>) -> StatusCode {
    provider.control().faults().clear();
    StatusCode::NO_CONTENT
}

async fn counters<P: Provider>(State(provider): State<Arc<P>>) -> Json<Value> {
    Json(json!(*provider.control().counters()))
}

async fn reset_counters<P: Provider>(State(provider): State<Arc<P>>) -> StatusCode {
    provider.control().counters().reset();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct LogQuery {
    limit: Option<usize>,
    route: Option<String>,
    account: Option<String>,
}

async fn requests<P: Provider>(State(provider): State<Arc<P>>, Query(query): Query<LogQuery>) -> Json<Value> {
    let log = provider.control().requests();
    let entries: Vec<_> = log
        .newest(usize::MAX)
        .filter(|entry| query.route.as_deref().is_none_or(|route| route == entry.route))
        .filter(|entry| query.account.is_none() || query.account == entry.account)
        .collect();
    let skipped = entries.len().saturating_sub(query.limit.unwrap_or(100));
    Json(json!({ "requests": &entries[skipped..] }))
}

async fn clear_requests<P: Provider>(State(provider): State<Arc<P>>) -> StatusCode {
    provider.control().requests().clear();
    StatusCode::NO_CONTENT
}

async fn outbox<P: Provider>(State(provider): State<Arc<P>>) -> Json<Value> {
    let outbox = provider.control().outbox();
    Json(json!({ "mails": outbox.mails().collect::<Vec<_>>() }))
}
