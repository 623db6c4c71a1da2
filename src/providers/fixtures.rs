//! Canned answers (`tests/fixtures/<provider>`), settings and a driver for the providers' tests.

use bytes::Bytes;

use crate::{
    config::{BaseUrl, Settings},
    domain::failure::{Action, Failure},
    ports::{HttpRequest, HttpResponse},
    providers::{Exchange, Pending, Step},
};

/// A base URL as settings have it.
pub(super) fn base_url(url: &str) -> BaseUrl {
    settings(&[("PUBLIC_BASE_URL", url)]).public_base_url
}

/// The settings of a worker that serves every provider, with what a test changes and otherwise nothing overridden.
pub(super) fn settings(changed: &[(&str, &str)]) -> Settings {
    Settings::parse(|name| {
        let changed = changed.iter().find(|(changed, _)| *changed == name).map(|(_, value)| *value);
        let value = changed.or(match name {
            "PUBLIC_BASE_URL" => Some("https://calendar.example"),
            "REDIRECT_ALLOWLIST" => Some("https://app.example/done"),
            "API_KEY" | "WEBHOOK_SECRET" => Some("sixteen-letters-or-more"),
            "OAUTH_ENC_KEY" => Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            "GOOGLE_CLIENT_ID" => Some("client-1.apps.googleusercontent.com"),
            "MICROSOFT_CLIENT_ID" => Some("11111111-2222-3333-4444-555555555555"),
            "GOOGLE_CLIENT_SECRET" | "MICROSOFT_CLIENT_SECRET" => Some("shh & hush"),
            _ => None,
        });
        value.map(str::to_owned)
    })
    .unwrap()
}

/// An answer stored as `HTTP status, headers, empty line, body`; `name` is its path below `tests/fixtures`.
pub(super) fn stored(name: &str) -> HttpResponse {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status: u16 = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut response = http::Response::builder().status(status);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        response = response.header(name, value);
    }
    response.body(Bytes::from(body.trim_end().to_owned())).unwrap()
}

/// An answer of that status with that body.
pub(super) fn answer(status: u16, body: impl Into<Bytes>) -> HttpResponse {
    http::Response::builder().status(status).body(body.into()).unwrap()
}

/// A JSON answer of status 200.
pub(super) fn json(body: serde_json::Value) -> HttpResponse {
    answer(200, body.to_string())
}

/// Drives an exchange with canned answers; returns the requests it made and what came of it.
pub(super) fn drive<T>(
    mut exchange: Pending<T>,
    answers: impl IntoIterator<Item = HttpResponse>,
) -> (Vec<HttpRequest>, Result<T, Failure>) {
    let mut answers = answers.into_iter();
    let mut requests = Vec::new();
    let mut answer = None;
    loop {
        match exchange.step(answer.take()) {
            Ok(Step::Send(request)) => {
                requests.push(request);
                answer = Some(answers.next().expect("the exchange asked for more answers than there are"));
            }
            Ok(Step::Done(output)) => {
                assert!(answers.next().is_none(), "the exchange ended before its last answer");
                return (requests, Ok(output));
            }
            Err(failure) => return (requests, Err(failure)),
        }
    }
}

/// The first request of an exchange.
pub(super) fn first<T>(exchange: &mut dyn Exchange<Output = T>) -> HttpRequest {
    match exchange.step(None) {
        Ok(Step::Send(request)) => request,
        Ok(Step::Done(_)) => panic!("finished without a request"),
        Err(failure) => panic!("{failure}"),
    }
}

/// A request as text: method and URL, headers, body (JSON indented).
pub(super) fn shown(request: &HttpRequest) -> String {
    use std::fmt::Write;
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
    }
    let body = std::str::from_utf8(request.body()).unwrap();
    match serde_json::from_str::<serde_json::Value>(body) {
        Ok(json) => write!(text, "\n{json:#}").unwrap(),
        Err(_) => write!(text, "\n{}", body.replace('&', "\n&")).unwrap(),
    }
    text.trim_end().to_owned()
}

/// What a failure says: what to do, its code, and for how many seconds to wait before another try.
pub(super) fn told(failure: &Failure) -> (&'static str, &str, Option<i64>) {
    let (action, after) = match failure.action {
        Action::Retry { after } => ("retry", after),
        Action::Wait { after } => ("wait", Some(after)),
        Action::Reauthorize => ("reauthorize", None),
        Action::Rejected(_) => ("rejected", None),
        Action::NotFound => ("not found", None),
        Action::Conflict => ("conflict", None),
        Action::Fatal => ("fatal", None),
    };
    (action, &failure.code, after.map(|after| after.num_seconds()))
}
