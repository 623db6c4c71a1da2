//! Workers KV: answers may be a minute old, missing, or not come at all.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use chrono::TimeDelta;
use huddle_calendar_sync::{
    domain::{ids::ConnectorId, time::Timestamp},
    ports::TokenCache,
};

use crate::{kernel::Kernel, weather::Sky};

/// How long an old value may still be read, in milliseconds.
const STALE_MILLIS: i64 = 60_000;

/// One value an entry had.
struct Version {
    written_at: i64,
    value: Option<(String, Timestamp)>,
}

/// The cache.
pub struct Cache {
    kernel: Kernel,
    sky: Rc<Sky>,
    entries: RefCell<BTreeMap<ConnectorId, Vec<Version>>>,
}

impl Cache {
    /// An empty cache.
    pub fn new(kernel: &Kernel, sky: &Rc<Sky>) -> Self {
        Self { kernel: kernel.clone(), sky: Rc::clone(sky), entries: RefCell::default() }
    }

    /// Every value that was ever stored.
    pub fn everything(&self) -> Vec<String> {
        let entries = self.entries.borrow();
        let versions = entries.values().flatten();
        versions.filter_map(|version| Some(version.value.as_ref()?.0.clone())).collect()
    }

    fn write(&self, connector: &ConnectorId, value: Option<(String, Timestamp)>) {
        let mut entries = self.entries.borrow_mut();
        let version = Version { written_at: self.kernel.now().as_millis(), value };
        entries.entry(connector.clone()).or_default().push(version);
    }

    fn read(&self, connector: &ConnectorId) -> Option<String> {
        let now = self.kernel.now();
        let entries = self.entries.borrow();
        let versions = entries.get(connector)?;
        // A version can be read until a minute after the one that replaced it.
        let oldest = versions
            .iter()
            .skip(1)
            .position(|next| next.written_at > now.as_millis() - STALE_MILLIS)
            .unwrap_or(versions.len() - 1);
        let behind = versions.len() - oldest;
        let back = if self.sky.chance(self.sky.weather().stale) { self.sky.dice().place(behind) } else { 0 };
        let (value, until) = versions[versions.len() - 1 - back].value.clone()?;
        (until > now).then_some(value)
    }
}

impl TokenCache for Cache {
    async fn get(&self, connector: &ConnectorId) -> Option<String> {
        let fate = self.sky.fate(self.sky.weather().cache);
        self.sky.call(&self.kernel, fate, || self.read(connector)).await.flatten()
    }

    async fn put(&self, connector: &ConnectorId, sealed: &str, lifetime: TimeDelta) {
        let fate = self.sky.fate(self.sky.weather().cache);
        let value = Some((sealed.to_owned(), self.kernel.now().plus(lifetime)));
        // A failure is nobody's concern: that is the port's contract.
        let _unheard = self.sky.call(&self.kernel, fate, || self.write(connector, value)).await;
    }

    async fn delete(&self, connector: &ConnectorId) {
        let fate = self.sky.fate(self.sky.weather().cache);
        let _unheard = self.sky.call(&self.kernel, fate, || self.write(connector, None)).await;
    }
}
