//! `$batch`: up to twenty calls in one, of which four are under way at once, answered in any order and one by one.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use huddle_calendar_sync::ports::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::{answers, api};
use crate::{
    dice::Dice,
    providers::{
        dialect::{Call, Weight},
        wire,
    },
};

const MOST_PARTS: usize = 20;
const AT_ONCE: u32 = 4;

/// As many calls as it has parts.
pub fn weight(request: &HttpRequest) -> Weight {
    let calls = u32::try_from(parts(request).len()).unwrap();
    Weight { calls, width: calls.min(AT_ONCE) }
}

/// Answers each part, the last one first.
pub fn answer(call: &mut Call<'_>) -> HttpResponse {
    let parts = parts(call.request);
    if parts.is_empty() || parts.len() > MOST_PARTS {
        return answers::error(400, "BadRequest", "Invalid batch payload format.");
    }
    let responses: Vec<Value> = parts.iter().rev().map(|part| answer_part(call, part)).collect();
    wire::json(200, &json!({ "responses": responses }))
}

fn answer_part(call: &mut Call<'_>, part: &Value) -> Value {
    let text = |name: &str| part[name].as_str().unwrap_or_default();
    let mut request = http::Request::builder()
        .method(text("method"))
        .uri(format!("https://graph.microsoft.com/v1.0{}", text("url")));
    for (name, value) in part["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let body = if part["body"].is_null() { String::new() } else { part["body"].to_string() };
    let request = request.body(Bytes::from(body)).unwrap();
    let Call { agenda, account, accounts, now, .. } = call;
    let answer = api::answer(&mut Call { agenda, account, accounts, request: &request, now: *now });
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    json!({ "id": part["id"], "status": answer.status().as_u16(), "headers": {}, "body": body })
}

/// Takes the answer of one part away: the mailbox had too many.
pub fn throttled_part(answer: HttpResponse, dice: &Dice) -> (HttpResponse, Option<i64>) {
    let mut batch: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let Some(responses) = batch["responses"].as_array_mut() else { return (answer, None) };
    let wait = dice.between(1, 120);
    let place = dice.place(responses.len());
    responses[place] = json!({
        "id": responses[place]["id"], "status": 429, "headers": { RETRY_AFTER.as_str(): wait.to_string() },
        "body": answers::error_body("ApplicationThrottled", "Application is over its MailboxConcurrency limit."),
    });
    (wire::json(200, &batch), Some(wait))
}

fn parts(request: &HttpRequest) -> Vec<Value> {
    let mut body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    match body["requests"].take() {
        Value::Array(parts) => parts,
        _ => Vec::new(),
    }
}
