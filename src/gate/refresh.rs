//! Refreshing a connector's access token: the only place that does, and only ever once at a time per connector (see
//! [`super::single_flight`]).
//!
//! A refresh token the provider rotated is written down in the object's own storage at once, and in the system of record
//! before the new access token is given to anybody; were the database to fail just then, the next refresh goes on from the
//! copy in the object. Every write names the generation of the grant, so that a person who connects anew meanwhile wins.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::CachedGrant;
use crate::{
    app::App,
    domain::{
        claims::Claims,
        connector::{Connector, ConnectorStatus},
        failure::{Action, Failure},
        ids::ConnectorId,
        secret::RefreshToken,
        time::Timestamp,
    },
    ports::{Clock, Db, Metrics, Ports},
    providers::{Refresh, TokenGrant},
    reauthorization::{self, Mark},
    session,
    store::{Row, connectors, unreadable},
    vault::Sealed,
};

/// How long before it expires a token is refreshed while its connector is in use.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// A connector used within this time is in use; the grant of one that is not is still exercised this often.
const IN_USE: TimeDelta = TimeDelta::days(1);

/// Whoever connects again and again while we refresh can keep us from it this many times.
const MOST_ROUNDS: usize = 3;

/// How often a rotated token is written before the database is given up on.
const MOST_WRITES: usize = 3;

/// A rotated refresh token on its way into the system of record, sealed for its row there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The grant it continues.
    pub generation: i64,
    /// The envelope.
    pub sealed: String,
}

/// What a refresh gave.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// The new access token.
    pub grant: CachedGrant,
    /// The generation of the connector it belongs to.
    pub generation: i64,
    /// The claims it was asked for with.
    pub claims: Option<Claims>,
}

/// Keeps a rotation safe until the system of record has it.
#[allow(async_fn_in_trait, reason = "an object lives on one thread")]
pub trait Journal {
    /// Writes down what must survive, or that nothing has to any more. A failure is logged, not returned: the system of
    /// record is the better place and is tried in any case.
    async fn keep(&self, rotation: Option<Rotation>);
}

/// Refreshes the connector's access token, proving `claims` if a challenge asked for any. `pending` is a rotation an earlier
/// refresh could not bring home.
pub async fn refresh<P: Ports>(
    app: &App<P>,
    id: &ConnectorId,
    claims: Option<Claims>,
    mut pending: Option<Rotation>,
    journal: &impl Journal,
) -> Result<Refreshed, Failure> {
    for _ in 0..MOST_ROUNDS {
        let row = read(app, id).await?;
        let connector = connectors::from_row(&row)?;
        let stored = match connectors::refresh_token(&row)? {
            Some(stored) if connector.status != ConnectorStatus::ReauthRequired => stored,
            _ => {
                return Err(Failure::reauthorize(
                    "reauth_required",
                    "the grant is gone; the person must connect the account again",
                ));
            }
        };
        let place = connectors::refresh_token_place(id);
        // One that does not open (its key was removed meanwhile) leaves the one in the system of record.
        let rescued = pending
            .take()
            .filter(|rotation| rotation.generation == connector.generation)
            .and_then(|rotation| app.vault.open(&place, &Sealed::from_stored(rotation.sealed)).ok());
        let is_rescued = rescued.is_some();
        let opened = match rescued {
            Some(opened) => opened,
            None => app.vault.open(&place, &stored)?,
        };
        let token = RefreshToken::new(opened.plaintext.as_str());

        let (result, challenge) = exchange(app, &connector, &token, claims.as_ref()).await;
        let grant = match result {
            Ok(grant) => grant,
            Err(refusal) if refusal.action == Action::Reauthorize => {
                let unproved = challenge.as_ref().or(claims.as_ref());
                match reauthorization::require(app, &connector, &refusal, unproved).await? {
                    Mark::Superseded => continue,
                    mark => {
                        journal.keep(None).await;
                        return Err(mark.failure(refusal));
                    }
                }
            }
            Err(failure) => return Err(failure),
        };

        let grant_at = app.clock.now();
        let renewed = match &grant.refresh_token {
            Some(rotated) => Some(rotated.clone()),
            None => (opened.stale || is_rescued).then(|| token.clone()),
        };
        let sealed = renewed.map(|token| app.vault.seal(&app.random, &place, token.expose())).transpose()?;
        if let Some(sealed) = sealed.as_ref().filter(|_| grant.refresh_token.is_some()) {
            let sealed = sealed.as_str().to_owned();
            journal.keep(Some(Rotation { generation: connector.generation, sealed })).await;
        }
        if store(app, &row, &connector, sealed.as_ref(), &grant, grant_at).await? {
            if grant.refresh_token.is_some() || is_rescued {
                journal.keep(None).await;
            }
            let generation = connector.generation;
            return Ok(Refreshed { grant: CachedGrant::granted(&grant, grant_at), generation, claims });
        }
        // The grant was renewed, revoked or disconnected while we refreshed the old one: look again.
        journal.keep(None).await;
    }
    Err(Failure::retry("connector_changing", "the account was connected anew several times meanwhile", None))
}

async fn read<P: Ports>(app: &App<P>, id: &ConnectorId) -> Result<Row, Failure> {
    let mut rows = app.db.query(connectors::get(id)).await?;
    rows.pop().ok_or_else(|| Failure::not_found("connector_not_found", "there is no such connector"))
}

/// Asks the token endpoint, and tells what it wants to see proved when it refuses.
async fn exchange<P: Ports>(
    app: &App<P>,
    connector: &Connector,
    token: &RefreshToken,
    claims: Option<&Claims>,
) -> (Result<TokenGrant, Failure>, Option<Claims>) {
    let oauth = match app.providers.get(connector.provider) {
        Ok(provider) => provider.oauth(),
        Err(failure) => return (Err(failure), None),
    };
    let refresh = Refresh { token, tenant: connector.tenant.as_deref(), scopes: &connector.scopes, claims };
    let (result, challenge) = session::drive_challenged(app, oauth, oauth.refresh(refresh)).await;
    let label = result.as_ref().map_or_else(|failure| &*failure.code, |_| "refreshed");
    app.metrics.record("token_refresh", label, 1.0);
    (result, challenge)
}

/// Writes the outcome down; `false` when the grant is no longer the one that was refreshed.
async fn store<P: Ports>(
    app: &App<P>,
    row: &Row,
    connector: &Connector,
    sealed: Option<&Sealed>,
    grant: &TokenGrant,
    grant_at: Timestamp,
) -> Result<bool, Failure> {
    let used = row.optional_timestamp("last_used_at").map_err(unreadable)?.unwrap_or(connector.created_at);
    let due = next_refresh(grant_at, grant.lifetime, used);
    let mut attempt = 1;
    loop {
        let statement = connectors::refreshed(&connector.id, connector.generation, sealed, due, grant_at);
        match app.db.query(statement).await {
            Ok(rows) => return Ok(!rows.is_empty()),
            // Nothing but the due time is lost when there was no rotation; a rotated token is worth insisting.
            Err(error) if sealed.is_none() || attempt == MOST_WRITES => return Err(error.into()),
            Err(_) => attempt += 1,
        }
    }
}

/// When the next refresh is due: shortly before the token expires while the connector is in use, else in a day.
fn next_refresh(now: Timestamp, lifetime: TimeDelta, last_used: Timestamp) -> Timestamp {
    if now.since(last_used) > IN_USE {
        return now.plus(IN_USE);
    }
    // A token that lives for minutes is refreshed half way: cron must not do it over and over.
    now.plus((lifetime - AHEAD).max(lifetime / 2).max(TimeDelta::minutes(1)))
}
