//! Time zones as Graph is told them: by Windows' names, all of which it takes.
//!
//! <https://learn.microsoft.com/en-us/graph/api/resources/datetimetimezone>

use chrono::NaiveDate;

use crate::domain::zone::Zone;

/// A zone under a name that Graph takes.
#[derive(Debug, Clone)]
pub(super) struct GraphZone {
    /// The name.
    pub(super) name: &'static str,
    /// What Graph makes of it. Windows knows fewer zones, so this may be a neighbour that once kept other time.
    pub(super) rules: Zone,
}

impl GraphZone {
    /// What Graph is told for `zone`; `None` where Windows has no name for it, as for one that is nothing but its rules.
    pub(super) fn of(zone: &Zone) -> Option<Self> {
        let name = zone.windows_name()?;
        Some(Self { name, rules: Zone::named(name).unwrap_or_else(|| zone.clone()) })
    }

    /// UTC, in which any instant can be told.
    pub(super) fn utc() -> Self {
        Self { name: "UTC", rules: Zone::utc() }
    }

    /// What Graph is told for whole days from `first` on, which must be days of some zone it knows: the one whose midnight
    /// that day is nearest, where it does not know `zone`.
    pub(super) fn of_days(zone: &Zone, first: NaiveDate) -> Self {
        let nearest = || Self::of(&zone.nearest_known_to_windows(zone.start_of_day(first)?));
        Self::of(zone).or_else(nearest).unwrap_or_else(Self::utc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::named(name).unwrap()
    }

    #[test]
    fn zones_are_told_by_the_names_of_windows_and_those_without_are_not_told() {
        for (name, told) in [
            ("Europe/Berlin", Some("W. Europe Standard Time")),
            ("Pacific Standard Time", Some("Pacific Standard Time")),
            ("UTC", Some("UTC")),
            ("Antarctica/Troll", None),
            ("<+0130>-1:30", None),
        ] {
            assert_eq!(GraphZone::of(&zone(name)).map(|zone| zone.name), told, "{name}");
        }
    }

    #[test]
    fn whole_days_are_those_of_the_nearest_zone_there_is() {
        for (name, day, told) in [
            ("America/Los_Angeles", "2026-03-29", "Pacific Standard Time"),
            // Rules like Berlin's but for the day on which summer begins.
            ("<+01>-1<+02>,M4.5.0/2,M10.5.0/3", "2026-06-01", "+02:00"),
            ("<+01>-1<+02>,M4.5.0/2,M10.5.0/3", "2026-04-01", "+01:00"),
            ("<+1400>-14", "2026-03-29", "+14:00"),
            // Nobody keeps this time: the next is half an hour away.
            ("<+0130>-1:30", "2026-03-29", "+01:00"),
        ] {
            let day: NaiveDate = day.parse().unwrap();
            let told_zone = GraphZone::of_days(&zone(name), day);
            let begins = told_zone.rules.to_rfc3339(told_zone.rules.start_of_day(day).unwrap());
            assert!(told_zone.name == told || begins.ends_with(told), "{name}: {told_zone:?} {begins}");
        }
    }
}
