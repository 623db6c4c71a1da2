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
