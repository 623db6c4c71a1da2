//! Time zones, by the names of the IANA database and by the Windows zone names (CLDR).
//!
//! A local time in a gap moves forward and one in a fold takes the first offset, as RFC 5545 section 3.3.5 says. Before 1970 the
//! offset that 1970 began with holds.

mod clocks;

use std::{borrow::Cow, fmt, sync::Arc};

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use self::clocks::Clocks;
use super::{failure::Failure, time::Timestamp, windows_zones};

/// A time zone: one of the IANA database, or one that follows the same rules every year and has no name but these.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone {
    name: Cow<'static, str>,
    /// Absent for UTC.
    clocks: Option<Arc<Clocks>>,
}

impl Zone {
    /// Coordinated Universal Time.
    pub fn utc() -> Self {
        Self { name: Cow::Borrowed("UTC"), clocks: None }
    }

    fn new(name: impl Into<Cow<'static, str>>, clocks: Clocks) -> Self {
        Self { name: name.into(), clocks: Some(Arc::new(clocks)) }
    }

    /// Finds a zone by its IANA name, by the name Windows (and so Outlook) gives it, or by the rules that are the name of
    /// one that [`Zone::of_rules`] made.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        if matches!(name, "UTC" | "Etc/UTC" | "Z" | "GMT") {
            return Some(Self::utc());
        }
        if name.starts_with('<') {
            return Some(Self::new(name.to_owned(), Clocks::of_rule(name)?));
        }
        let (name, clocks) = Clocks::of(name).or_else(|| Clocks::of(windows_zones::to_iana(name)?))?;
        if name == "Etc/UTC" {
            return Some(Self::utc());
        }
        Some(Self::new(name, clocks))
    }

    /// The zone with these rules, a POSIX TZ string whose abbreviations stand in angle brackets, such as
    /// `<+01>-1<+02>,M3.5.0/2,M10.5.0/3` (RFC 9636 section 3.3.1). It is one of the IANA database whose clocks will show the same,
    /// if there is any, so that others know it too; else the rules are its name.
    pub fn of_rules(rules: &str) -> Option<Self> {
        let unnamed = Self::named(rules).filter(|zone| zone.name.starts_with('<'))?;
        let clocks = unnamed.coming_years();
        let known = std::iter::once("UTC").chain(windows_zones::typical()).filter_map(Self::named);
        Some(known.into_iter().find(|zone| zone.coming_years() == clocks).unwrap_or(unnamed))
    }

    /// What clocks will show for two years, long after the last change the zone database has on its calendar.
    fn coming_years(&self) -> (i32, Vec<(Timestamp, i32)>) {
        let start = Timestamp::from_seconds(2_208_988_800); // 2040-01-01
        let changes = std::iter::successors(self.next_change(start), |last| self.next_change(*last)).take(4);
        let changes = changes.map(|change| (change, self.offset_seconds(change))).collect();
        (self.offset_seconds(start), changes)
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

    /// The IANA name, or the rules of a zone that has none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The IANA name; `None` for a zone that is nothing but its rules.
    pub fn iana_name(&self) -> Option<&str> {
        (!self.name.starts_with('<')).then_some(&*self.name)
    }

    /// The name Windows (and so Outlook) gives it; a few zones have none.
    pub fn windows_name(&self) -> Option<&'static str> {
        windows_zones::of_iana(&self.name)
    }

    /// The zone that Windows has a name for whose clocks are nearest to this one's at `instant`.
    pub fn nearest_known_to_windows(&self, instant: Timestamp) -> Self {
        let shown = self.offset_seconds(instant);
        let known = windows_zones::typical().filter_map(Self::named);
        known.min_by_key(|zone| zone.offset_seconds(instant).abs_diff(shown)).unwrap_or_else(Self::utc)
    }

    /// The instant at which clocks in this zone show `local`; `None` outside the years 1 to 9999.
    pub fn instant(&self, local: NaiveDateTime) -> Option<Timestamp> {
        let shown = local.and_utc();
        let seconds =
            self.clocks.as_ref().map_or(shown.timestamp(), |clocks| clocks.instant(shown.timestamp()));
        let millis = seconds * 1000 + i64::from(shown.timestamp_subsec_millis() % 1000);
        let instant = Timestamp::from_millis(millis);
        (instant.as_millis() == millis).then_some(instant)
    }

    /// The first instant of `date` in this zone (not always midnight: some zones skip it).
    pub fn start_of_day(&self, date: NaiveDate) -> Option<Timestamp> {
        self.instant(date.and_time(NaiveTime::MIN))
    }

    /// What clocks in this zone show at `instant`.
    pub fn local(&self, instant: Timestamp) -> NaiveDateTime {
        let offset = self.offset_seconds(instant);
        instant.plus(TimeDelta::seconds(i64::from(offset))).to_chrono().naive_utc()
    }

    /// When this zone's clocks are next changed after `instant`, if ever.
    pub fn next_change(&self, instant: Timestamp) -> Option<Timestamp> {
        self.clocks.as_ref()?.next_change(instant.as_seconds()).map(Timestamp::from_seconds)
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
        self.clocks.as_ref().map_or(0, |clocks| clocks.offset(instant.as_seconds()))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
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
            ("India Standard Time", "Asia/Kolkata"),
            ("UTC-02", "Etc/GMT+2"),
            ("UTC", "UTC"),
            ("Etc/UTC", "UTC"),
            ("tzone://Microsoft/Utc", "UTC"),
        ] {
            assert_eq!(Zone::named(given).map(|z| z.name().to_owned()).as_deref(), Some(expected), "{given}");
        }
        for unknown in ["", "Mars/Olympus", "+02:00", "Europe/Berlin; DROP TABLE"] {
            assert_eq!(Zone::named(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn zones_are_called_by_the_names_windows_knows() {
        for (zone, expected) in [
            ("Europe/Berlin", Some("W. Europe Standard Time")),
            ("Europe/Busingen", Some("W. Europe Standard Time")),
            ("Asia/Kolkata", Some("India Standard Time")),
            ("Asia/Calcutta", Some("India Standard Time")),
            ("tokyo standard time", None),
            ("Tokyo Standard Time", Some("Tokyo Standard Time")),
            ("UTC", Some("UTC")),
            ("Antarctica/Troll", None),
        ] {
            assert_eq!(Zone::named(zone).and_then(|zone| zone.windows_name()), expected, "{zone}");
        }
    }

    #[test]
    fn rules_become_the_zone_that_has_them() {
        for (rules, name) in [
            ("<-0800>8:00<-0700>7:00,M3.2.0/2:00,M11.1.0/2:00", "America/Los_Angeles"),
            ("<+01>-1<+02>,M3.5.0/2,M10.5.0/3", "Europe/Budapest"),
            ("<+1000>-10:00<+1100>,M10.1.0/2,M4.1.0/3", "Australia/Sydney"),
            ("<+0530>-5:30", "Asia/Kolkata"),
            ("<+0000>0", "UTC"),
            ("<+0130>-1:30", "<+0130>-1:30"),
            ("<+01>-1<+02>,M4.5.0/2,M10.5.0/3", "<+01>-1<+02>,M4.5.0/2,M10.5.0/3"),
        ] {
            let zone = Zone::of_rules(rules).unwrap();
            assert_eq!(zone.name(), name, "{rules}");
            assert_eq!(Zone::named(zone.name()), Some(zone), "{rules}");
        }
        for no_rules in ["", "Europe/Berlin", "UTC", "EST5EDT,M3.2.0,M11.1.0", "<+01>", "<>", "<+0130>-99"] {
            assert_eq!(Zone::of_rules(no_rules), None, "{no_rules}");
        }
    }

    #[test]
    fn a_zone_without_a_name_shows_its_own_time() {
        let zone = Zone::named("<+0130>-1:30<+0230>,M4.5.0/2,M10.5.0/3").unwrap();
        assert_eq!((zone.iana_name(), Zone::utc().iana_name()), (None, Some("UTC")));
        for (instant, shown) in [
            ("2026-03-31T12:00:00Z", "2026-03-31T13:30:00+01:30"),
            ("2026-06-01T12:00:00Z", "2026-06-01T14:30:00+02:30"),
        ] {
            assert_eq!(zone.to_rfc3339(Timestamp::parse_rfc3339(instant).unwrap()), shown);
        }
    }

    #[test]
    fn a_zone_without_a_name_has_neighbours_with_one() {
        let zone = Zone::named("<+01>-1<+02>,M4.5.0/2,M10.5.0/3").unwrap();
        for (instant, offset) in [("2026-04-01T12:00:00Z", "+01:00"), ("2026-06-01T12:00:00Z", "+02:00")] {
            let instant = Timestamp::parse_rfc3339(instant).unwrap();
            let neighbour = zone.nearest_known_to_windows(instant);
            assert!(neighbour.windows_name().is_some(), "{neighbour:?}");
            assert!(neighbour.to_rfc3339(instant).ends_with(offset), "{neighbour:?}");
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
    fn every_zone_does_what_the_whole_database_says() {
        let millis = |t: jiff::Timestamp| Timestamp::from_millis(t.as_millisecond());
        let until: jiff::Timestamp = "2045-01-01T00:00:00Z".parse().unwrap();
        let names: Vec<_> = jiff::tz::db().available().collect();
        assert!(names.len() > 590);
        for name in names {
            let zone = Zone::named(name.as_str()).unwrap();
            let jiff = jiff::tz::TimeZone::get(name.as_str()).unwrap();
            let offset = |t| jiff.to_offset(t);
            let hour = jiff::SignedDuration::from_hours(1);
            let second = jiff::SignedDuration::from_secs(1);
            let changes: Vec<_> = jiff
                .following(jiff::Timestamp::UNIX_EPOCH)
                .map(|change| change.timestamp())
                .take_while(|at| *at < until)
                .filter(|at| offset(*at) != offset(*at - second))
                .collect();
            let mut last = jiff::Timestamp::UNIX_EPOCH;
            for at in changes {
                assert_eq!(zone.next_change(millis(last)), Some(millis(at)), "{name} after {last}");
                last = at;
                for near in [at - hour, at - second, at, at + hour] {
                    assert_eq!(zone.offset_seconds(millis(near)), offset(near).seconds(), "{name} at {near}");
                }
                // In the gap or fold the change makes, and around it.
                for minutes in [-1500, -90, -30, 0, 30, 90, 1500] {
                    let shown =
                        offset(at - second).to_datetime(at + jiff::SignedDuration::from_mins(minutes));
                    let expected = jiff.to_timestamp(shown).unwrap();
                    let actual = zone.instant(local(&shown.to_string()));
                    assert_eq!(actual, Some(millis(expected)), "{name} at {shown}");
                }
            }
            assert!(
                zone.next_change(millis(last)).is_none_or(|next| next >= millis(until)),
                "{name} after {last}"
            );
        }
    }

    #[test]
    fn what_no_calendar_spells_is_no_instant() {
        for out_of_range in ["+10000-01-01T12:00:00", "-0001-01-01T12:00:00"] {
            assert_eq!(Zone::utc().instant(local(out_of_range)), None, "{out_of_range}");
        }
    }

    #[test]
    fn the_zone_database_is_current() {
        // British Columbia stays on UTC-7 from 2026 on; stale zone data still says -08:00.
        let vancouver = Zone::named("America/Vancouver").unwrap();
        let winter = Timestamp::parse_rfc3339("2026-12-15T12:00:00Z").unwrap();
        assert_eq!(vancouver.to_rfc3339(winter), "2026-12-15T05:00:00-07:00");
    }
}
