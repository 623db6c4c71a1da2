//! Workers KV behind the `TokenCache` port: a cache that may be a minute behind, and is never trusted to be right.

use std::rc::Rc;

use chrono::TimeDelta;
use worker::KvStore;

use super::cost::Cost;
use crate::{domain::ids::ConnectorId, ports::TokenCache};

/// The shortest lifetime KV takes.
const SHORTEST: i64 = 60;

/// The KV binding.
pub struct KvTokenCache {
    store: KvStore,
    cost: Rc<Cost>,
}

impl KvTokenCache {
    pub(super) fn new(store: KvStore, cost: Rc<Cost>) -> Self {
        Self { store, cost }
    }
}

fn key(connector: &ConnectorId) -> String {
    format!("access-token:{connector}")
}

impl TokenCache for KvTokenCache {
    async fn get(&self, connector: &ConnectorId) -> Option<String> {
        self.cost.kv();
        self.store.get(&key(connector)).text().await.unwrap_or_else(|error| {
            tracing::warn!(%connector, %error, "token cache not readable");
            None
        })
    }

    async fn put(&self, connector: &ConnectorId, sealed: &str, lifetime: TimeDelta) {
        self.cost.kv();
        let seconds = u64::try_from(lifetime.num_seconds().max(SHORTEST)).unwrap_or_default();
        let written = match self.store.put(&key(connector), sealed) {
            Ok(put) => put.expiration_ttl(seconds).execute().await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::warn!(%connector, %error, "token cache not writable");
        }
    }

    async fn delete(&self, connector: &ConnectorId) {
        self.cost.kv();
        if let Err(error) = self.store.delete(&key(connector)).await {
            tracing::warn!(%connector, %error, "token cache entry not deleted");
        }
    }
}
