//! What each provider does its own way.

use huddle_calendar_sync::{
    domain::time::Timestamp,
    ports::{HttpRequest, HttpResponse},
};
use serde_json::{Map, Value};
use url::Url;

use super::{
    Account,
    agenda::{Agenda, Facts},
    grants::{Consent, TokenRefusal},
};
use crate::dice::Dice;

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Gives tokens.
    Token,
    /// Ends grants.
    Revocation,
    /// Everything else.
    Api,
}

/// What a request counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// As so many calls.
    pub calls: u32,
    /// So many of which are under way at once.
    pub width: u32,
}

/// What came of the page where people consent.
#[derive(Debug)]
pub enum Page {
    /// No: what the browser brings back.
    Declined(Vec<(String, String)>),
    /// Yes, to those scopes; with lasting access if `lasting`.
    Allowed {
        /// Separated by spaces.
        scopes: String,
        /// Whether a refresh token will come.
        lasting: bool,
    },
}

/// A call of an API by somebody who is known.
pub struct Call<'a> {
    /// All calendars.
    pub agenda: &'a mut Agenda,
    /// Who calls.
    pub account: &'a Account,
    /// Everybody there is.
    pub accounts: &'a [Account],
    /// The call.
    pub request: &'a HttpRequest,
    /// When.
    pub now: Timestamp,
}

/// How a provider speaks.
pub trait Dialect {
    /// What a path is for.
    fn endpoint(&self, path: &str) -> Endpoint;

    /// The page where people consent. `known`: the person has before, and did not take it back.
    fn page(&self, url: &Url, known: bool, consent: Consent) -> Page;

    /// The claims of an id token for that application.
    fn claims(&self, account: &Account, client: &str) -> Value;

    /// Whether every refresh brings another refresh token.
    fn rotates(&self) -> bool;

    /// How long an access token works, in seconds.
    fn lifetime(&self, dice: &Dice) -> i64;

    /// Whether tokens of that account are given at that path.
    fn gives_tokens_at(&self, path: &str, account: &Account) -> bool;

    /// Says no at the token endpoint.
    fn refuse(&self, refusal: TokenRefusal) -> HttpResponse;

    /// Says no to an access token: an unknown one, or one whose grant was `withdrawn`.
    fn unauthorized(&self, withdrawn: bool) -> HttpResponse;

    /// Answers a call.
    fn call(&self, call: Call<'_>) -> HttpResponse;

    /// Something broke over there.
    fn outage(&self, dice: &Dice) -> HttpResponse;

    /// Too many requests, in each of the provider's ways to say so; with the seconds of `Retry-After` where there is one.
    fn throttled(&self, endpoint: Endpoint, dice: &Dice) -> (HttpResponse, Option<i64>);

    /// Takes the answer of a part from the answer of a batch: there were too many.
    fn throttled_part(&self, answer: HttpResponse, _dice: &Dice) -> (HttpResponse, Option<i64>) {
        (answer, None)
    }

    /// What a request counts as.
    fn weight(&self, _request: &HttpRequest) -> Weight {
        Weight { calls: 1, width: 1 }
    }

    /// The id of somebody's calendar; the first, 0, is the primary one.
    fn calendar_id(&self, email: &str, place: usize) -> String;

    /// The id of an event made under `key`, after so many others were.
    fn event_id(&self, key: &str, earlier: usize) -> String;

    /// Whether an event that was deleted is known again by its key.
    fn remembers_deleted(&self) -> bool;

    /// What an event's body says.
    fn facts(&self, body: &Map<String, Value>) -> Facts;

    /// The body with another title.
    fn retitled(&self, body: Map<String, Value>) -> Map<String, Value>;
}
