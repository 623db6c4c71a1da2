//! Pages for people: how they are rendered, and the one that explains what went wrong.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::problem::Problem;

/// What a page may load: our own style sheet and script, nothing else.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A page with its status.
pub(super) struct Page<T>(pub StatusCode, pub T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let body = match self.1.render() {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "a page was not rendered");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        let mut response = (self.0, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
        response
    }
}

/// Something went wrong, and there is nowhere to send the browser.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    title: &'a str,
    message: String,
    code: &'a str,
}

/// A problem as a page, for somebody in a browser.
pub(super) fn error_page(problem: &Problem) -> Response {
    let failure = problem.failure();
    if problem.status().is_server_error() {
        tracing::error!(code = %failure.code, message = %failure.message, "answered with an error page");
    }
    let title = match problem.status() {
        StatusCode::NOT_FOUND => "This page does not exist",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        status if status.is_server_error() => "That did not work",
        _ => "That did not work",
    };
    let page = ErrorPage { title, message: sentence(&failure.message), code: &failure.code };
    let mut response = Page(problem.status(), page).into_response();
    if let Some(seconds) = problem.retry_after_s() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A failure's message as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str().trim_end_matches('.'))
}
