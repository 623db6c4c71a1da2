//! The providers in memory, small, and written from their documentation and not from the worker's code. What they keep is
//! kept alike, in [`Grants`] and an [`Agenda`], so that who judges need not know whose it is; each speaks of it in a
//! [`Dialect`] of its own. Everything is counted.

pub mod agenda;
mod dialect;
mod google;
pub mod grants;
mod microsoft;
mod wire;

use std::cell::RefCell;

use huddle_calendar_sync::{
    domain::{connector::ProviderKind, event::CreationKey, time::Timestamp},
    ports::{HttpRequest, HttpResponse},
};
use url::Url;

use self::{
    agenda::Agenda,
    dialect::{Call, Dialect, Endpoint, Page},
    grants::{Consent, Grants, Standing},
};
pub use self::{
    dialect::Weight,
    wire::{bearer, parameter},
};
use crate::dice::Dice;

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Where.
    pub provider: ProviderKind,
    /// Its address.
    pub email: String,
    /// What its provider calls it for ever.
    pub subject: String,
    /// The organisation it is of; `None` at a provider that knows none.
    pub tenant: Option<&'static str>,
}

/// Whose accounts there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// All of one provider.
    Of(ProviderKind),
    /// Of each provider some.
    Mixed,
}

impl Cast {
    /// The cast of a seed.
    pub fn draw(dice: &Dice) -> Self {
        *dice.pick(&[Self::Of(ProviderKind::Google), Self::Of(ProviderKind::Microsoft), Self::Mixed])
    }

    /// Three accounts; at Microsoft some are of an organisation and some a person's own.
    pub fn accounts(self) -> Vec<Account> {
        let providers = match self {
            Self::Of(provider) => [provider; 3],
            Self::Mixed => [ProviderKind::Google, ProviderKind::Microsoft, ProviderKind::Microsoft],
        };
        let emails = ["ada@example.com", "bob@example.com", "cleo@example.com"];
        let people = emails.into_iter().zip(providers).enumerate();
        people
            .map(|(place, (email, provider))| match provider {
                ProviderKind::Google => google::account(email, place),
                ProviderKind::Microsoft => microsoft::account(email, place),
            })
            .collect()
    }
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

/// All providers together.
pub struct Providers {
    accounts: Vec<Account>,
    grants: RefCell<Grants>,
    agenda: RefCell<Agenda>,
}

impl Providers {
    /// Providers with those accounts, each of which has a primary calendar and `more` others. `rotates` makes every one
    /// replace refresh tokens, also one that does not really.
    pub fn new(seed: u64, accounts: Vec<Account>, more: usize, rotates: bool) -> Self {
        let calendars = accounts.iter().map(|account| {
            let ids = (0..=more).map(|place| dialect(account.provider).calendar_id(&account.email, place));
            (account.email.clone(), ids.collect())
        });
        Self {
            agenda: RefCell::new(Agenda::of(calendars.collect())),
            grants: RefCell::new(Grants::new(Dice::new(seed, "providers"), rotates)),
            accounts,
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

    /// The account of that address.
    pub fn account(&self, email: &str) -> &Account {
        self.accounts.iter().find(|account| account.email == email).expect("everybody has an account")
    }

    /// What a request is about.
    pub fn purpose(&self, request: &HttpRequest) -> Purpose {
        match spoken_to(request).endpoint(request.uri().path()) {
            Endpoint::Token => {
                let form = wire::form(request);
                match wire::field(&form, "grant_type") {
                    Some("refresh_token") => {
                        let token = wire::field(&form, "refresh_token").unwrap_or_default();
                        Purpose::Refresh(self.grants.borrow().of_refresh_token(token))
                    }
                    _ => Purpose::Exchange,
                }
            }
            Endpoint::Revocation => Purpose::Revoke,
            Endpoint::Api => Purpose::Api(bearer(request).and_then(|token| {
                let grants = self.grants.borrow();
                grants.access(token).map(|access| access.grant)
            })),
        }
    }

    /// What a request counts as.
    pub fn weight(&self, request: &HttpRequest) -> Weight {
        spoken_to(request).weight(request)
    }

    /// Answers a request.
    pub fn answer(&self, request: &HttpRequest, now: Timestamp) -> HttpResponse {
        let dialect = spoken_to(request);
        let path = request.uri().path();
        match dialect.endpoint(path) {
            Endpoint::Token => {
                let form = wire::form(request);
                self.grants.borrow_mut().token(dialect, path, &form, &self.accounts, now)
            }
            Endpoint::Revocation => self.grants.borrow_mut().revoke(dialect, &wire::form(request), now),
            Endpoint::Api => {
                let token = bearer(request).unwrap_or_default();
                let standing = self.grants.borrow().standing(token, now);
                match standing {
                    Standing::Good(email) => {
                        let (account, accounts) = (self.account(&email), self.accounts.as_slice());
                        let agenda = &mut *self.agenda.borrow_mut();
                        dialect.call(Call { agenda, account, accounts, request, now })
                    }
                    Standing::Unknown => dialect.unauthorized(false),
                    Standing::Withdrawn => dialect.unauthorized(true),
                }
            }
        }
    }

    /// Something is broken over there.
    pub fn outage(&self, request: &HttpRequest, dice: &Dice) -> HttpResponse {
        spoken_to(request).outage(dice)
    }

    /// There were too many requests; with the seconds to wait where it says so. Of a batch some parts may still be answered.
    pub fn throttled(
        &self,
        request: &HttpRequest,
        dice: &Dice,
        now: Timestamp,
    ) -> (HttpResponse, Option<i64>) {
        let dialect = spoken_to(request);
        if dialect.weight(request).calls > 1 && dice.chance(500) {
            return dialect.throttled_part(self.answer(request, now), dice);
        }
        dialect.throttled(dialect.endpoint(request.uri().path()), dice)
    }

    /// Somebody, signed in as `email`, is shown the page behind `url`. Returns what the browser brings back.
    pub fn consent(&self, url: &Url, email: &str, consent: Consent) -> Vec<(String, String)> {
        let account = self.account(email);
        let known = self.grants.borrow().has_consent_of(email);
        match dialect(account.provider).page(url, known, consent) {
            Page::Declined(mut answer) => {
                answer.insert(0, ("state".to_owned(), parameter(url, "state").unwrap_or_default()));
                answer
            }
            Page::Allowed { scopes, lasting } => {
                self.grants.borrow_mut().consent(url, email, &scopes, lasting)
            }
        }
    }

    /// Somebody gives an event another title by hand.
    pub fn edit_by_hand(&self, calendar: &str, event: &str) {
        let mut agenda = self.agenda.borrow_mut();
        let dialect = dialect(self.account(agenda.owner_of(calendar)).provider);
        let body = agenda.find(event).expect("somebody sees it").body.clone();
        let body = dialect.retitled(body);
        let facts = dialect.facts(&body);
        agenda.change(calendar, event, body, facts, None, true);
    }

    /// The id an event gets that is made under `key`, the first of them at least.
    pub fn event_id(&self, email: &str, key: &CreationKey) -> String {
        dialect(self.account(email).provider).event_id(key.as_str(), 0)
    }

    /// Whether the provider of that calendar knows an event again that was deleted.
    pub fn remembers_deleted(&self, calendar: &str) -> bool {
        let agenda = self.agenda.borrow();
        dialect(self.account(agenda.owner_of(calendar)).provider).remembers_deleted()
    }
}

fn dialect(provider: ProviderKind) -> &'static dyn Dialect {
    match provider {
        ProviderKind::Google => &google::Google,
        ProviderKind::Microsoft => &microsoft::Microsoft,
    }
}

/// The dialect of whoever a request is for.
fn spoken_to(request: &HttpRequest) -> &'static dyn Dialect {
    let host = request.uri().host().unwrap_or_default();
    let is_microsoft = host.ends_with("microsoft.com") || host.ends_with("microsoftonline.com");
    dialect(if is_microsoft { ProviderKind::Microsoft } else { ProviderKind::Google })
}
