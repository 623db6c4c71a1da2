//! A connected account, without going through OAuth.

use chrono::TimeDelta;

use super::block_on;
use crate::{
    app::App,
    domain::{
        connector::{Connector, Preferences, ProviderKind},
        ids::{AccountId, ConnectorId, UserId, WorkspaceId},
        zone::Zone,
    },
    ports::{Clock, Db, Ports},
    store::connectors,
};

/// Connects `account` (again) for the user `user-1`, with the refresh token `refresh-1`. The connector's id is
/// `con-<account>`.
pub fn connect<P: Ports>(app: &App<P>, account: &str) -> Connector {
    connect_with(app, account, "refresh-1")
}

/// The same with a refresh token of the test's choice.
pub fn connect_with<P: Ports>(app: &App<P>, account: &str, refresh_token: &str) -> Connector {
    connect_for(app, account, refresh_token, "user-1", None)
}

/// The same for a user and a workspace of the test's choice.
pub fn connect_for<P: Ports>(
    app: &App<P>,
    account: &str,
    refresh_token: &str,
    user: &str,
    workspace: Option<&str>,
) -> Connector {
    block_on(connecting(app, account, refresh_token, user, workspace))
}

/// The same for tests that are already within a future.
pub async fn connecting<P: Ports>(
    app: &App<P>,
    account: &str,
    refresh_token: &str,
    user: &str,
    workspace: Option<&str>,
) -> Connector {
    let id = ConnectorId::new(format!("con-{account}"));
    let sealed = app.vault.seal(&app.random, &connectors::refresh_token_place(&id), refresh_token).unwrap();
    let workspace = workspace.map(WorkspaceId::new);
    let now = app.clock.now();
    let connection = connectors::Connection {
        id: &id,
        user: &UserId::new(user),
        workspace: workspace.as_ref(),
        provider: ProviderKind::Google,
        tenant: None,
        account: &AccountId::new(account),
        email: Some(&format!("{account}@example.com")),
        scopes: &["openid".to_owned(), "calendar".to_owned()],
        zone: &Zone::utc(),
        refresh_due_at: now.plus(TimeDelta::minutes(55)),
        preferences: &Preferences::default(),
        now,
    };
    let rows = app.db.query(connectors::connect(&connection, Some(&sealed))).await.unwrap();
    connectors::from_row(&rows[0]).unwrap()
}

/// The connector's row as it is now.
pub fn reread<P: Ports>(app: &App<P>, connector: &ConnectorId) -> Connector {
    let rows = block_on(app.db.query(connectors::get(connector))).unwrap();
    connectors::from_row(&rows[0]).unwrap()
}
