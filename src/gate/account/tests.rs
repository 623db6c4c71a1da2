//! What an account's gate lets through, seen from the provider.

use proptest::prelude::*;

use super::*;
use crate::{
    domain::{connector::ProviderKind, ids::AccountId},
    gate::{PERMIT_LIFETIME, lease::NewLease},
};

const LIMITS: Limits = Limits { requests: 10, window: TimeDelta::seconds(100), daily: None, in_flight: 2 };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_772_442_000 + seconds)
}

fn wish(calls: u32) -> AdmissionRequest {
    AdmissionRequest {
        provider: ProviderKind::Google,
        account: AccountId::new("a"),
        calls,
        least: 1,
        width: 1,
        permit: None,
        unused: 0,
    }
}

fn more(permit: &PermitId, calls: u32) -> AdmissionRequest {
    AdmissionRequest { permit: Some(permit.clone()), ..wish(calls) }
}

fn done(permit: &PermitId, unused: u32, outcome: CallOutcome) -> Release {
    Release {
        provider: ProviderKind::Google,
        account: AccountId::new("a"),
        permit: permit.clone(),
        unused,
        outcome,
    }
}

fn granted(decision: Decision) -> PermitId {
    match decision {
        Decision::Granted { permit, .. } => permit,
        other => panic!("not granted: {other:?}"),
    }
}

fn waiting(decision: Decision) -> (i64, WaitReason) {
    match decision {
        Decision::Wait { after, reason } => (after.num_milliseconds(), reason),
        other => panic!("not told to wait: {other:?}"),
    }
}

const FAILED: CallOutcome = CallOutcome::Failed { retry_after: None };

/// The leave of a provider's object that has nothing to say.
const LEAVE: Option<Leave> = Some(Leave { lease: None, probe: false });

#[test]
fn only_so_many_are_in_flight_and_a_release_makes_room() {
    let mut state = AccountState::default();
    let first = granted(state.admit(at(0), &LIMITS, &wish(1), None));
    granted(state.admit(at(0), &LIMITS, &wish(1), None));
    assert_eq!(waiting(state.admit(at(0), &LIMITS, &wish(1), None)), (1_000, WaitReason::Concurrency));
    assert_eq!(state.release(at(1), &LIMITS, &done(&first, 0, CallOutcome::Answered)), None);
    granted(state.admit(at(1), &LIMITS, &wish(1), None));
}

#[test]
fn calls_sent_together_take_a_place_each() {
    let wide = |width| AdmissionRequest { width, ..wish(4) };
    let mut state = AccountState::default();
    let one = granted(state.admit(at(0), &LIMITS, &wish(1), None));
    assert_eq!(waiting(state.admit(at(0), &LIMITS, &wide(2), None)).1, WaitReason::Concurrency);
    // A permit grows only into places that are free, and keeps its own when it must wait.
    let grown = AdmissionRequest { permit: Some(one.clone()), ..wide(2) };
    let other = granted(state.admit(at(0), &LIMITS, &wish(1), None));
    assert_eq!(waiting(state.admit(at(0), &LIMITS, &grown, None)).1, WaitReason::Concurrency);
    state.release(at(1), &LIMITS, &done(&other, 0, CallOutcome::Answered));
    assert_eq!(granted(state.admit(at(1), &LIMITS, &grown, None)), one);
    assert_eq!(waiting(state.admit(at(1), &LIMITS, &wish(1), None)).1, WaitReason::Concurrency);
    state.release(at(2), &LIMITS, &done(&one, 0, CallOutcome::Answered));
    // Who wishes for more than the provider allows gets all of it, and sends in that many at a time.
    granted(state.admit(at(2), &LIMITS, &wide(20), None));
    assert_eq!(waiting(state.admit(at(2), &LIMITS, &wish(1), None)).1, WaitReason::Concurrency);
}

#[test]
fn a_crowd_turned_away_is_told_to_come_back_one_after_the_other() {
    let mut state = AccountState::default();
    for _ in 0..2 {
        granted(state.admit(at(0), &LIMITS, &wish(1), None));
    }
    let waits: Vec<_> = (0..6).map(|_| waiting(state.admit(at(0), &LIMITS, &wish(1), None)).0).collect();
    assert_eq!(waits, [1_000, 1_000, 1_500, 2_000, 2_500, 3_000]);
    for _ in 0..1_000 {
        assert!(waiting(state.admit(at(0), &LIMITS, &wish(1), None)).0 <= LONGEST_QUEUE.num_milliseconds());
    }
}

#[test]
fn a_permit_that_is_never_released_gives_its_place_back_but_not_its_calls() {
    let mut state = AccountState::default();
    for _ in 0..2 {
        granted(state.admit(at(0), &LIMITS, &wish(5), None));
    }
    let lapsed = at(0).plus(PERMIT_LIFETIME);
    // The calls may have been made as late as the lapse, so that they leave a window and a slot later.
    let (after, reason) = waiting(state.admit(lapsed, &LIMITS, &wish(1), None));
    assert_eq!(reason, WaitReason::Budget);
    assert!((100_000..=105_000).contains(&after), "{after}");
    granted(state.admit(lapsed.plus(TimeDelta::milliseconds(after)), &LIMITS, &wish(1), None));
}

#[test]
fn calls_not_made_go_back_into_the_budget() {
    let mut state = AccountState::default();
    let permit = granted(state.admit(at(0), &LIMITS, &wish(10), None));
    assert_eq!(waiting(state.admit(at(0), &LIMITS, &wish(1), None)).1, WaitReason::Budget);
    state.release(at(1), &LIMITS, &done(&permit, 7, CallOutcome::Answered));
    granted(state.admit(at(1), &LIMITS, &wish(7), None));
    assert_eq!(waiting(state.admit(at(1), &LIMITS, &wish(1), None)).1, WaitReason::Budget);
}

#[test]
fn calls_that_come_back_with_a_wish_for_more_are_not_spent() {
    let mut state = AccountState::default();
    let permit = granted(state.admit(at(0), &LIMITS, &wish(9), None));
    let again = AdmissionRequest { unused: 8, ..more(&permit, 8) };
    for second in 1..20 {
        granted(state.admit(at(second), &LIMITS, &again, None));
    }
    state.release(at(20), &LIMITS, &done(&permit, 8, CallOutcome::Answered));
    granted(state.admit(at(20), &LIMITS, &wish(9), None));
    assert_eq!(waiting(state.admit(at(20), &LIMITS, &wish(1), None)).1, WaitReason::Budget);
}

#[test]
fn a_wish_larger_than_the_budget_is_granted_in_part() {
    let decision = AccountState::default().admit(at(0), &LIMITS, &wish(99), None);
    assert!(matches!(decision, Decision::Granted { calls: 10, .. }), "{decision:?}");
}

#[test]
fn more_calls_under_a_permit_count_those_before_as_made_and_take_no_second_place() {
    let mut state = AccountState::default();
    let permit = granted(state.admit(at(0), &LIMITS, &wish(4), None));
    granted(state.admit(at(0), &LIMITS, &wish(1), None));
    assert_eq!(granted(state.admit(at(1), &LIMITS, &more(&permit, 4), None)), permit);
    // There is room for one more: who is under way is not turned back for want of a second.
    let more_calls = state.admit(at(2), &LIMITS, &more(&permit, 2), None);
    assert_eq!(more_calls, Decision::Granted { permit: permit.clone(), calls: 1 });
    assert_eq!(waiting(state.admit(at(2), &LIMITS, &more(&permit, 2), None)).1, WaitReason::Budget);
    assert_eq!(waiting(state.admit(at(2), &LIMITS, &wish(1), None)).1, WaitReason::Concurrency);
}

#[test]
fn retry_after_holds_everybody_back_to_the_second() {
    for outcome in [
        CallOutcome::Throttled { retry_after: Some(TimeDelta::seconds(7)) },
        CallOutcome::Failed { retry_after: Some(TimeDelta::seconds(7)) },
    ] {
        let mut state = AccountState::default();
        let permit = granted(state.admit(at(0), &LIMITS, &wish(1), None));
        let other = granted(state.admit(at(0), &LIMITS, &wish(1), None));
        state.release(at(10), &LIMITS, &done(&permit, 0, outcome.clone()));
        assert_eq!(waiting(state.admit(at(10), &LIMITS, &wish(1), LEAVE)), (7_000, WaitReason::RetryAfter));
        assert_eq!(waiting(state.admit(at(11), &LIMITS, &more(&other, 1), LEAVE)).0, 6_000);
        // A shorter wish does not cut a longer one short.
        let short = CallOutcome::Throttled { retry_after: Some(TimeDelta::seconds(1)) };
        state.release(at(11), &LIMITS, &done(&other, 0, short));
        assert_eq!(waiting(state.admit(at(16), &LIMITS, &wish(1), LEAVE)).0, 1_000);
        granted(state.admit(at(17), &LIMITS, &wish(1), LEAVE));
    }
}

#[test]
fn throttling_without_a_time_rests_a_second() {
    let mut state = AccountState::default();
    let permit = granted(state.admit(at(0), &LIMITS, &wish(1), None));
    state.release(at(0), &LIMITS, &done(&permit, 0, CallOutcome::Throttled { retry_after: None }));
    assert_eq!(waiting(state.admit(at(0), &LIMITS, &wish(1), None)), (1_000, WaitReason::RetryAfter));
    granted(state.admit(at(1), &LIMITS, &wish(1), None));
}

#[test]
fn failures_in_a_row_open_the_circuit_and_one_probe_closes_it() {
    let wide = Limits { requests: 500, in_flight: 10, ..LIMITS };
    let mut state = AccountState::default();
    for second in 0..5 {
        let permit = granted(state.admit(at(second), &wide, &wish(1), LEAVE));
        assert_eq!(state.release(at(second), &wide, &done(&permit, 0, FAILED)), Some(Health::Failing));
    }
    assert_eq!(waiting(state.admit(at(5), &wide, &wish(1), LEAVE)), (4_000, WaitReason::ConnectorCircuit));
    let probe = granted(state.admit(at(9), &wide, &wish(1), LEAVE));
    assert_eq!(waiting(state.admit(at(9), &wide, &wish(1), LEAVE)).1, WaitReason::ConnectorCircuit);
    // The probe itself may go on.
    granted(state.admit(at(10), &wide, &more(&probe, 1), LEAVE));
    let health = state.release(at(10), &wide, &done(&probe, 0, CallOutcome::Answered));
    assert_eq!(health, Some(Health::Recovered));
    granted(state.admit(at(10), &wide, &wish(1), None));
}

#[test]
fn a_probe_that_made_no_call_makes_way_for_the_next() {
    let mut state = AccountState::default();
    for _ in 0..5 {
        let permit = granted(state.admit(at(0), &LIMITS, &wish(1), LEAVE));
        state.release(at(0), &LIMITS, &done(&permit, 0, FAILED));
    }
    let probe = granted(state.admit(at(5), &LIMITS, &wish(1), LEAVE));
    state.release(at(5), &LIMITS, &done(&probe, 1, CallOutcome::NotMade));
    granted(state.admit(at(5), &LIMITS, &wish(1), LEAVE));
}

#[test]
fn a_release_told_twice_counts_once() {
    let mut state = AccountState::default();
    let permit = granted(state.admit(at(0), &LIMITS, &wish(10), None));
    let release = done(&permit, 5, FAILED);
    assert_eq!(state.release(at(0), &LIMITS, &release), Some(Health::Failing));
    let once = state.clone();
    assert_eq!(state.release(at(1), &LIMITS, &release), None);
    assert_eq!(state, once);
}

#[test]
fn an_account_in_trouble_asks_the_providers_object_and_others_do_not() {
    let mut state = AccountState::default();
    let permit = granted(state.admit(at(0), &LIMITS, &wish(1), None));
    state.release(at(0), &LIMITS, &done(&permit, 0, FAILED));
    let asks = Decision::Consult(Consultation { lease: None });
    assert_eq!(state.admit(at(1), &LIMITS, &wish(1), None), asks);
    let permit = granted(state.admit(at(1), &LIMITS, &wish(1), LEAVE));
    state.release(at(1), &LIMITS, &done(&permit, 0, CallOutcome::Answered));
    granted(state.admit(at(2), &LIMITS, &wish(1), None));
}

#[test]
fn a_daily_budget_is_leased_for_what_is_needed_and_twice_as_much_when_that_is_used_up() {
    let limits = Limits { requests: 500, daily: Some(50_000), ..LIMITS };
    let mut state = AccountState::default();
    let lease = |calls, minute: i64| NewLease { calls, lapses_at: at(minute * 60), slot: at(minute * 60) };
    let asked = |decision| match decision {
        Decision::Consult(consultation) => consultation.lease.unwrap(),
        other => panic!("{other:?}"),
    };
    let wanted = asked(state.admit(at(0), &limits, &wish(3), None));
    assert_eq!((wanted.least, wanted.most, wanted.returned), (3, 3, None));
    let leave = Leave { lease: Some(lease(3, 15)), probe: false };
    state.told(&leave);
    let permit = granted(state.admit(at(0), &limits, &wish(3), Some(leave)));
    // One call was not made: it serves the next wish without asking.
    state.release(at(1), &limits, &done(&permit, 1, CallOutcome::Answered));
    let permit = granted(state.admit(at(1), &limits, &wish(1), None));

    let wanted = asked(state.admit(at(2), &limits, &wish(4), None));
    assert_eq!((wanted.least, wanted.most), (4, 6), "used up within its time");
    let leave = Leave { lease: Some(lease(6, 16)), probe: false };
    state.told(&leave);
    granted(state.admit(at(2), &limits, &wish(4), Some(leave)));
    // A call of the lease before is not given out from this one.
    state.release(at(3), &limits, &done(&permit, 1, CallOutcome::Answered));
    let wanted = asked(state.admit(at(3), &limits, &wish(3), None));
    assert_eq!((wanted.least, wanted.most), (3, 12));
    let returned = wanted.returned.unwrap();
    assert_eq!((returned.slot, returned.calls), (at(16 * 60), 2));

    let wanted = asked(state.admit(at(60 * 60), &limits, &wish(1), None));
    assert_eq!((wanted.least, wanted.most, wanted.returned), (1, 1, None), "idle since, nothing left");
}

#[test]
fn the_stored_form_is_read_by_later_versions() {
    let mut state = AccountState::default();
    let permit = granted(state.admit(at(0), &LIMITS, &wish(3), None));
    granted(state.admit(at(1), &LIMITS, &wish(1), None));
    state.release(at(2), &LIMITS, &done(&permit, 1, FAILED));
    let stored = serde_json::to_string(&state).unwrap();
    insta::assert_snapshot!(stored, @r#"{"spending":{"slots":[{"end":1772442005000,"calls":2}]},"permits":{"issued":2,"open":[{"id":"p2","calls":1,"width":1,"lapses_at":1772442091000,"probe":false,"lease":null}]},"breaker":{"failures":1,"openings":0,"state":{"is":"closed"}},"paused_until":null,"lease":{"left":0,"size":0,"granted":null},"troubled":true,"queue_until":null}"#);
    assert_eq!(serde_json::from_str::<AccountState>(&stored).unwrap(), state);
    let before_widths = stored.replace(r#""width":1,"#, "");
    assert_eq!(serde_json::from_str::<AccountState>(&before_widths).unwrap(), state);
    assert_eq!(serde_json::from_str::<AccountState>("{}").unwrap(), AccountState::default());
}

#[test]
fn a_state_that_was_lost_counts_as_spent() {
    let mut state = AccountState::exhausted(&LIMITS, at(0));
    assert_eq!(waiting(state.admit(at(0), &LIMITS, &wish(1), None)).1, WaitReason::Budget);
    granted(state.admit(at(105), &LIMITS, &wish(10), None));
}

/// What one imagined run does next.
#[derive(Debug, Clone)]
enum Move {
    Admit(u32),
    /// The run with this index makes a call.
    Call(usize),
    /// It asks for more.
    More(usize, u32),
    /// It gives its permit back.
    Release(usize),
    /// It crashes: nobody hears of its permit again.
    Crash(usize),
    Pause(i64),
    /// The object is evicted and its state read back.
    Evict,
}

struct Run {
    permit: PermitId,
    left: u32,
    since: Timestamp,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (1u32..8).prop_map(Move::Admit),
        8 => (0usize..4).prop_map(Move::Call),
        2 => (0usize..4, 1u32..8).prop_map(|(run, calls)| Move::More(run, calls)),
        3 => (0usize..4).prop_map(Move::Release),
        1 => (0usize..4).prop_map(Move::Crash),
        4 => (0i64..40_000).prop_map(Move::Pause),
        1 => Just(Move::Evict),
    ];
    prop::collection::vec(one, 1..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_provider_never_sees_more_calls_in_any_window_nor_more_at_once(moves in moves()) {
        let mut state = AccountState::default();
        let (mut now, mut runs, mut calls) = (at(0), Vec::<Run>::new(), Vec::<Timestamp>::new());
        for step in moves {
            // A run makes no call with a permit too old, as the session sees to.
            runs.retain(|run| now.since(run.since) < PERMIT_LIFETIME);
            match step {
                Move::Admit(calls) => {
                    if let Decision::Granted { permit, calls } = state.admit(now, &LIMITS, &wish(calls), None) {
                        runs.push(Run { permit, left: calls, since: now });
                    }
                }
                Move::Call(run) => {
                    if let Some(run) = runs.get_mut(run).filter(|run| run.left > 0) {
                        run.left -= 1;
                        calls.push(now);
                    }
                }
                Move::More(run, calls) => {
                    if let Some(run) = runs.get_mut(run).filter(|run| run.left == 0)
                        && let Decision::Granted { permit, calls } =
                            state.admit(now, &LIMITS, &more(&run.permit, calls), None)
                    {
                        *run = Run { permit, left: calls, since: now };
                    }
                }
                Move::Release(run) => {
                    if run < runs.len() {
                        let run = runs.remove(run);
                        state.release(now, &LIMITS, &done(&run.permit, run.left, CallOutcome::Answered));
                    }
                }
                Move::Crash(run) => {
                    if run < runs.len() {
                        runs.remove(run);
                    }
                }
                Move::Pause(millis) => now = now.plus(TimeDelta::milliseconds(millis)),
                Move::Evict => {
                    state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
                }
            }
            prop_assert!(runs.len() <= LIMITS.in_flight as usize, "{} in flight", runs.len());
        }
        for first in &calls {
            let end = first.plus(LIMITS.window);
            let inside = calls.iter().filter(|at| *at >= first && **at <= end).count();
            prop_assert!(inside <= LIMITS.requests as usize, "{inside} calls from {first} on");
        }
    }
}
