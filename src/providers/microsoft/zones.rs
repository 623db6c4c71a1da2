//! Time zones as Graph is told them: by Windows' names, all of which it takes; of IANA's it takes a few.
//!
//! <https://learn.microsoft.com/en-us/graph/api/resources/datetimetimezone>

use crate::domain::zone::Zone;

/// A zone under a name that Graph takes.
#[derive(Debug, Clone)]
pub(super) struct GraphZone {
    /// The name; IANA's where Windows has none, for Graph to decide.
    pub(super) name: String,
    /// What Graph makes of it. Windows knows fewer zones, so this may be a neighbour that once kept other time.
    pub(super) rules: Zone,
}

impl GraphZone {
    /// What Graph is told for `zone`.
    pub(super) fn of(zone: &Zone) -> Self {
        let name = zone.windows_name().unwrap_or(zone.name());
        Self { name: name.to_owned(), rules: Zone::named(name).unwrap_or_else(|| zone.clone()) }
    }
}
