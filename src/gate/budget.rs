//! What was spent of a budget of so many calls per window, such that no window of that length, wherever it begins, ever
//! holds more calls than allowed.
//!
//! A token bucket cannot promise that and allow a burst of the whole budget too: full at first and refilled meanwhile, it
//! lets through twice the limit. So calls are counted in slots of a twentieth of the window, and a slot's calls leave only
//! when the last instant of the slot is a whole window ago. The whole budget may be spent at once, and under constant
//! pressure at least 20/21 of it are used.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// Slots per window: more would waste less and remember more.
const SLOTS: i32 = 20;

/// So many calls in any window of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// So many calls ...
    pub calls: u32,
    /// ... in any window of this length.
    pub window: TimeDelta,
}

impl Budget {
    fn slot_millis(self) -> i64 {
        (self.window / SLOTS).num_milliseconds().max(1)
    }
}

/// Calls made of late. Serialisable: losing it would be forgetting what was spent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spending {
    /// Oldest first.
    slots: Vec<Slot>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    /// The first instant after the slot.
    end: Timestamp,
    calls: u32,
}

impl Spending {
    /// Counts calls made at `at` or somewhat before. Returns the slot they are in, for [`Spending::refund`].
    pub fn spend(&mut self, budget: Budget, at: Timestamp, calls: u32) -> Timestamp {
        let slot = budget.slot_millis();
        let end = Timestamp::from_millis((at.as_millis().div_euclid(slot) + 1) * slot);
        self.slots.retain(|slot| slot.end.plus(budget.window) > at);
        match self.slots.last_mut() {
            // A clock that went back must not make calls leave early.
            Some(last) if last.end >= end => {
                last.calls = last.calls.saturating_add(calls);
                last.end
            }
            _ => {
                if calls > 0 {
                    self.slots.push(Slot { end, calls });
                }
                end
            }
        }
    }

    /// Takes back calls that were counted in that slot and never made.
    pub fn refund(&mut self, slot: Timestamp, calls: u32) {
        if let Some(slot) = self.slots.iter_mut().find(|candidate| candidate.end == slot) {
            slot.calls = slot.calls.saturating_sub(calls);
        }
    }

    /// How many more calls there is room for at `now`.
    pub fn room(&self, budget: Budget, now: Timestamp) -> u32 {
        let spent = self.current(budget, now).fold(0u32, |sum, slot| sum.saturating_add(slot.calls));
        budget.calls.saturating_sub(spent)
    }

    /// How long from `now` until there is room for `calls`, if nothing else is spent; zero when there is. `None` when
    /// the budget can never hold as many.
    pub fn wait(&self, budget: Budget, now: Timestamp, calls: u32) -> Option<TimeDelta> {
        let mut room = self.room(budget, now);
        if room >= calls {
            return Some(TimeDelta::zero());
        }
        for slot in self.current(budget, now) {
            room = room.saturating_add(slot.calls);
            if room >= calls && budget.calls >= calls {
                return Some(slot.end.plus(budget.window).since(now));
            }
        }
        None
    }

    fn current(&self, budget: Budget, now: Timestamp) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(move |slot| slot.end.plus(budget.window) > now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOGLE: Budget = Budget { calls: 500, window: TimeDelta::seconds(100) };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_772_442_000_000 + millis)
    }

    /// The most calls any window of that length holds, found by looking at each.
    fn fullest_window(calls: &[(Timestamp, u32)], window: TimeDelta) -> u32 {
        calls
            .iter()
            .map(|(first, _)| {
                let inside = calls.iter().filter(|(at, _)| at >= first && *at <= first.plus(window));
                inside.map(|(_, calls)| calls).sum()
            })
            .max()
            .unwrap_or_default()
    }

    #[test]
    fn the_whole_budget_may_be_spent_at_once_and_is_back_after_a_window_and_a_slot() {
        let mut spending = Spending::default();
        assert_eq!(spending.room(GOOGLE, at(0)), 500);
        spending.spend(GOOGLE, at(0), 500);
        assert_eq!(spending.room(GOOGLE, at(100_000)), 0);
        assert_eq!(spending.wait(GOOGLE, at(100_000), 1), Some(TimeDelta::seconds(5)));
        assert_eq!(spending.room(GOOGLE, at(105_000)), 500);
    }

    #[test]
    fn the_wait_is_as_long_as_needed_and_no_longer() {
        let mut spending = Spending::default();
        for second in 0..50 {
            spending.spend(GOOGLE, at(second * 1_000), 10);
        }
        let wait = |calls| spending.wait(GOOGLE, at(50_000), calls).map(|wait| wait.num_seconds());
        assert_eq!(wait(0), Some(0));
        assert_eq!(wait(1), Some(55));
        assert_eq!(wait(51), Some(60));
        assert_eq!(wait(500), Some(100));
        assert_eq!(wait(501), None);
    }

    #[test]
    fn calls_never_made_are_given_back() {
        let mut spending = Spending::default();
        let slot = spending.spend(GOOGLE, at(0), 100);
        spending.refund(slot, 60);
        assert_eq!(spending.room(GOOGLE, at(1)), 460);
        spending.refund(at(999_999), 10);
        assert_eq!(spending.room(GOOGLE, at(1)), 460, "a slot long gone");
    }

    #[test]
    fn a_clock_that_goes_back_frees_nothing_early() {
        let mut spending = Spending::default();
        spending.spend(GOOGLE, at(50_000), 1);
        spending.spend(GOOGLE, at(0), 499);
        assert_eq!(spending.room(GOOGLE, at(149_999)), 0);
    }

    #[test]
    fn constant_pressure_uses_nearly_the_whole_budget() {
        let mut spending = Spending::default();
        let mut made = 0;
        for tenth in 0..100_000 {
            if spending.room(GOOGLE, at(tenth * 100)) > 0 {
                spending.spend(GOOGLE, at(tenth * 100), 1);
                made += 1;
            }
        }
        let allowed = 100_000 / 10 * 5;
        assert!(made * 21 >= allowed * 20, "{made} of {allowed}");
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_the_budget(
            steps in prop::collection::vec((0i64..4_000, 1u32..40), 1..200),
            calls in 1u32..100,
            window in 100i64..20_000,
        ) {
            let budget = Budget { calls, window: TimeDelta::milliseconds(window) };
            let (mut spending, mut now, mut made) = (Spending::default(), at(0), vec![]);
            for (pause, wish) in steps {
                now = now.plus(TimeDelta::milliseconds(pause));
                let granted = wish.min(spending.room(budget, now));
                spending.spend(budget, now, granted);
                made.push((now, granted));
                prop_assert!(spending.slots.len() <= SLOTS as usize + 2);
            }
            prop_assert!(fullest_window(&made, budget.window) <= budget.calls);
        }

        #[test]
        fn there_is_room_after_the_wait_and_not_just_before(
            steps in prop::collection::vec((0i64..4_000, 1u32..40), 1..50),
            wish in 1u32..=100,
        ) {
            let budget = Budget { calls: 100, window: TimeDelta::seconds(10) };
            let (mut spending, mut now) = (Spending::default(), at(0));
            for (pause, calls) in steps {
                now = now.plus(TimeDelta::milliseconds(pause));
                spending.spend(budget, now, calls.min(spending.room(budget, now)));
            }
            let wait = spending.wait(budget, now, wish).unwrap();
            prop_assert!(spending.room(budget, now.plus(wait)) >= wish);
            if wait > TimeDelta::zero() {
                prop_assert!(spending.room(budget, now.plus(wait - TimeDelta::milliseconds(1))) < wish);
            }
        }
    }
}
