//! The simulation: the real tasks, gate, sessions, OAuth and outbox in a world that misbehaves on purpose, thousands of times,
//! each time decided by a seed. SQLite stands in for D1, with the real statements and migrations; clock, cache, queues, network
//! and provider are simulated; isolates crash at any await. Then the faults stop, time passes, and the promises are judged.
//!
//! `npm run test:sim` runs it. A seed that breaks a promise is printed with the command that runs it again; `SIM_SEED=n` runs
//! one seed and prints what happened step by step, `SIM_SEEDS=n` sets how many are run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use this; a broken assumption must stop them"
)]

mod breakage;
mod dice;
mod errands;
mod flood;
mod judge;
mod kernel;
mod log;
mod people;
mod ports;
mod providers;
mod sabotage;
mod scenario;
mod settings;
mod weather;
mod witness;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use breakage::Breakage;
use huddle_calendar_sync::domain::connector::ProviderKind;
use providers::Cast;
use witness::{Promise, Violation};
use world::Terms;

/// How many seeds are run unless `SIM_SEEDS` says otherwise.
const SEEDS: u64 = 2_000;
/// So many seeds are enough to notice any of the deliberate faults.
const MOST_SEEDS_TO_NOTICE: u64 = 400;
/// How many run side by side.
const THREADS: usize = 2;

/// What one seed came to.
struct Outcome {
    violations: Vec<Violation>,
    trace: Vec<String>,
    crashes: u32,
    published: usize,
}

fn simulate(terms: Terms) -> Outcome {
    let world = log::catching(|| scenario::run(terms));
    let outcome = Outcome {
        violations: world.witness.violations(),
        trace: world.kernel.trace(),
        crashes: world.kernel.crashes(),
        published: world.witness.published.borrow().len(),
    };
    world.end();
    outcome
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// What to do to see a seed again.
fn replay(seed: u64) -> String {
    format!("npm run test:sim -- --seed {seed}    (or: SIM_SEED={seed} cargo test --test simulation)")
}

#[test]
fn every_promise_is_kept_under_every_seed() {
    if let Some(seed) = number_from("SIM_SEED") {
        let outcome = simulate(Terms { seed, traced: true, ..Terms::default() });
        println!("{}", outcome.trace.join("\n"));
        let broken: Vec<_> = outcome.violations.iter().map(ToString::to_string).collect();
        assert!(broken.is_empty(), "seed {seed} breaks:\n{}", broken.join("\n"));
        return;
    }
    let seeds = number_from("SIM_SEEDS").unwrap_or(SEEDS);
    #[allow(clippy::disallowed_methods, reason = "how long the seeds took is told, never asserted")]
    let started = std::time::Instant::now();
    let (next, crashes, published) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let broken: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let mut broken = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds {
                    return broken;
                }
                let outcome = simulate(Terms { seed, ..Terms::default() });
                crashes.fetch_add(u64::from(outcome.crashes), Ordering::Relaxed);
                published.fetch_add(outcome.published as u64, Ordering::Relaxed);
                if let Some(first) = outcome.violations.first() {
                    broken.push(format!("seed {seed}: {first}\n    {}", replay(seed)));
                }
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    println!(
        "{seeds} seeds in {:.1} s: {} crashes, {} notifications",
        started.elapsed().as_secs_f64(),
        crashes.into_inner(),
        published.into_inner()
    );
    let shown: Vec<_> = broken.iter().take(20).map(String::as_str).collect();
    assert!(broken.is_empty(), "{} seeds break a promise:\n{}", broken.len(), shown.join("\n"));
}

#[test]
fn the_same_seed_takes_the_same_steps() {
    for seed in 0..5 {
        let trace = || simulate(Terms { seed, traced: true, ..Terms::default() }).trace;
        let (one, other) = (trace(), trace());
        assert!(one.len() > 100, "seed {seed} does nothing");
        let differs = one.iter().zip(&other).position(|(one, other)| one != other);
        assert_eq!(differs.map(|place| (&one[place], &other[place])), None, "seed {seed}");
        assert_eq!(one.len(), other.len());
    }
}

/// Whether one of the first seeds shows that a promise is broken, at any provider.
fn is_noticed(breakage: Breakage, promise: Promise) {
    ProviderKind::ALL.into_iter().for_each(|provider| is_noticed_at(provider, breakage, promise));
}

fn is_noticed_at(provider: ProviderKind, breakage: Breakage, promise: Promise) {
    let cast = Some(Cast::Of(provider));
    let noticed = (0..MOST_SEEDS_TO_NOTICE).find(|seed| {
        let outcome = simulate(Terms { seed: *seed, breakage, cast, traced: false });
        outcome.violations.iter().any(|violation| violation.promise == promise)
    });
    let seed = noticed.unwrap_or_else(|| {
        panic!(
            "{breakage:?} breaks {promise} at {provider:?}, and {MOST_SEEDS_TO_NOTICE} seeds did not show it"
        )
    });
    println!("{breakage:?} breaks {promise} at {provider:?} under seed {seed}");
}

macro_rules! noticed {
    ($($name:ident: $breakage:ident breaks $promise:ident;)+) => {
        /// The simulation is only worth something if it notices what is wrong.
        mod deliberate_faults_are_noticed {
            use super::{Breakage, Promise, is_noticed};

            $(#[test]
            fn $name() {
                is_noticed(Breakage::$breakage, Promise::$promise);
            })+
        }
    };
}

noticed! {
    creations_without_an_id: AnonymousCreations breaks G1;
    holds_placed_blindly: BlindReservations breaks G1;
    an_expiry_that_takes_bookings: GreedyExpiry breaks G1;
    events_that_remember_one_change: ForgetfulEvents breaks G1;
    results_without_notification: DroppedOutbox breaks G2;
    messages_acknowledged_too_early: EarlyAcknowledgement breaks G2;
    tasks_that_did_not_wait_for_the_database: LostInTheDark breaks G2;
    notifications_with_ever_new_ids: RestlessNotifications breaks G2;
    refresh_tokens_stored_openly: OpenVault breaks G4;
    requests_logged_whole: TalkativeLog breaks G4;
    a_refresh_for_each_who_asks: ManyFlights breaks G5;
    rotated_tokens_stored_late: LateRotation breaks G5;
    states_used_again: ReusableState breaks G6;
    attempts_that_never_expire: EternalState breaks G6;
    calls_without_a_budget: NoBudget breaks G7;
    waiting_that_costs_attempts: CostlyWaiting breaks G7;
    lost_grants_that_are_not_marked: UnmarkedGrant breaks G8;
    an_alarm_for_each_who_finds_out: RepeatedAlarm breaks G8;
    lists_of_everybody: UnscopedLists breaks G9;
    tasks_run_by_two: SharedClaims breaks G10;
}
