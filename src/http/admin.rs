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
    app::App,
    domain::{failure::Failure, ids::ConnectorId},
    ports::{Db, Ports},
    store::{Row, Statement, connectors, unreadable},
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
    remaining: i64,
    /// Connectors whose token no key of the ring opens; they must be connected again.
    unreadable: Vec<String>,
    /// Pass as `after` for the next batch; absent after the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
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
    local(async move { Ok(Json(rotate(&app, limit, request.after.map(ConnectorId::new)).await?)) }).await
}

async fn rotate<P: Ports>(app: &App<P>, limit: u32, after: Option<ConnectorId>) -> Result<Rotation, Failure> {
    let current = format!("v1.{}.", app.vault.current_key_id());
    let rows = app.db.query(connectors::sealed_under_other_keys(&current, after.as_ref(), limit)).await?;
    let mut writes = Vec::with_capacity(rows.len() + 1);
    let mut lost = Vec::new();
    for row in &rows {
        match reseal(app, row) {
            Ok(write) => writes.push(write),
            Err(failure) => {
                let id = row.text("id").map_err(unreadable)?;
                tracing::error!(connector = id, code = %failure.code, message = %failure.message, "token not sealed anew");
                lost.push(id.to_owned());
            }
        }
    }
    writes.push(connectors::count_under_other_keys(&current));
    let mut answers = app.db.batch(writes).await?;
    let count = answers.pop().unwrap_or_default();
    let remaining = count.first().map_or(Ok(0), |row| row.integer("remaining")).map_err(unreadable)?;
    let more = rows.len() == limit as usize;
    let last = rows.last().filter(|_| more).map(|row| row.text("id").map(str::to_owned)).transpose();
    Ok(Rotation {
        // A token that changed meanwhile was sealed under the current key by whoever changed it.
        rotated: u32::try_from(answers.iter().filter(|rows| !rows.is_empty()).count()).unwrap_or(u32::MAX),
        remaining,
        unreadable: lost,
        after: last.map_err(unreadable)?,
    })
}

fn reseal<P: Ports>(app: &App<P>, row: &Row) -> Result<Statement, Failure> {
    let id = ConnectorId::new(row.text("id").map_err(unreadable)?);
    let old = connectors::refresh_token(row)?.ok_or_else(|| {
        Failure::fatal("stored_row_unreadable", "a row without a token was read as one with it")
    })?;
    let place = connectors::refresh_token_place(&id);
    let opened = app.vault.open(&place, &old)?;
    let new = app.vault.seal(&app.random, &place, &opened.plaintext)?;
    Ok(connectors::reseal(&id, &old, &new))
}
