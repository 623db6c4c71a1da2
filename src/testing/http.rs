//! The way out to providers: answers are scripted in advance, requests are remembered.

use std::{cell::RefCell, collections::VecDeque};

use bytes::Bytes;
use serde_json::Value;

use crate::ports::{Http, HttpError, HttpRequest, HttpResponse};

/// An answer that is waiting for its request.
type Scripted = (String, Result<HttpResponse, HttpError>);

/// Answers each request with the first scripted answer whose pattern its URL contains. A request nobody expected gets
/// a network error, as if the provider were not there.
#[derive(Debug, Default)]
pub struct ScriptedHttp {
    answers: RefCell<VecDeque<Scripted>>,
    requests: RefCell<Vec<HttpRequest>>,
}

impl ScriptedHttp {
    /// Scripts one answer to a request whose URL contains `pattern`.
    pub fn answer(&self, pattern: &str, answer: Result<HttpResponse, HttpError>) {
        self.answers.borrow_mut().push_back((pattern.to_owned(), answer));
    }

    /// Scripts one JSON answer to a request whose URL contains `pattern`.
    pub fn answer_json(&self, pattern: &str, status: u16, body: &Value) {
        self.answer(pattern, Ok(json_response(status, body)));
    }

    /// The requests made so far.
    pub fn requests(&self) -> Vec<HttpRequest> {
        self.requests.borrow().clone()
    }

    /// The URLs requested so far.
    pub fn urls(&self) -> Vec<String> {
        self.requests.borrow().iter().map(|request| request.uri().to_string()).collect()
    }

    /// Answers scripted and not yet asked for.
    pub fn left(&self) -> usize {
        self.answers.borrow().len()
    }

    /// Forgets the requests so far and the answers left.
    pub fn reset(&self) {
        self.answers.borrow_mut().clear();
        self.requests.borrow_mut().clear();
    }
}

impl Http for ScriptedHttp {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url = request.uri().to_string();
        self.requests.borrow_mut().push(request);
        let mut answers = self.answers.borrow_mut();
        let index = answers.iter().position(|(pattern, _)| url.contains(pattern));
        match index.and_then(|index| answers.remove(index)) {
            Some((_, answer)) => answer,
            None => Err(HttpError::Network(format!("no answer scripted for {url}"))),
        }
    }
}

/// A JSON answer.
pub fn json_response(status: u16, body: &Value) -> HttpResponse {
    let mut response = http::Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
