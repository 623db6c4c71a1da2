//! A conversation with a provider as a step machine.

use crate::{
    domain::failure::Failure,
    ports::{HttpRequest, HttpResponse},
};

/// What an exchange wants next.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a step lives only until its request is sent; boxing would help nobody"
)]
pub enum Step<T> {
    /// Send this request (a credential is added on the way) and call `step` with the answer.
    Send(HttpRequest),
    /// Finished.
    Done(T),
}

/// Says of a request that it holds several calls, which the provider counts one by one: a batch. Put into the request's
/// extensions; a request without it is one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batched {
    /// How many calls; at least one.
    pub calls: u32,
    /// How many of them the provider has in flight at once.
    pub width: u32,
}

impl Batched {
    /// What a request counts as.
    pub fn of(request: &HttpRequest) -> Self {
        request.extensions().get().copied().unwrap_or(Self { calls: 1, width: 1 })
    }
}

/// A conversation: one request and its answer, or several that follow from each other (pages, chunks, a lookup after a
/// conflict). Pure: it can be driven by a Worker, by a test with canned answers, or by a simulation.
pub trait Exchange {
    /// What comes out of it.
    type Output;

    /// The first call passes `None`; each later one the whole answer to the request of the step before. The driver
    /// deals with the first 401 and with requests that got no answer; everything else arrives here.
    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<Self::Output>, Failure>;
}

/// An exchange about to be driven.
pub type Pending<T> = Box<dyn Exchange<Output = T>>;
