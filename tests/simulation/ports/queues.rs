//! Cloudflare Queues: at least once, in no order, with delays, retries and dead letters of their own.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use huddle_calendar_sync::{
    ports::{OutgoingMessage, QueueError, QueueName, Queues},
    tasks::{batch::Delivered, runner::Disposition},
    testing::{refusal, through_javascript},
};
use serde_json::Value as Json;

use crate::{breakage::Breakage, kernel::Kernel, weather::Sky, witness::Witness};

/// `max_batch_size` of the consumers.
const BATCH: usize = 10;
/// `max_retries` of the consumers.
const RETRIES: u32 = 100;
/// How many batches of one queue are delivered at once.
const CONCURRENCY: u32 = 4;

/// The queues with a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Inbox {
    /// `calendar-tasks`.
    Tasks,
    /// `calendar-tasks-dlq`.
    TasksDeadLetter,
    /// `calendar-sync`.
    Sync,
    /// `calendar-sync-dlq`.
    SyncDeadLetter,
}

impl Inbox {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tasks, Self::TasksDeadLetter, Self::Sync, Self::SyncDeadLetter];

    fn dead_letters(self) -> Option<Self> {
        match self {
            Self::Tasks => Some(Self::TasksDeadLetter),
            Self::Sync => Some(Self::SyncDeadLetter),
            Self::TasksDeadLetter | Self::SyncDeadLetter => None,
        }
    }
}

#[derive(Debug, Clone)]
struct Message {
    id: String,
    body: Json,
    visible_at: i64,
    retries: u32,
}

/// All queues together.
pub struct Yard {
    kernel: Kernel,
    sky: Rc<Sky>,
    witness: Rc<Witness>,
    breakage: Breakage,
    waiting: RefCell<BTreeMap<Inbox, Vec<Message>>>,
    delivering: RefCell<BTreeMap<Inbox, u32>>,
    ids: Cell<u64>,
}

impl Yard {
    /// Empty queues.
    pub fn new(kernel: &Kernel, sky: &Rc<Sky>, witness: &Rc<Witness>, breakage: Breakage) -> Rc<Self> {
        Rc::new(Self {
            kernel: kernel.clone(),
            sky: Rc::clone(sky),
            witness: Rc::clone(witness),
            breakage,
            waiting: RefCell::default(),
            delivering: RefCell::default(),
            ids: Cell::new(0),
        })
    }

    /// Takes a message, whose body JavaScript will have read and written before it is delivered.
    pub fn post(&self, inbox: Inbox, body: Json, delay_millis: i64) {
        let body = through_javascript(&body);
        self.ids.set(self.ids.get() + 1);
        let id = format!("message-{}", self.ids.get());
        self.witness.sent.borrow_mut().push(body.to_string());
        self.put(inbox, Message { id, body, visible_at: 0, retries: 0 }, delay_millis);
    }

    /// When the next message can be delivered.
    pub fn next(&self) -> Option<i64> {
        let delivering = self.delivering.borrow();
        let free = |inbox: &Inbox| delivering.get(inbox).copied().unwrap_or_default() < CONCURRENCY;
        let waiting = self.waiting.borrow();
        let visible = waiting.iter().filter(|(inbox, _)| free(inbox)).flat_map(|(_, messages)| messages);
        visible.map(|message| message.visible_at).min()
    }

    /// Whether nothing waits and nothing is being delivered.
    pub fn is_idle(&self) -> bool {
        self.waiting.borrow().values().all(Vec::is_empty)
            && self.delivering.borrow().values().all(|count| *count == 0)
    }

    /// A batch of messages that are due, in any order; nothing when none are or enough are under way.
    pub fn take(self: &Rc<Self>, inbox: Inbox) -> Option<Delivery> {
        let now = self.kernel.now().as_millis();
        let mut delivering = self.delivering.borrow_mut();
        let under_way = delivering.entry(inbox).or_default();
        let mut waiting = self.waiting.borrow_mut();
        let messages = waiting.entry(inbox).or_default();
        let mut batch = Vec::new();
        while *under_way < CONCURRENCY && batch.len() < BATCH {
            let due: Vec<usize> =
                (0..messages.len()).filter(|place| messages[*place].visible_at <= now).collect();
            if due.is_empty() {
                break;
            }
            let message = messages.remove(*self.sky.dice().pick(&due));
            batch.push((message, Cell::new(None)));
        }
        if batch.is_empty() {
            return None;
        }
        *under_way += 1;
        Some(Delivery { yard: Rc::clone(self), inbox, batch, completed: Cell::new(false) })
    }

    fn put(&self, inbox: Inbox, mut message: Message, delay_millis: i64) {
        let weather = self.sky.weather();
        let jitter = if weather.is_calm() { 5 } else { self.sky.dice().between(1, 1_500) };
        message.visible_at = self.kernel.now().as_millis() + delay_millis + jitter;
        self.waiting.borrow_mut().entry(inbox).or_default().push(message);
    }

    fn retry(&self, inbox: Inbox, mut message: Message, delay_millis: i64) {
        message.retries += 1;
        if message.retries <= RETRIES {
            return self.put(inbox, message, delay_millis);
        }
        self.kernel.note(|| format!("{inbox:?} gives up {}", message.id));
        self.witness.dead_lettered.set(self.witness.dead_lettered.get() + 1);
        if let Some(next) = inbox.dead_letters() {
            message.retries = 0;
            self.put(next, message, 0);
        }
    }
}

/// A batch on its way. Dropped before it is completed, it was lost with whoever held it.
pub struct Delivery {
    yard: Rc<Yard>,
    inbox: Inbox,
    batch: Vec<(Message, Cell<Option<Disposition>>)>,
    completed: Cell<bool>,
}

impl Delivery {
    /// The messages.
    pub fn messages(&self) -> Vec<Delivered> {
        let delivered = |message: &Message| {
            let body = (!message.body.is_null()).then(|| message.body.clone());
            Delivered { id: message.id.clone(), body }
        };
        self.batch.iter().map(|(message, _)| delivered(message)).collect()
    }

    /// Says what to do with a message.
    pub fn settle(&self, place: usize, disposition: Disposition) {
        self.batch[place].1.set(Some(disposition));
    }

    /// The handler returned.
    pub fn complete(&self) {
        self.completed.set(true);
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let yard = Rc::clone(&self.yard);
        *yard.delivering.borrow_mut().entry(self.inbox).or_default() -= 1;
        let completed = self.completed.get();
        // What a handler said before it died may or may not have been heard.
        let heard = completed || yard.sky.chance(500);
        for (message, disposition) in self.batch.drain(..) {
            let disposition = match disposition.get().filter(|_| heard) {
                _ if yard.breakage == Breakage::EarlyAcknowledgement => Disposition::Ack,
                Some(disposition) => disposition,
                None if completed => Disposition::Ack,
                None => Disposition::Retry { delay: chrono::TimeDelta::zero() },
            };
            match disposition {
                Disposition::Ack if yard.sky.chance(yard.sky.weather().duplicate) => {
                    yard.put(self.inbox, message, yard.sky.dice().between(0, 30_000));
                }
                Disposition::Ack => {}
                // The adapter gives the queue whole seconds.
                Disposition::Retry { delay } => {
                    yard.retry(self.inbox, message, delay.num_seconds() * 1_000);
                }
            }
        }
    }
}

/// The queues the worker sends to.
pub struct Outlets {
    yard: Rc<Yard>,
}

impl Outlets {
    /// The way into those queues.
    pub fn new(yard: &Rc<Yard>) -> Self {
        Self { yard: Rc::clone(yard) }
    }

    fn deliver(&self, queue: QueueName, message: OutgoingMessage) {
        let delay = message.delay.num_seconds() * 1_000;
        let dark = self.yard.breakage == Breakage::LostInTheDark
            && self.yard.sky.is_dark(self.yard.kernel.now().as_millis());
        match queue {
            QueueName::Tasks | QueueName::Sync if dark => {}
            QueueName::Tasks => self.yard.post(Inbox::Tasks, message.body, delay),
            QueueName::TasksDeadLetter => self.yard.post(Inbox::TasksDeadLetter, message.body, delay),
            QueueName::Sync => self.yard.post(Inbox::Sync, message.body, delay),
            QueueName::Notify => {
                let mut body = through_javascript(&message.body);
                if self.yard.breakage == Breakage::RestlessNotifications {
                    self.yard.ids.set(self.yard.ids.get() + 1);
                    body["id"] = Json::from(format!("restless-{}", self.yard.ids.get()));
                }
                self.yard.kernel.note(|| format!("published {} {}", body["type"], body["id"]));
                self.yard.witness.published.borrow_mut().push(body);
            }
        }
    }
}

impl Queues for Outlets {
    async fn send(&self, queue: QueueName, messages: Vec<OutgoingMessage>) -> Result<(), QueueError> {
        let (kernel, sky) = (&self.yard.kernel, &self.yard.sky);
        let fate = sky.fate(sky.weather().queue);
        kernel.note(|| format!("send {} to {queue:?} {fate:?}", messages.len()));
        let taken = match fate {
            crate::weather::Fate::FailsAfter => sky.dice().place(messages.len() + 1),
            _ => messages.len(),
        };
        let outcome = sky.call(kernel, fate, || {
            if let Some(message) = refusal(&messages) {
                return Err(QueueError { queue, message });
            }
            messages.into_iter().take(taken).for_each(|message| self.deliver(queue, message));
            Ok(())
        });
        outcome.await.unwrap_or_else(|| Err(QueueError { queue, message: "no answer".to_owned() }))
    }
}
