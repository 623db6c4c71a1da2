//! Workers KV behind the `TokenCache` port: a cache that may be a minute behind, and is never trusted to be right.

use chrono::TimeDelta;
use worker::KvStore;

use crate::{domain::ids::ConnectorId, ports::TokenCache};

/// The shortest lifetime KV takes.
const SHORTEST: i64 = 60;

/// The KV binding.
pub struct KvTokenCache(KvStore);

impl KvTokenCache {
    pub(super) fn new(store: KvStore) -> Self {
        Self(store)
    }
}

fn key(connector: &ConnectorId) -> String {
    format!("access-token:{connector}")
}

impl TokenCache for KvTokenCache {
    async fn get(&self, connector: &ConnectorId) -> Option<String> {
        self.0.get(&key(connector)).text().await.unwrap_or_else(|error| {
            tracing::warn!(%connector, %error, "token cache not readable");
            None
        })
    }

    async fn put(&self, connector: &ConnectorId, sealed: &str, lifetime: TimeDelta) {
        let seconds = u64::try_from(lifetime.num_seconds().max(SHORTEST)).unwrap_or_default();
        let written = match self.0.put(&key(connector), sealed) {
            Ok(put) => put.expiration_ttl(seconds).execute().await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::warn!(%connector, %error, "token cache not writable");
        }
    }

    async fn delete(&self, connector: &ConnectorId) {
        if let Err(error) = self.0.delete(&key(connector)).await {
            tracing::warn!(%connector, %error, "token cache entry not deleted");
        }
    }
}
