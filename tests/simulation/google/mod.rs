//! A small Google in memory, written from Google's documentation and not from the worker's code: OAuth with PKCE, the
//! calendar list, busy time, and events with client-chosen ids, versions and invitations. It keeps count of everything.

pub mod agenda;
mod answers;
mod api;
pub mod grants;

use std::cell::RefCell;

use bytes::Bytes;
use http::{Method, header::AUTHORIZATION};
use huddle_calendar_sync::{
    domain::time::Timestamp,
    ports::{HttpRequest, HttpResponse},
};
use url::{Url, form_urlencoded};

pub use self::answers::{outage, throttled};
use self::{agenda::Agenda, grants::Grants};
use crate::dice::Dice;

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its address, also the id of its primary calendar.
    pub email: String,
    /// The `sub` of its id tokens.
    pub subject: String,
}

/// What a request is about, as far as counting goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Turns a code into tokens.
    Exchange,
    /// Turns the refresh token of that grant into an access token; `None` where nobody knows the token.
    Refresh(Option<usize>),
    /// Ends a grant.
    Revoke,
    /// Uses the API with a token of that grant; `None` where nobody knows the token.
    Api(Option<usize>),
}

/// The simulated Google.
pub struct Google {
    accounts: Vec<Account>,
    grants: RefCell<Grants>,
    agenda: RefCell<Agenda>,
}

impl Google {
    /// A Google with those accounts, each with a primary calendar and a second one. `rotates` makes it replace refresh
    /// tokens, which the real one does not.
    pub fn new(seed: u64, emails: &[&str], rotates: bool) -> Self {
        let accounts: Vec<Account> = emails
            .iter()
            .enumerate()
            .map(|(place, email)| Account { email: (*email).to_owned(), subject: format!("10{place}9") })
            .collect();
        let agenda = Agenda::of(&accounts);
        Self {
            accounts,
            grants: RefCell::new(Grants::new(Dice::new(seed, "google"), rotates)),
            agenda: RefCell::new(agenda),
        }
    }

    /// Reads or changes what was granted.
    pub fn grants<T>(&self, work: impl FnOnce(&mut Grants) -> T) -> T {
        work(&mut self.grants.borrow_mut())
    }

    /// Reads or changes what is in the calendars.
    pub fn agenda<T>(&self, work: impl FnOnce(&mut Agenda) -> T) -> T {
        work(&mut self.agenda.borrow_mut())
    }

    /// What a request is about.
    pub fn purpose(&self, request: &HttpRequest) -> Purpose {
        let form = form(request);
        match request.uri().path() {
            "/token" if field(&form, "grant_type") == Some("refresh_token") => {
                let token = field(&form, "refresh_token").unwrap_or_default();
                Purpose::Refresh(self.grants.borrow().of_refresh_token(token))
            }
            "/token" => Purpose::Exchange,
            "/revoke" => Purpose::Revoke,
            _ => Purpose::Api(bearer(request).and_then(|token| {
                let grants = self.grants.borrow();
                grants.access(token).map(|access| access.grant)
            })),
        }
    }

    /// Answers a request.
    pub fn answer(&self, request: &HttpRequest, now: Timestamp) -> HttpResponse {
        match request.uri().path() {
            "/token" => self.grants.borrow_mut().token(&form(request), &self.accounts, now),
            "/revoke" => self.grants.borrow_mut().revoke(&form(request), now),
            path => {
                let token = bearer(request).unwrap_or_default();
                let account = self.grants.borrow().account_of(token, now);
                match account {
                    None => answers::unauthorized(),
                    Some(account) => {
                        let path = path.trim_start_matches("/calendar/v3");
                        api::answer(&mut self.agenda.borrow_mut(), &account, path, request, now)
                    }
                }
            }
        }
    }
}

/// The token of a request to the API.
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    request.headers().get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

type Form = Vec<(String, String)>;

fn form(request: &HttpRequest) -> Form {
    if request.method() != Method::POST {
        return Vec::new();
    }
    form_urlencoded::parse(request.body()).into_owned().collect()
}

fn field<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// A parameter of a URL.
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// An answer of that status in JSON.
fn json(status: u16, body: &serde_json::Value) -> HttpResponse {
    http::Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Bytes::from(body.to_string()))
        .unwrap()
}
