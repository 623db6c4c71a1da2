//! The whole HTTP side, driven through its router.

mod api;
mod connect_flow;
mod dashboard;
mod limits;
mod openapi;
mod operations;
mod slots;
mod tenants;

use std::rc::Rc;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::router;
use crate::testing::{API_KEY, TestApp, block_on};

/// An answer, read whole.
#[derive(Debug, Clone)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status, code and field of a problem document.
    fn problem(&self) -> (u16, String, Option<String>) {
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json", "{}", self.text());
        let body = self.json();
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        assert_eq!(body["status"], json!(self.status.as_u16()));
        assert!(!text("detail").unwrap().is_empty());
        (self.status.as_u16(), text("code").unwrap(), text("field"))
    }

    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }
}

fn send(app: &Rc<TestApp>, request: Request<Body>) -> Reply {
    block_on(async {
        let response = router(app.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10_000_000).await.unwrap();
        Reply { status: parts.status, headers: parts.headers, body }
    })
}

/// A call of the API with a bearer token.
fn call(app: &Rc<TestApp>, token: &str, method: &str, path: &str, body: Option<&Value>) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = match body {
        None => Body::empty(),
        Some(body) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        }
    };
    send(app, request.body(body).unwrap())
}

fn get(app: &Rc<TestApp>, path: &str) -> Reply {
    call(app, API_KEY, "GET", path, None)
}

fn post(app: &Rc<TestApp>, path: &str, body: &Value) -> Reply {
    call(app, API_KEY, "POST", path, Some(body))
}

/// A token for one user (`{"userId": ..}`) or workspace.
fn access_token(app: &Rc<TestApp>, whose: &Value) -> String {
    let reply = post(app, "/v1/access-tokens", whose).expect(201);
    reply.json()["token"].as_str().unwrap().to_owned()
}
