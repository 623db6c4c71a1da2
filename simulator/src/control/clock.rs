//! The simulator's clock: real time plus an offset that the control API can move.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Real time plus an offset in milliseconds.
#[derive(Debug, Default)]
pub struct Clock {
    offset_ms: AtomicI64,
}

impl Clock {
    /// The simulated instant, to the millisecond.
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        let real =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64);
        Timestamp::from_millisecond(real.saturating_add(self.offset_ms())).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// How far the simulated time is ahead of real time, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::SeqCst)
    }

    /// Moves the clock on (or, with a negative amount, back).
    pub fn advance_ms(&self, by: i64) {
        let _ = self.offset_ms.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |offset| {
            Some(offset.saturating_add(by).clamp(-MAX_OFFSET_MS, MAX_OFFSET_MS))
        });
    }

    /// Makes `now` the simulated time; it runs on from there.
    pub fn set(&self, now: Timestamp) {
        self.reset();
        self.advance_ms(now.as_millisecond() - self.now().as_millisecond());
    }

    /// Back to real time.
    pub fn reset(&self) {
        self.offset_ms.store(0, Ordering::SeqCst);
    }
}

/// A century either way: the sum stays inside what [`Timestamp`] can hold.
const MAX_OFFSET_MS: i64 = 100 * 366 * 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_can_be_moved_set_and_put_back() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance_ms(3_600_000);
        assert!(clock.now().as_second() - before.as_second() >= 3600);

        let noon: Timestamp = "2031-03-30T12:00:00Z".parse().unwrap();
        clock.set(noon);
        assert!((clock.now().as_millisecond() - noon.as_millisecond()).abs() < 1000);

        clock.advance_ms(i64::MAX);
        clock.advance_ms(i64::MAX);
        assert!(clock.now() > noon);
        clock.reset();
        assert_eq!(clock.offset_ms(), 0);
    }
}
