//! `/v1/connectors`: who is connected, with which calendars and preferences, and what happened lately.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use super::{
    auth::{Caller, no_such_connector},
    body::{JsonBody, Params, Segments},
    history::{self, History},
    preferences::{self, PreferencesChange},
    problem::Problem,
    state::{Shared, local},
};
use crate::{
    app::App,
    domain::{
        calendar::Calendar,
        connector::{Connector, ConnectorStatus, Preferences, ProviderKind},
        failure::Failure,
        ids::{ConnectorId, UserId, WorkspaceId},
    },
    pausing,
    ports::{Clock, Db, Ports},
    store::{calendars, connectors},
};

/// The most connectors of one page, and how many there are when nobody says.
const LARGEST_PAGE: u32 = 200;
const DEFAULT_PAGE: u32 = 50;

/// A connector.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = Connector))]
pub struct ConnectorView {
    /// Its id.
    pub id: String,
    /// The product's id of its user.
    pub user_id: String,
    /// The product's id of its workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// Who serves it.
    pub provider: ProviderKind,
    /// The provider's tenant it signs in at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The provider's id of the account.
    pub account_id: String,
    /// The account's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_email: Option<String>,
    /// Whether work is done for it.
    pub status: ConnectorStatus,
    /// The scopes granted.
    pub scopes: Vec<String>,
    /// The account's IANA time zone.
    pub time_zone: String,
    /// What is preferred.
    pub preferences: Preferences,
    /// When it was first connected, RFC 3339 in UTC.
    pub created_at: String,
    /// When it last changed, RFC 3339 in UTC.
    pub updated_at: String,
}

impl From<&Connector> for ConnectorView {
    fn from(connector: &Connector) -> Self {
        Self {
            id: connector.id.as_str().to_owned(),
            user_id: connector.user.as_str().to_owned(),
            workspace_id: connector.workspace.as_ref().map(|id| id.as_str().to_owned()),
            provider: connector.provider,
            tenant: connector.tenant.clone(),
            account_id: connector.account.as_str().to_owned(),
            account_email: connector.email.clone(),
            status: connector.status,
            scopes: connector.scopes.clone(),
            time_zone: connector.zone.name().to_owned(),
            preferences: connector.preferences.clone(),
            created_at: connector.created_at.to_rfc3339(),
            updated_at: connector.updated_at.to_rfc3339(),
        }
    }
}

/// A page of connectors.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct ConnectorPage {
    /// The connectors, in the order of their ids.
    pub connectors: Vec<ConnectorView>,
    /// Pass as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which connectors are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::IntoParams))]
#[cfg_attr(not(target_arch = "wasm32"), into_params(parameter_in = Query))]
pub struct ConnectorQuery {
    /// Only this user's.
    pub user_id: Option<String>,
    /// Only this workspace's.
    pub workspace_id: Option<String>,
    /// Only those after this id: the `next` of the page before.
    pub after: Option<String>,
    /// At most so many, 1 to 200; 50 unless said otherwise.
    pub limit: Option<u32>,
}

/// `GET /v1/connectors`
pub(super) async fn list<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Params(query): Params<ConnectorQuery>,
) -> Result<Json<ConnectorPage>, Problem> {
    local(async move { Ok(Json(page(&app, &caller, query).await?)) }).await
}

/// A page of the connectors the caller reaches.
pub(super) async fn page<P: Ports>(
    app: &App<P>,
    caller: &Caller,
    query: ConnectorQuery,
) -> Result<ConnectorPage, Failure> {
    let limit = query.limit.unwrap_or(DEFAULT_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Failure::rejected("bad_value", "limit", format!("expected 1 to {LARGEST_PAGE}")));
    }
    let (user, workspace) = (query.user_id.map(UserId::new), query.workspace_id.map(WorkspaceId::new));
    let asks_for_others = caller.user().zip(user.as_ref()).is_some_and(|(own, asked)| own != asked)
        || caller.workspace().zip(workspace.as_ref()).is_some_and(|(own, asked)| own != asked);
    if asks_for_others {
        return Ok(ConnectorPage { connectors: vec![], next: None });
    }
    let statement = connectors::list(
        caller.user().or(user.as_ref()),
        caller.workspace().or(workspace.as_ref()),
        query.after.map(ConnectorId::new).as_ref(),
        limit + 1,
    );
    let rows = app.db.query(statement).await?;
    let shown = rows.iter().take(limit as usize);
    let connectors: Vec<ConnectorView> = shown
        .map(|row| Ok(ConnectorView::from(&connectors::from_row(row)?)))
        .collect::<Result<_, Failure>>()?;
    let more = rows.len() > limit as usize;
    let next = connectors.last().filter(|_| more).map(|connector| connector.id.clone());
    Ok(ConnectorPage { connectors, next })
}

/// `GET /v1/connectors/{id}`
pub(super) async fn get<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<ConnectorView>, Problem> {
    local(async move { Ok(Json(ConnectorView::from(&caller.connector(&app, &id.into()).await?))) }).await
}

/// `PATCH /v1/connectors/{id}`
pub(super) async fn patch<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segments(id): Segments<String>,
    JsonBody(change): JsonBody<PreferencesChange>,
) -> Result<Json<ConnectorView>, Problem> {
    local(async move {
        let (connector, calendars) = with_calendars(&app, &caller, &id.into()).await?;
        let preferences = preferences::change(&connector.preferences, change, &calendars)?;
        let write = connectors::set_preferences(&connector.id, &preferences, app.clock.now());
        let rows = app.db.query(write).await?;
        let row = rows.first().ok_or_else(no_such_connector)?;
        Ok(Json(ConnectorView::from(&connectors::from_row(row)?)))
    })
    .await
}

/// `POST /v1/connectors/{id}/pause`
pub(super) async fn pause<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<ConnectorView>, Problem> {
    local(async move { Ok(Json(ConnectorView::from(&set_paused(&app, &caller, &id.into(), true).await?))) })
        .await
}

/// `POST /v1/connectors/{id}/resume`
pub(super) async fn resume<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<ConnectorView>, Problem> {
    local(async move { Ok(Json(ConnectorView::from(&set_paused(&app, &caller, &id.into(), false).await?))) })
        .await
}

/// Pauses or resumes a connector the caller reaches.
pub(super) async fn set_paused<P: Ports>(
    app: &App<P>,
    caller: &Caller,
    id: &ConnectorId,
    paused: bool,
) -> Result<Connector, Failure> {
    pausing::set_paused(app, &caller.connector(app, id).await?, paused).await
}

/// A calendar of a connector.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = Calendar))]
pub struct CalendarView {
    /// The provider's id.
    pub id: String,
    /// What the person calls it.
    pub name: String,
    /// Its IANA time zone, where it has one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Whether it is the account's main calendar.
    pub primary: bool,
    /// What the account may do with it: `free_busy`, `read`, `write` or `own`.
    pub access: &'static str,
    /// Whether the person shows it at the provider: those count for availability unless preferences say otherwise.
    pub selected: bool,
}

impl From<&Calendar> for CalendarView {
    fn from(calendar: &Calendar) -> Self {
        Self {
            id: calendar.id.as_str().to_owned(),
            name: calendar.name.clone(),
            time_zone: calendar.zone.as_ref().map(|zone| zone.name().to_owned()),
            primary: calendar.primary,
            access: calendar.access.as_str(),
            selected: calendar.selected,
        }
    }
}

/// The calendars of a connector.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct CalendarList {
    /// The calendars, the main one first.
    calendars: Vec<CalendarView>,
}

/// `GET /v1/connectors/{id}/calendars`
pub(super) async fn list_calendars<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segments(id): Segments<String>,
) -> Result<Json<CalendarList>, Problem> {
    local(async move {
        let (_, calendars) = with_calendars(&app, &caller, &id.into()).await?;
        Ok(Json(CalendarList { calendars: calendars.iter().map(CalendarView::from).collect() }))
    })
    .await
}

/// A connector the caller reaches and its calendars, in one round trip.
pub(super) async fn with_calendars<P: Ports>(
    app: &App<P>,
    caller: &Caller,
    id: &ConnectorId,
) -> Result<(Connector, Vec<Calendar>), Failure> {
    let answers = app.db.batch(vec![connectors::get(id), calendars::list(id)]).await?;
    let [rows, calendar_rows] = answers.as_slice() else { return Err(no_such_connector()) };
    let connector = rows.first().map(connectors::from_row).transpose()?;
    let connector = connector.filter(|connector| caller.reaches(connector)).ok_or_else(no_such_connector)?;
    let calendars = calendar_rows.iter().map(|row| calendars::from_row(row).map(|(_, calendar)| calendar));
    Ok((connector, calendars.collect::<Result<_, _>>()?))
}

/// How much of the past is asked for.
#[derive(Debug, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::IntoParams))]
#[cfg_attr(not(target_arch = "wasm32"), into_params(parameter_in = Query))]
pub struct HistoryQuery {
    /// At most so many entries, 1 to 200; 50 unless said otherwise.
    limit: Option<u32>,
}

/// `GET /v1/connectors/{id}/history`
pub(super) async fn get_history<P: Ports>(
    State(app): State<Shared<P>>,
    caller: Caller,
    Segments(id): Segments<String>,
    Params(query): Params<HistoryQuery>,
) -> Result<Json<History>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Failure::rejected("bad_value", "limit", format!("expected 1 to {LARGEST_PAGE}")).into());
    }
    local(async move {
        let connector = caller.connector(&app, &id.into()).await?;
        Ok(Json(history::read(&app, &connector.id, limit).await?))
    })
    .await
}
