//! Tasks as producers see them: messages delivered, results told, rows left behind.

mod availability;
mod dead_letters;
mod events;
mod holds;
mod runner;
mod schema;
pub(crate) mod shapes;
mod slots;

use std::rc::Rc;

use serde_json::{Value as Json, json};

use super::{
    batch::{self, Delivered},
    runner::Disposition,
};
use crate::{
    domain::connector::Connector,
    ports::QueueName,
    testing::{self, TestApp, block_on, connect},
};

/// A worker with one connected account.
struct World {
    app: Rc<TestApp>,
    connector: Connector,
}

impl World {
    fn new() -> Self {
        let app = testing::app();
        let connector = connect(&*app, "account-1");
        app.db.forget_trips();
        Self { app, connector }
    }

    /// A message for the connected account.
    fn message(&self, kind: &str, id: &str, payload: Json) -> Json {
        json!({ "type": kind, "connectorId": self.connector.id, "id": id, "payload": payload })
    }

    /// Delivers one message; what becomes of it.
    fn deliver(&self, message: Json) -> Disposition {
        self.deliver_all(vec![message])[0].unwrap()
    }

    /// Delivers one batch; what becomes of each message.
    fn deliver_all(&self, messages: Vec<Json>) -> Vec<Option<Disposition>> {
        let dispositions = std::cell::RefCell::new(vec![None; messages.len()]);
        let batch = messages
            .into_iter()
            .enumerate()
            .map(|(place, body)| Delivered { id: format!("message-{place}"), body: Some(body) })
            .collect();
        block_on(batch::consume(&*self.app, QueueName::Tasks, batch, |place, disposition| {
            let before = dispositions.borrow_mut()[place].replace(disposition);
            assert_eq!(before, None, "a message is settled once");
        }));
        dispositions.into_inner()
    }

    /// Runs a task that is expected to succeed, and returns its result.
    fn succeed(&self, kind: &str, id: &str, payload: Json) -> Json {
        assert_eq!(self.deliver(self.message(kind, id, payload)), Disposition::Ack);
        let told = self.told();
        let last = told.last().expect("a notification");
        assert_eq!(last["type"], "calendar.task.succeeded", "{last}");
        last["data"]["result"].clone()
    }

    /// Runs a task that is expected to be refused for good, and returns its error.
    fn fail(&self, kind: &str, id: &str, payload: Json) -> Json {
        assert_eq!(self.deliver(self.message(kind, id, payload)), Disposition::Ack);
        let told = self.told();
        let last = told.last().expect("a notification");
        assert_eq!(last["type"], "calendar.task.failed", "{last}");
        last["data"]["error"].clone()
    }

    /// Everything told so far, oldest first.
    fn told(&self) -> Vec<Json> {
        self.app.queues.sent(QueueName::Notify).into_iter().map(|message| message.body).collect()
    }

    /// The operations the provider was asked for so far.
    fn asked(&self) -> Vec<String> {
        let urls = self.app.http.urls();
        urls.iter().map(|url| url.rsplit('/').next().unwrap_or_default().to_owned()).collect()
    }

    /// Scripts what an operation gives.
    fn grant(&self, operation: &str, result: Json) {
        self.app.http.answer(operation, Ok(testing::granted(result)));
    }

    /// The ledger's row of a task.
    fn task(&self, id: &str) -> Json {
        let rows = self.app.db.read(&format!("SELECT * FROM tasks WHERE task_id = '{id}'"));
        rows.into_iter().next().unwrap_or(Json::Null)
    }
}
