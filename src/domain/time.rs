//! Instants and spans of time. Instants are milliseconds since the Unix epoch; spans are half-open: `start` belongs to
//! them, `end` does not, so that touching meetings do not overlap.

use std::fmt;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::failure::Failure;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// The widest instants we accept: years 1 to 9999, which RFC 3339 and every provider can spell.
const RANGE_MILLIS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

impl Timestamp {
    /// From milliseconds since the epoch; instants outside the years 1 to 9999 are brought to the nearest end.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(*RANGE_MILLIS.start(), *RANGE_MILLIS.end()))
    }

    /// From seconds since the epoch.
    pub fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// From an RFC 3339 instant, which must carry an offset or `Z`.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|t| Self::from_millis(t.timestamp_millis()))
    }

    /// Milliseconds since the epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The same instant for chrono.
    pub fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// RFC 3339 in UTC, with milliseconds only where there are any: `2026-03-29T01:00:00Z`.
    pub fn to_rfc3339(self) -> String {
        self.to_chrono().to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }

    /// This instant moved by `delta`, staying within the years 1 to 9999.
    pub fn plus(self, delta: TimeDelta) -> Self {
        Self::from_millis(self.0.saturating_add(delta.num_milliseconds()))
    }

    /// How long it is from `earlier` to this instant; negative when `earlier` is later.
    pub fn since(self, earlier: Self) -> TimeDelta {
        TimeDelta::milliseconds(self.0 - earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// A half-open span of time that is not empty: `start < end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    start: Timestamp,
    end: Timestamp,
}

impl Interval {
    /// The span from `start` up to, not including, `end`; `None` when that is empty.
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Like [`Interval::new`], with the rejection a caller understands; `field` names the end.
    pub fn checked(start: Timestamp, end: Timestamp, field: &str) -> Result<Self, Failure> {
        Self::new(start, end).ok_or_else(|| {
            Failure::rejected(
                "empty_interval",
                field,
                format!("expected an instant after {start}, got {end}"),
            )
        })
    }

    /// The first instant of the span.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// The first instant after the span.
    pub fn end(self) -> Timestamp {
        self.end
    }

    /// How long it lasts.
    pub fn duration(self) -> TimeDelta {
        self.end.since(self.start)
    }

    /// Whether the two share an instant; touching spans do not.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The part both share.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }

    /// Consecutive pieces no longer than `longest`, which together are the span.
    pub fn pieces(self, longest: TimeDelta) -> Vec<Self> {
        let mut pieces = Vec::new();
        let mut start = self.start;
        while let Some(rest) = Self::new(start, self.end) {
            let end = if longest > TimeDelta::zero() { start.plus(longest).min(self.end) } else { self.end };
            pieces.push(Self { start: rest.start, end });
            start = end;
        }
        pieces
    }
}

/// Spans of time as whole milliseconds in JSON.
pub mod millis {
    use chrono::TimeDelta;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes milliseconds.
    pub fn serialize<S: Serializer>(delta: &TimeDelta, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(delta.num_milliseconds())
    }

    /// Reads milliseconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
        let millis = i64::deserialize(deserializer)?;
        TimeDelta::try_milliseconds(millis)
            .ok_or_else(|| serde::de::Error::custom("milliseconds out of range"))
    }

    /// The same for a span that may be missing.
    pub mod optional {
        use chrono::TimeDelta;
        use serde::{Deserialize, Deserializer, Serializer};

        /// Writes milliseconds or null.
        pub fn serialize<S: Serializer>(delta: &Option<TimeDelta>, serializer: S) -> Result<S::Ok, S::Error> {
            match delta {
                Some(delta) => serializer.serialize_some(&delta.num_milliseconds()),
                None => serializer.serialize_none(),
            }
        }

        /// Reads milliseconds or null.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<TimeDelta>, D::Error> {
            Ok(Option::<i64>::deserialize(deserializer)?.and_then(TimeDelta::try_milliseconds))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn an_instant_reads_and_prints_rfc_3339() {
        for (text, expected) in [
            ("2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"),
            ("2026-03-29T03:00:00+02:00", "2026-03-29T01:00:00Z"),
            ("2026-03-29T01:00:00.250Z", "2026-03-29T01:00:00.250Z"),
        ] {
            assert_eq!(
                Timestamp::parse_rfc3339(text).map(Timestamp::to_rfc3339).as_deref(),
                Some(expected),
                "{text}"
            );
        }
        for text in ["2026-03-29T01:00:00", "2026-03-29", "tomorrow", "", "2026-13-01T00:00:00Z"] {
            assert_eq!(Timestamp::parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn touching_intervals_do_not_overlap() {
        let morning = Interval::new(at(0), at(10)).unwrap();
        let noon = Interval::new(at(10), at(20)).unwrap();
        assert!(!morning.overlaps(noon));
        assert_eq!(morning.intersection(noon), None);
    }

    proptest! {
        #[test]
        fn pieces_cover_the_interval_without_gap_or_overlap(start in -1_000_000i64..1_000_000, length in 1i64..1_000_000, longest in 1i64..1_000_000) {
            prop_assume!(length / longest < 10_000);
            let whole = Interval::new(at(start), at(start + length)).unwrap();
            let pieces = whole.pieces(TimeDelta::milliseconds(longest));
            prop_assert_eq!(pieces.first().unwrap().start(), whole.start());
            prop_assert_eq!(pieces.last().unwrap().end(), whole.end());
            prop_assert!(pieces.windows(2).all(|pair| pair[0].end() == pair[1].start()));
            prop_assert!(pieces.iter().all(|piece| piece.duration() <= TimeDelta::milliseconds(longest)));
        }
    }
}
