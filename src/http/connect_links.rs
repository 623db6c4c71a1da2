//! `POST /v1/connect-links`: a link for a person to click.

use axum::{Json, extract::State};
use http::StatusCode;

use super::{auth::Operator, body::JsonBody, problem::Problem, state::Shared};
use crate::{
    oauth::connect_link::{self, ConnectLink, ConnectLinkRequest},
    ports::Ports,
};

/// Makes a connect link.
pub(super) async fn create<P: Ports>(
    State(app): State<Shared<P>>,
    _: Operator,
    JsonBody(request): JsonBody<ConnectLinkRequest>,
) -> Result<(StatusCode, Json<ConnectLink>), Problem> {
    Ok((StatusCode::CREATED, Json(connect_link::create(&app, request)?)))
}
