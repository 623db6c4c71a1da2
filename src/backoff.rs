//! How long to wait before trying again: exponential, with full jitter, so that what failed together does not come back
//! together (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).

use chrono::TimeDelta;

use crate::ports::Random;

/// The longest possible delay before the second attempt.
const FIRST: TimeDelta = TimeDelta::seconds(4);

/// No delay is longer.
pub const LONGEST: TimeDelta = TimeDelta::minutes(15);

/// How long to wait after the `attempt`-th attempt failed, the first being 1: anything from nothing up to [`bound`].
/// Without randomness it is the bound itself.
pub fn delay(attempt: u32, random: &impl Random) -> TimeDelta {
    let mut bytes = [0; 4];
    let draw = random.fill(&mut bytes).map_or(u32::MAX, |()| u32::from_le_bytes(bytes));
    drawn(attempt, draw)
}

/// The longest delay after the `attempt`-th attempt: 4 s, 8 s, 16 s, ... up to [`LONGEST`].
pub fn bound(attempt: u32) -> TimeDelta {
    let doublings = attempt.saturating_sub(1).min(20);
    (FIRST * (1 << doublings)).min(LONGEST)
}

/// The delay for one draw from all `u32`: `draw / u32::MAX` of the bound, in whole milliseconds.
fn drawn(attempt: u32, draw: u32) -> TimeDelta {
    let bound = bound(attempt).num_milliseconds();
    TimeDelta::milliseconds(bound * i64::from(draw) / i64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{domain::failure::Failure, testing::SeededRandom};

    #[test]
    fn the_bound_doubles_up_to_a_quarter_of_an_hour() {
        let seconds: Vec<_> = (0..=12).map(|attempt| bound(attempt).num_seconds()).collect();
        assert_eq!(seconds, [4, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
    }

    #[test]
    fn delays_spread_over_the_whole_range() {
        let random = SeededRandom::new(7);
        let delays: Vec<_> = (0..10_000).map(|_| delay(3, &random).num_milliseconds()).collect();
        let mean = delays.iter().sum::<i64>() / 10_000;
        assert!((7_800..8_200).contains(&mean), "mean {mean} ms of at most 16,000");
        for quarter in 0..4 {
            let range = quarter * 4_000..(quarter + 1) * 4_000;
            let inside = delays.iter().filter(|delay| range.contains(*delay)).count();
            assert!((2_300..2_700).contains(&inside), "{inside} of 10,000 in {range:?}");
        }
    }

    #[test]
    fn without_randomness_the_bound_is_waited() {
        struct Dry;
        impl Random for Dry {
            fn fill(&self, _: &mut [u8]) -> Result<(), Failure> {
                Err(Failure::fatal("no_randomness", "dry"))
            }
        }
        assert_eq!(delay(2, &Dry), TimeDelta::seconds(8));
    }

    proptest! {
        #[test]
        fn no_delay_is_negative_or_over_its_bound(attempt: u32, draw: u32) {
            let delay = drawn(attempt, draw);
            prop_assert!(delay >= TimeDelta::zero() && delay <= bound(attempt) && delay <= LONGEST);
            prop_assert_eq!(drawn(attempt, 0), TimeDelta::zero());
            prop_assert_eq!(drawn(attempt, u32::MAX), bound(attempt));
        }
    }
}
