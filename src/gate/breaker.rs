//! A circuit breaker: after several failures in a row nothing is sent for a while, then a single probe; the probe's success
//! closes the circuit, its failure opens it for twice as long.
//!
//! Only the probe's outcome counts while the circuit is open: what was sent before it opened says nothing new.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// When to open, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// So many failures in a row open it.
    pub failures: u32,
    /// For this long at first; twice as long each time the probe fails, ...
    pub first: TimeDelta,
    /// ... but never longer than this.
    pub longest: TimeDelta,
}

/// How long those wait who come while a probe is under way.
const PROBE_POLL: TimeDelta = TimeDelta::seconds(2);

/// The breaker.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Breaker {
    /// Failures in a row while closed.
    failures: u32,
    /// How often in a row it opened without a success between.
    openings: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
enum State {
    #[default]
    Closed,
    Open {
        until: Timestamp,
    },
    Probing {
        /// When a probe nobody heard of again counts as lost.
        until: Timestamp,
    },
}

/// What the breaker says to somebody who wants to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// Go.
    Free,
    /// Go as the probe: say so with [`Breaker::probe`].
    Probe,
    /// Not for this long.
    Wait(TimeDelta),
}

impl Breaker {
    /// Whether one may pass.
    pub fn passage(&self, now: Timestamp) -> Passage {
        match self.state {
            State::Closed => Passage::Free,
            State::Open { until } if now < until => Passage::Wait(until.since(now)),
            State::Probing { until } if now < until => Passage::Wait(until.since(now).min(PROBE_POLL)),
            State::Open { .. } | State::Probing { .. } => Passage::Probe,
        }
    }

    /// The probe goes; it counts as lost at `until`.
    pub fn probe(&mut self, until: Timestamp) {
        self.state = State::Probing { until };
    }

    /// The probe came back without having found out anything; the next may go at once.
    pub fn probe_unused(&mut self, now: Timestamp) {
        if let State::Probing { .. } = self.state {
            self.state = State::Open { until: now };
        }
    }

    /// Something that passed failed; `probe` says whether as the probe.
    pub fn failed(&mut self, policy: BreakerPolicy, now: Timestamp, probe: bool) {
        match self.state {
            State::Closed => {
                self.failures = self.failures.saturating_add(1);
                if self.failures >= policy.failures {
                    self.open(policy, now);
                }
            }
            State::Probing { .. } if probe => self.open(policy, now),
            State::Open { .. } | State::Probing { .. } => {}
        }
    }

    /// Something that passed worked; `probe` says whether as the probe.
    pub fn succeeded(&mut self, probe: bool) {
        if self.state == State::Closed || probe {
            *self = Self::default();
        }
    }

    /// Whether the circuit is closed.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether a probe is under way.
    pub fn is_probing(&self) -> bool {
        matches!(self.state, State::Probing { .. })
    }

    /// Opens the circuit, for longer than the last time if that was not long ago.
    pub fn open(&mut self, policy: BreakerPolicy, now: Timestamp) {
        let doublings = self.openings.min(20);
        let rest = (policy.first * (1 << doublings)).min(policy.longest);
        self.failures = 0;
        self.openings = self.openings.saturating_add(1);
        self.state = State::Open { until: now.plus(rest) };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: BreakerPolicy =
        BreakerPolicy { failures: 3, first: TimeDelta::seconds(5), longest: TimeDelta::seconds(60) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_772_442_000 + seconds)
    }

    fn opened(now: Timestamp) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            assert_eq!(breaker.passage(now), Passage::Free);
            breaker.failed(POLICY, now, false);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            breaker.failed(POLICY, at(0), false);
            breaker.failed(POLICY, at(0), false);
            breaker.succeeded(false);
        }
        assert_eq!(breaker.passage(at(0)), Passage::Free);
        assert_eq!(opened(at(0)).passage(at(0)), Passage::Wait(TimeDelta::seconds(5)));
    }

    #[test]
    fn after_the_rest_a_single_probe_passes_and_its_success_closes_the_circuit() {
        let mut breaker = opened(at(0));
        assert_eq!(breaker.passage(at(5)), Passage::Probe);
        breaker.probe(at(95));
        assert_eq!(breaker.passage(at(5)), Passage::Wait(PROBE_POLL));
        assert!(breaker.is_probing());
        breaker.succeeded(true);
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn each_failed_probe_doubles_the_rest_up_to_the_longest() {
        let (mut breaker, mut now, mut rests) = (opened(at(0)), at(0), vec![]);
        for _ in 0..6 {
            let Passage::Wait(rest) = breaker.passage(now) else { panic!("not open") };
            rests.push(rest.num_seconds());
            now = now.plus(rest);
            breaker.probe(now.plus(TimeDelta::seconds(90)));
            breaker.failed(POLICY, now, true);
        }
        assert_eq!(rests, [5, 10, 20, 40, 60, 60]);
    }

    #[test]
    fn what_was_sent_before_it_opened_neither_closes_nor_prolongs_it() {
        let mut breaker = opened(at(0));
        let before = breaker.clone();
        breaker.succeeded(false);
        breaker.failed(POLICY, at(1), false);
        assert_eq!(breaker, before);
    }

    #[test]
    fn a_probe_that_is_lost_or_learned_nothing_makes_way_for_another() {
        let mut breaker = opened(at(0));
        breaker.probe(at(95));
        assert_eq!(breaker.passage(at(95)), Passage::Probe, "lost");
        breaker.probe(at(200));
        breaker.probe_unused(at(100));
        assert_eq!(breaker.passage(at(100)), Passage::Probe, "learned nothing");
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_the_longest_rest(
            steps in prop::collection::vec((0i64..30, any::<bool>()), 1..200),
        ) {
            let (mut breaker, mut now) = (Breaker::default(), at(0));
            for (pause, works) in steps {
                now = now.plus(TimeDelta::seconds(pause));
                let probe = match breaker.passage(now) {
                    Passage::Wait(rest) => {
                        prop_assert!(rest > TimeDelta::zero() && rest <= POLICY.longest);
                        continue;
                    }
                    Passage::Probe => {
                        breaker.probe(now.plus(TimeDelta::seconds(90)));
                        prop_assert!(matches!(breaker.passage(now), Passage::Wait(_)), "one probe at a time");
                        true
                    }
                    Passage::Free => false,
                };
                if works { breaker.succeeded(probe) } else { breaker.failed(POLICY, now, probe) }
            }
        }
    }
}
