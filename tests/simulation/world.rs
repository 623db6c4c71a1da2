//! The simulated world put together, and the loop that lets time pass in it.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
};

use huddle_calendar_sync::{
    app::App,
    config::Settings,
    cron,
    domain::connector::ProviderKind,
    ports::QueueName,
    providers::Registry,
    store::tasks::Asked,
    tasks::{batch, dead_letters, envelope},
    testing::{RecordingMetrics, START_MILLIS, SeededRandom, SwitchedRateLimiter},
    vault::Vault,
};

use crate::{
    breakage::Breakage,
    dice::Dice,
    judge::calls::CallJudge,
    kernel::{Isolate, Kernel},
    ports::{
        Worker,
        cache::Cache,
        database::Database,
        gate::Gatekeeper,
        network::Network,
        queues::{Delivery, Inbox, Outlets, Yard},
    },
    providers::{Cast, Providers},
    weather::{Sky, Weather},
    witness::{Heard, Witness},
};

/// What differs between worlds besides chance.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms {
    /// What chance starts from.
    pub seed: u64,
    /// What is broken on purpose.
    pub breakage: Breakage,
    /// Whose accounts there are; `None` leaves that to chance.
    pub cast: Option<Cast>,
    /// Whether to write down what happens.
    pub traced: bool,
}

/// The world.
pub struct World {
    /// What it was made from.
    pub terms: Terms,
    /// The machine.
    pub kernel: Kernel,
    /// The weather.
    pub sky: Rc<Sky>,
    /// Who sees everything.
    pub witness: Rc<Witness>,
    /// The providers.
    pub providers: Rc<Providers>,
    /// The queues.
    pub yard: Rc<Yard>,
    /// The worker.
    pub worker: Rc<Worker>,
    /// What callbacks are judged by.
    pub callbacks: RefCell<Vec<Callback>>,
    /// The weather there was while things happened.
    pub weather: Cell<Weather>,
    /// Events that somebody else changed or deleted.
    pub touched: RefCell<BTreeSet<String>>,
    gate: Gatekeeper,
    cron_every: Cell<i64>,
    cron_at: Cell<i64>,
}

/// A browser's return to the worker.
#[derive(Debug, Clone)]
pub struct Callback {
    /// Where it was handled.
    pub isolate: Isolate,
    /// With which state.
    pub state: String,
    /// Why it must connect nothing.
    pub bad: Option<&'static str>,
}

impl World {
    /// A world in which nothing has happened yet, in fair weather.
    pub fn new(terms: Terms, providers: Providers, settings: Settings) -> Rc<Self> {
        let Terms { seed, breakage, traced, .. } = terms;
        let dice = Dice::new(seed, "world");
        let kernel = Kernel::new(seed, START_MILLIS, traced);
        let sky = Rc::new(Sky::new(seed, Weather::default()));
        let witness = Rc::new(Witness::default());
        let providers = Rc::new(providers);
        let yard = Yard::new(&kernel, &sky, &witness, breakage);
        let registry = Registry::new(&settings);
        let limits = ProviderKind::ALL.map(|provider| {
            let limits = registry.get(provider).unwrap().limits();
            (provider, settings.gate_limits.apply(provider, limits))
        });
        let judge = CallJudge::new(&kernel, &witness, &providers, limits.into());
        let gate = Gatekeeper::new(&kernel, &sky, &judge, breakage);
        let worker = Rc::new(App {
            vault: Vault::new(&settings.encryption_keys),
            providers: registry,
            settings,
            db: Database::new(&kernel, &sky, &witness, breakage),
            token_cache: Cache::new(&kernel, &sky),
            queues: Outlets::new(&yard),
            http: Network::new(&kernel, &sky, &providers, &judge, breakage),
            gate: gate.clone(),
            clock: kernel.clock().clone(),
            random: SeededRandom::new(dice.number()),
            metrics: RecordingMetrics::default(),
            rate_limiter: SwitchedRateLimiter::default(),
        });
        gate.serve(&worker);
        judge.watch(&worker);
        let cron_every = Cell::new(60_000);
        let cron_at = Cell::new(START_MILLIS + 60_000);
        Rc::new(Self {
            terms,
            kernel,
            sky,
            witness,
            providers,
            yard,
            worker,
            callbacks: RefCell::default(),
            weather: Cell::default(),
            touched: RefCell::default(),
            gate,
            cron_every,
            cron_at,
        })
    }

    /// Lets time pass until that instant.
    pub fn run_until(self: &Rc<Self>, millis: i64) {
        loop {
            self.kernel.settle();
            self.deliver();
            self.kernel.settle();
            let now = self.kernel.now().as_millis();
            if now >= self.cron_at.get() {
                self.tick();
                self.cron_at.set(now + self.cron_every.get());
                continue;
            }
            let next = [self.kernel.next_timer(), self.yard.next(), Some(self.cron_at.get())];
            let next = next.into_iter().flatten().min().unwrap_or(millis);
            if next > millis {
                self.kernel.advance_to(millis);
                return;
            }
            self.kernel.advance_to(next);
        }
    }

    /// From now on cron ticks only so often, in milliseconds: a world in which little happens is over sooner.
    pub fn slow_cron(&self, millis: i64) {
        self.cron_every.set(millis);
    }

    /// Lets so many milliseconds pass.
    pub fn pass(self: &Rc<Self>, millis: i64) {
        self.run_until(self.kernel.now().as_millis() + millis);
    }

    /// Runs some of the worker's code in an isolate of its own. `None`: it crashed.
    pub async fn invoke<T: 'static>(
        self: &Rc<Self>,
        name: &str,
        work: impl AsyncFnOnce(Rc<Worker>) -> T + 'static,
    ) -> (Isolate, Option<T>) {
        let isolate = self.kernel.isolate(name);
        let worker = Rc::clone(&self.worker);
        let (_, answer) = self.kernel.run(isolate, async move { work(worker).await });
        (isolate, answer.await.ok())
    }

    /// Whether nothing is left to do.
    pub fn is_at_rest(&self) -> bool {
        let left = self.worker.db.sqlite().read(
            "SELECT (SELECT count(*) FROM tasks WHERE state IN ('queued', 'running')) \
               + (SELECT count(*) FROM outbox WHERE sent_at IS NULL) \
               + (SELECT count(*) FROM holds JOIN connectors ON connectors.id = holds.connector_id \
                   WHERE connectors.status = 'active' \
                     AND holds.state IN ('placing', 'held', 'confirming', 'cancelling')) AS n",
        );
        self.yard.is_idle() && left[0]["n"] == 0
    }

    /// What the gate's objects have stored.
    pub fn gate_storage(&self) -> Vec<String> {
        self.gate.everything()
    }

    /// Ends the world and frees its memory.
    pub fn end(&self) {
        self.kernel.stop();
        self.gate.close();
    }

    fn tick(self: &Rc<Self>) {
        let worker = Rc::clone(&self.worker);
        let isolate = self.kernel.isolate("cron");
        self.kernel.spawn(isolate, async move { cron::tick(&*worker).await });
    }

    fn deliver(self: &Rc<Self>) {
        for inbox in Inbox::ALL {
            while let Some(delivery) = self.yard.take(inbox) {
                self.consume(inbox, delivery);
            }
        }
    }

    fn consume(self: &Rc<Self>, inbox: Inbox, delivery: Delivery) {
        let worker = Rc::clone(&self.worker);
        let isolate = self.kernel.isolate(&format!("{inbox:?}"));
        let messages = delivery.messages();
        let kernel = self.kernel.clone();
        for message in &messages {
            self.hear(&envelope::read(&message.body.clone().unwrap_or_default(), &message.id));
        }
        self.kernel.spawn(isolate, async move {
            kernel.note(|| format!("delivered {messages:?}"));
            match inbox {
                Inbox::Tasks | Inbox::Sync => {
                    let settle = |place, disposition| {
                        kernel.note(|| format!("message {place} {disposition:?}"));
                        delivery.settle(place, disposition);
                    };
                    let queue = if inbox == Inbox::Sync { QueueName::Sync } else { QueueName::Tasks };
                    batch::consume(&*worker, queue, messages, settle).await;
                }
                Inbox::TasksDeadLetter | Inbox::SyncDeadLetter => {
                    for (place, message) in messages.into_iter().enumerate() {
                        delivery.settle(place, dead_letters::consume(&*worker, message).await);
                    }
                }
            }
            delivery.complete();
        });
    }

    /// Takes note of what a message asks for.
    fn hear(&self, reading: &envelope::Reading) {
        let asked: &Asked = &reading.asked;
        let identity = (asked.connector.as_str().to_owned(), asked.task.as_str().to_owned(), asked.digest());
        self.witness.heard.borrow_mut().entry(identity).or_insert_with(|| Heard { asked: asked.clone() });
    }
}
