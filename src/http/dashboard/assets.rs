//! The one style sheet and the one script, compiled in.

use axum::response::{IntoResponse, Response};
use http::header;

/// Browsers may keep these for a while; a new deployment shows within it.
const CACHING: &str = "public, max-age=300";

/// `GET /assets/style.css`
pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("../../../assets/style.css"))
}

/// `GET /assets/dashboard.js`
pub(super) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../../assets/dashboard.js"))
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, CACHING)], text).into_response()
}
