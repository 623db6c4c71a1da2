//! Finding slots: when could these people meet? Pure: busy time and working hours in, candidate slots out.
//!
//! A slot lies inside everybody's working hours and keeps its distance from everybody's busy time. Slots start on the
//! clock: at whole multiples of the step after midnight, as clocks in the asked zone show it. They may overlap each other:
//! each is an offer of its own.

use chrono::{NaiveTime, TimeDelta};

use crate::domain::{
    busy::{WorkingWeek, intersect, merge, subtract},
    failure::Failure,
    time::{Interval, Timestamp},
    working_hours::working_time,
    zone::Zone,
};

const SHORTEST_STEP: TimeDelta = TimeDelta::minutes(1);
const LONGEST_STEP: TimeDelta = TimeDelta::days(1);
const LONGEST_DURATION: TimeDelta = TimeDelta::days(14);
const LONGEST_BUFFER: TimeDelta = TimeDelta::days(1);
/// The longest window a search looks into.
pub const LONGEST_WINDOW: TimeDelta = TimeDelta::days(366);
/// The most slots one search finds.
pub const MOST_SLOTS: usize = 1_000;

/// What kind of slot is looked for.
#[derive(Debug, Clone)]
pub struct SlotSearch {
    /// The slot lies in here.
    pub window: Interval,
    /// No slot starts before this: now and the minimum notice.
    pub not_before: Timestamp,
    /// How long a slot is.
    pub duration: TimeDelta,
    /// How far apart slots start.
    pub step: TimeDelta,
    /// How long everybody must be free before a slot.
    pub buffer_before: TimeDelta,
    /// How long everybody must be free after a slot.
    pub buffer_after: TimeDelta,
    /// How many slots to find at most; the earliest are found.
    pub limit: usize,
    /// The zone on whose clocks slots start.
    pub zone: Zone,
}

/// What is known of one person's time. Somebody whose busy time is not known completely must not be passed: they would
/// look free.
#[derive(Debug, Clone)]
pub struct Person {
    /// When they are busy, in any order.
    pub busy: Vec<Interval>,
    /// When they work; `None`: at any time.
    pub working: Option<WorkingWeek>,
}

impl SlotSearch {
    /// Refuses a search that makes no sense or would never end. Fields are named as the API names them.
    pub fn check(&self) -> Result<(), Failure> {
        let zero = TimeDelta::zero();
        in_range(self.window.duration(), SHORTEST_STEP, LONGEST_WINDOW, "timeMax")?;
        in_range(self.duration, SHORTEST_STEP, LONGEST_DURATION, "durationMinutes")?;
        in_range(self.step, SHORTEST_STEP, LONGEST_STEP, "stepMinutes")?;
        in_range(self.buffer_before, zero, LONGEST_BUFFER, "bufferBeforeMinutes")?;
        in_range(self.buffer_after, zero, LONGEST_BUFFER, "bufferAfterMinutes")?;
        if (1..=MOST_SLOTS).contains(&self.limit) {
            return Ok(());
        }
        Err(Failure::rejected(
            "out_of_range",
            "limit",
            format!("expected 1 to {MOST_SLOTS}, got {}", self.limit),
        ))
    }

    /// The time in which busy time matters: the part of the window that is not over, and the buffers around it.
    pub fn looked_at(&self) -> Interval {
        let open = Interval::new(self.window.start().max(self.not_before), self.window.end());
        let open = open.unwrap_or(self.window);
        Interval::new(open.start().plus(-self.buffer_before), open.end().plus(self.buffer_after))
            .unwrap_or(open)
    }

    /// Whether a slot somebody else found keeps the rules of this search, as far as they are not about people.
    pub fn offers(&self, slot: Interval) -> bool {
        slot.start() >= self.window.start().max(self.not_before)
            && slot.end() <= self.window.end()
            && slot.duration() == self.duration
            && self.next_start(slot.start()) == slot.start()
    }

    /// The earliest slots in which all of `people` can meet, in order; none for a search that [`SlotSearch::check`]
    /// refuses.
    pub fn find(&self, people: &[Person]) -> Vec<Interval> {
        if self.check().is_err() {
            return Vec::new();
        }
        let earliest = self.window.start().max(self.not_before);
        let Some(window) = Interval::new(earliest, self.window.end()) else {
            return Vec::new();
        };
        let working = people.iter().filter_map(|person| person.working.as_ref());
        let workable = working.fold(vec![window], |open, week| {
            intersect(&open, &working_time(&week.hours, &week.zone, window))
        });
        let blocked =
            merge(people.iter().flat_map(|person| &person.busy).map(|busy| self.kept_away(*busy)).collect());
        let free = subtract(&workable, &blocked);
        free.into_iter().flat_map(|free| self.slots_in(free)).take(self.limit).collect()
    }

    /// The time a slot must stay out of because of something busy: a slot after it keeps the buffer before itself, a slot
    /// before it the buffer after.
    fn kept_away(&self, busy: Interval) -> Interval {
        let (start, end) = (busy.start().plus(-self.buffer_after), busy.end().plus(self.buffer_before));
        Interval::new(start, end).unwrap_or(busy)
    }

    fn slots_in(&self, free: Interval) -> impl Iterator<Item = Interval> {
        let next = |start: &Timestamp| Some(self.next_start(start.plus(TimeDelta::milliseconds(1))));
        std::iter::successors(Some(self.next_start(free.start())), next)
            .map_while(move |start| Interval::new(start, start.plus(self.duration)))
            .take_while(move |slot| slot.end() <= free.end())
    }

    /// The first instant from `earliest` on at which clocks show a whole multiple of the step.
    fn next_start(&self, earliest: Timestamp) -> Timestamp {
        let step = self.step.num_milliseconds().max(1);
        let mut start = earliest;
        // Midnight and a change of clocks are stopovers, from where it is counted again; few lie within one step.
        for _ in 0..8 {
            let local = self.zone.local(start);
            let since_midnight = (local - local.date().and_time(NaiveTime::MIN)).num_milliseconds();
            let missing = (step - since_midnight % step) % step;
            if missing == 0 {
                return start;
            }
            // The count starts anew at midnight, for steps that do not divide the day.
            let to_midnight = LONGEST_STEP.num_milliseconds() - since_midnight;
            let on_the_way = TimeDelta::milliseconds(missing.min(to_midnight));
            let arrival = start.plus(on_the_way);
            let changed = self.zone.local(arrival) - local != on_the_way;
            let change = if changed { self.zone.next_change(start) } else { None };
            start = change.filter(|change| *change < arrival).unwrap_or(arrival);
        }
        start
    }
}

pub(super) fn in_range(
    given: TimeDelta,
    least: TimeDelta,
    most: TimeDelta,
    field: &str,
) -> Result<(), Failure> {
    if (least..=most).contains(&given) {
        return Ok(());
    }
    let (least, most, given) = (least.num_minutes(), most.num_minutes(), given.num_minutes());
    Err(Failure::rejected("out_of_range", field, format!("expected {least} to {most} minutes, got {given}")))
}

#[cfg(test)]
mod tests;
