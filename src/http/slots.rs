//! `POST /v1/slots`: when can these people meet? For somebody who waits: one round trip to the database, then all providers
//! side by side, or the one that knows everybody.

use axum::{Json, extract::State};
use serde_json::Value;

use super::{
    auth::Caller,
    body::JsonBody,
    problem::Problem,
    state::{Shared, local},
};
use crate::{
    app::App,
    availability::{
        accounts,
        meeting::{self, Participant},
        slot_request::{Meeting, SlotRequest},
    },
    domain::failure::{Action, Failure},
    ports::{Db, Ports},
    tasks::read_payload,
};

/// `POST /v1/slots`
pub(super) async fn find<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    JsonBody(request): JsonBody<Value>,
) -> Result<Json<Value>, Problem> {
    if !request.is_object() {
        return Err(Failure::refused("wrong_type", "expected an object").into());
    }
    let meeting = read_payload::<SlotRequest>(&request)?.checked()?;
    if meeting.connectors.is_empty() {
        return Err(Failure::rejected("missing_field", "connectorIds", "this field is required").into());
    }
    local(async move { Ok(Json(look(&app, &caller, &meeting).await?)) }).await
}

async fn look<P: Ports>(app: &App<P>, caller: &Caller, meeting: &Meeting) -> Result<Value, Failure> {
    let rows = app.db.batch(accounts::statements(&meeting.connectors)).await?;
    let reached = accounts::read(&rows, &|connector| caller.reaches(connector))?;
    let people: Vec<Participant<'_>> =
        meeting.connectors.iter().map(|id| Participant { id, account: reached.get(id) }).collect();
    let found = meeting::find(app, &people, meeting).await;
    // One connector is asked about like any other resource: a fault of the request is the answer's status.
    match found.failures.as_slice() {
        [(_, failure)]
            if people.len() == 1 && matches!(failure.action, Action::NotFound | Action::Rejected(_)) =>
        {
            Err(failure.clone())
        }
        _ => found.slots.to_json(),
    }
}
