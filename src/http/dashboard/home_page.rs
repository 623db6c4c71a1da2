//! `/`: who is connected, what was given up, and how to connect somebody. Or, for those who are not signed in, the way in.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::session::{Session, may_go_without_key};
use crate::{
    app::App,
    domain::{connector::ProviderKind, failure::Failure},
    http::{
        auth::Caller,
        body::Params,
        connectors::{ConnectorPage, ConnectorQuery, page},
        pages::{Page, error_page},
        state::{Shared, local},
        task_view::TaskView,
    },
    ports::{Db, Ports},
    store::tasks,
};

/// How many tasks that were given up are shown.
const DEAD_TASKS: u32 = 20;

/// The way in.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignInPage {
    /// Whether a key was tried that does not fit.
    pub wrong_key: bool,
    /// Whether one may go in without a key.
    pub without_key: bool,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    form_token: String,
    development: bool,
    providers: Vec<ProviderKind>,
    query: HomeQuery,
    connectors: ConnectorPage,
    dead: Vec<TaskView>,
    own_page: String,
}

/// Which connectors are shown.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct HomeQuery {
    #[serde(default)]
    user: String,
    #[serde(default)]
    workspace: String,
    #[serde(default)]
    after: String,
}

/// `GET /`
pub(super) async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    headers: HeaderMap,
    Params(query): Params<HomeQuery>,
) -> Response {
    let Some(session) = Session::of(&app, &headers) else {
        return Page(StatusCode::OK, sign_in_page(&app, &headers)).into_response();
    };
    local(async move {
        match home(&app, session, query).await {
            Ok(page) => Page(StatusCode::OK, page).into_response(),
            Err(failure) => error_page(&failure.into()),
        }
    })
    .await
}

/// The sign-in page as this browser gets it.
pub(super) fn sign_in_page<P: Ports>(app: &App<P>, headers: &HeaderMap) -> SignInPage {
    SignInPage { wrong_key: false, without_key: may_go_without_key(app, headers) }
}

async fn home<P: Ports>(app: &App<P>, session: Session, query: HomeQuery) -> Result<HomePage, Failure> {
    let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let asked = ConnectorQuery {
        user_id: some(&query.user),
        workspace_id: some(&query.workspace),
        after: some(&query.after),
        limit: None,
    };
    let connectors = page(app, &Caller::Operator, asked).await?;
    let dead = app.db.query(tasks::latest_dead(DEAD_TASKS)).await?;
    let dead = dead.iter().map(|row| Ok(TaskView::from(&tasks::from_row(row)?)));
    Ok(HomePage {
        form_token: session.form_token,
        development: app.settings.development,
        providers: ProviderKind::ALL.into_iter().filter(|kind| app.providers.get(*kind).is_ok()).collect(),
        query,
        connectors,
        dead: dead.collect::<Result<_, Failure>>()?,
        own_page: app.settings.public_base_url.join(crate::oauth::redirect::OWN_PAGE),
    })
}
