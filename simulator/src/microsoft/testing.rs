//! Graph without a network, for the tests beside the code.

use http::HeaderValue;
use jiff::Timestamp;
use serde_json::Value;

use super::api;
use super::behaviour::Behaviour;
use super::errors::ApiError;
use super::identity::clients::DEFAULT_CLIENT_ID;
use super::identity::grants::{Party, Scopes};
use super::operation::Operation;
use super::seed;
use super::world::World;
use crate::control::Control;
use crate::control::provider::{Request, Response};

/// The instant at which tests take place, a Monday.
pub const NOW: &str = "2026-03-02T08:00:00Z";

/// One account's view of a freshly seeded world.
pub struct Graph {
    world: World,
    control: Control,
    token: String,
    prefer: Option<String>,
}

impl Graph {
    /// With a token for everything.
    pub fn signed_in(account: &str) -> Self {
        let now: Timestamp = NOW.parse().unwrap();
        let mut world = seed::seeded_world(now);
        let scopes =
            ["User.Read", "Calendars.ReadWrite", "Calendars.ReadWrite.Shared", "MailboxSettings.Read"];
        let scopes: Scopes = scopes.into_iter().map(str::to_owned).collect();
        let party = Party { account: account.to_owned(), client_id: DEFAULT_CLIENT_ID.to_owned() };
        let token = world.grants.issue_access(&party, &scopes, now);
        Self { world, control: Control::default(), token, prefer: None }
    }

    /// Changes the knobs.
    pub fn behaviour(&mut self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.world.behaviour);
    }

    /// Sends a `Prefer` header with the next request.
    pub fn preferring(&mut self, prefer: &str) -> &mut Self {
        self.prefer = Some(prefer.to_owned());
        self
    }

    fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let now: Timestamp = NOW.parse().unwrap();
        let body = body.map(|body| body.to_string().into()).unwrap_or_default();
        let mut request: Request =
            http::Request::builder().method(method).uri(format!("/v1.0{path}")).body(body).unwrap();
        let bearer = HeaderValue::from_str(&format!("Bearer {}", self.token)).unwrap();
        request.headers_mut().insert("authorization", bearer);
        if let Some(prefer) = self.prefer.take() {
            request.headers_mut().insert("prefer", HeaderValue::from_str(&prefer).unwrap());
        }
        let operation = Operation::find(request.method(), request.uri().path()).unwrap();
        api::answer(&mut self.world, &self.control, &operation, &request, now)
    }

    fn succeed(&mut self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let response = self.send(method, path, body);
        let text = String::from_utf8_lossy(response.body()).into_owned();
        assert!(response.status().is_success(), "{method} {path}: {} {text}", response.status());
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// What a GET answers.
    pub fn get(&mut self, path: &str) -> Value {
        self.succeed("GET", path, None)
    }

    /// What a POST answers.
    pub fn post(&mut self, path: &str, body: &Value) -> Value {
        self.succeed("POST", path, Some(body))
    }

    /// What a PATCH answers.
    pub fn patch(&mut self, path: &str, body: &Value) -> Value {
        self.succeed("PATCH", path, Some(body))
    }

    /// Deletes.
    pub fn delete(&mut self, path: &str) {
        self.succeed("DELETE", path, None);
    }

    /// The error of a request that must fail.
    pub fn refused(&mut self, method: &str, path: &str) -> ApiError {
        let response = self.send(method, path, None);
        assert!(!response.status().is_success(), "{method} {path} should have failed");
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        let text = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
        ApiError::new(response.status().as_u16(), &text("code"), text("message"))
    }
}

/// The path and query of a link, as [`Graph::get`] takes it.
pub fn path_of(link: &str) -> String {
    link.split_once("/v1.0").unwrap().1.to_owned()
}
