//! State in memory with its copy in storage: read once, changed in memory, written before anything is promised.

use std::cell::RefCell;

use serde::{Serialize, de::DeserializeOwned};

use crate::domain::failure::Failure;

/// The storage of one object: a single text.
#[allow(async_fn_in_trait, reason = "an object lives on one thread")]
pub trait Storage {
    /// What was saved last.
    async fn load(&self) -> Result<Option<String>, Failure>;
    /// Saves; once this returns, the text survives the object's eviction.
    async fn save(&self, text: String) -> Result<(), Failure>;
    /// Forgets everything.
    async fn clear(&self) -> Result<(), Failure>;
}

/// A state of an object.
pub struct Kept<T, S> {
    storage: S,
    state: RefCell<Option<T>>,
}

impl<T: Serialize + DeserializeOwned + Default, S: Storage> Kept<T, S> {
    /// A state to be read from `storage` when it is first needed.
    pub fn new(storage: S) -> Self {
        Self { storage, state: RefCell::new(None) }
    }

    /// Works on the state in memory. Where nothing is stored it begins empty; where what is stored cannot be read, with
    /// `recover`, which must be the state that promises least.
    pub async fn update<R>(
        &self,
        recover: impl FnOnce() -> T,
        work: impl FnOnce(&mut T) -> R,
    ) -> Result<R, Failure> {
        if self.state.borrow().is_none() {
            let loaded = match self.storage.load().await? {
                None => T::default(),
                Some(text) => serde_json::from_slice(text.as_bytes()).unwrap_or_else(|error| {
                    tracing::error!(%error, "stored state of the gate cannot be read");
                    recover()
                }),
            };
            // Somebody else may have read it meanwhile, and gone on from there.
            self.state.borrow_mut().get_or_insert(loaded);
        }
        Ok(work(self.state.borrow_mut().get_or_insert_default()))
    }

    /// Writes the state as it is now.
    pub async fn save(&self) -> Result<(), Failure> {
        let text = self.state.borrow().as_ref().map(serde_json::to_string);
        match text {
            None => Ok(()),
            Some(Ok(text)) => self.storage.save(text).await,
            Some(Err(error)) => Err(Failure::fatal("gate_state_unwritable", error)),
        }
    }

    /// Begins anew, in memory and in storage.
    pub async fn clear(&self) -> Result<(), Failure> {
        *self.state.borrow_mut() = Some(T::default());
        self.storage.clear().await
    }
}
