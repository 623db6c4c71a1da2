//! `POST /subscriptions`: both URLs must prove, while the call is pending, that they want the notifications.
//!
//! <https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks#notificationurl-validation>

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};
use url::Url;

use super::Microsoft;
use super::api;
use super::errors::{ApiError, Stamp, uuid};
use super::operation::Operation;
use super::subscriptions;
use super::wire;
use crate::control::provider::{Provider as _, Request, Response};

/// How long a URL may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers a request for a new subscription.
pub async fn create(microsoft: &Arc<Microsoft>, operation: &Operation, request: &Request) -> Response {
    let now = microsoft.control().clock.now();
    let stamp = Stamp::of(request, now);
    match try_create(microsoft, operation, request).await {
        Ok(shown) => stamp.onto(wire::json(StatusCode::CREATED, &Value::Object(shown))),
        Err(error) => error.into_response(&stamp),
    }
}

async fn try_create(
    microsoft: &Arc<Microsoft>,
    operation: &Operation,
    request: &Request,
) -> Result<Map<String, Value>, ApiError> {
    let now = microsoft.control().clock.now();
    // The world is not held while the subscriber is asked: it may well call us back in between.
    let subscription = {
        let mut world = microsoft.world();
        let call = api::authorised(&mut world, microsoft.control(), operation, request, now)?;
        subscriptions::read(&call)?
    };
    validate(microsoft, &subscription.notification_url).await?;
    if let Some(url) = &subscription.lifecycle_url {
        validate(microsoft, url).await?;
    }
    let mut world = microsoft.world();
    let context = format!("{}/v1.0/$metadata#subscriptions/$entity", wire::origin(request));
    let mut shown = Map::from_iter([("@odata.context".to_owned(), context.into())]);
    shown.extend(subscriptions::render(&world, &subscription, true));
    subscriptions::keep(&mut world, subscription);
    Ok(shown)
}

/// Asks one URL to repeat a token that no client guesses and that does not survive careless decoding.
async fn validate(microsoft: &Microsoft, url: &str) -> Result<(), ApiError> {
    let failed = |message: String| ApiError::new(400, "ValidationError", message);
    let token = format!(
        "Validation: Testing client application reachability for subscription Request-Id: {} + 100% & more",
        uuid()
    );
    let mut url = Url::parse(url).map_err(|_| failed("The notification URL is not a URL.".to_owned()))?;
    url.query_pairs_mut().append_pair("validationToken", &token);
    let answer = microsoft
        .http
        .post(url)
        .timeout(PATIENCE)
        .header("Content-Type", "text/plain; charset=utf-8")
        .header("Content-Length", "0")
        .send()
        .await
        .map_err(|error| {
            failed(if error.is_timeout() {
                "Subscription validation request timed out.".to_owned()
            } else {
                format!("Subscription validation request failed. {}", error.without_url())
            })
        })?;
    let status = answer.status();
    let plain = answer
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/plain"));
    let body = answer.text().await.unwrap_or_default();
    if status != 200 {
        let name = status.canonical_reason().unwrap_or("unknown").replace(' ', "");
        return Err(failed(format!(
            "Subscription validation request failed. HTTP status code is '{name}'. Notification endpoint must respond with 200 OK to validation request."
        )));
    }
    if !plain || body.trim() != token {
        return Err(failed("Subscription validation request failed. Response must exactly match validationToken query parameter.".to_owned()));
    }
    Ok(())
}
