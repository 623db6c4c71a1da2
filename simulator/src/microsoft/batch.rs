//! `$batch`: up to twenty requests in one, at most four of them at the same time, answered in no particular order.
//!
//! The batch itself is answered with 200 whatever becomes of its parts; each part is throttled and fails on its own, and
//! what depends on a failed part fails with 424.
//!
//! <https://learn.microsoft.com/en-us/graph/json-batching>

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

use super::Microsoft;
use super::errors::{ApiError, Stamp};
use super::wire;
use crate::control::dispatch::{Outcome, dispatch};
use crate::control::provider::{Provider as _, Request, Response};

/// The most parts.
const MOST_PARTS: usize = 20;
/// Parts that Graph sends to Outlook at the same time.
const AT_ONCE: usize = 4;

/// One request inside a batch.
struct Part {
    id: String,
    depends_on: Vec<String>,
    request: Request,
}

/// Answers a batch.
pub async fn batch(microsoft: &Arc<Microsoft>, request: &Request) -> Outcome {
    let stamp = Stamp::of(request, microsoft.control().clock.now());
    let authorised = {
        let token = wire::bearer_token(request.headers());
        token.ok_or_else(ApiError::token_missing).and_then(|token| {
            let known = microsoft.world().grants.access(token).is_some();
            if known { Ok(()) } else { Err(ApiError::token_invalid()) }
        })
    };
    let parts = match authorised.and_then(|()| read(request)) {
        Ok(parts) => parts,
        Err(error) => return Outcome::Answer(error.into_response(&stamp)),
    };
    match run(microsoft, parts).await {
        Some(mut answers) => {
            // Clients must match answers by id; so that none gets by without, the order is turned round.
            answers.reverse();
            Outcome::Answer(stamp.onto(wire::json(StatusCode::OK, &json!({ "responses": answers }))))
        }
        None => Outcome::Cut,
    }
}

/// Runs the parts as their dependencies allow; `None` when a connection is to be cut.
async fn run(microsoft: &Arc<Microsoft>, mut waiting: Vec<Part>) -> Option<Vec<Value>> {
    let mut answers = Vec::new();
    let mut statuses: BTreeMap<String, u16> = BTreeMap::new();
    let mut running = FuturesUnordered::new();
    loop {
        let mut index = 0;
        while index < waiting.len() && running.len() < AT_ONCE {
            let known = |id: &String| statuses.get(id).copied();
            let part = &waiting[index];
            if part.depends_on.iter().any(|id| known(id).is_some_and(|status| status >= 400)) {
                let part = waiting.remove(index);
                answers.push(failed_dependency(&part.id));
                statuses.insert(part.id, 424);
                // What was skipped before may depend on this one.
                index = 0;
            } else if part.depends_on.iter().all(|id| known(id).is_some()) {
                let part = waiting.remove(index);
                let outcome = dispatch(Arc::clone(microsoft), part.request);
                running.push(async move { (part.id, outcome.await) });
            } else {
                index += 1;
            }
        }
        match running.next().await {
            Some((id, Outcome::Answer(response))) => {
                statuses.insert(id.clone(), response.status().as_u16());
                answers.push(render(&id, &response));
            }
            // A connection cannot be cut for one part alone.
            Some(_) => return None,
            None => return Some(answers),
        }
    }
}

fn failed_dependency(id: &str) -> Value {
    let error = json!({ "error": { "code": "FailedDependency", "message": "" } });
    json!({ "id": id, "status": 424, "headers": { "Content-Type": "application/json" }, "body": error })
}

fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "BadRequest", message)
}

fn read(request: &Request) -> Result<Vec<Part>, ApiError> {
    let body = wire::json_object(request.body())?;
    let requests = body
        .get("requests")
        .and_then(Value::as_array)
        .filter(|requests| !requests.is_empty())
        .ok_or_else(|| bad("Invalid batch payload format."))?;
    if requests.len() > MOST_PARTS {
        return Err(ApiError::new(
            400,
            "MaximumValueExceeded",
            format!("Number of batch request steps exceeds the maximum value of {MOST_PARTS}."),
        ));
    }
    let mut ids = BTreeSet::new();
    let parts = requests
        .iter()
        .map(|part| {
            let part = read_part(request, part)?;
            if !ids.insert(part.id.to_ascii_lowercase()) {
                return Err(bad(format!("Invalid batch request: the id '{}' is used twice.", part.id)));
            }
            Ok(part)
        })
        .collect::<Result<Vec<_>, _>>()?;
    check_dependencies(&parts)?;
    Ok(parts)
}

/// Dependencies must be in the batch, and earlier in it, so that there is no circle.
fn check_dependencies(parts: &[Part]) -> Result<(), ApiError> {
    let mut before = BTreeSet::new();
    for part in parts {
        if let Some(unknown) = part.depends_on.iter().find(|id| !before.contains(*id)) {
            return Err(bad(format!(
                "Invalid batch request: '{}' depends on '{unknown}', which does not come before it.",
                part.id
            )));
        }
        before.insert(part.id.clone());
    }
    Ok(())
}

fn read_part(batch: &Request, value: &Value) -> Result<Part, ApiError> {
    let text = |name: &str| {
        value[name]
            .as_str()
            .ok_or_else(|| bad(format!("Invalid batch payload format: a request lacks '{name}'.")))
    };
    let id = text("id")?.to_owned();
    let method: Method =
        text("method")?.parse().map_err(|_| bad("Invalid batch payload format: unknown method."))?;
    let url = text("url")?;
    let url = url.strip_prefix('/').unwrap_or(url);
    let mut request = http::Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = format!("/v1.0/{url}")
        .replace(' ', "%20")
        .parse()
        .map_err(|_| bad(format!("Invalid URL in the request '{id}'.")))?;
    for name in [AUTHORIZATION, HOST, HeaderName::from_static("x-forwarded-proto")] {
        if let Some(value) = batch.headers().get(&name) {
            request.headers_mut().insert(name, value.clone());
        }
    }
    for (name, value) in value["headers"].as_object().into_iter().flatten() {
        if let (Ok(name), Some(Ok(value))) =
            (name.parse::<HeaderName>(), value.as_str().map(HeaderValue::from_str))
        {
            request.headers_mut().insert(name, value);
        }
    }
    match &value["body"] {
        Value::Null => {}
        _ if !request.headers().contains_key(CONTENT_TYPE) => {
            return Err(bad(format!(
                "Write request id : {id} does not contain Content-Type header or body."
            )));
        }
        Value::String(encoded) => {
            let bytes =
                STANDARD.decode(encoded).map_err(|_| bad("A body that is no JSON must be in base64."))?;
            *request.body_mut() = Bytes::from(bytes);
        }
        body => *request.body_mut() = Bytes::from(body.to_string()),
    }
    let depends_on = value["dependsOn"].as_array().into_iter().flatten();
    let depends_on = depends_on.filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(Part { id, depends_on, request })
}

fn render(id: &str, response: &Response) -> Value {
    let headers: Map<String, Value> = response
        .headers()
        .iter()
        .filter(|(name, _)| !name.as_str().starts_with("x-ms-"))
        .filter_map(|(name, value)| Some((title_case(name.as_str()), value.to_str().ok()?.into())))
        .collect();
    let mut shown = json!({ "id": id, "status": response.status().as_u16(), "headers": headers });
    if !response.body().is_empty() {
        shown["body"] = serde_json::from_slice(response.body())
            .unwrap_or_else(|_| Value::String(STANDARD.encode(response.body())));
    }
    shown
}

/// `retry-after` becomes `Retry-After`, as Graph writes it inside a batch.
fn title_case(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
            .unwrap_or_default()
    };
    if name.ends_with("request-id") {
        name.to_owned()
    } else {
        name.split('-').map(word).collect::<Vec<_>>().join("-")
    }
}
