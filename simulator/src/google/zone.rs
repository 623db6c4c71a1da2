//! A named IANA time zone.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A named IANA time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// Looks a zone up; `None` when there is no such name.
    pub fn named(name: &str) -> Option<Self> {
        let rules = TimeZone::get(name).ok()?;
        let name = rules.iana_name().unwrap_or(name).to_owned();
        Some(Self { name, rules })
    }

    /// UTC.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The instant of a local time; in a gap it moves forward, in a fold the first of the two counts.
    pub fn instant(&self, local: DateTime) -> Timestamp {
        self.rules.to_ambiguous_timestamp(local).compatible().unwrap_or(Timestamp::MAX)
    }

    /// The local time of an instant.
    pub fn local(&self, instant: Timestamp) -> DateTime {
        self.rules.to_datetime(instant)
    }

    /// RFC 3339 with this zone's offset, to the second; `Z` for UTC.
    pub fn format(&self, instant: Timestamp) -> String {
        let offset = self.rules.to_offset(instant);
        let local = self.local(instant).strftime("%Y-%m-%dT%H:%M:%S").to_string();
        match offset.seconds() {
            0 => format!("{local}Z"),
            seconds => {
                let sign = if seconds < 0 { '-' } else { '+' };
                let minutes = seconds.abs() / 60;
                format!("{local}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_with_the_offset_of_their_day() {
        let instant = |text: &str| text.parse::<Timestamp>().unwrap();
        for (zone, at, written) in [
            ("UTC", "2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z"),
            ("Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-28T13:00:00+01:00"),
            ("Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29T14:00:00+02:00"),
            ("Asia/Kolkata", "2026-03-29T12:00:00Z", "2026-03-29T17:30:00+05:30"),
            ("America/St_Johns", "2026-01-01T12:00:00Z", "2026-01-01T08:30:00-03:30"),
        ] {
            assert_eq!(Zone::named(zone).unwrap().format(instant(at)), written);
        }
    }

    #[test]
    fn a_local_time_in_a_gap_moves_forward() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let gap = jiff::civil::date(2026, 3, 29).at(2, 30, 0, 0);
        assert_eq!(berlin.format(berlin.instant(gap)), "2026-03-29T03:30:00+02:00");
        assert!(Zone::named("Europe/Atlantis").is_none());
    }
}
