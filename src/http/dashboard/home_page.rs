//! `/`: who is connected, what was given up, and how to connect somebody. Or, for those who are not signed in, the way in.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::{
    field::{Field, Input, field, keep},
    session::{Session, may_go_without_key},
};
use crate::{
    app::App,
    domain::{connector::ProviderKind, failure::Failure},
    http::{
        auth::Caller,
        body::{FormBody, Params},
        connectors::{ConnectorPage, ConnectorQuery, page},
        pages::{Page, error_page},
        problem::Problem,
        state::{Shared, local},
        task_view::TaskView,
    },
    oauth::redirect::OWN_PAGE,
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
    /// The form for a connect link.
    link: Vec<Field>,
    /// The provider chosen in it.
    provider: String,
    /// Why no link was made.
    problem: Option<Failure>,
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

/// The page with the form for a connect link as it was filled in, and why no link was made.
pub(super) async fn with_link_refused<P: Ports>(
    app: &App<P>,
    session: Session,
    filled: &FormBody,
    failure: Failure,
) -> Response {
    match home(app, session, HomeQuery::default()).await {
        Ok(mut page) => {
            keep(&mut page.link, filled, &failure);
            page.provider = filled.get("provider").unwrap_or_default().to_owned();
            let status = Problem::from(failure.clone()).status();
            page.problem = Some(failure);
            Page(status, page).into_response()
        }
        Err(failure) => error_page(&failure.into()),
    }
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
        link: link_form(app.settings.public_base_url.join(OWN_PAGE)),
        provider: String::new(),
        problem: None,
    })
}

/// What a connect link is made of, besides the provider.
fn link_form(own_page: String) -> Vec<Field> {
    vec![
        field("userId", "User id", Input::Text).required(),
        field("workspaceId", "Workspace id", Input::Text),
        field("loginHint", "Address of the account they probably mean", Input::Email),
        field(
            "tenant",
            "Organisation to sign in at, where the provider has such (its id or domain)",
            Input::Text,
        ),
        field("redirectUri", "Where they go in the end", Input::Url).required().with(own_page),
    ]
}
