//! A small Google: OAuth with PKCE, the calendar list, busy time, and events with client-chosen ids, versions and invitations.

mod answers;
mod api;
mod event;

use http::HeaderValue;
use huddle_calendar_sync::{domain::connector::ProviderKind, ports::HttpResponse};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    Account,
    agenda::Facts,
    dialect::{Call, Dialect, Endpoint, Page},
    grants::{Consent, TokenRefusal},
    wire::{self, parameter},
};
use crate::dice::Dice;

/// An account, the `place`th.
pub fn account(email: &str, place: usize) -> Account {
    Account {
        provider: ProviderKind::Google,
        email: email.to_owned(),
        subject: format!("10{place}9"),
        tenant: None,
    }
}

/// How Google speaks.
pub struct Google;

impl Dialect for Google {
    fn endpoint(&self, path: &str) -> Endpoint {
        match path {
            "/token" => Endpoint::Token,
            "/revoke" => Endpoint::Revocation,
            _ => Endpoint::Api,
        }
    }

    /// Who consented before gets no other refresh token, unless the page was shown again.
    fn page(&self, url: &Url, known: bool, consent: Consent) -> Page {
        let get = |name| parameter(url, name).unwrap_or_default();
        assert_eq!(get("access_type"), "offline");
        if consent == Consent::Denied {
            return Page::Declined(vec![("error".to_owned(), "access_denied".to_owned())]);
        }
        let asked = get("scope");
        let ticked = |scope: &&str| consent == Consent::Granted || !scope.ends_with("freebusy");
        let scopes: Vec<&str> = asked.split(' ').filter(ticked).collect();
        Page::Allowed { scopes: scopes.join(" "), lasting: !known || get("prompt") == "consent" }
    }

    fn claims(&self, account: &Account, client: &str) -> Value {
        json!({
            "iss": "https://accounts.google.com", "aud": client, "sub": account.subject, "email": account.email,
        })
    }

    fn rotates(&self) -> bool {
        false
    }

    fn lifetime(&self, _dice: &Dice) -> i64 {
        3599
    }

    fn gives_tokens_at(&self, _path: &str, _account: &Account) -> bool {
        true
    }

    fn refuse(&self, refusal: TokenRefusal) -> HttpResponse {
        answers::refusal(refusal)
    }

    fn unauthorized(&self, _withdrawn: bool) -> HttpResponse {
        let mut answer = answers::error(401, "global", "authError", "Invalid Credentials");
        answer.headers_mut().insert(
            "www-authenticate",
            HeaderValue::from_static(
                "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"",
            ),
        );
        answer
    }

    fn call(&self, call: Call<'_>) -> HttpResponse {
        api::answer(call)
    }

    fn outage(&self, dice: &Dice) -> HttpResponse {
        let status = *dice.pick(&[500, 502, 503, 503, 504]);
        if dice.chance(500) {
            return answers::error(status, "global", "backendError", "Backend Error");
        }
        wire::broken(status)
    }

    fn throttled(&self, endpoint: Endpoint, dice: &Dice) -> (HttpResponse, Option<i64>) {
        answers::throttled(dice, endpoint != Endpoint::Api)
    }

    fn calendar_id(&self, email: &str, place: usize) -> String {
        match place {
            0 => email.to_owned(),
            place => format!("{}.{place}@group.calendar.google.com", email.replace('@', ".")),
        }
    }

    /// The worker chooses.
    fn event_id(&self, key: &str, _earlier: usize) -> String {
        key.to_owned()
    }

    fn remembers_deleted(&self) -> bool {
        true
    }

    fn facts(&self, body: &Map<String, Value>) -> Facts {
        event::facts(body)
    }

    fn retitled(&self, mut body: Map<String, Value>) -> Map<String, Value> {
        body.insert("summary".to_owned(), json!("Changed by hand"));
        body
    }
}
