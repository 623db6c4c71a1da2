//! `GET /v1/notifications`: what was published on `notify-tasks`, for those who poll.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use super::{
    auth::Caller,
    body::Params,
    problem::Problem,
    state::{Shared, local},
};
use crate::{
    domain::{failure::Failure, ids::ConnectorId, notification::Notification},
    ports::{Db, Ports},
    store::outbox,
};

/// The most notifications of one page, and how many there are when nobody says.
const LARGEST_PAGE: u32 = 500;
const DEFAULT_PAGE: u32 = 100;

/// Which notifications are asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::IntoParams))]
#[cfg_attr(not(target_arch = "wasm32"), into_params(parameter_in = Query))]
pub struct NotificationQuery {
    /// Only those about this connector.
    connector_id: Option<String>,
    /// Only those published after this: the `next` of an earlier answer.
    after: Option<i64>,
    /// At most so many, 1 to 500; 100 unless said otherwise.
    limit: Option<u32>,
}

/// A page of notifications.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct NotificationPage {
    /// What was published, newest last.
    notifications: Vec<Notification>,
    /// Pass as `after` for what is published next.
    next: i64,
}

/// `GET /v1/notifications`
pub(super) async fn list<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Params(query): Params<NotificationQuery>,
) -> Result<Json<NotificationPage>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Failure::rejected("bad_value", "limit", format!("expected 1 to {LARGEST_PAGE}")).into());
    }
    let after = query.after.unwrap_or(0);
    local(async move {
        let connector = query.connector_id.map(ConnectorId::new);
        // Rows know their owner, so that a foreign connector has no notifications, like one that does not exist, and a
        // connector that is gone still has its last ones.
        let list = outbox::list(connector.as_ref(), caller.user(), caller.workspace(), after, limit);
        let rows = app.db.query(list).await?;
        let entries = rows.iter().map(outbox::from_row).collect::<Result<Vec<_>, _>>()?;
        let next = entries.last().map_or(after, |entry| entry.sequence);
        let notifications = entries.into_iter().map(|entry| entry.notification).collect();
        Ok(Json(NotificationPage { notifications, next }))
    })
    .await
}
