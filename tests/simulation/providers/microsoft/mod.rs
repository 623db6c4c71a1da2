//! A small Microsoft: the identity platform with rotating refresh tokens and organisations, and Graph's calendars with busy
//! time, `$batch`, transactions, versions and invitations. One account is of an organisation, the next a person's own.

mod answers;
mod api;
mod batch;
mod busy;
mod event;

use huddle_calendar_sync::{
    domain::connector::ProviderKind,
    ports::{HttpRequest, HttpResponse},
};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    Account,
    agenda::Facts,
    dialect::{Call, Dialect, Endpoint, Page, Weight},
    grants::{Consent, TokenRefusal},
    wire::{self, parameter},
};
use crate::dice::Dice;

/// The organisation.
const ORGANISATION: &str = "c0a7050a-1111-4000-8000-0000000000c0";
/// The tenant of all personal accounts.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// An account, the `place`th: every second one is personal.
pub fn account(email: &str, place: usize) -> Account {
    Account {
        provider: ProviderKind::Microsoft,
        email: email.to_owned(),
        subject: format!("00000000-0000-4000-8000-00000000000{place}"),
        tenant: Some(if place.is_multiple_of(2) { PERSONAL } else { ORGANISATION }),
    }
}

/// Whether the account is a person's own.
fn is_personal(account: &Account) -> bool {
    account.tenant == Some(PERSONAL)
}

/// How Microsoft speaks.
pub struct Microsoft;

impl Dialect for Microsoft {
    fn endpoint(&self, path: &str) -> Endpoint {
        if path.ends_with("/oauth2/v2.0/token") { Endpoint::Token } else { Endpoint::Api }
    }

    /// Nobody can leave anything out, and lasting access comes with every consent that asks for it.
    fn page(&self, url: &Url, _known: bool, consent: Consent) -> Page {
        assert!(url.path().ends_with("/oauth2/v2.0/authorize"), "{url}");
        let scopes = parameter(url, "scope").unwrap_or_default();
        let lasting = scopes.split(' ').any(|scope| scope == "offline_access");
        match consent {
            Consent::Denied => Page::Declined(vec![
                ("error".to_owned(), "access_denied".to_owned()),
                ("error_description".to_owned(), "AADSTS65004: User declined to consent.".to_owned()),
                ("error_subcode".to_owned(), "cancel".to_owned()),
            ]),
            Consent::Granted | Consent::Unticked => Page::Allowed { scopes, lasting },
        }
    }

    fn claims(&self, account: &Account, client: &str) -> Value {
        let tenant = account.tenant.unwrap_or_default();
        json!({
            "iss": format!("https://login.microsoftonline.com/{tenant}/v2.0"), "aud": client, "tid": tenant,
            "oid": account.subject, "preferred_username": account.email,
        })
    }

    fn rotates(&self) -> bool {
        true
    }

    /// Between 60 and 90 minutes, by chance.
    fn lifetime(&self, dice: &Dice) -> i64 {
        dice.between(3600, 5400)
    }

    fn gives_tokens_at(&self, path: &str, account: &Account) -> bool {
        let own = account.tenant.unwrap_or_default();
        let at = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        at == "common" || at == own || at == if is_personal(account) { "consumers" } else { "organizations" }
    }

    fn refuse(&self, refusal: TokenRefusal) -> HttpResponse {
        answers::refusal(refusal)
    }

    fn unauthorized(&self, withdrawn: bool) -> HttpResponse {
        answers::unauthorized(withdrawn)
    }

    fn call(&self, mut call: Call<'_>) -> HttpResponse {
        match call.request.uri().path() {
            "/v1.0/$batch" => batch::answer(&mut call),
            _ => api::answer(&mut call),
        }
    }

    fn outage(&self, dice: &Dice) -> HttpResponse {
        let status = *dice.pick(&[500, 502, 503, 503, 504]);
        if dice.chance(500) {
            return answers::error(status, "ServiceUnavailable", "The service is temporarily unavailable.");
        }
        wire::broken(status)
    }

    fn throttled(&self, endpoint: Endpoint, dice: &Dice) -> (HttpResponse, Option<i64>) {
        answers::throttled(dice, endpoint == Endpoint::Token)
    }

    fn throttled_part(&self, answer: HttpResponse, dice: &Dice) -> (HttpResponse, Option<i64>) {
        batch::throttled_part(answer, dice)
    }

    fn weight(&self, request: &HttpRequest) -> Weight {
        match request.uri().path() {
            "/v1.0/$batch" => batch::weight(request),
            _ => Weight { calls: 1, width: 1 },
        }
    }

    fn calendar_id(&self, email: &str, place: usize) -> String {
        format!("AQMk{}{place:03}=", email.replace(['@', '.'], ""))
    }

    fn event_id(&self, key: &str, earlier: usize) -> String {
        format!("AAMk{key}{earlier:03}=")
    }

    /// A lookup finds what is in the calendar.
    fn remembers_deleted(&self) -> bool {
        false
    }

    fn facts(&self, body: &Map<String, Value>) -> Facts {
        event::facts(body)
    }

    fn retitled(&self, mut body: Map<String, Value>) -> Map<String, Value> {
        body.insert("subject".to_owned(), json!("Changed by hand"));
        body
    }
}
