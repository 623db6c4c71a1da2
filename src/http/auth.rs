//! Who is calling, and whose rows they may reach (G9).
//!
//! The operator and the backend present `API_KEY`. Front ends and services of one tenant present an access token of
//! `POST /v1/access-tokens`, good for one user or workspace. What a caller may not reach answers exactly like what does not
//! exist.

use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};
use serde::{Deserialize, Serialize};

use super::{problem::Problem, state::Shared};
use crate::{
    app::App,
    domain::{
        connector::Connector,
        failure::Failure,
        ids::{ConnectorId, UserId, WorkspaceId},
        time::Timestamp,
    },
    ports::{Clock, Db, Ports},
    signing::{Purpose, Signer},
    store::connectors,
};

/// Somebody who proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Holds the API key: reaches everything.
    Operator,
    /// Reaches what is this user's.
    User(UserId),
    /// Reaches what is this workspace's.
    Workspace(WorkspaceId),
}

/// What an access token says.
#[derive(Debug, Serialize, Deserialize)]
enum Subject {
    #[serde(rename = "u")]
    User(UserId),
    #[serde(rename = "w")]
    Workspace(WorkspaceId),
}

/// What an access token carries.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    #[serde(rename = "sub")]
    subject: Subject,
}

impl Caller {
    /// Who presents the `Authorization` header of `headers`.
    pub fn identify<P: Ports>(app: &App<P>, headers: &HeaderMap) -> Result<Self, Problem> {
        let presented = headers.get(header::AUTHORIZATION).ok_or_else(|| {
            Problem::unauthorized("send the API key or an access token as `Authorization: Bearer ...`")
        })?;
        let token = presented
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| {
                Problem::unauthorized("the Authorization header is not of the form `Bearer ...`")
            })?;
        if app.settings.api_key.matches(token) {
            return Ok(Self::Operator);
        }
        let claims: Claims = signer(app).verify(token, app.clock.now()).map_err(|why| {
            Problem::unauthorized(&format!("the API key or access token is not accepted: {why}"))
        })?;
        Ok(match claims.subject {
            Subject::User(user) => Self::User(user),
            Subject::Workspace(workspace) => Self::Workspace(workspace),
        })
    }

    /// A token that lets its bearer be this caller until `expires_at`; `None` for the operator, who has a key.
    pub(super) fn token<P: Ports>(&self, app: &App<P>, expires_at: Timestamp) -> Option<String> {
        let subject = match self {
            Self::Operator => return None,
            Self::User(user) => Subject::User(user.clone()),
            Self::Workspace(workspace) => Subject::Workspace(workspace.clone()),
        };
        Some(signer(app).sign(&Claims { subject }, expires_at))
    }

    /// The user whose rows alone are reached, if it is one user's.
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::User(user) => Some(user),
            Self::Operator | Self::Workspace(_) => None,
        }
    }

    /// The workspace whose rows alone are reached, if it is one workspace's.
    pub fn workspace(&self) -> Option<&WorkspaceId> {
        match self {
            Self::Workspace(workspace) => Some(workspace),
            Self::Operator | Self::User(_) => None,
        }
    }

    /// Whether this caller reaches a connector.
    pub fn reaches(&self, connector: &Connector) -> bool {
        match self {
            Self::Operator => true,
            Self::User(user) => connector.user == *user,
            Self::Workspace(workspace) => connector.workspace.as_ref() == Some(workspace),
        }
    }

    /// The connector of that id, if there is one and this caller reaches it.
    pub async fn connector<P: Ports>(&self, app: &App<P>, id: &ConnectorId) -> Result<Connector, Failure> {
        self.connector_among(app, std::slice::from_ref(id)).await
    }

    /// The first of the connectors of those ids, if there are all of them and this caller reaches each.
    pub(super) async fn connector_among<P: Ports>(
        &self,
        app: &App<P>,
        ids: &[ConnectorId],
    ) -> Result<Connector, Failure> {
        let rows = app.db.query(connectors::get_many(ids)).await?;
        let found = rows.iter().map(connectors::from_row).collect::<Result<Vec<_>, _>>()?;
        let reached = |id: &ConnectorId| found.iter().find(|one| one.id == *id && self.reaches(one));
        let mut connectors =
            ids.iter().map(reached).collect::<Option<Vec<_>>>().unwrap_or_default().into_iter();
        connectors.next().cloned().ok_or_else(no_such_connector)
    }

    /// A name for logs and for the rate limiter; holds no secret.
    pub fn label(&self) -> String {
        match self {
            Self::Operator => "operator".to_owned(),
            Self::User(user) => format!("user:{user}"),
            Self::Workspace(workspace) => format!("workspace:{workspace}"),
        }
    }
}

/// The one answer for a connector that does not exist and for one that is somebody else's.
pub(super) fn no_such_connector() -> Failure {
    Failure::not_found("connector_not_found", "there is no such connector")
}

fn signer<P: Ports>(app: &App<P>) -> Signer {
    Signer::new(&app.settings.webhook_secret, Purpose::AccessToken)
}

/// Found by the guard of the API routes, which ran before.
impl<P: Ports> FromRequestParts<Shared<P>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared<P>) -> Result<Self, Problem> {
        match parts.extensions.get::<Self>() {
            Some(caller) => Ok(caller.clone()),
            None => Self::identify(app, &parts.headers),
        }
    }
}

/// A caller who holds the API key. Others are refused.
pub struct Operator;

impl<P: Ports> FromRequestParts<Shared<P>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared<P>) -> Result<Self, Problem> {
        match Caller::from_request_parts(parts, app).await? {
            Caller::Operator => Ok(Self),
            Caller::User(_) | Caller::Workspace(_) => {
                Err(Problem::forbidden("this needs the API key; an access token does not reach it"))
            }
        }
    }
}
