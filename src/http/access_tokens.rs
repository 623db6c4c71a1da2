//! `POST /v1/access-tokens`: a short-lived bearer token that reaches one user's or one workspace's rows only.

use axum::{Json, extract::State};
use chrono::TimeDelta;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    auth::{Caller, Operator},
    body::JsonBody,
    problem::Problem,
    state::Shared,
};
use crate::{
    domain::{
        failure::Failure,
        ids::{UserId, WorkspaceId},
    },
    ports::{Clock, Ports},
};

/// The shortest and longest lives of a token, in seconds.
const LIFETIMES_S: std::ops::RangeInclusive<i64> = 30..=86_400;
/// The life of a token whose request names none, in seconds.
const DEFAULT_LIFETIME_S: i64 = 3_600;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct AccessTokenRequest {
    /// Whose rows the token reaches: this user's ...
    user_id: Option<String>,
    /// ... or this workspace's. Exactly one of the two.
    workspace_id: Option<String>,
    /// How long it works: 30 to 86400 seconds, an hour unless said otherwise.
    #[cfg_attr(not(target_arch = "wasm32"), schema(minimum = 30, maximum = 86400, default = 3600))]
    ttl_seconds: Option<i64>,
}

/// A token.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct AccessTokenAnswer {
    /// To be sent as `Authorization: Bearer <token>`.
    token: String,
    /// Until when it works, RFC 3339 in UTC.
    expires_at: String,
}

/// Makes a token.
pub(super) async fn create<P: Ports>(
    State(app): State<Shared<P>>,
    _: Operator,
    JsonBody(request): JsonBody<AccessTokenRequest>,
) -> Result<(StatusCode, Json<AccessTokenAnswer>), Problem> {
    let caller = subject(request.user_id, request.workspace_id)?;
    let lifetime = request.ttl_seconds.unwrap_or(DEFAULT_LIFETIME_S);
    if !LIFETIMES_S.contains(&lifetime) {
        let (least, most) = (LIFETIMES_S.start(), LIFETIMES_S.end());
        return Err(
            Failure::rejected("bad_value", "ttlSeconds", format!("expected {least} to {most}")).into()
        );
    }
    let expires_at = app.clock.now().plus(TimeDelta::seconds(lifetime));
    let token = caller
        .token(&app, expires_at)
        .ok_or_else(|| Failure::fatal("token_without_subject", "the operator has a key, not a token"))?;
    Ok((StatusCode::CREATED, Json(AccessTokenAnswer { token, expires_at: expires_at.to_rfc3339() })))
}

fn subject(user: Option<String>, workspace: Option<String>) -> Result<Caller, Failure> {
    let (field, id) = match (&user, &workspace) {
        (Some(id), None) => ("userId", id),
        (None, Some(id)) => ("workspaceId", id),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Failure::rejected("bad_value", "userId", "expected either userId or workspaceId"));
        }
    };
    if id.trim().is_empty() || id.len() > 255 {
        return Err(Failure::rejected("bad_value", field, "expected 1 to 255 characters"));
    }
    Ok(match (user, workspace) {
        (Some(user), _) => Caller::User(UserId::new(user)),
        (None, workspace) => Caller::Workspace(WorkspaceId::new(workspace.unwrap_or_default())),
    })
}
