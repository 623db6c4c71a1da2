//! The seam between the shared machinery and one simulated provider.

use std::sync::Arc;

use bytes::Bytes;

use super::Control;
use super::dispatch::Outcome;
use super::faults::ScriptedAnswer;

/// A request whose body has been read.
pub type Request = http::Request<Bytes>;

/// An answer whose body is complete.
pub type Response = http::Response<Bytes>;

/// What a request is, as far as faults, counters and the log care.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The route's short name, such as `events.insert` or `token`.
    pub route: &'static str,
    /// The account's address, when the request says whose it is.
    pub account: Option<String>,
    /// The calendar's id, when the request names one.
    pub calendar: Option<String>,
}

/// A simulated provider.
pub trait Provider: Send + Sync + Sized + 'static {
    /// The controls that belong to this provider.
    fn control(&self) -> &Control;

    /// Says what a request is, without changing anything.
    fn identify(&self, request: &Request) -> Call;

    /// Answers a request. A provider that answers several requests in one (a batch) sends each part through
    /// [`dispatch`](super::dispatch::dispatch) so that faults and counters reach it.
    fn answer(self: &Arc<Self>, call: Call, request: Request) -> impl Future<Output = Outcome> + Send;

    /// Wraps a scripted error into the provider's own error body.
    fn scripted_error(&self, call: &Call, answer: &ScriptedAnswer) -> Response;

    /// The provider's own part of `/control/*`: reset, accounts, events, grants.
    fn control_routes(self: &Arc<Self>) -> axum::Router;
}
