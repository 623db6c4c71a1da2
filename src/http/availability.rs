//! `POST /v1/availability`: when are these accounts busy? For somebody who waits: one round trip to the database, then all
//! accounts side by side.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use super::{
    auth::{Caller, no_such_connector},
    body::JsonBody,
    problem::Problem,
    state::{Shared, local},
};
use crate::{
    app::App,
    availability::{self, Availability, Question, accounts, side_by_side},
    domain::{
        event_time::parse_window,
        failure::{Action, Failure},
        ids::{CalendarId, ConnectorId},
        zone::Zone,
    },
    ports::{Db, Ports},
};

/// The most connectors asked about at once.
const MOST_CONNECTORS: usize = 50;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct AvailabilityRequest {
    /// The connectors to ask about, at most 50.
    connector_ids: Option<Vec<String>>,
    /// The same for a single one.
    connector_id: Option<String>,
    /// Start of the window: RFC 3339, or local in `timeZone`.
    time_min: String,
    /// End of the window, not included; at most five years after its start.
    time_max: String,
    /// The IANA zone the answer is written in.
    time_zone: String,
    /// The calendars to look at, with a single connector; none given: those each connector's preferences name.
    calendars: Option<Vec<String>>,
}

/// The answer: one entry for each connector, in the order asked.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct AvailabilityAnswer {
    /// Whether every connector and calendar was heard. If not, time that is not busy here may still be busy.
    complete: bool,
    /// What each connector said.
    connectors: Vec<ConnectorAvailability>,
}

/// What one connector said: when it is busy, or why that is not known.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct ConnectorAvailability {
    /// Which connector.
    connector_id: String,
    /// When it is busy; absent when that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    availability: Option<Availability>,
    /// Why it is not known. Not known is never free.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<AvailabilityError>,
}

/// Why a connector's busy time is not known.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct AvailabilityError {
    /// A stable name in snake_case.
    code: String,
    /// For a human.
    message: String,
    /// Whether asking again later may help.
    retryable: bool,
}

/// `POST /v1/availability`
pub(super) async fn check<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    JsonBody(request): JsonBody<AvailabilityRequest>,
) -> Result<Json<AvailabilityAnswer>, Problem> {
    let (ids, question) = read(request)?;
    local(async move { Ok(Json(ask_all(&app, &caller, &ids, &question).await?)) }).await
}

fn read(request: AvailabilityRequest) -> Result<(Vec<ConnectorId>, Question), Failure> {
    let ids = match (request.connector_ids, request.connector_id) {
        (Some(ids), None) => ids,
        (None, Some(id)) => vec![id],
        (Some(_), Some(_)) => {
            return Err(Failure::rejected(
                "bad_value",
                "connectorId",
                "expected connectorIds or connectorId, not both",
            ));
        }
        (None, None) => {
            return Err(Failure::rejected("missing_field", "connectorIds", "this field is required"));
        }
    };
    if ids.is_empty() || ids.len() > MOST_CONNECTORS {
        let message = format!("expected 1 to {MOST_CONNECTORS} connectors");
        return Err(Failure::rejected("bad_value", "connectorIds", message));
    }
    if request.calendars.is_some() && ids.len() > 1 {
        let message = "calendars can be named for a single connector only";
        return Err(Failure::rejected("bad_value", "calendars", message));
    }
    let zone = Zone::checked(&request.time_zone, "timeZone")?;
    let window = parse_window((&request.time_min, "timeMin"), (&request.time_max, "timeMax"), &zone)?;
    let calendars = request.calendars.map(|calendars| calendars.into_iter().map(CalendarId::new).collect());
    let question = Question::checked(calendars, window, zone)?;
    let mut distinct: Vec<ConnectorId> = Vec::with_capacity(ids.len());
    for id in ids.into_iter().map(ConnectorId::new) {
        if !distinct.contains(&id) {
            distinct.push(id);
        }
    }
    Ok((distinct, question))
}

async fn ask_all<P: Ports>(
    app: &App<P>,
    caller: &Caller,
    ids: &[ConnectorId],
    question: &Question,
) -> Result<AvailabilityAnswer, Failure> {
    let rows = app.db.batch(accounts::statements(ids)).await?;
    let found = accounts::read(&rows, &|connector| caller.reaches(connector))?;
    let accounts: Vec<_> = ids.iter().map(|id| found.get(id)).collect();
    let connectors: Vec<_> = accounts.iter().map(|account| account.map(|(connector, _)| connector)).collect();
    let answers = side_by_side(&connectors, async |place| match accounts.get(place) {
        Some(Some((connector, calendars))) => availability::check(app, connector, calendars, question).await,
        _ => Err(no_such_connector()),
    })
    .await;
    // One connector is asked about like any other resource: a fault of the request is the answer's status.
    if let [Err(failure)] = answers.as_slice()
        && matches!(failure.action, Action::NotFound | Action::Rejected(_))
    {
        return Err(failure.clone());
    }
    let complete = answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.complete));
    let connectors =
        ids.iter().zip(answers).map(|(id, answer)| ConnectorAvailability::new(id, answer)).collect();
    Ok(AvailabilityAnswer { complete, connectors })
}

impl ConnectorAvailability {
    fn new(id: &ConnectorId, answer: Result<Availability, Failure>) -> Self {
        let (availability, error) = match answer {
            Ok(availability) => (Some(availability), None),
            Err(failure) => {
                let retryable = failure.is_retryable();
                let code = failure.code.into_owned();
                (None, Some(AvailabilityError { code, message: failure.message, retryable }))
            }
        };
        Self { connector_id: id.as_str().to_owned(), availability, error }
    }
}
