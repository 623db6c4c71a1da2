//! Busy time: what a person's calendars say together.

use super::{connector::Connector, ids::CalendarId, time::Interval, working_hours::WorkingHours, zone::Zone};

/// What was asked of a provider about free and busy time.
#[derive(Debug, Clone)]
pub struct FreeBusyQuery {
    /// Whose calendars: some providers ask by the account's address or tenant.
    pub connector: Connector,
    /// The calendars to look at; never empty. An address may stand for the main calendar of another person, whose busy time
    /// the account may see.
    pub calendars: Vec<CalendarId>,
    /// The provider's id of the account's main calendar, as far as it is known: some providers answer for it in another way.
    pub primary: Option<CalendarId>,
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

/// What two merged lists both cover.
pub fn intersect(left: &[Interval], right: &[Interval]) -> Vec<Interval> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut shared = Vec::new();
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        shared.extend(one.intersection(**other));
        if one.end() <= other.end() {
            left.next();
        } else {
            right.next();
        }
    }
    shared
}

/// What the merged list `whole` covers and the merged list `holes` does not.
pub fn subtract(whole: &[Interval], holes: &[Interval]) -> Vec<Interval> {
    let mut left = Vec::new();
    let mut holes = holes.iter().peekable();
    for interval in whole {
        let mut start = interval.start();
        // A hole that reaches beyond this interval may reach into the next one, and stays.
        while let Some(hole) = holes.peek().filter(|hole| hole.start() < interval.end()) {
            left.extend(Interval::new(start, hole.start()));
            start = start.max(hole.end());
            if hole.end() > interval.end() {
                break;
            }
            holes.next();
        }
        left.extend(Interval::new(start, interval.end()));
    }
    left
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

    fn some() -> impl Strategy<Value = Vec<Interval>> {
        proptest::collection::vec((0i64..100, 1i64..30), 0..12).prop_map(|raw| {
            merge(raw.into_iter().map(|(start, length)| span(start, start + length)).collect())
        })
    }

    fn covers(intervals: &[Interval], instant: i64) -> bool {
        intervals.iter().any(|interval| interval.overlaps(span(instant, instant + 1)))
    }

    proptest! {
        #[test]
        fn an_intersection_is_what_both_cover_and_a_difference_what_the_first_alone_does(one in some(), other in some()) {
            let (both, only) = (intersect(&one, &other), subtract(&one, &other));
            for instant in 0..140 {
                prop_assert_eq!(covers(&both, instant), covers(&one, instant) && covers(&other, instant));
                prop_assert_eq!(covers(&only, instant), covers(&one, instant) && !covers(&other, instant));
            }
            prop_assert!(both.windows(2).chain(only.windows(2)).all(|pair| pair[0].end() <= pair[1].start()));
        }

        #[test]
        fn clipped_intervals_are_what_lies_inside_the_window(all in some(), start in 0i64..100, length in 1i64..60) {
            let window = span(start, start + length);
            let inside = clip(all.clone(), window);
            for instant in 0..170 {
                let wanted = covers(&all, instant) && covers(&[window], instant);
                prop_assert_eq!(covers(&inside, instant), wanted);
            }
        }

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
