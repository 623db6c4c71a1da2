//! `/v1/tasks`: tasks asked for from outside Cloudflare, where they stand, and once more for those that failed.

use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::{
    auth::Caller,
    body::{JsonBody, Params, Segments},
    problem::Problem,
    state::{Shared, local},
    task_view::TaskView,
};
use crate::{
    app::App,
    domain::{
        failure::Failure,
        ids::{ConnectorId, TaskId},
    },
    ports::{Db, Ports, Random},
    store::{
        outbox::Owner,
        tasks::{self, TaskRow},
    },
    tasks::{envelope, submission},
};

/// `POST /v1/tasks`: checked exactly as the queue's consumer would, then enqueued.
pub(super) async fn create<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    JsonBody(body): JsonBody<Value>,
) -> Result<(StatusCode, Json<TaskView>), Problem> {
    local(async move {
        let task = submit(&app, &caller, &body).await?;
        Ok((StatusCode::ACCEPTED, Json(TaskView::from(&task))))
    })
    .await
}

/// Enters a task for a connector the caller reaches. A task without an id of its own gets one.
pub(super) async fn submit<P: Ports>(
    app: &App<P>,
    caller: &Caller,
    body: &Value,
) -> Result<TaskRow, Failure> {
    let reading = envelope::read(body, &fresh_id(&app.random)?);
    let (asked, connectors) = submission::check(reading)?;
    let connector = caller.connector_among(app, &connectors).await?;
    submission::submit(app, &asked, &Owner::of(&connector)).await
}

fn fresh_id(random: &impl Random) -> Result<String, Failure> {
    let mut bytes = [0u8; 15];
    random.fill(&mut bytes)?;
    Ok(format!("task_{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// Which of several tasks of the same id is meant.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::IntoParams))]
#[cfg_attr(not(target_arch = "wasm32"), into_params(parameter_in = Query))]
pub struct TaskQuery {
    /// The connector it is for: needed only where several connectors' tasks have the same id.
    connector_id: Option<String>,
}

/// `GET /v1/tasks/{id}`
pub(super) async fn get<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segments(id): Segments<String>,
    Params(query): Params<TaskQuery>,
) -> Result<Json<TaskView>, Problem> {
    local(async move {
        let task = find(&app, &caller, &id.into(), query.connector_id.map(ConnectorId::new).as_ref()).await?;
        Ok(Json(TaskView::from(&task)))
    })
    .await
}

/// `POST /v1/tasks/{id}/replay`
pub(super) async fn replay<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segments(id): Segments<String>,
    Params(query): Params<TaskQuery>,
) -> Result<(StatusCode, Json<TaskView>), Problem> {
    local(async move {
        let connector = query.connector_id.map(ConnectorId::new);
        let task = run_again(&app, &caller, &id.into(), connector.as_ref()).await?;
        Ok((StatusCode::ACCEPTED, Json(TaskView::from(&task))))
    })
    .await
}

/// Runs a failed or dead task of the caller's once more.
pub(super) async fn run_again<P: Ports>(
    app: &App<P>,
    caller: &Caller,
    id: &TaskId,
    connector: Option<&ConnectorId>,
) -> Result<TaskRow, Failure> {
    let task = find(app, caller, id, connector).await?;
    submission::replay(app, &task.asked.connector, id).await
}

async fn find<P: Ports>(
    app: &App<P>,
    caller: &Caller,
    id: &TaskId,
    connector: Option<&ConnectorId>,
) -> Result<TaskRow, Failure> {
    let rows = app.db.query(tasks::find(id, connector, caller.user(), caller.workspace())).await?;
    match rows.as_slice() {
        [] => Err(Failure::not_found("task_not_found", "there is no such task")),
        [row] => tasks::from_row(row),
        _ => Err(Failure::rejected(
            "task_id_ambiguous",
            "connectorId",
            "tasks of several connectors have this id; say which is meant with connectorId",
        )),
    }
}
