//! Access tokens for those who call providers: from the cache when it holds a good one, else from the gate.
//!
//! The cache is only ever a cache. Whatever it says is checked: an entry that does not open (another connector's, another
//! key's, garbage), belongs to another grant or is about to expire counts as absent. Refreshing is the gate's affair alone.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    domain::{
        connector::Connector, failure::Failure, ids::ConnectorId, secret::AccessToken, time::Timestamp,
    },
    gate::{CachedGrant, TOKEN_MARGIN, TokenRequest},
    ports::{Clock, Gate, Ports, TokenCache},
    vault::{Place, Sealed},
};

/// Workers KV keeps nothing for less than a minute.
const SHORTEST_CACHING: TimeDelta = TimeDelta::seconds(60);

/// What is sealed in the cache. Its JSON form outlives a deployment, so that fields may only be added.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    token: String,
    expires_at: Timestamp,
    generation: i64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.token);
    }
}

/// Where a cached access token is sealed.
fn place(connector: &ConnectorId) -> Place<'_> {
    Place { table: "kv", row: connector.as_str(), field: "access_token" }
}

/// A token that works for at least another minute: the cached one, else the gate's.
pub async fn access_token<P: Ports>(app: &App<P>, connector: &Connector) -> Result<CachedGrant, Failure> {
    match cached(app, connector).await {
        Some(grant) => Ok(grant),
        None => app.gate.access_token(&connector.id, TokenRequest::new(connector.generation)).await,
    }
}

/// The cached token, if it belongs to this grant of the connector and works for at least another minute.
pub async fn cached<P: Ports>(app: &App<P>, connector: &Connector) -> Option<CachedGrant> {
    let sealed = Sealed::from_stored(app.token_cache.get(&connector.id).await?);
    let opened = app
        .vault
        .open(&place(&connector.id), &sealed)
        .inspect_err(
            |failure| tracing::warn!(connector = %connector.id, %failure, "cached token does not open"),
        )
        .ok()?;
    let entry: Entry = serde_json::from_slice(opened.plaintext.as_bytes()).ok()?;
    let grant = CachedGrant {
        token: AccessToken::new(entry.token.clone()),
        expires_at: entry.expires_at,
        fresh: false,
    };
    let usable = entry.generation == connector.generation && grant.works_for(TOKEN_MARGIN, app.clock.now());
    usable.then_some(grant)
}

/// Puts a token into the cache until a minute before it expires. Never fails: what cannot be cached is fetched again.
pub async fn remember<P: Ports>(app: &App<P>, connector: &ConnectorId, generation: i64, grant: &CachedGrant) {
    let lifetime = grant.expires_at.since(app.clock.now()) - TOKEN_MARGIN;
    if lifetime < SHORTEST_CACHING {
        return;
    }
    let entry = Entry { token: grant.token.expose().to_owned(), expires_at: grant.expires_at, generation };
    let sealed = serde_json::to_string(&entry)
        .map(zeroize::Zeroizing::new)
        .map_err(|error| Failure::fatal("token_not_serializable", error))
        .and_then(|text| app.vault.seal(&app.random, &place(connector), &text));
    match sealed {
        Ok(sealed) => app.token_cache.put(connector, sealed.as_str(), lifetime).await,
        Err(failure) => tracing::warn!(%connector, %failure, "access token not cached"),
    }
}

/// Drops a connector's access tokens, at the gate and in the cache: it was disconnected or connected anew. Nothing
/// depends on its success, since tokens carry the generation of their grant.
pub async fn forget<P: Ports>(app: &App<P>, connector: &ConnectorId) {
    // The gate first: a refresh under way there must not fill the cache again.
    if let Err(failure) = app.gate.forget(connector).await {
        tracing::warn!(%connector, %failure, "the gate did not forget");
    }
    app.token_cache.delete(connector).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, block_on, connect};

    #[test]
    fn the_cache_is_believed_only_when_it_tells_the_truth() {
        let app = testing::app();
        let connector = connect(&app, "a");
        let other = connect(&app, "b");
        let token = |name: &str, minutes| CachedGrant {
            token: AccessToken::new(name),
            expires_at: app.clock.now().plus(TimeDelta::minutes(minutes)),
            fresh: true,
        };
        let token_of = || block_on(cached(&app, &connector)).map(|grant| grant.token.expose().to_owned());
        assert_eq!(token_of(), None, "empty");

        block_on(remember(&*app, &connector.id, connector.generation, &token("good", 30)));
        assert_eq!(token_of().as_deref(), Some("good"));
        let sealed = app.token_cache.held(&connector.id).unwrap();
        assert!(!sealed.contains("good"), "sealed");

        block_on(app.token_cache.put(&other.id, &sealed, TimeDelta::minutes(5)));
        assert!(block_on(cached(&app, &other)).is_none(), "another connector's entry");

        block_on(app.token_cache.put(&connector.id, "garbage", TimeDelta::minutes(5)));
        assert_eq!(token_of(), None, "garbage");

        block_on(remember(&*app, &connector.id, connector.generation - 1, &token("of an older grant", 30)));
        assert_eq!(token_of(), None, "another generation");

        block_on(app.token_cache.delete(&connector.id));
        block_on(remember(&*app, &connector.id, connector.generation, &token("short", 1)));
        assert_eq!(app.token_cache.held(&connector.id), None, "too short to be worth it");

        block_on(remember(&*app, &connector.id, connector.generation, &token("good", 30)));
        app.clock.advance(TimeDelta::minutes(29));
        assert_eq!(token_of(), None, "about to expire");
    }
}
