//! Cloudflare Queues behind the `Queues` port, and deliveries turned into what `tasks` consumes.

use std::rc::Rc;

use chrono::TimeDelta;
use serde_json::Value as Json;
use wasm_bindgen::JsValue;
use worker::{
    BatchMessageBuilder, Env, MessageBatch, MessageExt, Queue, QueueContentType, QueueRetryOptionsBuilder,
    RawMessage, RawMessageBuilder,
};

use super::{Cloudflare, cost::Cost};
use crate::{
    app::App,
    config::SettingsError,
    ports::{OutgoingMessage, QueueError, QueueName, Queues},
    tasks::{
        batch::{self, Delivered},
        dead_letters,
        resending::COUNTED_WAIT,
        runner::Disposition,
    },
};

/// The queue bindings.
pub struct CloudflareQueues {
    tasks: Queue,
    dead_letters: Queue,
    sync: Queue,
    notify: Queue,
    cost: Rc<Cost>,
}

impl CloudflareQueues {
    /// Finds the bindings; `check` records the ones that are missing.
    pub(super) fn bind(
        env: &Env,
        cost: Rc<Cost>,
        mut check: impl FnMut(&str, worker::Result<Queue>) -> Option<Queue>,
    ) -> Option<Self> {
        let mut queue = |name| check(name, env.queue(name));
        let (tasks, dead_letters, sync, notify) =
            (queue("Q_TASKS"), queue("Q_TASKS_DLQ"), queue("Q_SYNC"), queue("Q_NOTIFY"));
        Some(Self { tasks: tasks?, dead_letters: dead_letters?, sync: sync?, notify: notify?, cost })
    }

    fn binding(&self, queue: QueueName) -> &Queue {
        match queue {
            QueueName::Tasks => &self.tasks,
            QueueName::TasksDeadLetter => &self.dead_letters,
            QueueName::Sync => &self.sync,
            QueueName::Notify => &self.notify,
        }
    }
}

impl Queues for CloudflareQueues {
    async fn send(&self, queue: QueueName, messages: Vec<OutgoingMessage>) -> Result<(), QueueError> {
        let failed = |error: worker::Error| QueueError { queue, message: error.to_string() };
        self.cost.queue_send();
        let mut batch = BatchMessageBuilder::new();
        for message in messages {
            // Through JSON text, so that the message is a plain object to whoever receives it, and not a JS Map.
            let body = js_sys::JSON::parse(&message.body.to_string())
                .map_err(|error| failed(worker::Error::from(error)))?;
            let message = RawMessageBuilder::new(body)
                .delay_seconds(whole_seconds(message.delay))
                .build_with_content_type(QueueContentType::Json);
            batch = batch.message(message);
        }
        self.binding(queue).send_raw_batch(batch.build()).await.map_err(failed)
    }
}

/// A delivery, message by message, with the means to settle each.
pub struct Delivery {
    messages: Vec<RawMessage>,
}

impl Delivery {
    /// Takes a batch apart.
    pub fn new(batch: &MessageBatch<JsValue>) -> Self {
        Self { messages: batch.raw_iter().collect() }
    }

    /// Hands the messages of the queue of that name to whoever deals with them.
    pub async fn consume(&self, app: &App<Cloudflare>, queue: &str) {
        let settle = |place, disposition| self.settle(place, disposition);
        match queue {
            "calendar-tasks" => batch::consume(app, QueueName::Tasks, self.delivered(), settle).await,
            "calendar-sync" => batch::consume(app, QueueName::Sync, self.delivered(), settle).await,
            "calendar-tasks-dlq" | "calendar-sync-dlq" => {
                for (place, message) in self.delivered().into_iter().enumerate() {
                    settle(place, dead_letters::consume(app, message).await);
                }
            }
            other => {
                tracing::error!(queue = other, "a queue nobody here consumes");
                self.retry_all();
            }
        }
    }

    /// Has everything delivered again later: without settings nothing can be done.
    pub fn postpone(&self, error: &SettingsError) {
        tracing::error!(%error, "messages postponed");
        self.retry_all();
    }

    fn retry_all(&self) {
        for place in 0..self.messages.len() {
            self.settle(place, Disposition::Retry { delay: COUNTED_WAIT });
        }
    }

    /// What was delivered.
    fn delivered(&self) -> Vec<Delivered> {
        self.messages.iter().map(|message| Delivered { id: message.id(), body: body(message) }).collect()
    }

    /// Acknowledges a message or has it delivered again.
    fn settle(&self, place: usize, disposition: Disposition) {
        let Some(message) = self.messages.get(place) else { return };
        match disposition {
            Disposition::Ack => message.ack(),
            Disposition::Retry { delay } => {
                let seconds = whole_seconds(delay);
                message
                    .retry_with_options(&QueueRetryOptionsBuilder::new().with_delay_seconds(seconds).build());
            }
        }
    }
}

/// The body as JSON: an object as it is, text that holds JSON parsed, anything else `None`.
fn body(message: &RawMessage) -> Option<Json> {
    let body = message.body();
    let text = match body.as_string() {
        Some(text) => text,
        None => js_sys::JSON::stringify(&body).ok()?.as_string()?,
    };
    serde_json::from_slice(text.as_bytes()).ok()
}

/// Queues count in whole seconds: rounded up, so that nothing comes too early.
fn whole_seconds(delay: TimeDelta) -> u32 {
    u32::try_from(delay.num_milliseconds().max(0).saturating_add(999) / 1000).unwrap_or(u32::MAX)
}
