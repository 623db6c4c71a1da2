//! What a provider's object allows all accounts together.

use proptest::prelude::*;

use super::*;
use crate::{
    domain::connector::ProviderKind,
    gate::{
        AdmissionRequest, CallOutcome, PermitId, Release,
        account::{AccountState, Decision},
        lease::{LeaseWish, Returned},
    },
};

const LIMITS: Limits =
    Limits { requests: 1_000, window: TimeDelta::seconds(1), daily: Some(100), in_flight: 10 };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_772_442_000 + seconds)
}

fn account(name: usize) -> AccountId {
    AccountId::new(format!("account-{name}"))
}

fn lease(least: u32, most: u32) -> Consultation {
    Consultation { lease: Some(LeaseWish { least, most, returned: None }) }
}

const NO_LEASE: Consultation = Consultation { lease: None };

fn leave(answer: Answer) -> Leave {
    match answer {
        Answer::Leave(leave) => leave,
        Answer::Wait { .. } => panic!("{answer:?}"),
    }
}

fn wait(answer: Answer) -> (TimeDelta, WaitReason) {
    match answer {
        Answer::Wait { after, reason } => (after, reason),
        Answer::Leave(_) => panic!("{answer:?}"),
    }
}

#[test]
fn leases_share_one_day_and_end_with_it() {
    let mut state = ProviderState::default();
    assert_eq!(leave(state.consult(at(0), &LIMITS, &lease(10, 60))).lease.unwrap().calls, 60);
    assert_eq!(leave(state.consult(at(0), &LIMITS, &lease(10, 60))).lease.unwrap().calls, 40, "what is left");
    let (after, reason) = wait(state.consult(at(0), &LIMITS, &lease(1, 1)));
    assert_eq!((after, reason), (LONGEST_DAILY_WAIT, WaitReason::DailyBudget));
    assert_eq!(wait(state.consult(at(24 * 3600), &LIMITS, &lease(1, 1))).1, WaitReason::DailyBudget);
    leave(state.consult(at(26 * 3600), &LIMITS, &lease(1, 1)));
}

#[test]
fn calls_leased_and_not_made_come_back() {
    let mut state = ProviderState::default();
    let given = leave(state.consult(at(0), &LIMITS, &lease(100, 100))).lease.unwrap();
    assert_eq!(given.lapses_at, at(0).plus(LEASE_LIFETIME));
    let returned = Some(Returned { slot: given.slot, calls: 30 });
    let again = Consultation { lease: Some(LeaseWish { least: 1, most: 50, returned }) };
    assert_eq!(leave(state.consult(at(1), &LIMITS, &again)).lease.unwrap().calls, 30);
}

#[test]
fn several_accounts_failing_at_once_open_the_circuit_and_one_probe_closes_it() {
    let mut state = ProviderState::default();
    for name in 0..4 {
        state.report(at(0), &account(name), Health::Failing);
        state.report(at(0), &account(name), Health::Failing);
        assert!(!leave(state.consult(at(0), &LIMITS, &NO_LEASE)).probe);
    }
    state.report(at(0), &account(4), Health::Failing);
    assert_eq!(
        wait(state.consult(at(0), &LIMITS, &NO_LEASE)),
        (TimeDelta::seconds(5), WaitReason::ProviderCircuit)
    );
    assert!(leave(state.consult(at(5), &LIMITS, &NO_LEASE)).probe);
    assert_eq!(wait(state.consult(at(5), &LIMITS, &NO_LEASE)).1, WaitReason::ProviderCircuit);
    state.report(at(6), &account(0), Health::Failing);
    assert_eq!(wait(state.consult(at(6), &LIMITS, &NO_LEASE)).0, TimeDelta::seconds(10));
    assert!(leave(state.consult(at(16), &LIMITS, &NO_LEASE)).probe);
    state.report(at(17), &account(0), Health::Recovered);
    assert_eq!(leave(state.consult(at(17), &LIMITS, &NO_LEASE)), Leave::default());
}

#[test]
fn accounts_failing_now_and_then_leave_it_closed() {
    let mut state = ProviderState::default();
    for name in 0..100 {
        state.report(at(name as i64 * 15), &account(name), Health::Failing);
    }
    for name in 0..100 {
        state.report(at(2_000), &account(name), Health::Failing);
        state.report(at(2_000), &account(name), Health::Recovered);
    }
    leave(state.consult(at(2_000), &LIMITS, &NO_LEASE));
}

#[test]
fn the_stored_form_is_read_by_later_versions() {
    let mut state = ProviderState::default();
    state.consult(at(0), &LIMITS, &lease(1, 20));
    state.report(at(0), &account(1), Health::Failing);
    let stored = serde_json::to_string(&state).unwrap();
    insta::assert_snapshot!(stored, @r#"{"leased":{"slots":[{"end":1772443980000,"calls":20}]},"breaker":{"failures":0,"openings":0,"state":{"is":"closed"}},"failing":{"account-1":1772442000000}}"#);
    assert_eq!(serde_json::from_str::<ProviderState>(&stored).unwrap(), state);
    assert_eq!(serde_json::from_str::<ProviderState>("{}").unwrap(), ProviderState::default());
}

#[test]
fn a_state_that_was_lost_counts_as_leased() {
    let mut state = ProviderState::exhausted(&LIMITS, at(0));
    assert_eq!(wait(state.consult(at(0), &LIMITS, &lease(1, 1))).1, WaitReason::DailyBudget);
    leave(state.consult(at(26 * 3600), &LIMITS, &lease(1, 1)));
}

/// A permit somebody holds: its name, its calls and when it was given.
type Held = (PermitId, u32, Timestamp);

/// Accounts that call through their own gates, with leases from one provider's object.
struct Application {
    provider: ProviderState,
    accounts: Vec<(AccountState, Vec<Held>)>,
    calls: Vec<Timestamp>,
}

impl Application {
    fn admit(&mut self, now: Timestamp, index: usize, calls: u32) {
        let request = AdmissionRequest {
            provider: ProviderKind::Google,
            account: account(index),
            calls,
            least: 1,
            width: 1,
            permit: None,
            unused: 0,
        };
        let (state, permits) = &mut self.accounts[index];
        let mut decision = state.admit(now, &LIMITS, &request, None);
        if let Decision::Consult(consultation) = &decision
            && let Answer::Leave(leave) = self.provider.consult(now, &LIMITS, consultation)
        {
            state.told(&leave);
            decision = state.admit(now, &LIMITS, &request, Some(leave));
        }
        if let Decision::Granted { permit, calls } = decision {
            permits.push((permit, calls, now));
        }
    }

    /// Makes some of the calls of a permit and gives it back.
    fn finish(&mut self, now: Timestamp, index: usize, used: u32) {
        let (state, permits) = &mut self.accounts[index];
        let Some((permit, calls, _)) = permits.pop() else { return };
        let used = used.min(calls);
        self.calls.extend((0..used).map(|_| now));
        let release = Release {
            provider: ProviderKind::Google,
            account: account(index),
            permit,
            unused: calls - used,
            outcome: CallOutcome::Answered,
        };
        state.release(now, &LIMITS, &release);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn all_accounts_together_never_make_more_calls_in_a_day(
        moves in prop::collection::vec((0usize..4, 0u8..3, 1u32..20, prop_oneof![0i64..60, 0i64..7_200]), 1..300),
    ) {
        let mut application = Application {
            provider: ProviderState::default(),
            accounts: (0..4).map(|_| (AccountState::default(), vec![])).collect(),
            calls: vec![],
        };
        let mut now = at(0);
        for (index, step, calls, pause) in moves {
            match step {
                0 => application.admit(now, index, calls),
                1 => application.finish(now, index, calls),
                _ => {
                    now = now.plus(TimeDelta::seconds(pause));
                    // Nobody calls with a permit that has lapsed.
                    for (_, permits) in &mut application.accounts {
                        permits.retain(|(_, _, since)| now.since(*since) < PERMIT_LIFETIME);
                    }
                }
            }
        }
        let calls = &application.calls;
        for first in calls {
            let end = first.plus(TimeDelta::days(1));
            let inside = calls.iter().filter(|at| *at >= first && **at <= end).count();
            prop_assert!(inside <= 100, "{inside} calls in the day from {first} on");
        }
    }
}
