//! The machine everything runs on: one thread, a virtual clock, jobs that take turns by chance, and isolates that can be
//! killed at any await with all that they remember.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
};

use futures_channel::oneshot;
use futures_util::future::LocalBoxFuture;
use huddle_calendar_sync::{domain::time::Timestamp, ports::Clock, testing::FixedClock};

use crate::dice::Dice;

/// What dies together: one invocation of the worker, or one instance of a Durable Object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Isolate(u64);

/// Something that runs in an isolate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(u64);

struct Job {
    isolate: Isolate,
    future: Option<LocalBoxFuture<'static, ()>>,
}

/// The machine. Clones are the same one.
#[derive(Clone)]
pub struct Kernel(Rc<Inner>);

struct Inner {
    clock: FixedClock,
    dice: Dice,
    jobs: RefCell<BTreeMap<JobId, Job>>,
    ready: Arc<Mutex<Vec<JobId>>>,
    timers: RefCell<BTreeMap<(i64, u64), Waker>>,
    counter: Cell<u64>,
    current: Cell<Option<Isolate>>,
    names: RefCell<BTreeMap<Isolate, String>>,
    dead: RefCell<BTreeSet<Isolate>>,
    doomed: RefCell<Vec<Doom>>,
    crashes: Cell<u32>,
    trace: Option<RefCell<Vec<String>>>,
}

enum Doom {
    Isolate(Isolate),
    Job(JobId),
}

impl Kernel {
    /// A machine whose every choice follows from `seed`. It writes down what it does if `traced`.
    pub fn new(seed: u64, start_millis: i64, traced: bool) -> Self {
        Self(Rc::new(Inner {
            clock: FixedClock::at_millis(start_millis),
            dice: Dice::new(seed, "kernel"),
            jobs: RefCell::default(),
            ready: Arc::default(),
            timers: RefCell::default(),
            counter: Cell::new(0),
            current: Cell::new(None),
            names: RefCell::default(),
            dead: RefCell::default(),
            doomed: RefCell::default(),
            crashes: Cell::new(0),
            trace: traced.then(RefCell::default),
        }))
    }

    /// The clock.
    pub fn clock(&self) -> &FixedClock {
        &self.0.clock
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// How many isolates have been crashed.
    pub fn crashes(&self) -> u32 {
        self.0.crashes.get()
    }

    /// Writes a line into the trace.
    pub fn note(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.0.trace {
            let who = self.0.current.get().map_or_else(String::new, |isolate| self.name(isolate));
            let line = format!("{} {who:24} {}", self.now(), line());
            trace.borrow_mut().push(line);
        }
    }

    /// What was written down.
    pub fn trace(&self) -> Vec<String> {
        self.0.trace.as_ref().map_or_else(Vec::new, |trace| trace.borrow().clone())
    }

    /// A new isolate.
    pub fn isolate(&self, name: &str) -> Isolate {
        let isolate = Isolate(self.next());
        self.0.names.borrow_mut().insert(isolate, format!("{name}#{}", isolate.0));
        isolate
    }

    /// The isolate whose code is running.
    pub fn current(&self) -> Isolate {
        self.0.current.get().expect("code of the worker runs in an isolate")
    }

    /// What an isolate is called.
    pub fn name(&self, isolate: Isolate) -> String {
        self.0.names.borrow().get(&isolate).cloned().unwrap_or_default()
    }

    /// Whether an isolate has not been killed.
    pub fn lives(&self, isolate: Isolate) -> bool {
        !self.0.dead.borrow().contains(&isolate)
    }

    /// Lets a future run in an isolate.
    pub fn spawn(&self, isolate: Isolate, future: impl Future<Output = ()> + 'static) -> JobId {
        let id = JobId(self.next());
        if self.lives(isolate) {
            self.0.jobs.borrow_mut().insert(id, Job { isolate, future: Some(Box::pin(future)) });
            self.wake(id);
        }
        id
    }

    /// Lets a future run in an isolate, and tells what came of it; nothing when it was killed.
    pub fn run<T: 'static>(
        &self,
        isolate: Isolate,
        future: impl Future<Output = T> + 'static,
    ) -> (JobId, oneshot::Receiver<T>) {
        let (end, ended) = oneshot::channel();
        let job = self.spawn(isolate, async move {
            // Nobody has to be interested.
            let _unheard = end.send(future.await);
        });
        (job, ended)
    }

    /// Kills an isolate: everything that runs in it is dropped where it stands.
    pub fn kill(&self, isolate: Isolate) {
        self.0.doomed.borrow_mut().push(Doom::Isolate(isolate));
    }

    /// Drops one job.
    pub fn cancel(&self, job: JobId) {
        self.0.doomed.borrow_mut().push(Doom::Job(job));
    }

    /// Kills the isolate that runs this, and never returns.
    pub async fn crash(&self) -> ! {
        let isolate = self.current();
        self.note(|| "CRASH".to_owned());
        self.0.crashes.set(self.0.crashes.get() + 1);
        self.kill(isolate);
        std::future::pending::<()>().await;
        unreachable!("a killed isolate goes on")
    }

    /// Waits.
    pub fn sleep(&self, millis: i64) -> Sleep {
        Sleep { kernel: self.clone(), until: self.now().as_millis() + millis, timer: None }
    }

    /// Runs what can run until everything waits for the clock.
    pub fn settle(&self) {
        loop {
            self.bury();
            let Some(id) = self.draw() else { break };
            let Some((isolate, mut future)) = self.take(id) else { continue };
            self.0.current.set(Some(isolate));
            let waker = Waker::from(Arc::new(JobWaker { id, ready: Arc::clone(&self.0.ready) }));
            let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
            match poll {
                Poll::Ready(()) => {
                    self.0.jobs.borrow_mut().remove(&id);
                    drop(future);
                }
                Poll::Pending => {
                    if let Some(job) = self.0.jobs.borrow_mut().get_mut(&id) {
                        job.future = Some(future);
                    }
                }
            }
            self.0.current.set(None);
        }
    }

    /// When the next timer rings.
    pub fn next_timer(&self) -> Option<i64> {
        self.0.timers.borrow().keys().next().map(|(at, _)| *at)
    }

    /// Moves the clock, never back, and rings the timers that are due.
    pub fn advance_to(&self, millis: i64) {
        if millis > self.now().as_millis() {
            self.0.clock.set(Timestamp::from_millis(millis));
        }
        let now = self.now().as_millis();
        let later = self.0.timers.borrow_mut().split_off(&(now + 1, 0));
        let due = self.0.timers.replace(later);
        due.into_values().for_each(Waker::wake);
    }

    /// Drops everything that still runs, so that nothing keeps the simulated world in memory.
    pub fn stop(&self) {
        let isolates: BTreeSet<_> = self.0.jobs.borrow().values().map(|job| job.isolate).collect();
        isolates.into_iter().for_each(|isolate| self.kill(isolate));
        self.bury();
        self.0.timers.borrow_mut().clear();
    }

    fn next(&self) -> u64 {
        self.0.counter.set(self.0.counter.get() + 1);
        self.0.counter.get()
    }

    fn wake(&self, id: JobId) {
        Arc::new(JobWaker { id, ready: Arc::clone(&self.0.ready) }).wake();
    }

    fn draw(&self) -> Option<JobId> {
        let mut ready = self.0.ready.lock().unwrap();
        if ready.is_empty() {
            return None;
        }
        let place = self.0.dice.place(ready.len());
        Some(ready.remove(place))
    }

    fn take(&self, id: JobId) -> Option<(Isolate, LocalBoxFuture<'static, ()>)> {
        let mut jobs = self.0.jobs.borrow_mut();
        let job = jobs.get_mut(&id)?;
        Some((job.isolate, job.future.take()?))
    }

    /// Carries out what was decided while code was running. Dropping a job may doom others.
    fn bury(&self) {
        loop {
            let Some(doom) = self.0.doomed.borrow_mut().pop() else { return };
            let mut jobs = self.0.jobs.borrow_mut();
            let fallen: Vec<Job> = match doom {
                Doom::Isolate(isolate) => {
                    self.0.dead.borrow_mut().insert(isolate);
                    jobs.extract_if(.., |_, job| job.isolate == isolate).map(|(_, job)| job).collect()
                }
                Doom::Job(id) => jobs.remove(&id).into_iter().collect(),
            };
            drop(jobs);
            drop(fallen);
        }
    }
}

struct JobWaker {
    id: JobId,
    ready: Arc<Mutex<Vec<JobId>>>,
}

impl Wake for JobWaker {
    fn wake(self: Arc<Self>) {
        let mut ready = self.ready.lock().unwrap();
        if !ready.contains(&self.id) {
            ready.push(self.id);
        }
    }
}

/// See [`Kernel::sleep`].
pub struct Sleep {
    kernel: Kernel,
    until: i64,
    timer: Option<(i64, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.timer.is_some() && self.kernel.now().as_millis() >= self.until {
            return Poll::Ready(());
        }
        // Whoever polls last is woken: shared work is driven by different jobs in turn.
        let timer = self.timer.unwrap_or_else(|| (self.until, self.kernel.next()));
        self.timer = Some(timer);
        self.kernel.0.timers.borrow_mut().insert(timer, context.waker().clone());
        Poll::Pending
    }
}
