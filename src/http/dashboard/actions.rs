//! What the dashboard's buttons and forms do.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;

use super::{
    connector_page, home_page,
    session::{Session, SignedForm},
    task_form,
    wording::minute,
};
use crate::{
    domain::{failure::Failure, ids::ConnectorId},
    http::{
        auth::Caller,
        body::Segments,
        connectors::set_paused,
        disconnection::{self, Disconnected},
        pages::{Page, error_page},
        problem::Problem,
        state::{Shared, local},
        tasks,
    },
    oauth::{
        connect_link::{self, ConnectLink, ConnectLinkRequest},
        redirect::OWN_PAGE,
    },
    ports::{Clock, Ports},
};

/// Whom the playground connects accounts for.
const PLAYGROUND_USER: &str = "playground";

#[derive(Template)]
#[template(path = "connect_link.html")]
struct LinkPage {
    form_token: String,
    until: String,
    link: ConnectLink,
}

/// `GET /dashboard/connect/{provider}`: straight on to the provider, for the playground's user. Changes nothing here.
pub(super) async fn connect<P: Ports>(
    State(app): State<Shared<P>>,
    _: Session,
    Segments(provider): Segments<String>,
) -> Response {
    let request = ConnectLinkRequest {
        user_id: PLAYGROUND_USER.to_owned(),
        workspace_id: None,
        provider,
        redirect_uri: app.settings.public_base_url.join(OWN_PAGE),
        scopes: None,
        login_hint: None,
        tenant: None,
    };
    match connect_link::create(&app, request) {
        Ok(link) => Redirect::to(&link.url).into_response(),
        Err(failure) => error_page(&failure.into()),
    }
}

/// `POST /dashboard/connect-links`: for anybody. Also how an account that is connected is connected again, for the same user.
pub(super) async fn make_link<P: Ports>(State(app): State<Shared<P>>, form: SignedForm) -> Response {
    local(async move {
        let field = |name: &str| form.fields.get(name).map(str::to_owned);
        let request = ConnectLinkRequest {
            user_id: field("userId").unwrap_or_default(),
            workspace_id: field("workspaceId"),
            provider: field("provider").unwrap_or_default(),
            redirect_uri: field("redirectUri").unwrap_or_else(|| app.settings.public_base_url.join(OWN_PAGE)),
            scopes: None,
            login_hint: field("loginHint"),
            tenant: field("tenant"),
        };
        match connect_link::create(&app, request) {
            Ok(link) => {
                let until = minute(&link.expires_at);
                Page(StatusCode::OK, LinkPage { form_token: form.session.form_token, until, link })
                    .into_response()
            }
            Err(failure) => home_page::with_link_refused(&app, form.session, &form.fields, failure).await,
        }
    })
    .await
}

/// `POST /dashboard/connectors/{id}/tasks`
pub(super) async fn send_task<P: Ports>(
    State(app): State<Shared<P>>,
    Segments(id): Segments<String>,
    form: SignedForm,
) -> Response {
    local(async move {
        let id = ConnectorId::new(id);
        let connector = match Caller::Operator.connector(&app, &id).await {
            Ok(connector) => connector,
            Err(failure) => return error_page(&failure.into()),
        };
        let kind = form.fields.get("type").unwrap_or_default();
        let forms = task_form::forms(&connector, app.clock.now());
        let Some(asked) = forms.into_iter().find(|form| form.kind.as_str() == kind) else {
            return error_page(&Problem::bad_request(
                "unknown_task_type",
                "there is no form for such a task",
            ));
        };
        let message = task_form::message(&asked, &connector, &form.fields);
        match tasks::submit(&app, &Caller::Operator, &message).await {
            Ok(_) => back(&id, "sent"),
            Err(failure) => {
                let (problem, fields) = (Problem::from(failure.clone()), form.fields);
                let keep = |forms: &mut [task_form::TaskForm]| {
                    task_form::keep_filled(forms, asked.kind, &fields, problem.failure());
                };
                connector_page::render(&app, form.session, &id, "", problem.status(), Some(failure), keep)
                    .await
            }
        }
    })
    .await
}

/// `POST /dashboard/connectors/{id}/replay`
pub(super) async fn replay<P: Ports>(
    State(app): State<Shared<P>>,
    Segments(id): Segments<String>,
    form: SignedForm,
) -> Response {
    local(async move {
        let (id, task) = (ConnectorId::new(id), form.fields.get("task").unwrap_or_default().into());
        let replayed = tasks::run_again(&app, &Caller::Operator, &task, Some(&id)).await;
        answer(&id, "replayed", replayed.map(|_| ()))
    })
    .await
}

/// `POST /dashboard/connectors/{id}/pause`
pub(super) async fn pause<P: Ports>(
    State(app): State<Shared<P>>,
    Segments(id): Segments<String>,
    _: SignedForm,
) -> Response {
    local(async move {
        let id = ConnectorId::new(id);
        let paused = set_paused(&app, &Caller::Operator, &id, true).await;
        answer(&id, "paused", paused.map(|_| ()))
    })
    .await
}

/// `POST /dashboard/connectors/{id}/resume`
pub(super) async fn resume<P: Ports>(
    State(app): State<Shared<P>>,
    Segments(id): Segments<String>,
    _: SignedForm,
) -> Response {
    local(async move {
        let id = ConnectorId::new(id);
        let resumed = set_paused(&app, &Caller::Operator, &id, false).await;
        answer(&id, "resumed", resumed.map(|_| ()))
    })
    .await
}

/// `POST /dashboard/connectors/{id}/disconnect`
pub(super) async fn disconnect<P: Ports>(
    State(app): State<Shared<P>>,
    Segments(id): Segments<String>,
    _: SignedForm,
) -> Response {
    local(async move {
        let id = ConnectorId::new(id);
        match disconnection::disconnect(&app, &Caller::Operator, &id).await {
            Ok(Disconnected::Done(_)) => Redirect::to("/").into_response(),
            Ok(Disconnected::GoesOn(_)) => back(&id, "disconnecting"),
            Err(failure) => error_page(&failure.into()),
        }
    })
    .await
}

fn answer(id: &ConnectorId, done: &str, outcome: Result<(), Failure>) -> Response {
    match outcome {
        Ok(()) => back(id, done),
        Err(failure) => error_page(&failure.into()),
    }
}

/// Back to the connector's page, which says what was done.
fn back(id: &ConnectorId, done: &str) -> Response {
    let id: String = url::form_urlencoded::byte_serialize(id.as_str().as_bytes()).collect();
    Redirect::to(&format!("/dashboard/connectors/{id}?done={done}")).into_response()
}
