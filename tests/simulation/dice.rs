//! Chance, from a seed. Each part of a simulation rolls its own dice, so that a change in one does not shake the others.

use huddle_calendar_sync::testing::SeededRandom;

/// A source of decisions.
pub struct Dice(SeededRandom);

impl Dice {
    /// Dice for one part of the simulation of `seed`.
    pub fn new(seed: u64, part: &str) -> Self {
        let salted = part.bytes().fold(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), |salt, byte| {
            salt.rotate_left(7) ^ u64::from(byte).wrapping_mul(0x100_0000_01b3)
        });
        Self(SeededRandom::new(salted))
    }

    /// True so many times in a thousand.
    pub fn chance(&self, per_mille: u32) -> bool {
        per_mille > 0 && self.0.next() % 1000 < u64::from(per_mille)
    }

    /// A number from `low` up to, not including, `high`.
    pub fn between(&self, low: i64, high: i64) -> i64 {
        assert!(low < high, "an empty range {low}..{high}");
        low + i64::try_from(self.0.next() % u64::try_from(high - low).unwrap()).unwrap()
    }

    /// A place in something of that length.
    pub fn place(&self, length: usize) -> usize {
        usize::try_from(self.0.next() % u64::try_from(length).unwrap()).unwrap()
    }

    /// One of several.
    pub fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.place(from.len())]
    }

    /// The next number.
    pub fn number(&self) -> u64 {
        self.0.next()
    }
}
