//! The page of one connector: how it stands, its calendars, a form for each task, and what happened lately.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Deserialize;

use super::{
    activity::{self, Activity},
    session::Session,
    task_form::{TaskForm, forms},
};
use crate::{
    app::App,
    domain::{failure::Failure, ids::ConnectorId},
    http::{
        auth::Caller,
        body::{Params, Segments},
        connectors::{CalendarView, ConnectorView, with_calendars},
        pages::{Page, error_page},
        state::{Shared, local},
    },
    ports::{Clock, Ports},
};

/// What the page says at its top after something was done; the address only names which.
#[derive(Debug, Default, Deserialize)]
pub(super) struct PageQuery {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "connector.html")]
struct ConnectorPage {
    form_token: String,
    connector: ConnectorView,
    calendars: Vec<CalendarView>,
    forms: Vec<TaskForm>,
    activity: Activity,
    done: &'static str,
    problem: Option<Failure>,
}

/// `GET /dashboard/connectors/{id}`
pub(super) async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    session: Session,
    Segments(id): Segments<String>,
    Params(query): Params<PageQuery>,
) -> Response {
    local(async move {
        let done = match query.done.as_deref() {
            Some("sent") => "The task is on its way.",
            Some("replayed") => "The task runs once more.",
            Some("paused") => "The connector is paused; its tasks wait.",
            Some("resumed") => "The connector works again.",
            Some("disconnecting") => "The provider does not answer; disconnecting goes on in the background.",
            _ => "",
        };
        render(&app, session, &id.into(), done, StatusCode::OK, None, |_| {}).await
    })
    .await
}

/// The page, with what is wrong with a form that was sent, if something is.
pub(super) async fn render<P: Ports>(
    app: &App<P>,
    session: Session,
    id: &ConnectorId,
    done: &'static str,
    status: StatusCode,
    problem: Option<Failure>,
    fill: impl FnOnce(&mut [TaskForm]),
) -> Response {
    match load(app, session, id, done, problem, fill).await {
        Ok(page) => Page(status, page).into_response(),
        Err(failure) => error_page(&failure.into()),
    }
}

async fn load<P: Ports>(
    app: &App<P>,
    session: Session,
    id: &ConnectorId,
    done: &'static str,
    problem: Option<Failure>,
    fill: impl FnOnce(&mut [TaskForm]),
) -> Result<ConnectorPage, Failure> {
    let (connector, calendars) = with_calendars(app, &Caller::Operator, id).await?;
    let mut forms = forms(&connector, app.clock.now());
    fill(&mut forms);
    Ok(ConnectorPage {
        activity: activity::read(app, id, session.form_token.clone()).await?,
        form_token: session.form_token,
        connector: ConnectorView::from(&connector),
        calendars: calendars.iter().map(CalendarView::from).collect(),
        forms,
        done,
        problem,
    })
}
