//! The `connectors` table: who is connected, with which sealed grant.

use super::{Row, Statement};
use crate::{
    domain::{
        claims::Claims,
        connector::{Connector, ConnectorStatus, Preferences, ProviderKind},
        failure::Failure,
        ids::{AccountId, ConnectorId, UserId, WorkspaceId},
        time::Timestamp,
        zone::Zone,
    },
    ports::DbError,
    store::unreadable,
    vault::{Place, Sealed},
};

/// Where a connector's refresh token is sealed.
pub fn refresh_token_place(connector: &ConnectorId) -> Place<'_> {
    Place { table: "connectors", row: connector.as_str(), field: "refresh_token" }
}

/// A new or renewed connection, about to be written.
#[derive(Debug, Clone)]
pub struct Connection<'a> {
    /// The id a new connector gets; an account connected before keeps its own.
    pub id: &'a ConnectorId,
    /// Whose it is.
    pub user: &'a UserId,
    /// In which workspace.
    pub workspace: Option<&'a WorkspaceId>,
    /// Who serves it.
    pub provider: ProviderKind,
    /// Where it signs in.
    pub tenant: Option<&'a str>,
    /// The provider's id of it.
    pub account: &'a AccountId,
    /// Its address.
    pub email: Option<&'a str>,
    /// Granted scopes.
    pub scopes: &'a [String],
    /// Its zone.
    pub zone: &'a Zone,
    /// When the next refresh is due.
    pub refresh_due_at: Timestamp,
    /// Preferences of a new connector; one connected before keeps its own.
    pub preferences: &'a Preferences,
    /// Now.
    pub now: Timestamp,
}

/// The id under which an account is connected already, and the refresh token held for it.
pub fn find_by_account(
    provider: ProviderKind,
    account: &AccountId,
    user: &UserId,
    workspace: Option<&WorkspaceId>,
) -> Statement {
    Statement::new(
        "connectors.find_by_account",
        "SELECT id, refresh_token FROM connectors \
         WHERE provider = ?1 AND account_id = ?2 AND user_id = ?3 AND COALESCE(workspace_id, '') = COALESCE(?4, '')",
    )
    .bind(provider.as_str())
    .bind(account.as_str())
    .bind(user.as_str())
    .bind(workspace.map(WorkspaceId::as_str))
}

/// Writes a connection: a new row, or the existing one brought back to life with its id, preferences and data kept.
/// A generation is at least the time it began, in milliseconds: so that those of a connector that was deleted and connected again
/// never repeat, and that it can be told from an older wish.
/// `refresh_token` is sealed for the row's id; `None` keeps the one held. Returns the row.
pub fn connect(connection: &Connection<'_>, refresh_token: Option<&Sealed>) -> Statement {
    Statement::new(
        "connectors.connect",
        "INSERT INTO connectors (id, user_id, workspace_id, provider, tenant, account_id, account_email, status, \
           refresh_token, scopes, time_zone, preferences, generation, refresh_due_at, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'active', ?8, ?9, ?10, ?11, ?13, ?12, ?13, ?13) \
         ON CONFLICT (provider, account_id, user_id, COALESCE(workspace_id, '')) DO UPDATE SET \
           tenant = excluded.tenant, account_email = excluded.account_email, status = 'active', \
           refresh_token = COALESCE(excluded.refresh_token, refresh_token), scopes = excluded.scopes, \
           time_zone = excluded.time_zone, claims = NULL, generation = max(generation + 1, excluded.generation), refresh_due_at = excluded.refresh_due_at, \
           updated_at = excluded.updated_at \
         RETURNING *",
    )
    .bind(connection.id.as_str())
    .bind(connection.user.as_str())
    .bind(connection.workspace.map(WorkspaceId::as_str))
    .bind(connection.provider.as_str())
    .bind(connection.tenant)
    .bind(connection.account.as_str())
    .bind(connection.email)
    .bind(refresh_token.map(Sealed::as_str))
    .bind(connection.scopes.join(" "))
    .bind(connection.zone.name())
    .bind(serde_json::to_string(connection.preferences).unwrap_or_else(|_| "{}".to_owned()))
    .bind(connection.refresh_due_at)
    .bind(connection.now)
}

/// One connector.
pub fn get(connector: &ConnectorId) -> Statement {
    Statement::new("connectors.get", "SELECT * FROM connectors WHERE id = ?1").bind(connector.as_str())
}

/// Several connectors at once.
pub fn get_many(connectors: &[ConnectorId]) -> Statement {
    Statement::new(
        "connectors.get_many",
        "SELECT * FROM connectors WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY created_at, id",
    )
    .bind(serde_json::json!(connectors).to_string())
}

/// The connectors of a user or of a workspace (of everybody, for the operator), oldest first, a page at a time: those
/// after `after` in the order of ids.
pub fn list(
    user: Option<&UserId>,
    workspace: Option<&WorkspaceId>,
    after: Option<&ConnectorId>,
    limit: u32,
) -> Statement {
    // One condition stands alone, so that its index is used.
    macro_rules! of {
        ($whose:literal) => {
            concat!(
                "SELECT * FROM connectors WHERE ",
                $whose,
                " AND (?2 IS NULL OR workspace_id = ?2) AND id > COALESCE(?3, '') ORDER BY id LIMIT ?4"
            )
        };
    }
    let sql = match (user, workspace) {
        (Some(_), _) => of!("user_id = ?1"),
        (None, Some(_)) => of!("?1 IS NULL AND workspace_id = ?2"),
        (None, None) => of!("?1 IS NULL"),
    };
    Statement::new("connectors.list", sql)
        .bind(user.map(UserId::as_str))
        .bind(workspace.map(WorkspaceId::as_str))
        .bind(after.map(ConnectorId::as_str))
        .bind(i64::from(limit))
}

/// Marks the grant of that generation as gone (G8), and keeps what the next sign-in has to prove. Returns a row only for the one caller that made the change.
pub fn require_reauthorization(
    connector: &ConnectorId,
    generation: i64,
    claims: Option<&Claims>,
    now: Timestamp,
) -> Statement {
    Statement::new(
        "connectors.require_reauthorization",
        "UPDATE connectors SET status = 'reauth_required', refresh_token = NULL, refresh_due_at = NULL, claims = ?4, updated_at = ?3 \
         WHERE id = ?1 AND generation = ?2 AND status <> 'reauth_required' RETURNING id",
    )
    .bind(connector.as_str())
    .bind(generation)
    .bind(now)
    .bind(claims.map(Claims::as_str))
}

/// After a refresh: keeps a rotated refresh token (`None`: the one held stays) and says when the next is due. Touches
/// only the grant of that generation.
pub fn refreshed(
    connector: &ConnectorId,
    generation: i64,
    rotated: Option<&Sealed>,
    refresh_due_at: Timestamp,
    now: Timestamp,
) -> Statement {
    Statement::new(
        "connectors.refreshed",
        "UPDATE connectors SET refresh_token = COALESCE(?3, refresh_token), refresh_due_at = ?4, updated_at = ?5 \
         WHERE id = ?1 AND generation = ?2 AND status <> 'reauth_required' RETURNING id",
    )
    .bind(connector.as_str())
    .bind(generation)
    .bind(rotated.map(Sealed::as_str))
    .bind(refresh_due_at)
    .bind(now)
}

/// Pauses or resumes; a connector whose grant is gone stays as it is. Returns the row if there is one.
pub fn set_paused(connector: &ConnectorId, paused: bool, now: Timestamp) -> Statement {
    Statement::new(
        "connectors.set_paused",
        "UPDATE connectors SET status = CASE WHEN status = 'reauth_required' THEN status WHEN ?2 THEN 'paused' ELSE 'active' END, \
           updated_at = ?3 WHERE id = ?1 RETURNING *",
    )
    .bind(connector.as_str())
    .bind(paused)
    .bind(now)
}

/// Writes preferences. Returns the row if there is one.
pub fn set_preferences(connector: &ConnectorId, preferences: &Preferences, now: Timestamp) -> Statement {
    Statement::new(
        "connectors.set_preferences",
        "UPDATE connectors SET preferences = ?2, updated_at = ?3 WHERE id = ?1 RETURNING *",
    )
    .bind(connector.as_str())
    .bind(serde_json::to_string(preferences).unwrap_or_else(|_| "{}".to_owned()))
    .bind(now)
}

/// Connectors whose refresh is due, earliest first; moves their due time to `next` so that the next run finds others.
pub fn take_due_refreshes(now: Timestamp, next: Timestamp, limit: u32) -> Statement {
    Statement::new(
        "connectors.take_due_refreshes",
        "UPDATE connectors SET refresh_due_at = ?2 WHERE id IN (SELECT id FROM connectors \
           WHERE status = 'active' AND refresh_due_at <= ?1 ORDER BY refresh_due_at LIMIT ?3) RETURNING id, generation",
    )
    .bind(now)
    .bind(next)
    .bind(i64::from(limit))
}

/// Remembers that a connector was used, so that its token is kept fresh.
pub fn used(connector: &ConnectorId, now: Timestamp) -> Statement {
    Statement::new("connectors.used", "UPDATE connectors SET last_used_at = ?2 WHERE id = ?1")
        .bind(connector.as_str())
        .bind(now)
}

/// Sealed refresh tokens not yet under the current key, a page at a time in the order of ids.
pub fn sealed_under_other_keys(current_prefix: &str, after: Option<&ConnectorId>, limit: u32) -> Statement {
    Statement::new(
        "connectors.sealed_under_other_keys",
        "SELECT id, refresh_token FROM connectors WHERE refresh_token IS NOT NULL \
           AND substr(refresh_token, 1, length(?1)) <> ?1 AND id > COALESCE(?2, '') ORDER BY id LIMIT ?3",
    )
    .bind(current_prefix)
    .bind(after.map(ConnectorId::as_str))
    .bind(i64::from(limit))
}

/// How many sealed refresh tokens are not yet under the current key, as `remaining`. Looks at every row.
pub fn count_under_other_keys(current_prefix: &str) -> Statement {
    Statement::new(
        "connectors.count_under_other_keys",
        "SELECT count(*) AS remaining FROM connectors WHERE refresh_token IS NOT NULL \
           AND substr(refresh_token, 1, length(?1)) <> ?1",
    )
    .bind(current_prefix)
}

/// Replaces a sealed refresh token by the same one sealed anew, unless it changed meanwhile. Returns a row if it did so.
pub fn reseal(connector: &ConnectorId, old: &Sealed, new: &Sealed) -> Statement {
    Statement::new(
        "connectors.reseal",
        "UPDATE connectors SET refresh_token = ?3 WHERE id = ?1 AND refresh_token = ?2 RETURNING id",
    )
    .bind(connector.as_str())
    .bind(old.as_str())
    .bind(new.as_str())
}

/// Deletes the row. Other tables' rows are purged first, in the same batch.
pub fn delete(connector: &ConnectorId, generation: i64) -> Statement {
    Statement::new("connectors.delete", "DELETE FROM connectors WHERE id = ?1 AND generation = ?2")
        .bind(connector.as_str())
        .bind(generation)
}

/// The sealed refresh token of a row of [`get`]; `None` when the grant is gone.
pub fn refresh_token(row: &Row) -> Result<Option<Sealed>, Failure> {
    Ok(row.optional_text("refresh_token").map_err(unreadable)?.map(Sealed::from_stored))
}

/// Reads a row.
pub fn from_row(row: &Row) -> Result<Connector, Failure> {
    read(row).map_err(unreadable)
}

fn read(row: &Row) -> Result<Connector, DbError> {
    Ok(Connector {
        id: ConnectorId::new(row.text("id")?),
        user: UserId::new(row.text("user_id")?),
        workspace: row.optional_text("workspace_id")?.map(WorkspaceId::new),
        provider: row.parsed("provider", ProviderKind::parse)?,
        tenant: row.optional_text("tenant")?.map(str::to_owned),
        account: AccountId::new(row.text("account_id")?),
        email: row.optional_text("account_email")?.map(str::to_owned),
        status: row.parsed("status", ConnectorStatus::parse)?,
        scopes: row.text("scopes")?.split_whitespace().map(str::to_owned).collect(),
        zone: row.parsed("time_zone", Zone::named)?,
        preferences: row.json("preferences")?,
        generation: row.integer("generation")?,
        created_at: row.timestamp("created_at")?,
        updated_at: row.timestamp("updated_at")?,
    })
}
