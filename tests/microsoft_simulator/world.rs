//! Both ends, and the way between them.

use std::{cell::RefCell, sync::Arc};

use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION};
use huddle_calendar_sync::{
    config::{MicrosoftSettings, Settings},
    domain::{
        connector::{Connector, ConnectorStatus, Preferences, ProviderKind},
        failure::Failure,
        ids::{ConnectorId, UserId},
        secret::AccessToken,
        time::Timestamp,
        zone::Zone,
    },
    ports::{HttpRequest, HttpResponse},
    providers::{Microsoft, Pending, Step},
};
use serde_json::Value;
use simulator::{
    control::{
        dispatch::{Outcome, dispatch},
        provider::Provider,
    },
    microsoft as simulated,
};
use tower::ServiceExt;
use url::{Url, form_urlencoded};

/// Where the simulator would be reached.
pub const ORIGIN: &str = "http://127.0.0.1:8791";
/// Registered at the simulator, as everything on this machine is.
pub const CALLBACK: &str = "http://127.0.0.1:8787/oauth/microsoft/callback";
/// A work account with a month of work on its calendars.
pub const WORK: &str = "work@contoso.example";
/// A work account with nothing on its calendar.
pub const EMPTY: &str = "empty@contoso.example";
/// A personal account with the same month of work.
pub const PERSONAL: &str = "personal@outlook.example";

/// The settings of a worker that talks to the simulator.
pub fn settings() -> MicrosoftSettings {
    Settings::parse(|name| {
        Some(match name {
            "PUBLIC_BASE_URL" => "http://127.0.0.1:8787".to_owned(),
            "REDIRECT_ALLOWLIST" => "https://app.example/done".to_owned(),
            "ENVIRONMENT" => "development".to_owned(),
            "API_KEY" | "WEBHOOK_SECRET" => "sixteen-letters-or-more".to_owned(),
            "OAUTH_ENC_KEY" => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
            "MICROSOFT_CLIENT_ID" => simulated::identity::clients::DEFAULT_CLIENT_ID.to_owned(),
            "MICROSOFT_CLIENT_SECRET" => simulated::identity::clients::DEFAULT_CLIENT_SECRET.to_owned(),
            "MICROSOFT_LOGIN_URL" => ORIGIN.to_owned(),
            "GRAPH_API_URL" => format!("{ORIGIN}/v1.0"),
            _ => return None,
        })
    })
    .unwrap()
    .microsoft
    .unwrap()
}

/// Both ends.
pub struct World {
    /// The provider under test.
    pub microsoft: Microsoft,
    /// What it talks to.
    pub simulated: Arc<simulated::Microsoft>,
    /// The requests sent so far, oldest first, without their credentials.
    sent: RefCell<Vec<HttpRequest>>,
}

impl World {
    /// With the simulator's accounts.
    pub fn new() -> Self {
        Self {
            microsoft: Microsoft::new(&settings()),
            simulated: Arc::new(simulated::Microsoft::seeded()),
            sent: RefCell::default(),
        }
    }

    /// Sends one request.
    pub fn send(&self, request: HttpRequest) -> HttpResponse {
        match futures_executor::block_on(dispatch(self.simulated.clone(), request)) {
            Outcome::Answer(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// Drives an exchange to its end.
    pub fn drive<T>(&self, token: Option<&AccessToken>, mut exchange: Pending<T>) -> Result<T, Failure> {
        let mut answer = None;
        loop {
            match exchange.step(answer.take())? {
                Step::Done(output) => return Ok(output),
                Step::Send(mut request) => {
                    self.sent.borrow_mut().push(request.clone());
                    if let Some(token) = token {
                        let value = format!("Bearer {}", token.expose()).parse().unwrap();
                        request.headers_mut().insert(AUTHORIZATION, value);
                    }
                    answer = Some(self.send(request));
                }
            }
        }
    }

    /// The requests exchanges made since this was asked last.
    pub fn take_sent(&self) -> Vec<HttpRequest> {
        self.sent.take()
    }

    /// Says something to the simulator's control API (`POST /control/{what}`).
    pub fn control(&self, what: &str, body: &Value) {
        let request =
            http::Request::post(format!("/control/{what}")).body(axum::body::Body::from(body.to_string()));
        let answer = self.simulated.control_routes().oneshot(request.unwrap());
        let status = futures_executor::block_on(answer).unwrap().status();
        assert!(status.is_success(), "{what}: {status}");
    }

    /// Makes the simulator misbehave, in the words of `POST /control/faults`.
    pub fn fault(&self, rule: Value) {
        self.simulated.control().faults().add(serde_json::from_value(rule).unwrap());
    }

    /// Signs `account` in without the provider under test, and gives an access token for everything we use.
    pub fn token(&self, account: &str) -> AccessToken {
        let scope =
            "openid offline_access User.Read Calendars.ReadWrite Calendars.Read.Shared MailboxSettings.Read";
        let client = simulated::identity::clients::DEFAULT_CLIENT_ID;
        let query = [
            ("client_id", client),
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
                ("client_id", client),
                ("client_secret", simulated::identity::clients::DEFAULT_CLIENT_SECRET),
                ("redirect_uri", CALLBACK),
                ("code", &code),
            ])
            .finish();
        let request = http::Request::post(format!("{ORIGIN}/common/oauth2/v2.0/token")).body(form.into());
        let answer: Value = serde_json::from_slice(self.send(request.unwrap()).body()).unwrap();
        AccessToken::new(answer["access_token"].as_str().unwrap())
    }

    /// Opens a page that answers with a redirect, and tells where to.
    pub fn visit(&self, page: &Url) -> Url {
        let answer = self.send(http::Request::get(page.as_str()).body(Bytes::new()).unwrap());
        let location = answer.headers().get(LOCATION);
        let location = location.unwrap_or_else(|| panic!("{}: {answer:?}", page.path())).to_str().unwrap();
        Url::parse(location).unwrap()
    }
}

/// A parameter of a URL's query.
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A connector of `account`, for what asks for one.
pub fn connector(account: &str) -> Connector {
    let now = Timestamp::parse_rfc3339("2031-01-01T00:00:00Z").unwrap();
    Connector {
        id: ConnectorId::new("con"),
        user: UserId::new("user"),
        workspace: None,
        provider: ProviderKind::Microsoft,
        tenant: None,
        account: "1".to_owned().into(),
        email: Some(account.to_owned()),
        status: ConnectorStatus::Active,
        scopes: vec![],
        zone: Zone::utc(),
        preferences: Preferences::default(),
        generation: 1,
        created_at: now,
        updated_at: now,
    }
}
