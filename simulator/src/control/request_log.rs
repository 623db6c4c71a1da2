//! The last requests, without their secrets.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

use super::provider::{Call, Request};
use super::redact;

/// Requests kept.
const KEPT: usize = 2_000;
/// Bodies above this many bytes are logged as their length only.
const BODY_LIMIT: usize = 16 * 1024;

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Counts from 1.
    pub number: u64,
    /// When it arrived, by the simulated clock, RFC 3339.
    pub at: String,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query's parameters, secrets redacted.
    pub query: Value,
    /// The route's name.
    pub route: &'static str,
    /// Whose request, when known.
    pub account: Option<String>,
    /// Which calendar, when named.
    pub calendar: Option<String>,
    /// Headers that tests ask about; never `Authorization`.
    pub headers: Value,
    /// The body, secrets redacted: JSON and form bodies as objects.
    pub body: Value,
    /// The fault that hit it, when one did.
    pub fault: Option<Value>,
    /// The answer's status, or `cut` or `hang`; absent while it is being answered.
    pub outcome: Option<String>,
}

/// The log, oldest first.
#[derive(Debug, Default)]
pub struct RequestLog {
    entries: VecDeque<Entry>,
    last_number: u64,
}

impl RequestLog {
    /// Writes a request down; the number is for [`close`](Self::close).
    pub fn open(&mut self, at: String, call: &Call, request: &Request, fault: Option<Value>) -> u64 {
        self.last_number += 1;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            number: self.last_number,
            at,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: redact::form(request.uri().query().unwrap_or("").as_bytes()),
            route: call.route,
            account: call.account.clone(),
            calendar: call.calendar.clone(),
            headers: redact::headers(request.headers()),
            body: if request.body().len() > BODY_LIMIT {
                Value::String(format!("[{} bytes]", request.body().len()))
            } else {
                redact::body(request.headers(), request.body())
            },
            fault,
            outcome: None,
        });
        self.last_number
    }

    /// Notes how a request ended.
    pub fn close(&mut self, number: u64, outcome: &str) {
        if let Some(entry) = self.entries.iter_mut().rev().find(|entry| entry.number == number) {
            entry.outcome = Some(outcome.to_owned());
        }
    }

    /// The newest `limit` entries, oldest first.
    pub fn newest(&self, limit: usize) -> impl Iterator<Item = &Entry> {
        self.entries.iter().skip(self.entries.len().saturating_sub(limit))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}
