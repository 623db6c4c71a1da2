//! The real gate, hosted natively: the objects of [`crate::gate::service`] in maps, their storage in another map that
//! survives their eviction.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::{Rc, Weak},
};

use crate::{
    app::App,
    domain::{
        connector::ProviderKind,
        failure::Failure,
        ids::{AccountId, ConnectorId},
    },
    gate::{
        Admission, AdmissionRequest, CachedGrant, Release, TokenRequest,
        account::Health,
        kept::Storage,
        lease::{Answer, Consultation},
        service::{AccountGate, ConnectorGate, ProviderGate, ProviderLink},
        single_flight::{Spawn, unspawned},
        wire::Command,
    },
    ports::{Gate, Ports},
};

/// A gate of one app, which must be told to it with [`HostedGate::attach`].
pub struct HostedGate<P: Ports>(Rc<Hosted<P>>);

struct Hosted<P: Ports> {
    app: RefCell<Weak<App<P>>>,
    spawn: Spawn,
    disk: Disk,
    accounts: Objects<AccountGate<P, DiskStorage, Link<P>>>,
    connectors: Objects<ConnectorGate<P, DiskStorage>>,
    providers: Objects<ProviderGate<P, DiskStorage>>,
}

type Objects<T> = RefCell<BTreeMap<String, Rc<T>>>;

impl<P: Ports> Default for HostedGate<P> {
    fn default() -> Self {
        Self::new(unspawned())
    }
}

impl<P: Ports> HostedGate<P> {
    /// A gate whose refreshes go on by themselves through `spawn`.
    pub fn new(spawn: Spawn) -> Self {
        Self(Rc::new(Hosted {
            app: RefCell::default(),
            spawn,
            disk: Disk::default(),
            accounts: RefCell::default(),
            connectors: RefCell::default(),
            providers: RefCell::default(),
        }))
    }

    /// Says which app the objects belong to.
    pub fn attach(&self, app: &Rc<App<P>>) {
        *self.0.app.borrow_mut() = Rc::downgrade(app);
    }

    /// Drops every object from memory, and with it whatever it was doing; storage stays.
    pub fn evict(&self) {
        self.0.accounts.borrow_mut().clear();
        self.0.connectors.borrow_mut().clear();
        self.0.providers.borrow_mut().clear();
    }

    /// What the objects have stored.
    pub fn disk(&self) -> &Disk {
        &self.0.disk
    }
}

impl<P: Ports> Hosted<P> {
    fn object<T>(
        &self,
        objects: &Objects<T>,
        name: String,
        make: impl FnOnce(Rc<App<P>>, DiskStorage) -> T,
    ) -> Rc<T> {
        let mut objects = objects.borrow_mut();
        let object = objects.entry(name.clone()).or_insert_with(|| {
            let app = self.app.borrow().upgrade().expect("attach the gate to its app first");
            Rc::new(make(app, DiskStorage { disk: self.disk.clone(), name }))
        });
        Rc::clone(object)
    }

    fn account(self: &Rc<Self>, name: String) -> Rc<AccountGate<P, DiskStorage, Link<P>>> {
        self.object(&self.accounts, name, |app, storage| {
            AccountGate::new(app, storage, Link(Rc::downgrade(self)))
        })
    }

    fn connector(&self, id: &ConnectorId, name: String) -> Rc<ConnectorGate<P, DiskStorage>> {
        let spawn = Rc::clone(&self.spawn);
        self.object(&self.connectors, name, |app, storage| {
            ConnectorGate::new(app, id.clone(), storage, spawn)
        })
    }

    fn provider(&self, kind: ProviderKind, name: String) -> Rc<ProviderGate<P, DiskStorage>> {
        self.object(&self.providers, name, |app, storage| ProviderGate::new(app, kind, storage))
    }
}

impl<P: Ports> Gate for HostedGate<P> {
    async fn admit(&self, _: &ConnectorId, request: AdmissionRequest) -> Result<Admission, Failure> {
        let name = Command::Admit { request: request.clone() }.object();
        self.0.account(name).admit(&request).await
    }

    async fn release(&self, _: &ConnectorId, release: Release) -> Result<(), Failure> {
        let name = Command::Release { release: release.clone() }.object();
        self.0.account(name).release(&release).await
    }

    async fn access_token(
        &self,
        connector: &ConnectorId,
        request: TokenRequest,
    ) -> Result<CachedGrant, Failure> {
        let command = Command::AccessToken { connector: connector.clone(), request: request.clone() };
        self.0.connector(connector, command.object()).access_token(&request).await
    }

    async fn forget(&self, connector: &ConnectorId) -> Result<(), Failure> {
        let command = Command::Forget { connector: connector.clone() };
        self.0.connector(connector, command.object()).forget().await
    }
}

/// The way from an account's object to its provider's.
struct Link<P: Ports>(Weak<Hosted<P>>);

impl<P: Ports> ProviderLink for Link<P> {
    async fn consult(
        &self,
        provider: ProviderKind,
        _: &AccountId,
        consultation: Consultation,
    ) -> Result<Answer, Failure> {
        let hosted = self.0.upgrade().expect("the gate outlives its objects");
        let command = Command::Consult { provider, consultation: consultation.clone() };
        hosted.provider(provider, command.object()).consult(&consultation).await
    }

    async fn report(
        &self,
        provider: ProviderKind,
        account: &AccountId,
        health: Health,
    ) -> Result<(), Failure> {
        let hosted = self.0.upgrade().expect("the gate outlives its objects");
        let command = Command::Report { provider, account: account.clone(), health };
        hosted.provider(provider, command.object()).report(account, health).await
    }
}

/// The storage of all objects; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    texts: Rc<RefCell<BTreeMap<String, String>>>,
    full: Rc<Cell<bool>>,
}

impl Disk {
    /// What the object of that name saved last.
    pub fn read(&self, name: &str) -> Option<String> {
        self.texts.borrow().get(name).cloned()
    }

    /// Overwrites what an object saved.
    pub fn write(&self, name: &str, text: &str) {
        self.texts.borrow_mut().insert(name.to_owned(), text.to_owned());
    }

    /// Makes every save fail, or work again.
    pub fn set_full(&self, full: bool) {
        self.full.set(full);
    }
}

struct DiskStorage {
    disk: Disk,
    name: String,
}

impl Storage for DiskStorage {
    async fn load(&self) -> Result<Option<String>, Failure> {
        Ok(self.disk.read(&self.name))
    }

    async fn save(&self, text: String) -> Result<(), Failure> {
        if self.disk.full.get() {
            return Err(Failure::retry("gate_unavailable", "told to be full", None));
        }
        self.disk.write(&self.name, &text);
        Ok(())
    }

    async fn clear(&self) -> Result<(), Failure> {
        self.disk.texts.borrow_mut().remove(&self.name);
        Ok(())
    }
}
