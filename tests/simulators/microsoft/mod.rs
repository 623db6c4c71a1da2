//! The Microsoft provider and the simulated Microsoft.

mod busy;
mod events;
mod sign_in;

use huddle_calendar_sync::{domain::secret::AccessToken, providers::Microsoft};
use serde_json::Value;
use simulator::microsoft as simulated;
use url::{Url, form_urlencoded};

use crate::world::{self, parameter, settings};

/// Where the simulator would be reached.
const ORIGIN: &str = "http://127.0.0.1:8791";
/// Registered at the simulator, as everything on this machine is.
const CALLBACK: &str = "http://127.0.0.1:8787/oauth/microsoft/callback";
/// A work account with a month of work on its calendars.
const WORK: &str = "work@contoso.example";
/// A work account with nothing on its calendar.
const EMPTY: &str = "empty@contoso.example";
/// A personal account with the same month of work.
const PERSONAL: &str = "personal@outlook.example";
/// A personal account with nothing on its calendar.
const EMPTY_PERSONAL: &str = "empty@outlook.example";
/// The organisation of the work accounts.
const CONTOSO: &str = "c0a7050a-1111-4000-8000-0000000000c0";
/// Where all personal accounts are.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

const CLIENT_ID: &str = simulated::identity::clients::DEFAULT_CLIENT_ID;
const CLIENT_SECRET: &str = simulated::identity::clients::DEFAULT_CLIENT_SECRET;

type World = world::World<Microsoft, simulated::Microsoft>;

impl World {
    /// With the simulator's accounts.
    fn new() -> Self {
        let settings = settings(&[
            ("MICROSOFT_CLIENT_ID", CLIENT_ID),
            ("MICROSOFT_CLIENT_SECRET", CLIENT_SECRET),
            ("MICROSOFT_LOGIN_URL", ORIGIN),
            ("GRAPH_API_URL", &format!("{ORIGIN}/v1.0")),
        ]);
        Self::of(Microsoft::new(&settings.microsoft.unwrap()), simulated::Microsoft::seeded())
    }

    /// Signs `account` in without the provider under test, and gives an access token for everything we use.
    fn token(&self, account: &str) -> AccessToken {
        let scope =
            "openid offline_access User.Read Calendars.ReadWrite Calendars.Read.Shared MailboxSettings.Read";
        let query = [
            ("client_id", CLIENT_ID),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", scope),
            ("auto", "approve"),
            ("account", account),
        ];
        let page = Url::parse_with_params(&format!("{ORIGIN}/common/oauth2/v2.0/authorize"), query).unwrap();
        let code = parameter(&self.visit(&page), "code").unwrap();
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("grant_type", "authorization_code"),
                ("client_id", CLIENT_ID),
                ("client_secret", CLIENT_SECRET),
                ("redirect_uri", CALLBACK),
                ("code", &code),
            ])
            .finish();
        let request = http::Request::post(format!("{ORIGIN}/common/oauth2/v2.0/token")).body(form.into());
        let answer: Value = serde_json::from_slice(self.send(request.unwrap()).body()).unwrap();
        AccessToken::new(answer["access_token"].as_str().unwrap())
    }
}
