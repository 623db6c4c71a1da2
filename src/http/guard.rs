//! What every request passes before its handler: who calls, how often they may, and the headers every answer carries.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{
    auth::Caller,
    dashboard,
    pages::error_page,
    problem::Problem,
    state::{Shared, local},
};
use crate::{
    domain::failure::Failure,
    ports::{Ports, RateLimiter},
};

/// The period of the rate limiting binding, in seconds: the longest a caller has to wait.
const RATE_LIMIT_PERIOD_S: i64 = 60;

/// API routes: known callers only. A token's subject is limited; so are, by address, those who fail to prove who they are.
/// The holder of the API key is the operator's own backend and is not.
pub(super) async fn api<P: Ports>(
    State(app): State<Shared<P>>,
    mut request: Request,
    next: Next,
) -> Response {
    let outcome = match Caller::identify(&app, request.headers()) {
        Ok(Caller::Operator) => Ok(Caller::Operator),
        Ok(caller) => limit(&app, format!("api:{}", caller.label())).await.map(|()| caller),
        Err(problem) => {
            let key = format!("unknown:{}", address(request.headers()));
            Err(limit(&app, key).await.err().unwrap_or(problem))
        }
    };
    match outcome {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Routes that strangers' browsers reach: limited by address. An operator who is signed in is no stranger, and watches pages
/// that ask again every few seconds.
pub(super) async fn browser<P: Ports>(
    State(app): State<Shared<P>>,
    request: Request,
    next: Next,
) -> Response {
    if !dashboard::is_signed_in(&app, request.headers())
        && let Err(problem) = limit(&app, format!("browser:{}", address(request.headers()))).await
    {
        return error_page(&problem);
    }
    next.run(request).await
}

pub(super) async fn limit<P: Ports>(app: &Shared<P>, key: String) -> Result<(), Problem> {
    let app = app.clone();
    let allowed = local(async move {
        let allowed = app.rate_limiter.allow(&key).await;
        if !allowed {
            tracing::warn!(key, "rate limited");
        }
        allowed
    });
    if allowed.await {
        return Ok(());
    }
    let wait = chrono::TimeDelta::seconds(RATE_LIMIT_PERIOD_S);
    let failure = Failure::wait("rate_limited", "too many requests; wait and try again", wait);
    Err(Problem::with_status(StatusCode::TOO_MANY_REQUESTS, failure))
}

/// The address of the caller as Cloudflare tells it; elsewhere (and in development) all callers are one.
pub(super) fn address(headers: &HeaderMap) -> &str {
    headers.get("cf-connecting-ip").and_then(|value| value.to_str().ok()).unwrap_or("unknown")
}

/// Headers of every answer: nothing is cached, sniffed, framed or told to other sites, unless the handler said otherwise.
pub(super) async fn secure_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let defaults = [
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in defaults {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
