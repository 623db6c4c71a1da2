//! The gate as a whole, natively: its objects, the database, the cache and a provider that takes its time.

mod claims;

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    task::Poll,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use futures_channel::oneshot;
use futures_util::{FutureExt, future::join_all};
use serde_json::json;

use super::*;
use crate::{
    domain::{
        connector::{Connector, ConnectorStatus},
        failure::Action,
        secret::AccessToken,
    },
    gate::{CallOutcome, PermitId, TOKEN_MARGIN, TokenFingerprint, WaitReason},
    ports::{Db, Gate, Http, HttpError, HttpRequest, HttpResponse},
    providers::Registry,
    session::with_session,
    store::connectors,
    testing::{
        self, FakeProvider, FixedClock, HostedGate, MapCache, RecordingMetrics, RecordingQueues,
        ScriptedHttp, SeededRandom, SqliteDb, SwitchedRateLimiter, connect, connect_with, connecting,
        granted, json_response, refused, reread,
    },
    vault::{Sealed, Vault},
};

/// Ports with the real gate and a slow provider.
struct Hosting;

impl Ports for Hosting {
    type Db = SqliteDb;
    type TokenCache = MapCache;
    type Queues = RecordingQueues;
    type Http = SlowHttp;
    type Gate = HostedGate<Self>;
    type Clock = FixedClock;
    type Random = SeededRandom;
    type Metrics = RecordingMetrics;
    type RateLimiter = SwitchedRateLimiter;
}

/// Answers only when nobody else has anything to do, and counts how many requests are under way at once.
#[derive(Default)]
struct SlowHttp {
    script: ScriptedHttp,
    under_way: Cell<usize>,
    most: Cell<usize>,
    meanwhile: RefCell<Option<Box<dyn FnOnce()>>>,
}

thread_local! {
    /// Requests that wait for their answer, oldest first.
    static WAITING: RefCell<VecDeque<oneshot::Sender<()>>> = RefCell::default();
}

impl Http for SlowHttp {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (answer, answered) = oneshot::channel();
        WAITING.with_borrow_mut(|waiting| waiting.push_back(answer));
        self.under_way.set(self.under_way.get() + 1);
        self.most.set(self.most.get().max(self.under_way.get()));
        answered.await.unwrap();
        if let Some(meanwhile) = self.meanwhile.take() {
            meanwhile();
        }
        self.under_way.set(self.under_way.get() - 1);
        self.script.send(request).await
    }
}

/// Runs a future to its end; whenever it cannot go on, the oldest request is answered.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    testing::block_on(async {
        let mut work = std::pin::pin!(work);
        loop {
            if let Poll::Ready(done) = futures_util::poll!(work.as_mut()) {
                return done;
            }
            let request = WAITING.with_borrow_mut(VecDeque::pop_front).expect("something to wait for");
            // A request whose sender is gone was given up.
            let _ = request.send(());
        }
    })
}

type Hosted = Rc<App<Hosting>>;

fn app() -> Hosted {
    app_with(&HashMap::new())
}

fn app_with(changes: &HashMap<&'static str, String>) -> Hosted {
    let mut environment = testing::environment();
    environment.extend(changes.iter().map(|(name, value)| (*name, value.clone())));
    let settings = testing::parse(&environment);
    let clock = FixedClock::at_millis(testing::START_MILLIS);
    let app: Hosted = Rc::new(App {
        vault: Vault::new(&settings.encryption_keys),
        settings,
        providers: Registry::of(vec![Box::new(FakeProvider)]),
        db: SqliteDb::new(&clock),
        token_cache: MapCache::new(&clock),
        queues: RecordingQueues::default(),
        http: SlowHttp::default(),
        gate: HostedGate::default(),
        clock,
        random: SeededRandom::new(1),
        metrics: RecordingMetrics::default(),
        rate_limiter: SwitchedRateLimiter::default(),
    });
    app.gate.attach(&app);
    app
}

fn answer_refresh(app: &Hosted, access: &str, rotated: Option<&str>) {
    let mut grant = json!({"access_token": access, "expires_in": 3600});
    if let Some(rotated) = rotated {
        grant["refresh_token"] = json!(rotated);
    }
    app.http.script.answer("refresh", Ok(granted(grant)));
}

fn fail_refresh(app: &Hosted, failure: &Failure) {
    app.http.script.answer("refresh", Ok(refused(failure)));
}

async fn token(app: &Hosted, connector: &Connector) -> Result<String, Failure> {
    let request = TokenRequest::new(connector.generation);
    app.gate.access_token(&connector.id, request).await.map(|grant| grant.token.expose().to_owned())
}

/// The refresh tokens that were sent to the provider.
fn sent(app: &Hosted) -> Vec<String> {
    let requests = app.http.script.requests();
    let refreshes = requests.iter().filter(|request| request.uri().path() == "/refresh");
    refreshes
        .map(|request| {
            let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
            body["token"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// The refresh token in the system of record.
fn stored(app: &Hosted, connector: &Connector) -> Option<String> {
    let rows = block_on(app.db.query(connectors::get(&connector.id))).unwrap();
    let sealed = connectors::refresh_token(&rows[0]).unwrap()?;
    let opened = app.vault.open(&connectors::refresh_token_place(&connector.id), &sealed).unwrap();
    Some(opened.plaintext.to_string())
}

fn notifications(app: &Hosted) -> usize {
    app.db.read("SELECT * FROM outbox WHERE type = 'calendar.connector.reauth_required'").len()
}

fn revoked() -> Failure {
    Failure::reauthorize("invalid_grant", "the grant was revoked")
}

#[test]
fn a_hundred_callers_at_once_share_one_refresh() {
    let app = app();
    let connector = connect(&*app, "a");
    answer_refresh(&app, "access-1", None);
    let tokens = block_on(join_all((0..100).map(|_| token(&app, &connector))));
    assert!(tokens.iter().all(|token| token.as_deref() == Ok("access-1")));
    assert_eq!(sent(&app), ["refresh-1"]);
    // Those who come later are given the same token, from memory and, after an eviction, from storage.
    assert_eq!(block_on(token(&app, &connector)).as_deref(), Ok("access-1"));
    app.gate.evict();
    assert_eq!(block_on(token(&app, &connector)).as_deref(), Ok("access-1"));
    assert_eq!(sent(&app).len(), 1);
    let disk = app.gate.disk().read("connector:con-a").unwrap();
    assert!(!disk.contains("access-1") && disk.contains("v1."), "sealed: {disk}");
}

#[test]
fn refreshes_of_different_connectors_run_side_by_side() {
    let app = app();
    let (a, b) = (connect(&*app, "a"), connect(&*app, "b"));
    answer_refresh(&app, "access-1", None);
    answer_refresh(&app, "access-2", None);
    let tokens = block_on(join_all([token(&app, &a), token(&app, &b), token(&app, &a)]));
    assert_eq!((&tokens[0], app.http.most.get()), (&tokens[2], 2));
}

#[test]
fn a_waiter_with_a_refused_token_takes_the_one_that_came_meanwhile() {
    let app = app();
    let connector = connect(&*app, "a");
    answer_refresh(&app, "access-1", None);
    answer_refresh(&app, "access-2", None);
    block_on(token(&app, &connector)).unwrap();
    let refused = TokenFingerprint::of(&AccessToken::new("access-1"));
    let request = TokenRequest::new(1).instead_of(refused);
    let ask = || app.gate.access_token(&connector.id, request.clone());
    let grants = block_on(join_all((0..10).map(|_| ask())));
    for grant in grants {
        let grant = grant.unwrap();
        assert_eq!((grant.token.expose(), grant.fresh), ("access-2", true));
    }
    let late = block_on(ask()).unwrap();
    assert_eq!((late.token.expose(), late.fresh), ("access-2", false));
    assert_eq!(sent(&app).len(), 2);
}

#[test]
fn a_token_is_replaced_before_it_expires_and_when_that_is_wished() {
    let app = app();
    let connector = connect(&*app, "a");
    for number in 1..=4 {
        answer_refresh(&app, &format!("access-{number}"), None);
    }
    let ask = |request: TokenRequest| {
        block_on(app.gate.access_token(&connector.id, request)).unwrap().token.expose().to_owned()
    };
    assert_eq!(ask(TokenRequest::new(1)), "access-1");
    app.clock.advance(TimeDelta::minutes(55));
    assert_eq!(ask(TokenRequest::new(1)), "access-1");
    assert_eq!(ask(TokenRequest::new(1).good_for(TimeDelta::minutes(10))), "access-2");
    assert_eq!(ask(TokenRequest::new(1).forced()), "access-3");
    app.clock.advance(TimeDelta::hours(1) - TOKEN_MARGIN);
    assert_eq!(ask(TokenRequest::new(1)), "access-4");
}

#[test]
fn the_new_token_is_cached_for_everybody() {
    let app = app();
    let connector = connect(&*app, "a");
    answer_refresh(&app, "access-1", None);
    block_on(token(&app, &connector)).unwrap();
    let cached = block_on(tokens::cached(&*app, &connector)).unwrap();
    assert_eq!(cached.token.expose(), "access-1");
}

#[test]
fn a_rotated_refresh_token_is_stored_and_one_not_rotated_is_kept() {
    let app = app();
    let connector = connect(&*app, "a");
    let envelope = || app.db.read("SELECT refresh_token FROM connectors")[0]["refresh_token"].clone();
    let before = envelope();
    answer_refresh(&app, "access-1", None);
    block_on(token(&app, &connector)).unwrap();
    assert_eq!(envelope(), before);
    answer_refresh(&app, "access-2", Some("refresh-2"));
    block_on(app.gate.access_token(&connector.id, TokenRequest::new(1).forced())).unwrap();
    assert_eq!(stored(&app, &connector).as_deref(), Some("refresh-2"));
    assert!(app.gate.disk().read("connector:con-a").unwrap().contains(r#""rotation":null"#));
}

#[test]
fn no_access_token_is_given_before_the_rotated_refresh_token_is_stored() {
    let app = app();
    let connector = connect(&*app, "a");
    for _ in 0..3 {
        app.db.fail_next("connectors.refreshed");
    }
    answer_refresh(&app, "access-1", Some("refresh-2"));
    let failure = block_on(token(&app, &connector)).unwrap_err();
    assert_eq!(&*failure.code, "database_unavailable");
    assert_eq!(stored(&app, &connector).as_deref(), Some("refresh-1"));
    assert!(block_on(tokens::cached(&*app, &connector)).is_none());

    // The rotated token is not lost, not even when the object is evicted now: the next refresh goes on from it.
    app.gate.evict();
    answer_refresh(&app, "access-2", None);
    assert_eq!(block_on(token(&app, &connector)).as_deref(), Ok("access-2"));
    assert_eq!(sent(&app), ["refresh-1", "refresh-2"]);
    assert_eq!(stored(&app, &connector).as_deref(), Some("refresh-2"));
    assert!(app.gate.disk().read("connector:con-a").unwrap().contains(r#""rotation":null"#));
}

#[test]
fn a_rotated_refresh_token_is_written_again_when_the_database_stumbles() {
    let app = app();
    let connector = connect(&*app, "a");
    for _ in 0..2 {
        app.db.fail_next("connectors.refreshed");
    }
    answer_refresh(&app, "access-1", Some("refresh-2"));
    assert_eq!(block_on(token(&app, &connector)).as_deref(), Ok("access-1"));
    assert_eq!(stored(&app, &connector).as_deref(), Some("refresh-2"));
}

#[test]
fn a_token_sealed_with_an_old_key_is_sealed_anew_on_the_way() {
    let old = testing::app();
    let changes = HashMap::from([
        ("OAUTH_ENC_KEY", STANDARD.encode([8; 32])),
        ("OAUTH_ENC_KEYS_PREVIOUS", STANDARD.encode([7; 32])),
    ]);
    let app = app_with(&changes);
    let connector = connect(&*app, "a");
    let place = connectors::refresh_token_place(&connector.id);
    let sealed: Sealed = old.vault.seal(&app.random, &place, "refresh-1").unwrap();
    app.db.execute(&format!("UPDATE connectors SET refresh_token = '{}'", sealed.as_str()));
    answer_refresh(&app, "access-1", None);
    block_on(token(&app, &connector)).unwrap();
    let stored = app.db.read("SELECT refresh_token FROM connectors")[0]["refresh_token"].clone();
    let prefix = format!("v1.{}.", app.vault.current_key_id());
    assert!(stored.as_str().unwrap().starts_with(&prefix), "{stored}");
}

#[test]
fn the_next_refresh_is_due_before_expiry_while_in_use_and_daily_otherwise() {
    let app = app();
    let connector = connect(&*app, "a");
    let due = || app.db.read("SELECT refresh_due_at FROM connectors")[0]["refresh_due_at"].as_i64().unwrap();
    let refresh = || {
        answer_refresh(&app, "access", None);
        block_on(app.gate.access_token(&connector.id, TokenRequest::new(1).forced())).unwrap();
        TimeDelta::milliseconds(due() - app.clock.now().as_millis())
    };
    assert_eq!(refresh(), TimeDelta::minutes(55), "just connected");
    app.clock.advance(TimeDelta::hours(25));
    assert_eq!(refresh(), TimeDelta::days(1), "idle");
    block_on(app.db.query(connectors::used(&connector.id, app.clock.now()))).unwrap();
    assert_eq!(refresh(), TimeDelta::minutes(55), "in use again");
}

#[test]
fn a_revoked_grant_ends_the_connectors_work_and_is_announced_once() {
    let app = app();
    let connector = connect(&*app, "a");
    fail_refresh(&app, &revoked());
    let results = block_on(join_all((0..10).map(|_| token(&app, &connector))));
    for result in results {
        assert_eq!(result.unwrap_err().action, Action::Reauthorize);
    }
    let later = block_on(token(&app, &connector)).unwrap_err();
    assert_eq!((later.action, &*later.code), (Action::Reauthorize, "reauth_required"));
    assert_eq!(sent(&app).len(), 1, "the provider is not asked again");
    assert_eq!(reread(&*app, &connector.id).status, ConnectorStatus::ReauthRequired);
    assert_eq!(notifications(&app), 1);

    // Connected again, it works where it stopped.
    let connector = connect_with(&*app, "a", "refresh-2");
    answer_refresh(&app, "access-2", None);
    assert_eq!(block_on(token(&app, &connector)).as_deref(), Ok("access-2"));
    fail_refresh(&app, &revoked());
    block_on(app.gate.access_token(&connector.id, TokenRequest::new(2).forced())).unwrap_err();
    assert_eq!(notifications(&app), 2, "the new grant's end is news");
}

#[test]
fn a_person_who_connects_anew_during_a_refresh_wins() {
    for (name, old_answer) in [
        ("old grant rotated", Ok(Some("refresh-old"))),
        ("old grant not rotated", Ok(None)),
        ("old grant revoked", Err(revoked())),
    ] {
        let app = app();
        let connector = connect(&*app, "a");
        let again = Rc::clone(&app);
        *app.http.meanwhile.borrow_mut() = Some(Box::new(move || {
            connecting(&*again, "a", "refresh-new", "user-1", None).now_or_never().unwrap();
        }));
        match old_answer {
            Ok(rotated) => answer_refresh(&app, "access-old", rotated),
            Err(failure) => fail_refresh(&app, &failure),
        }
        answer_refresh(&app, "access-new", None);
        assert_eq!(block_on(token(&app, &connector)).as_deref(), Ok("access-new"), "{name}");
        assert_eq!(sent(&app), ["refresh-1", "refresh-new"], "{name}");
        assert_eq!(stored(&app, &connector).as_deref(), Some("refresh-new"), "{name}");
        assert_eq!(reread(&*app, &connector.id).status, ConnectorStatus::Active, "{name}");
        assert_eq!(notifications(&app), 0, "{name}");
    }
}

#[test]
fn a_token_of_an_older_grant_does_not_serve_a_newer_one() {
    let app = app();
    let connector = connect(&*app, "a");
    answer_refresh(&app, "access-old", None);
    block_on(token(&app, &connector)).unwrap();
    let connector = connect_with(&*app, "a", "refresh-2");
    answer_refresh(&app, "access-new", None);
    assert_eq!(block_on(token(&app, &connector)).as_deref(), Ok("access-new"));
}

#[test]
fn a_disconnected_connector_gets_no_token() {
    let app = app();
    let connector = connect(&*app, "a");
    let deleting = Rc::clone(&app);
    *app.http.meanwhile.borrow_mut() = Some(Box::new(move || deleting.db.execute("DELETE FROM connectors")));
    answer_refresh(&app, "access-1", Some("refresh-2"));
    assert_eq!(block_on(token(&app, &connector)).unwrap_err().action, Action::NotFound);
    assert!(block_on(tokens::cached(&*app, &connector)).is_none());
}

#[test]
fn what_is_to_be_forgotten_during_a_refresh_is_kept_nowhere() {
    let app = app();
    let connector = connect(&*app, "a");
    answer_refresh(&app, "access-1", Some("refresh-2"));
    let forgetting = Rc::clone(&app);
    let id = connector.id.clone();
    *app.http.meanwhile.borrow_mut() = Some(Box::new(move || {
        forgetting.gate.forget(&id).now_or_never().unwrap().unwrap();
    }));
    assert_eq!(block_on(token(&app, &connector)).as_deref(), Ok("access-1"), "whoever waited is served");
    assert_eq!(app.gate.disk().read("connector:con-a"), None);
    assert!(block_on(tokens::cached(&*app, &connector)).is_none());
}

#[test]
fn a_refresh_goes_on_when_the_caller_who_started_it_is_gone() {
    let app = app();
    let connector = connect(&*app, "a");
    answer_refresh(&app, "access-1", None);
    {
        let first = token(&app, &connector);
        futures_util::pin_mut!(first);
        assert!(first.now_or_never().is_none());
    }
    assert_eq!(block_on(token(&app, &connector)).as_deref(), Ok("access-1"));
    assert_eq!(sent(&app).len(), 1);
    assert_eq!(app.http.most.get(), 1);
}

#[test]
fn a_token_endpoint_that_says_when_is_left_alone_until_then() {
    let app = app();
    let connector = connect(&*app, "a");
    let busy = Failure::retry("provider_unavailable", "busy", Some(TimeDelta::seconds(30)));
    fail_refresh(&app, &busy);
    assert_eq!(block_on(token(&app, &connector)).unwrap_err(), busy);
    app.clock.advance(TimeDelta::seconds(29));
    app.gate.evict();
    let failure = block_on(token(&app, &connector)).unwrap_err();
    assert_eq!(failure.action, Action::Wait { after: TimeDelta::seconds(1) });
    app.clock.advance(TimeDelta::seconds(1));
    answer_refresh(&app, "access-1", None);
    assert_eq!(block_on(token(&app, &connector)).as_deref(), Ok("access-1"));
    assert_eq!(sent(&app).len(), 2);
}

#[test]
fn a_token_endpoint_that_keeps_failing_is_given_a_rest() {
    let app = app();
    let connector = connect(&*app, "a");
    for _ in 0..5 {
        app.http.script.answer("refresh", Ok(json_response(503, &json!({}))));
        assert!(matches!(
            block_on(token(&app, &connector)).unwrap_err().action,
            Action::Retry { after: None }
        ));
    }
    let failure = block_on(token(&app, &connector)).unwrap_err();
    assert_eq!(failure.action, Action::Wait { after: TimeDelta::seconds(5) });
    assert_eq!(sent(&app).len(), 5);
    app.clock.advance(TimeDelta::seconds(5));
    answer_refresh(&app, "access-1", None);
    assert_eq!(block_on(token(&app, &connector)).as_deref(), Ok("access-1"));
}

#[test]
fn a_connectors_state_nobody_can_read_costs_a_refresh() {
    let app = app();
    let connector = connect(&*app, "a");
    app.gate.disk().write("connector:con-a", "not JSON");
    answer_refresh(&app, "access-1", None);
    assert_eq!(block_on(token(&app, &connector)).as_deref(), Ok("access-1"));
}

/// Five requests in ten seconds, two at once.
fn narrow(daily: Option<u32>) -> HashMap<&'static str, String> {
    let mut google = json!({"requests": 5, "windowSeconds": 10, "inFlight": 2});
    if let Some(daily) = daily {
        google["daily"] = json!(daily);
    }
    HashMap::from([("GATE_LIMITS", json!({ "google": google }).to_string())])
}

fn wish(connector: &Connector, calls: u32) -> AdmissionRequest {
    AdmissionRequest {
        provider: connector.provider,
        account: connector.account.clone(),
        calls,
        least: 1,
        width: 1,
        permit: None,
        unused: 0,
    }
}

fn admit(app: &Hosted, connector: &Connector, calls: u32) -> Result<PermitId, WaitReason> {
    match block_on(app.gate.admit(&connector.id, wish(connector, calls))).unwrap() {
        Admission::Granted { permit, .. } => Ok(permit),
        Admission::Wait { reason, .. } => Err(reason),
    }
}

fn release(app: &Hosted, connector: &Connector, permit: PermitId, outcome: CallOutcome) {
    let release = Release {
        provider: connector.provider,
        account: connector.account.clone(),
        permit,
        unused: 0,
        outcome,
    };
    block_on(app.gate.release(&connector.id, release)).unwrap();
}

#[test]
fn budgets_are_the_operators_and_survive_eviction() {
    let app = app_with(&narrow(None));
    let connector = connect(&*app, "a");
    let permit = admit(&app, &connector, 4).unwrap();
    app.gate.evict();
    assert_eq!(admit(&app, &connector, 2), Err(WaitReason::Budget));
    release(&app, &connector, permit, CallOutcome::Answered);
    app.gate.evict();
    assert_eq!(admit(&app, &connector, 2), Err(WaitReason::Budget));
    admit(&app, &connector, 1).unwrap();
}

#[test]
fn connectors_of_one_account_share_its_budget_and_others_do_not() {
    let app = app_with(&narrow(None));
    let connector = connect(&*app, "a");
    let mut in_another_workspace = connector.clone();
    in_another_workspace.id = ConnectorId::new("con-a-2");
    admit(&app, &connector, 5).unwrap();
    assert_eq!(admit(&app, &in_another_workspace, 1), Err(WaitReason::Budget));
    admit(&app, &connect(&*app, "b"), 5).unwrap();
}

#[test]
fn nothing_is_granted_that_could_not_be_written_down() {
    let app = app_with(&narrow(None));
    let connector = connect(&*app, "a");
    app.gate.disk().set_full(true);
    block_on(app.gate.admit(&connector.id, wish(&connector, 1))).unwrap_err();
    app.gate.disk().set_full(false);
    app.gate.evict();
    admit(&app, &connector, 5).unwrap();
}

#[test]
fn a_budget_nobody_can_read_counts_as_spent() {
    let app = app_with(&narrow(None));
    let connector = connect(&*app, "a");
    app.gate.disk().write("account:google:a", "not JSON");
    assert_eq!(admit(&app, &connector, 1), Err(WaitReason::Budget));
    app.clock.advance(TimeDelta::seconds(11));
    admit(&app, &connector, 1).unwrap();
}

#[test]
fn all_accounts_share_the_applications_day() {
    let app = app_with(&narrow(Some(6)));
    let (a, b) = (connect(&*app, "a"), connect(&*app, "b"));
    admit(&app, &a, 4).unwrap();
    app.gate.evict();
    assert_eq!(admit(&app, &b, 3), Err(WaitReason::DailyBudget));
    admit(&app, &b, 2).unwrap();
    assert_eq!(admit(&app, &a, 1), Err(WaitReason::DailyBudget));
}

#[test]
fn several_accounts_in_trouble_stop_each_other_and_leave_the_healthy_alone() {
    let app = app();
    let connectors: Vec<_> = (0..5).map(|index| connect(&*app, &format!("a{index}"))).collect();
    let healthy = connect(&*app, "healthy");
    for connector in &connectors {
        let permit = admit(&app, connector, 1).unwrap();
        release(&app, connector, permit, CallOutcome::Failed { retry_after: None });
    }
    for connector in &connectors {
        assert_eq!(admit(&app, connector, 1), Err(WaitReason::ProviderCircuit));
    }
    admit(&app, &healthy, 1).unwrap();
    app.clock.advance(TimeDelta::seconds(5));
    let probe = admit(&app, &connectors[0], 1).unwrap();
    assert_eq!(admit(&app, &connectors[1], 1), Err(WaitReason::ProviderCircuit), "one probe");
    release(&app, &connectors[0], probe, CallOutcome::Answered);
    admit(&app, &connectors[1], 1).unwrap();
}

#[test]
fn sessions_of_one_account_keep_within_its_budget_and_tell_the_others_when() {
    let app = app_with(&narrow(None));
    let connector = connect(&*app, "a");
    answer_refresh(&app, "access-1", None);
    for _ in 0..5 {
        app.http.script.answer("calendars", Ok(granted(json!([]))));
    }
    let run = || {
        with_session(&*app, &connector, 1, async |session| {
            session.call(app.providers.get(connector.provider)?.calendars().list_calendars()).await
        })
    };
    // Two at once are let in, the third is told to wait.
    let results = block_on(join_all([run(), run(), run()]));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2);
    assert_eq!(&*results[2].as_ref().unwrap_err().code, "too_many_in_flight");
    for _ in 0..3 {
        block_on(run()).unwrap();
    }
    let failure = block_on(run()).unwrap_err();
    assert_eq!(&*failure.code, "account_budget_exhausted");
    let Action::Wait { after } = failure.action else { panic!("{failure:?}") };
    app.http.script.answer("calendars", Ok(granted(json!([]))));
    app.clock.advance(after);
    block_on(run()).unwrap();
    assert_eq!(sent(&app).len(), 1);
}
