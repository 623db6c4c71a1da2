//! The calendar sync worker.

use worker::{Context, Env, HttpRequest, event};

/// Answers every HTTP request.
#[event(fetch)]
async fn fetch(_request: HttpRequest, _env: Env, _ctx: Context) -> worker::Result<http::Response<String>> {
    Ok(http::Response::new("calendar sync worker".to_owned()))
}
