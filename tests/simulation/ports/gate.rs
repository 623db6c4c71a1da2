//! The gate's Durable Objects: the real ones, each in an isolate of its own that can be evicted or crash, with storage that
//! survives it, reached through messages that can be lost either way.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::{Rc, Weak},
};

use huddle_calendar_sync::{
    domain::{
        connector::ProviderKind,
        failure::Failure,
        ids::{AccountId, ConnectorId},
    },
    gate::{
        Admission, AdmissionRequest, CachedGrant, PermitId, Release, TokenRequest,
        account::Health,
        kept::Storage,
        lease::{Answer, Consultation},
        service::{AccountGate, ConnectorGate, ProviderGate, ProviderLink},
        single_flight::Spawn,
        wire::{Command, Grant, Reply},
    },
    ports::Gate,
};
use serde::{Serialize, de::DeserializeOwned};

use super::{Simulated, Worker};
use crate::{
    breakage::Breakage,
    judge::calls::CallJudge,
    kernel::{Isolate, JobId, Kernel},
    weather::{Fate, Sky},
};

/// The way to the objects. Clones lead to the same ones.
#[derive(Clone)]
pub struct Gatekeeper(Rc<Inner>);

struct Inner {
    kernel: Kernel,
    sky: Rc<Sky>,
    judge: Rc<CallJudge>,
    breakage: Breakage,
    worker: RefCell<Weak<Worker>>,
    objects: RefCell<BTreeMap<String, Instance>>,
    stored: Rc<RefCell<BTreeMap<String, String>>>,
}

/// An object in memory.
#[derive(Clone)]
struct Instance {
    isolate: Isolate,
    role: Role,
}

#[derive(Clone)]
enum Role {
    Account(Rc<AccountGate<Simulated, ObjectStorage, Gatekeeper>>),
    Connector(Rc<ConnectorGate<Simulated, ObjectStorage>>),
    Provider(Rc<ProviderGate<Simulated, ObjectStorage>>),
}

impl Gatekeeper {
    /// No objects yet.
    pub fn new(kernel: &Kernel, sky: &Rc<Sky>, judge: &Rc<CallJudge>, breakage: Breakage) -> Self {
        Self(Rc::new(Inner {
            kernel: kernel.clone(),
            sky: Rc::clone(sky),
            judge: Rc::clone(judge),
            breakage,
            worker: RefCell::default(),
            objects: RefCell::default(),
            stored: Rc::default(),
        }))
    }

    /// Says whose objects these are; without it there is nothing to run in them.
    pub fn serve(&self, worker: &Rc<Worker>) {
        *self.0.worker.borrow_mut() = Rc::downgrade(worker);
    }

    /// Forgets every object, as their storage and the worker hold each other.
    pub fn close(&self) {
        self.0.objects.borrow_mut().clear();
    }

    /// What the objects have stored.
    pub fn everything(&self) -> Vec<String> {
        self.0.stored.borrow().values().cloned().collect()
    }

    async fn ask<T: DeserializeOwned>(&self, command: Command) -> Result<T, Failure> {
        let Inner { kernel, sky, .. } = &*self.0;
        let unavailable = || Failure::retry("gate_unavailable", "the gate did not answer", None);
        let fate = sky.fate(sky.weather().gate);
        kernel.note(|| format!("gate {} {fate:?}", serde_json::to_string(&command).unwrap_or_default()));
        kernel.sleep(sky.latency()).await;
        match fate {
            Fate::CrashBefore => kernel.crash().await,
            Fate::FailsBefore => return Err(unavailable()),
            Fate::Works | Fate::FailsAfter | Fate::CrashAfter => {}
        }
        // As on the way to a real object, everything is JSON text between the two.
        let text = serde_json::to_string(&command).unwrap();
        let instance = self.instance(&command);
        let command: Command = serde_json::from_str(&text).unwrap();
        let (job, answer) = kernel.run(instance.isolate, instance.role.answer(command));
        let _hangup = Hangup { kernel: kernel.clone(), job, hangs_up: sky.chance(500) };
        let Ok(text) = answer.await else { return Err(unavailable()) };
        kernel.sleep(sky.latency()).await;
        match fate {
            Fate::CrashAfter => kernel.crash().await,
            Fate::FailsAfter => return Err(unavailable()),
            _ => {}
        }
        let reply: Reply<T> = serde_json::from_str(&text).unwrap();
        reply.into()
    }

    /// The object a command is for: in memory, or brought back from its storage.
    fn instance(&self, command: &Command) -> Instance {
        let Inner { kernel, sky, .. } = &*self.0;
        let name = command.object();
        let mut objects = self.0.objects.borrow_mut();
        let held = objects.get(&name).filter(|instance| kernel.lives(instance.isolate)).cloned();
        let alone = matches!(self.0.breakage, Breakage::ManyFlights | Breakage::RepeatedAlarm);
        let shared = !(alone && name.starts_with("connector:"));
        match held {
            Some(instance) if shared && !sky.chance(sky.weather().eviction) => instance,
            held => {
                if let Some(held) = held.filter(|_| shared) {
                    kernel.note(|| format!("{name} evicted"));
                    kernel.kill(held.isolate);
                }
                let instance = self.bring_back(&name, command);
                objects.insert(name, instance.clone());
                instance
            }
        }
    }

    fn bring_back(&self, name: &str, command: &Command) -> Instance {
        let kernel = &self.0.kernel;
        let worker = self.0.worker.borrow().upgrade().expect("the world is running");
        let isolate = kernel.isolate(name);
        let storage = ObjectStorage { gate: self.clone(), name: name.to_owned() };
        let role = match command {
            Command::Admit { .. } | Command::Release { .. } => {
                Role::Account(Rc::new(AccountGate::new(worker, storage, self.clone())))
            }
            Command::AccessToken { connector, .. } | Command::Forget { connector } => {
                let machine = kernel.clone();
                let spawn: Spawn = Rc::new(move |work| {
                    machine.spawn(isolate, work);
                });
                Role::Connector(Rc::new(ConnectorGate::new(worker, connector.clone(), storage, spawn)))
            }
            Command::Consult { provider, .. } | Command::Report { provider, .. } => {
                Role::Provider(Rc::new(ProviderGate::new(worker, *provider, storage)))
            }
        };
        Instance { isolate, role }
    }
}

impl Role {
    async fn answer(self, command: Command) -> String {
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
            (_, command) => panic!("a command for {} reached another kind of object", command.object()),
        }
    }
}

fn reply<T: Serialize>(result: Result<T, Failure>) -> String {
    serde_json::to_string(&Reply::from(result)).unwrap()
}

/// A caller who goes away may or may not take what it asked for along.
struct Hangup {
    kernel: Kernel,
    job: JobId,
    hangs_up: bool,
}

impl Drop for Hangup {
    fn drop(&mut self) {
        if self.hangs_up {
            self.kernel.cancel(self.job);
        }
    }
}

impl Gate for Gatekeeper {
    async fn admit(&self, connector: &ConnectorId, request: AdmissionRequest) -> Result<Admission, Failure> {
        if self.0.breakage == Breakage::NoBudget {
            let permit = request.permit.unwrap_or_else(|| PermitId("free".to_owned()));
            return Ok(Admission::Granted { permit, calls: request.calls });
        }
        self.0.judge.asks(self.0.kernel.current(), connector, self.0.kernel.now());
        self.ask(Command::Admit { request }).await
    }

    async fn release(&self, connector: &ConnectorId, release: Release) -> Result<(), Failure> {
        if self.0.breakage == Breakage::NoBudget {
            return Ok(());
        }
        let isolate = self.0.kernel.current();
        let outcome = self.ask(Command::Release { release }).await;
        self.0.judge.released(isolate, connector, outcome.is_ok(), self.0.kernel.now());
        outcome
    }

    async fn access_token(
        &self,
        connector: &ConnectorId,
        request: TokenRequest,
    ) -> Result<CachedGrant, Failure> {
        let command = Command::AccessToken { connector: connector.clone(), request };
        self.ask::<Grant>(command).await.map(Into::into)
    }

    async fn forget(&self, connector: &ConnectorId) -> Result<(), Failure> {
        self.ask(Command::Forget { connector: connector.clone() }).await
    }
}

impl ProviderLink for Gatekeeper {
    async fn consult(
        &self,
        provider: ProviderKind,
        _: &AccountId,
        consultation: Consultation,
    ) -> Result<Answer, Failure> {
        self.ask(Command::Consult { provider, consultation }).await
    }

    async fn report(
        &self,
        provider: ProviderKind,
        account: &AccountId,
        health: Health,
    ) -> Result<(), Failure> {
        self.ask(Command::Report { provider, account: account.clone(), health }).await
    }
}

/// An object's storage: what it was given last, whatever becomes of the object.
struct ObjectStorage {
    gate: Gatekeeper,
    name: String,
}

impl ObjectStorage {
    /// Storage beside its object keeps the order of what it is told and does not fail; but the object can die there.
    async fn call<T>(&self, effect: impl FnOnce(&mut BTreeMap<String, String>) -> T) -> Result<T, Failure> {
        let Inner { kernel, sky, stored, .. } = &*self.gate.0;
        let fate = sky.fate(0);
        if fate == Fate::CrashBefore {
            kernel.crash().await;
        }
        let done = effect(&mut stored.borrow_mut());
        kernel.sleep(sky.latency()).await;
        if fate == Fate::CrashAfter {
            kernel.crash().await;
        }
        Ok(done)
    }
}

impl Storage for ObjectStorage {
    async fn load(&self) -> Result<Option<String>, Failure> {
        self.call(|stored| stored.get(&self.name).cloned()).await
    }

    async fn save(&self, text: String) -> Result<(), Failure> {
        self.call(|stored| stored.insert(self.name.clone(), text)).await.map(drop)
    }

    async fn clear(&self) -> Result<(), Failure> {
        self.call(|stored| stored.remove(&self.name)).await.map(drop)
    }
}
