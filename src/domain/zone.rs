//! Time zones: the one file that knows the zone database (jiff's bundled tzdata) and the Windows zone names (CLDR).
//!
//! A local time in a gap moves forward and one in a fold takes the first offset, as RFC 5545 section 3.3.5 says.

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use jiff::{civil, tz::TimeZone};

use super::{failure::Failure, time::Timestamp};

/// A named time zone of the IANA database.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// Coordinated Universal Time.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// Finds a zone by its IANA name or by the name Windows (and so Outlook) gives it.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        if matches!(name, "UTC" | "Etc/UTC" | "Z" | "GMT") {
            return Some(Self::utc());
        }
        let iana = Self::windows_to_iana(name).unwrap_or(name);
        let rules = TimeZone::get(iana).ok()?;
        Some(Self { name: rules.iana_name().unwrap_or(iana).to_owned(), rules })
    }

    /// Like [`Zone::named`], with the rejection a caller understands.
    pub fn checked(name: &str, field: &str) -> Result<Self, Failure> {
        Self::named(name).ok_or_else(|| {
            Failure::rejected(
                "unknown_time_zone",
                field,
                format!("expected an IANA time zone such as Europe/Berlin, got {name:?}"),
            )
        })
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The instant at which clocks in this zone show `local`.
    pub fn instant(&self, local: NaiveDateTime) -> Option<Timestamp> {
        let zoned = civil_from_chrono(local)?.to_zoned(self.rules.clone()).ok()?;
        Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
    }

    /// The first instant of `date` in this zone (not always midnight: some zones skip it).
    pub fn start_of_day(&self, date: NaiveDate) -> Option<Timestamp> {
        self.instant(date.and_time(NaiveTime::MIN))
    }

    /// What clocks in this zone show at `instant`.
    pub fn local(&self, instant: Timestamp) -> NaiveDateTime {
        let offset = self.offset_seconds(instant);
        instant.plus(chrono::TimeDelta::seconds(i64::from(offset))).to_chrono().naive_utc()
    }

    /// When this zone's clocks are next changed after `instant`, if ever.
    pub fn next_change(&self, instant: Timestamp) -> Option<Timestamp> {
        let after = jiff::Timestamp::from_millisecond(instant.as_millis()).ok()?;
        let change = self.rules.following(after).next()?;
        Some(Timestamp::from_millis(change.timestamp().as_millisecond()))
    }

    /// RFC 3339 with this zone's offset at that instant: `2026-03-29T03:00:00+02:00`.
    pub fn to_rfc3339(&self, instant: Timestamp) -> String {
        match chrono::FixedOffset::east_opt(self.offset_seconds(instant)) {
            Some(offset) => instant
                .to_chrono()
                .with_timezone(&offset)
                .to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
            None => instant.to_rfc3339(),
        }
    }

    fn offset_seconds(&self, instant: Timestamp) -> i32 {
        jiff::Timestamp::from_millisecond(instant.as_millis())
            .map_or(0, |t| self.rules.to_offset(t).seconds())
    }

    fn windows_to_iana(name: &str) -> Option<&'static str> {
        name.parse::<windows_timezones::WindowsTimezone>()
            .ok()
            .map(windows_timezones::WindowsTimezone::tzdb_id)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

fn civil_from_chrono(local: NaiveDateTime) -> Option<civil::DateTime> {
    use chrono::Datelike;
    civil::DateTime::new(
        i16::try_from(local.year()).ok()?,
        i8::try_from(local.month()).ok()?,
        i8::try_from(local.day()).ok()?,
        i8::try_from(local.hour()).ok()?,
        i8::try_from(local.minute()).ok()?,
        i8::try_from(local.second()).ok()?,
        i32::try_from(local.nanosecond() % 1_000_000_000).ok()?,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn zones_are_found_by_iana_and_by_windows_names() {
        for (given, expected) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("W. Europe Standard Time", "Europe/Berlin"),
            ("Pacific Standard Time", "America/Los_Angeles"),
            ("UTC", "UTC"),
            ("Etc/UTC", "UTC"),
        ] {
            assert_eq!(Zone::named(given).map(|z| z.name().to_owned()).as_deref(), Some(expected), "{given}");
        }
        for unknown in ["", "Mars/Olympus", "+02:00", "Europe/Berlin; DROP TABLE"] {
            assert_eq!(Zone::named(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn local_times_become_instants_across_gaps_and_folds() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        for (shown, instant) in [
            ("2026-03-28T09:00:00", "2026-03-28T08:00:00Z"),
            ("2026-03-29T09:00:00", "2026-03-29T07:00:00Z"),
            // 02:30 does not exist that night: it moves forward by the gap.
            ("2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),
            // 02:30 happens twice that night: the first one counts.
            ("2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(
                berlin.instant(local(shown)).map(Timestamp::to_rfc3339).as_deref(),
                Some(instant),
                "{shown}"
            );
        }
    }

    #[test]
    fn instants_are_shown_with_the_offset_of_their_own_day() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        for (instant, shown) in [
            ("2026-03-28T12:00:00Z", "2026-03-28T13:00:00+01:00"),
            ("2026-03-29T12:00:00Z", "2026-03-29T14:00:00+02:00"),
        ] {
            assert_eq!(berlin.to_rfc3339(Timestamp::parse_rfc3339(instant).unwrap()), shown);
        }
    }

    #[test]
    fn the_next_change_of_clocks_is_known_where_there_is_one() {
        let next = |name: &str, after: &str| {
            let change = Zone::named(name).unwrap().next_change(Timestamp::parse_rfc3339(after).unwrap());
            change.map(Timestamp::to_rfc3339)
        };
        assert_eq!(next("Europe/Berlin", "2026-03-01T00:00:00Z").as_deref(), Some("2026-03-29T01:00:00Z"));
        assert_eq!(next("Europe/Berlin", "2026-03-29T01:00:00Z").as_deref(), Some("2026-10-25T01:00:00Z"));
        assert_eq!(next("Asia/Kolkata", "2026-03-01T00:00:00Z"), None);
        assert_eq!(next("UTC", "2026-03-01T00:00:00Z"), None);
    }

    #[test]
    fn the_zone_database_is_current() {
        // British Columbia stays on UTC-7 from 2026 on; stale zone data still says -08:00.
        let vancouver = Zone::named("America/Vancouver").unwrap();
        let winter = Timestamp::parse_rfc3339("2026-12-15T12:00:00Z").unwrap();
        assert_eq!(vancouver.to_rfc3339(winter), "2026-12-15T05:00:00-07:00");
    }
}
