//! Both ends, and the way between them.

use std::{cell::RefCell, sync::Arc};

use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION};
use huddle_calendar_sync::{
    config::Settings,
    domain::{
        connector::{Connector, ConnectorStatus, Preferences, ProviderKind},
        failure::Failure,
        ids::{ConnectorId, UserId},
        secret::AccessToken,
        time::Timestamp,
        zone::Zone,
    },
    ports::{HttpRequest, HttpResponse},
    providers::{Pending, Step},
};
use serde_json::Value;
use simulator::control::{
    dispatch::{Outcome, dispatch},
    provider::Provider,
};
use tower::ServiceExt;
use url::Url;

/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Its challenge.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The settings of a worker that talks to a simulator.
pub fn settings(of_provider: &[(&str, &str)]) -> Settings {
    Settings::parse(|name| {
        let of_provider = of_provider.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let value = of_provider.or(match name {
            "PUBLIC_BASE_URL" => Some("http://127.0.0.1:8787"),
            "REDIRECT_ALLOWLIST" => Some("https://app.example/done"),
            "ENVIRONMENT" => Some("development"),
            "API_KEY" | "WEBHOOK_SECRET" => Some("sixteen-letters-or-more"),
            "OAUTH_ENC_KEY" => Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            _ => None,
        });
        value.map(str::to_owned)
    })
    .unwrap()
}

/// A provider and what it talks to.
pub struct World<P, S> {
    /// The provider under test.
    pub provider: P,
    /// Its simulated self.
    pub simulated: Arc<S>,
    /// The requests sent so far, oldest first, without their credentials.
    sent: RefCell<Vec<HttpRequest>>,
}

impl<P, S: Provider> World<P, S> {
    /// Both ends.
    pub fn of(provider: P, simulated: S) -> Self {
        Self { provider, simulated: Arc::new(simulated), sent: RefCell::default() }
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

/// An instant in RFC 3339.
pub fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// A connector of `account`, for what asks for one.
pub fn connector(provider: ProviderKind, account: &str) -> Connector {
    let now = at("2031-01-01T00:00:00Z");
    Connector {
        id: ConnectorId::new("con"),
        user: UserId::new("user"),
        workspace: None,
        provider,
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
