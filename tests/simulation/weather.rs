//! What goes wrong how often, and for how long things take. Drawn for each seed; calm once the faults stop.

use std::cell::Cell;

use crate::{dice::Dice, kernel::Kernel};

/// Chances in a thousand, per call of a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weather {
    /// The isolate dies, before or after the call took effect.
    pub crash: u32,
    /// The database does not answer, with or without having done it.
    pub database: u32,
    /// The database is gone for minutes, for everybody.
    pub blackout: u32,
    /// The cache says something old.
    pub stale: u32,
    /// The cache does not answer or does not take.
    pub cache: u32,
    /// A queue refuses, having taken nothing, something or all.
    pub queue: u32,
    /// A message is delivered once more than needed.
    pub duplicate: u32,
    /// An object of the gate does not answer, with or without having done it.
    pub gate: u32,
    /// An object of the gate is evicted, with what it remembers.
    pub eviction: u32,
    /// The connection to the provider breaks, before or after the call took effect.
    pub network: u32,
    /// The provider answers 5xx, with or without having done it.
    pub outage: u32,
    /// The provider throttles.
    pub throttle: u32,
    /// The provider forgets an access token before its time.
    pub expiry: u32,
    /// Calls take seconds instead of milliseconds.
    pub slow: u32,
}

impl Weather {
    /// The weather of a seed: everything a little, or one thing a lot.
    pub fn draw(dice: &Dice) -> Self {
        let some = |most: i64| u32::try_from(dice.between(0, most)).unwrap();
        let drizzle = Self {
            crash: some(12),
            database: some(15),
            blackout: some(2),
            stale: some(400),
            cache: some(200),
            queue: some(30),
            duplicate: some(80),
            gate: some(15),
            eviction: some(30),
            network: some(40),
            outage: some(40),
            throttle: some(30),
            expiry: some(20),
            slow: some(40),
        };
        match dice.between(0, 11) {
            0 => Self::default(),
            1 => Self { crash: some(80), ..Self::default() },
            2 => Self { network: some(200), outage: some(200), slow: some(100), ..Self::default() },
            3 => Self { database: some(120), queue: some(120), duplicate: some(300), ..Self::default() },
            4 => Self {
                gate: some(120),
                eviction: some(200),
                expiry: some(150),
                stale: 500,
                ..Self::default()
            },
            5 => Self { throttle: some(250), ..Self::default() },
            6 => Self { blackout: 8, ..Self::default() },
            _ => drizzle,
        }
    }

    /// Whether nothing goes wrong that may cost a task its attempts.
    pub fn is_mild(&self) -> bool {
        Self { blackout: 0, ..*self }.is_calm()
    }

    /// Whether nothing at all goes wrong.
    pub fn is_calm(&self) -> bool {
        *self == Self::default()
    }
}

/// What becomes of one call of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It works.
    Works,
    /// It fails and had no effect.
    FailsBefore,
    /// It had its effect and fails.
    FailsAfter,
    /// The caller dies before the effect.
    CrashBefore,
    /// The caller dies after the effect and before the answer.
    CrashAfter,
}

/// The weather of one world, and the dice it is decided with.
pub struct Sky {
    weather: Cell<Weather>,
    dark_until: Cell<i64>,
    dice: Dice,
}

impl Sky {
    /// A sky with that weather.
    pub fn new(seed: u64, weather: Weather) -> Self {
        Self { weather: Cell::new(weather), dark_until: Cell::new(0), dice: Dice::new(seed, "sky") }
    }

    /// The weather now.
    pub fn weather(&self) -> Weather {
        self.weather.get()
    }

    /// The weather changes; a blackout ends with it.
    pub fn set(&self, weather: Weather) {
        self.weather.set(weather);
        self.dark_until.set(0);
    }

    /// Whether the database is away at that instant, in milliseconds. It stays away for 1 to 30 minutes.
    pub fn is_dark(&self, now: i64) -> bool {
        if now >= self.dark_until.get() && self.chance(self.weather().blackout) {
            self.dark_until.set(now + self.dice.between(60_000, 30 * 60_000));
        }
        now < self.dark_until.get()
    }

    /// Whether something happens that does so many times in a thousand.
    pub fn chance(&self, per_mille: u32) -> bool {
        self.dice.chance(per_mille)
    }

    /// The dice.
    pub fn dice(&self) -> &Dice {
        &self.dice
    }

    /// What becomes of a call that fails so many times in a thousand.
    pub fn fate(&self, failing: u32) -> Fate {
        if self.chance(self.weather().crash) {
            return if self.chance(500) { Fate::CrashBefore } else { Fate::CrashAfter };
        }
        if self.chance(failing) {
            return if self.chance(500) { Fate::FailsBefore } else { Fate::FailsAfter };
        }
        Fate::Works
    }

    /// How long one way takes, in milliseconds.
    pub fn latency(&self) -> i64 {
        if self.chance(self.weather().slow) {
            self.dice.between(500, 8_000)
        } else {
            self.dice.between(1, 40)
        }
    }

    /// Makes a call of a port: the way there, the effect, the way back. `None` is a call that failed.
    pub async fn call<T>(&self, kernel: &Kernel, fate: Fate, effect: impl FnOnce() -> T) -> Option<T> {
        kernel.sleep(self.latency()).await;
        match fate {
            Fate::CrashBefore => kernel.crash().await,
            Fate::FailsBefore => return None,
            Fate::Works | Fate::FailsAfter | Fate::CrashAfter => {}
        }
        let done = effect();
        kernel.sleep(self.latency()).await;
        match fate {
            Fate::CrashAfter => kernel.crash().await,
            Fate::FailsAfter => None,
            _ => Some(done),
        }
    }
}
