//! The worker as handlers see it, and the bridge between axum, which wants `Send`, and the ports, which are not.

use std::{ops::Deref, rc::Rc};

use send_wrapper::SendWrapper;

use crate::{app::App, ports::Ports};

/// The worker, shared by all handlers. An isolate (and a native test) has one thread, which the wrapper checks.
pub struct Shared<P: Ports>(SendWrapper<Rc<App<P>>>);

impl<P: Ports> Shared<P> {
    /// Shares the worker.
    pub fn new(app: Rc<App<P>>) -> Self {
        Self(SendWrapper::new(app))
    }
}

impl<P: Ports> Clone for Shared<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Ports> Deref for Shared<P> {
    type Target = App<P>;

    fn deref(&self) -> &App<P> {
        &self.0
    }
}

/// Lets a handler await what is not `Send`: `local(async move { .. }).await`.
pub(super) fn local<F: Future>(future: F) -> SendWrapper<F> {
    SendWrapper::new(future)
}
