//! The `oauth_state` table: attempts to connect an account, between the browser's departure and its return.
//!
//! Times are Unix seconds, as other services expect of this table.

use super::{Row, Statement};
use crate::{
    domain::{
        claims::Claims,
        connector::ProviderKind,
        failure::Failure,
        ids::{UserId, WorkspaceId},
        time::Timestamp,
    },
    ports::DbError,
    store::unreadable,
    vault::{Place, Sealed},
};

/// Where an attempt's PKCE verifier is sealed.
pub fn verifier_place(state_hash: &str) -> Place<'_> {
    Place { table: "oauth_state", row: state_hash, field: "code_verifier" }
}

/// Who connects what, and where the browser goes in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// For whom.
    pub user: UserId,
    /// In which workspace.
    pub workspace: Option<WorkspaceId>,
    /// At which provider.
    pub provider: ProviderKind,
    /// At which of its tenants.
    pub tenant: Option<String>,
    /// Where the browser goes in the end.
    pub redirect_uri: String,
    /// What is asked for.
    pub scopes: Vec<String>,
}

/// What an attempt is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Connecting an account.
    Connect,
    /// An administrator's consent for an organisation.
    AdminConsent,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::AdminConsent => "admin_consent",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Connect, Self::AdminConsent].into_iter().find(|purpose| purpose.as_str() == name)
    }
}

/// What is kept of one attempt beside the wish, none of it in the clear that is secret.
#[derive(Debug, Clone)]
pub struct Keeping<'a> {
    /// SHA-256 of the state that travels with the browser.
    pub state_hash: &'a str,
    /// SHA-256 of the cookie the browser got.
    pub browser_hash: &'a str,
    /// The PKCE verifier, sealed for this row, where a code is to come.
    pub verifier: Option<&'a Sealed>,
    /// What it is for.
    pub purpose: Purpose,
    /// What the provider just wanted to see proved.
    pub claims: Option<&'a Claims>,
}

/// An attempt, read back.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// What was wanted.
    pub wish: Wish,
    /// SHA-256 of the cookie of the browser that started.
    pub browser_hash: String,
    /// The PKCE verifier; gone once the attempt was used.
    pub verifier: Option<Sealed>,
    /// Whether the consent page was asked for.
    pub consent_forced: bool,
    /// The claims that were asked for.
    pub claims: Option<Claims>,
    /// What it is for.
    pub purpose: Purpose,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
}

/// Keeps an attempt. The consent page is to be asked for if `force_consent` says so, or if no refresh token is held that
/// could be for this account (the one of `login_hint`, if that is known): returned as `consent_forced`. Returned as `claims`:
/// those of `keeping`, else those the provider wanted to see proved when it ended the grant of such an account.
pub fn insert(
    wish: &Wish,
    keeping: &Keeping<'_>,
    force_consent: bool,
    login_hint: Option<&str>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Statement {
    Statement::new(
        "oauth_state.insert",
        "INSERT INTO oauth_state (state, user_id, workspace_id, provider, tenant, redirect_uri, scopes, code_verifier, \
           browser_hash, consent_forced, created_at, expires_at, purpose, claims) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
           ?10 OR NOT EXISTS (SELECT 1 FROM connectors WHERE user_id = ?2 AND provider = ?4 \
             AND COALESCE(workspace_id, '') = COALESCE(?3, '') AND refresh_token IS NOT NULL \
             AND (?11 IS NULL OR account_email = ?11 COLLATE NOCASE)), ?12, ?13, ?14, \
           COALESCE(?15, (SELECT claims FROM connectors WHERE user_id = ?2 AND provider = ?4 \
             AND COALESCE(workspace_id, '') = COALESCE(?3, '') AND claims IS NOT NULL \
             AND (?11 IS NULL OR account_email = ?11 COLLATE NOCASE) ORDER BY updated_at DESC LIMIT 1))) \
         RETURNING consent_forced, claims",
    )
    .bind(keeping.state_hash)
    .bind(wish.user.as_str())
    .bind(wish.workspace.as_ref().map(WorkspaceId::as_str))
    .bind(wish.provider.as_str())
    .bind(wish.tenant.as_deref())
    .bind(wish.redirect_uri.as_str())
    .bind(wish.scopes.join(" "))
    .bind(keeping.verifier.map(Sealed::as_str))
    .bind(keeping.browser_hash)
    .bind(force_consent)
    .bind(login_hint)
    .bind(now.as_seconds())
    .bind(expires_at.as_seconds())
    .bind(keeping.purpose.as_str())
    .bind(keeping.claims.map(Claims::as_str))
}

/// Takes an attempt for use, once: the first statement reads it as it was, the second returns a row only to the one
/// caller that used it. Run both as one batch.
pub fn consume(state_hash: &str, now: Timestamp) -> [Statement; 2] {
    [
        Statement::new("oauth_state.get", "SELECT * FROM oauth_state WHERE state = ?1").bind(state_hash),
        Statement::new(
            "oauth_state.consume",
            "UPDATE oauth_state SET consumed_at = ?2, code_verifier = NULL \
             WHERE state = ?1 AND consumed_at IS NULL RETURNING state",
        )
        .bind(state_hash)
        .bind(now.as_seconds()),
    ]
}

/// Drops attempts that expired before `before`.
pub fn prune(before: Timestamp) -> Statement {
    Statement::new("oauth_state.prune", "DELETE FROM oauth_state WHERE expires_at < ?1")
        .bind(before.as_seconds())
}

/// The claims of the row of [`insert`]; what is no request for claims counts as none.
pub fn claims(row: &Row) -> Result<Option<Claims>, Failure> {
    Ok(row.optional_text("claims").map_err(unreadable)?.and_then(Claims::parse))
}

/// Reads a row of the first statement of [`consume`].
pub fn from_row(row: &Row) -> Result<Attempt, Failure> {
    read(row).map_err(unreadable)
}

fn read(row: &Row) -> Result<Attempt, DbError> {
    Ok(Attempt {
        wish: Wish {
            user: UserId::new(row.text("user_id")?),
            workspace: row.optional_text("workspace_id")?.map(WorkspaceId::new),
            provider: row.parsed("provider", ProviderKind::parse)?,
            tenant: row.optional_text("tenant")?.map(str::to_owned),
            redirect_uri: row.text("redirect_uri")?.to_owned(),
            scopes: row.text("scopes")?.split_whitespace().map(str::to_owned).collect(),
        },
        browser_hash: row.text("browser_hash")?.to_owned(),
        verifier: row.optional_text("code_verifier")?.map(Sealed::from_stored),
        consent_forced: row.boolean("consent_forced")?,
        claims: row.optional_text("claims")?.and_then(Claims::parse),
        purpose: row.parsed("purpose", Purpose::parse)?,
        expires_at: Timestamp::from_seconds(row.integer("expires_at")?),
    })
}
