//! Busy time: what a person's calendars say together.

use super::{connector::Connector, ids::CalendarId, time::Interval, working_hours::WorkingHours, zone::Zone};

/// What was asked of a provider about free and busy time.
#[derive(Debug, Clone)]
pub struct FreeBusyQuery {
    /// Whose calendars: some providers ask by the account's address or tenant.
    pub connector: Connector,
    /// The calendars to look at; never empty.
    pub calendars: Vec<CalendarId>,
    /// The window; the answer speaks of nothing outside it.
    pub window: Interval,
}

/// What a provider answered about free and busy time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeBusy {
    /// One answer for each calendar asked about, in the order asked.
    pub calendars: Vec<CalendarBusy>,
    /// The account's working hours, where the provider tells them along the way.
    pub working_week: Option<WorkingWeek>,
}

/// Working hours and the zone they are local to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingWeek {
    /// The hours.
    pub hours: Vec<WorkingHours>,
    /// Their zone.
    pub zone: Zone,
}

/// One calendar's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarBusy {
    /// Which calendar.
    pub calendar: CalendarId,
    /// Its busy intervals, or why they are not known. Not known is never free.
    pub busy: Result<Vec<Interval>, CalendarUnknown>,
}

/// Why a calendar's busy time is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarUnknown {
    /// The provider's reason, such as `notFound`.
    pub code: String,
    /// For a human.
    pub message: String,
}

/// Sorts intervals and joins those that overlap or touch; the result is the shortest list that covers the same instants.
pub fn merge(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_unstable();
    let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
    for next in intervals {
        match merged.last_mut() {
            Some(last) if next.start() <= last.end() => {
                if let Some(joined) = Interval::new(last.start(), last.end().max(next.end())) {
                    *last = joined;
                }
            }
            _ => merged.push(next),
        }
    }
    merged
}

/// The parts of `intervals` that lie inside `window`.
pub fn clip(intervals: impl IntoIterator<Item = Interval>, window: Interval) -> Vec<Interval> {
    intervals.into_iter().filter_map(|interval| interval.intersection(window)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::time::Timestamp;

    fn span(start: i64, end: i64) -> Interval {
        Interval::new(Timestamp::from_millis(start), Timestamp::from_millis(end)).unwrap()
    }

    #[test]
    fn overlapping_and_touching_intervals_become_one() {
        assert_eq!(
            merge(vec![span(50, 60), span(0, 10), span(10, 20), span(15, 30), span(16, 17)]),
            vec![span(0, 30), span(50, 60)]
        );
    }

    proptest! {
        #[test]
        fn merged_intervals_cover_the_same_instants_in_order_and_apart(
            raw in proptest::collection::vec((0i64..200, 1i64..40), 0..20)
        ) {
            let intervals: Vec<Interval> = raw.iter().map(|(start, length)| span(*start, start + length)).collect();
            let merged = merge(intervals.clone());
            prop_assert!(merged.windows(2).all(|pair| pair[0].end() < pair[1].start()));
            for instant in 0..250 {
                let one = span(instant, instant + 1);
                prop_assert_eq!(
                    intervals.iter().any(|interval| interval.overlaps(one)),
                    merged.iter().any(|interval| interval.overlaps(one))
                );
            }
        }
    }
}
