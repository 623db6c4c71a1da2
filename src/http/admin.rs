//! `POST /v1/admin/rotate-key`: seals refresh tokens anew under the current key, a batch at a time. `npm run rotate-key`
//! calls it until nothing remains.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use super::{
    auth::Operator,
    body::JsonBody,
    problem::Problem,
    state::{Shared, local},
};
use crate::{
    domain::{failure::Failure, ids::ConnectorId},
    ports::Ports,
    vault::rotation,
};

/// The most tokens of one batch, and how many there are when nobody says.
const LARGEST_BATCH: u32 = 500;
const DEFAULT_BATCH: u32 = 100;

/// Which batch.
#[derive(Debug, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct RotationRequest {
    /// At most so many tokens, 1 to 500; 100 unless said otherwise.
    limit: Option<u32>,
    /// The `after` of the batch before; absent for the first.
    after: Option<String>,
}

/// How far it got.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct Rotation {
    /// Tokens sealed anew by this batch.
    rotated: u32,
    /// Tokens still sealed under another key.
    remaining: u32,
    /// Connectors whose token no key of the ring opens; they must be connected again.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Vec<String>))]
    unreadable: Vec<ConnectorId>,
    /// Pass as `after` for the next batch; absent after the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<String>))]
    after: Option<ConnectorId>,
}

impl From<rotation::Rotation> for Rotation {
    fn from(rotation: rotation::Rotation) -> Self {
        Self {
            rotated: rotation.rotated,
            remaining: rotation.remaining,
            unreadable: rotation.unreadable,
            after: rotation.next_after,
        }
    }
}

/// Rotates one batch.
pub(super) async fn rotate_key<P: Ports>(
    State(app): State<Shared<P>>,
    _: Operator,
    JsonBody(request): JsonBody<RotationRequest>,
) -> Result<Json<Rotation>, Problem> {
    let limit = request.limit.unwrap_or(DEFAULT_BATCH);
    if !(1..=LARGEST_BATCH).contains(&limit) {
        return Err(Failure::rejected("bad_value", "limit", format!("expected 1 to {LARGEST_BATCH}")).into());
    }
    let after = request.after.map(ConnectorId::new);
    local(async move { Ok(Json(rotation::rotate(&app, limit, after.as_ref()).await?.into())) }).await
}
