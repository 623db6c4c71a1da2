//! Judges each call as it arrives at the provider: refreshes one at a time and rotated tokens stored before use (G5), budgets
//! and pauses (G7), nothing for a grant that is known to be gone (G8).

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::{Rc, Weak},
};

use chrono::TimeDelta;
use huddle_calendar_sync::{
    domain::{connector::ProviderKind, ids::ConnectorId, time::Timestamp},
    gate::PERMIT_USE,
    ports::{HttpRequest, HttpResponse},
    providers::Limits,
    store::connectors,
    vault::Sealed,
};
use serde_json::Value as Json;

use super::holds;
use crate::{
    kernel::{Isolate, Kernel},
    ports::Worker,
    providers::{self, Providers, Purpose, Weight},
    witness::{Promise, Witness},
};

/// A call may take so long from being permitted to its arrival: the answer of the gate, a token, and the way.
const SLOWEST: TimeDelta = TimeDelta::seconds(40);

/// The provider's own count of calls, and what it was promised about them.
pub struct CallJudge {
    kernel: Kernel,
    witness: Rc<Witness>,
    providers: Rc<Providers>,
    limits: BTreeMap<ProviderKind, Limits>,
    worker: RefCell<Weak<Worker>>,
    refreshing: RefCell<BTreeMap<String, u32>>,
    in_flight: RefCell<BTreeMap<String, u32>>,
    calls: RefCell<BTreeMap<String, VecDeque<Timestamp>>>,
    day: RefCell<BTreeMap<ProviderKind, VecDeque<Timestamp>>>,
    asked: RefCell<BTreeMap<(Isolate, String), Timestamp>>,
    told: RefCell<BTreeMap<(Isolate, String), Pause>>,
    pauses: RefCell<Vec<Pause>>,
}

/// The provider asked to leave an account alone.
#[derive(Debug, Clone)]
struct Pause {
    account: String,
    /// Since when the gate knows.
    known_at: Timestamp,
    until: Timestamp,
}

/// A call that is under way; dropped with its answer, or with whoever waited for it.
pub struct InFlight {
    judge: Rc<CallJudge>,
    refresh: Option<String>,
    /// The account, and how much of what it may have in flight.
    account: Option<(String, u32)>,
}

impl CallJudge {
    /// Judges by those limits.
    pub fn new(
        kernel: &Kernel,
        witness: &Rc<Witness>,
        providers: &Rc<Providers>,
        limits: BTreeMap<ProviderKind, Limits>,
    ) -> Rc<Self> {
        Rc::new(Self {
            kernel: kernel.clone(),
            witness: Rc::clone(witness),
            providers: Rc::clone(providers),
            limits,
            worker: RefCell::default(),
            refreshing: RefCell::default(),
            in_flight: RefCell::default(),
            calls: RefCell::default(),
            day: RefCell::default(),
            asked: RefCell::default(),
            told: RefCell::default(),
            pauses: RefCell::default(),
        })
    }

    /// Says whose calls these are.
    pub fn watch(&self, worker: &Rc<Worker>) {
        *self.worker.borrow_mut() = Rc::downgrade(worker);
    }

    /// A run asks the gate for leave to call.
    pub fn asks(&self, isolate: Isolate, connector: &ConnectorId, now: Timestamp) {
        self.asked.borrow_mut().insert((isolate, connector.as_str().to_owned()), now);
    }

    /// A run told the gate how its calls went, and was heard or not.
    pub fn released(&self, isolate: Isolate, connector: &ConnectorId, heard: bool, now: Timestamp) {
        let told = self.told.borrow_mut().remove(&(isolate, connector.as_str().to_owned()));
        if let Some(pause) = told.filter(|_| heard) {
            self.pauses.borrow_mut().push(Pause { known_at: now, ..pause });
        }
    }

    /// The provider answered with `Retry-After`.
    pub fn told_to_wait(&self, isolate: Isolate, grant: usize, now: Timestamp, seconds: i64) {
        let Some((connector, _)) = self.connector_of(grant) else { return };
        let account = self.providers.grants(|grants| grants.all()[grant].account.clone());
        let until = now.plus(TimeDelta::seconds(seconds));
        let mut told = self.told.borrow_mut();
        let pause = told.entry((isolate, connector)).or_insert(Pause { account, known_at: now, until });
        pause.until = pause.until.max(until);
    }

    /// An event was made.
    pub fn created(&self) {
        if let Some(worker) = self.worker.borrow().upgrade() {
            holds::judge(&worker, &self.providers, &self.witness, self.kernel.now());
        }
    }

    /// A code became tokens.
    pub fn exchanged(&self, isolate: Isolate, answer: &HttpResponse) {
        let body: Json = serde_json::from_slice(answer.body()).unwrap_or_default();
        if let Some(token) = body["access_token"].as_str() {
            let grant = self.providers.grants(|grants| grants.access(token).map(|access| access.grant));
            self.witness.exchanged.borrow_mut().extend(grant.map(|grant| (isolate, grant)));
        }
    }

    /// A request arrives.
    pub fn arrives(
        self: &Rc<Self>,
        isolate: Isolate,
        request: &HttpRequest,
        purpose: &Purpose,
        now: Timestamp,
    ) -> InFlight {
        self.witness.urls.borrow_mut().insert(request.uri().to_string());
        let mut in_flight = InFlight { judge: Rc::clone(self), refresh: None, account: None };
        match purpose {
            Purpose::Refresh(Some(grant)) => in_flight.refresh = Some(self.refresh(*grant)),
            Purpose::Api(Some(grant)) => {
                // Before there is a connector nobody is counted against.
                if let Some((connector, generation)) = self.connector_of(*grant) {
                    let account = self.providers.grants(|grants| grants.all()[*grant].account.clone());
                    let width = self.budget(&account, self.providers.weight(request), now);
                    self.pause(isolate, &connector, &account, now);
                    self.grant_is_good(isolate, &connector);
                    let token = providers::bearer(request).unwrap_or_default();
                    self.rotation_is_stored(&connector, generation, token);
                    in_flight.account = Some((account, width));
                }
            }
            _ => {}
        }
        in_flight
    }

    /// The connector a grant was made for, and the generation it has there.
    fn connector_of(&self, grant: usize) -> Option<(String, i64)> {
        let lives = self.witness.lives.borrow();
        lives.iter().find_map(|(id, life)| Some((id.clone(), *life.grants.get(&grant)?)))
    }

    fn refresh(&self, grant: usize) -> String {
        let name = self.connector_of(grant).map_or_else(|| format!("grant {grant}"), |(id, _)| id);
        let mut refreshing = self.refreshing.borrow_mut();
        let under_way = refreshing.entry(name.clone()).or_default();
        *under_way += 1;
        let under_way = *under_way;
        self.witness.expect(under_way == 1, Promise::G5, || {
            format!("{under_way} refreshes in flight for {name} at {}", self.kernel.now())
        });
        name
    }

    /// Counts a request, and returns how much it has in flight: one that is wider than what is allowed has the account to itself.
    fn budget(&self, account: &str, weight: Weight, now: Timestamp) -> u32 {
        let provider = self.providers.account(account).provider;
        let Limits { requests, window, daily, in_flight } = self.limits[&provider];
        let within = |calls: &mut VecDeque<Timestamp>, window: TimeDelta| {
            calls.extend((0..weight.calls).map(|_| now));
            while calls.front().is_some_and(|first| now.since(*first) >= window) {
                calls.pop_front();
            }
            u32::try_from(calls.len()).unwrap()
        };
        let made = within(self.calls.borrow_mut().entry(account.to_owned()).or_default(), window);
        self.witness.expect(made <= requests, Promise::G7, || {
            format!("{made} calls for {account} in {} s, {requests} are allowed", window.num_seconds())
        });
        let today = within(self.day.borrow_mut().entry(provider).or_default(), TimeDelta::days(1));
        self.witness.expect(daily.is_none_or(|daily| today <= daily), Promise::G7, || {
            format!("{today} calls in a day, {daily:?} are allowed")
        });
        let width = weight.width.min(in_flight);
        let mut flights = self.in_flight.borrow_mut();
        let flying = flights.entry(account.to_owned()).or_default();
        *flying += width;
        let flying = *flying;
        self.witness.expect(flying <= in_flight, Promise::G7, || {
            format!("{flying} calls in flight for {account}, {in_flight} are allowed")
        });
        self.witness.busy(account, made, flying);
        width
    }

    fn pause(&self, isolate: Isolate, connector: &str, account: &str, now: Timestamp) {
        let asked = self.asked.borrow().get(&(isolate, connector.to_owned())).copied().unwrap_or(now);
        self.witness.expect(now.since(asked) <= PERMIT_USE + SLOWEST, Promise::G7, || {
            format!("a call for {account} at {now}, though it asked for leave as long ago as {asked}")
        });
        let pauses = self.pauses.borrow();
        let broken = pauses
            .iter()
            .find(|pause| pause.account == account && pause.until > now && pause.known_at < asked);
        self.witness.expect(broken.is_none(), Promise::G7, || {
            format!("a call for {account} at {now}, though it asked for leave at {asked} after {broken:?}")
        });
    }

    fn grant_is_good(&self, isolate: Isolate, connector: &str) {
        let claims = self.witness.claims.borrow();
        let Some(claimed) = claims.get(&(isolate, connector.to_owned())).copied() else { return };
        let (marked, purged) = self.witness.life(connector, |life| (life.marked_at, life.purged_at));
        self.witness.expect(marked.is_none_or(|marked| claimed <= marked), Promise::G8, || {
            format!("a call for {connector} by a run of {claimed}, though its grant is gone since {marked:?}")
        });
        self.witness.expect(purged.is_none_or(|purged| claimed <= purged), Promise::G8, || {
            format!("a call for {connector} by a run of {claimed}, though it was purged at {purged:?}")
        });
    }

    fn rotation_is_stored(&self, connector: &str, generation: i64, token: &str) {
        let rotated = self.providers.grants(|grants| {
            let access = grants.access(token)?;
            Some((access.grant, access.rotated.clone()?))
        });
        let (Some((grant, rotated)), Some(worker)) = (rotated, self.worker.borrow().upgrade()) else {
            return;
        };
        let sql = format!("SELECT refresh_token, generation FROM connectors WHERE id = '{connector}'");
        let rows = worker.db.sqlite().read(&sql);
        let Some(row) = rows.first().filter(|row| row["generation"].as_i64() == Some(generation)) else {
            return;
        };
        let Some(sealed) = row["refresh_token"].as_str() else { return };
        let id = ConnectorId::new(connector);
        let place = connectors::refresh_token_place(&id);
        let opened = worker.vault.open(&place, &Sealed::from_stored(sealed)).ok();
        let stored = opened.is_some_and(|opened| {
            self.providers.grants(|grants| {
                let history = &grants.all()[grant].refresh;
                let place = |token: &str| history.iter().position(|known| known == token);
                place(&opened.plaintext) >= place(&rotated)
            })
        });
        self.witness.expect(stored, Promise::G5, || {
            format!(
                "an access token of {connector} is used before the refresh token that came with it is stored"
            )
        });
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(name) = &self.refresh {
            *self.judge.refreshing.borrow_mut().get_mut(name).unwrap() -= 1;
        }
        if let Some((account, width)) = &self.account {
            *self.judge.in_flight.borrow_mut().get_mut(account).unwrap() -= width;
        }
    }
}
