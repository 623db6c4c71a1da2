//! The Durable Object behind the gate. One class serves its three kinds of object; which kind one is follows from the first
//! command it gets, since commands carry the name of the object they are for ([`Command::object`]).
//!
//! Input gates hold other requests back during storage only, not during `fetch`: the refresh is shared explicitly
//! ([`crate::gate::single_flight`]), and goes on under `wait_until` when the request that started it is gone. Output gates hold
//! each answer back until the state it rests on is written.

use std::{cell::RefCell, rc::Rc};

use serde::Serialize;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::{Cloudflare, gate_client::GateClient};
use crate::{
    app::App,
    domain::failure::Failure,
    gate::{
        kept::Storage,
        service::{AccountGate, ConnectorGate, ProviderGate},
        single_flight::Spawn,
        wire::{Command, Grant, Reply},
    },
};

/// The key under which an object's state is stored.
const STATE: &str = "state";

/// An object of the gate.
#[durable_object]
pub struct GateObject {
    state: Rc<State>,
    env: Env,
    role: RefCell<Option<Role>>,
}

/// What an object is; each clone is the same object.
#[derive(Clone)]
enum Role {
    Account(Rc<AccountGate<Cloudflare, ObjectStorage, GateClient>>),
    Connector(Rc<ConnectorGate<Cloudflare, ObjectStorage>>),
    Provider(Rc<ProviderGate<Cloudflare, ObjectStorage>>),
}

impl DurableObject for GateObject {
    fn new(state: State, env: Env) -> Self {
        Self { state: Rc::new(state), env, role: RefCell::new(None) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let command: Command = serde_json::from_slice(&request.bytes().await?)?;
        let answer = match self.role(&command) {
            Ok(role) => role.answer(command).await?,
            Err(failure) => serde_json::to_string(&Reply::<()>::Failed(failure))?,
        };
        Response::ok(answer)
    }
}

impl GateObject {
    fn role(&self, command: &Command) -> Result<Role, Failure> {
        if let Some(role) = &*self.role.borrow() {
            return Ok(role.clone());
        }
        let app = super::app(&self.env).map_err(|error| Failure::fatal("settings_incomplete", error))?;
        let role = self.take_role(Rc::new(app), command);
        *self.role.borrow_mut() = Some(role.clone());
        Ok(role)
    }

    fn take_role(&self, app: Rc<App<Cloudflare>>, command: &Command) -> Role {
        let storage = ObjectStorage(Rc::clone(&self.state));
        match command {
            Command::Admit { .. } | Command::Release { .. } => {
                let provider = app.gate.clone();
                Role::Account(Rc::new(AccountGate::new(app, storage, provider)))
            }
            Command::AccessToken { connector, .. } | Command::Forget { connector } => {
                let state = Rc::clone(&self.state);
                let spawn: Spawn = Rc::new(move |work| state.wait_until(work));
                Role::Connector(Rc::new(ConnectorGate::new(app, connector.clone(), storage, spawn)))
            }
            Command::Consult { provider, .. } | Command::Report { provider, .. } => {
                Role::Provider(Rc::new(ProviderGate::new(app, *provider, storage)))
            }
        }
    }
}

impl Role {
    async fn answer(self, command: Command) -> serde_json::Result<String> {
        match (self, command) {
            (Self::Account(gate), Command::Admit { request }) => reply(gate.admit(&request).await),
            (Self::Account(gate), Command::Release { release }) => reply(gate.release(&release).await),
            (Self::Connector(gate), Command::AccessToken { request, .. }) => {
                reply(gate.access_token(&request).await.map(Grant::from))
            }
            (Self::Connector(gate), Command::Forget { .. }) => reply(gate.forget().await),
            (Self::Provider(gate), Command::Consult { consultation, .. }) => {
                reply(gate.consult(&consultation).await)
            }
            (Self::Provider(gate), Command::Report { account, health, .. }) => {
                reply(gate.report(&account, health).await)
            }
            (_, command) => reply::<()>(Err(Failure::fatal(
                "gate_misdirected",
                format!("a command for {} reached another kind of object", command.object()),
            ))),
        }
    }
}

fn reply<T: Serialize>(result: Result<T, Failure>) -> serde_json::Result<String> {
    serde_json::to_string(&Reply::from(result))
}

/// The object's own storage: one text under one key.
struct ObjectStorage(Rc<State>);

impl Storage for ObjectStorage {
    async fn load(&self) -> Result<Option<String>, Failure> {
        self.0.storage().get(STATE).await.map_err(unavailable)
    }

    async fn save(&self, text: String) -> Result<(), Failure> {
        self.0.storage().put_raw(STATE, text).await.map_err(unavailable)
    }

    async fn clear(&self) -> Result<(), Failure> {
        self.0.storage().delete_all().await.map_err(unavailable)
    }
}

fn unavailable(error: worker::Error) -> Failure {
    Failure::retry("gate_unavailable", format!("the gate's storage did not answer: {error}"), None)
}
