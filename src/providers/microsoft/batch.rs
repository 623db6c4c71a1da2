//! `$batch`: several calls in one request. The batch itself is answered with 200 whatever becomes of its parts, which are
//! answered in any order, and throttled and refused one by one.
//!
//! What is refused for now fails the whole exchange, to be tried again as a whole: a throttled mailbox must be left alone,
//! and it is the gate that waits, for all of this mailbox's work.
//!
//! <https://learn.microsoft.com/en-us/graph/json-batching>

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{
    challenge,
    errors::{Operation, classify, read as read_answer},
    requests::graph,
};
use crate::{
    config::BaseUrl,
    domain::{
        claims::Claims,
        failure::{Action, Failure},
    },
    ports::{HttpRequest, HttpResponse},
    providers::Batched,
};

/// The most parts of one batch.
pub(super) const MOST_PARTS: usize = 20;
/// How many parts Graph has under way at once for one mailbox.
const AT_ONCE: u32 = 4;

/// Several requests in one; a part's id is its place.
pub(super) fn request(api: &BaseUrl, parts: &[HttpRequest]) -> Result<HttpRequest, Failure> {
    let requests = parts.iter().enumerate().map(|(place, part)| written(api, place, part));
    let requests = requests.collect::<Option<Vec<Value>>>().ok_or_else(|| {
        Failure::fatal(
            "request_unbuildable",
            "only requests to Graph with JSON bodies can be parts of a batch",
        )
    })?;
    let mut request = graph(Method::POST, api, "/$batch").json(json!({ "requests": requests })).build()?;
    let calls = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    request.extensions_mut().insert(Batched { calls, width: calls.min(AT_ONCE) });
    Ok(request)
}

fn written(api: &BaseUrl, place: usize, part: &HttpRequest) -> Option<Value> {
    let url = part.uri().to_string();
    let headers: Map<String, Value> = part
        .headers()
        .iter()
        .map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())))
        .collect::<Option<_>>()?;
    let mut written = json!({
        "id": place.to_string(),
        "method": part.method().as_str(),
        "url": url.strip_prefix(api.as_str())?,
        "headers": headers,
    });
    if !part.body().is_empty() {
        written["body"] = serde_json::from_slice(part.body()).ok()?;
    }
    Some(written)
}

/// The parts' answers in the order of `operations`, which says what each part attempted; `None` for a part that was not
/// answered. Fails when a part is to be tried again, after the longest wait that any of them asks for.
pub(super) fn read(
    operations: &[Operation],
    response: &HttpResponse,
) -> Result<Vec<Option<Result<Value, Failure>>>, Failure> {
    let mut batch: Value = read_answer(Operation::Calendar, response)?;
    let Some(Value::Array(items)) = batch.get_mut("responses").map(Value::take) else {
        return Err(Failure::fatal("provider_unreadable", "Graph's batch has no responses"));
    };
    let mut answers: Vec<_> = operations.iter().map(|_| None).collect();
    let mut later: Option<Failure> = None;
    for mut item in items {
        let place = item["id"].as_str().and_then(|id| id.parse::<usize>().ok());
        let Some((place, operation)) = place.and_then(|place| Some((place, *operations.get(place)?))) else {
            continue;
        };
        let body = item.get_mut("body").map(Value::take).unwrap_or_default();
        let answer = match item["status"].as_u64() {
            Some(200..300) => Ok(body),
            _ => Err(refusal(operation, &item, &body)),
        };
        match answer {
            Err(failure) if failure.is_retryable() => {
                later = match later {
                    Some(other) if wait(&other) >= wait(&failure) => Some(other),
                    _ => Some(failure),
                };
            }
            answer => answers[place] = Some(answer),
        }
    }
    later.map_or(Ok(answers), Err)
}

/// What an unsuccessful part means. The token was good enough for the batch itself: a part that refuses even a new one, and
/// names no claims ([`challenge`]), is a fault of Graph's, and no reason to ask the person for another.
fn refusal(operation: Operation, item: &Value, body: &Value) -> Failure {
    match classify(operation, &alone(item, body)) {
        Failure { action: Action::Reauthorize, .. } => Failure::retry(
            "provider_unavailable",
            "Graph took a token for a batch and not for its part",
            None,
        ),
        failure => failure,
    }
}

/// Whether a part refuses the token: it may have run out while the batch was on its way.
pub(super) fn refuses_token_in_part(response: &HttpResponse) -> bool {
    holds(response, "401") && parts(response).iter().any(refuses_token)
}

fn refuses_token(item: &Value) -> bool {
    item["status"] == 401
}

/// Whether it is worth taking the answer apart, which will be done once more, for something that hardly any holds.
fn holds(response: &HttpResponse, text: &str) -> bool {
    std::str::from_utf8(response.body()).is_ok_and(|body| body.contains(text))
}

fn parts(response: &HttpResponse) -> Vec<Value> {
    let mut batch = serde_json::from_slice::<Value>(response.body()).unwrap_or_default();
    match batch.get_mut("responses").map(Value::take) {
        Some(Value::Array(parts)) => parts,
        _ => Vec::new(),
    }
}

/// What a part of a batch wants to see proved. Each part has headers of its own, `WWW-Authenticate` among them.
pub(super) fn challenge(response: &HttpResponse) -> Option<Claims> {
    if !holds(response, "insufficient_claims") {
        return None;
    }
    let parts = parts(response);
    let mut refused = parts.iter().filter(|item| refuses_token(item)).map(|item| alone(item, &item["body"]));
    refused.find_map(|refusal| challenge::of(&refusal))
}

/// The answer to a part as if it had been asked for alone.
fn alone(item: &Value, body: &Value) -> HttpResponse {
    let mut response = HttpResponse::new(Bytes::from(body.to_string()));
    let status = item["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    *response.status_mut() = status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in item["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn wait(failure: &Failure) -> Option<chrono::TimeDelta> {
    match failure.action {
        Action::Retry { after } => after,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::providers::microsoft::fixtures::{answer, api_url, json as answered, shown};

    fn part(path: &str) -> HttpRequest {
        graph(Method::GET, &api_url(), path).query("$top", "5").build().unwrap()
    }

    #[test]
    fn parts_are_calls_with_headers_of_their_own() {
        let post =
            graph(Method::POST, &api_url(), "/me/calendar/getSchedule").json(json!({ "schedules": [] }));
        let request = request(&api_url(), &[part("/me/calendars/a%3D/calendarView"), post.build().unwrap()]);
        let request = request.unwrap();
        insta::assert_snapshot!(shown(&request), @r#"
        POST https://graph.microsoft.com/v1.0/$batch
        accept: application/json
        prefer: IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"
        content-type: application/json

        {
          "requests": [
            {
              "headers": {
                "accept": "application/json",
                "prefer": "IdType=\"ImmutableId\", outlook.timezone=\"UTC\", outlook.body-content-type=\"text\""
              },
              "id": "0",
              "method": "GET",
              "url": "/me/calendars/a%3D/calendarView?%24top=5"
            },
            {
              "body": {
                "schedules": []
              },
              "headers": {
                "accept": "application/json",
                "content-type": "application/json",
                "prefer": "IdType=\"ImmutableId\", outlook.timezone=\"UTC\", outlook.body-content-type=\"text\""
              },
              "id": "1",
              "method": "POST",
              "url": "/me/calendar/getSchedule"
            }
          ]
        }
        "#);
        assert_eq!(Batched::of(&request), Batched { calls: 2, width: 2 });
    }

    #[test]
    fn a_batch_counts_as_its_parts_of_which_four_are_under_way_at_once() {
        let parts: Vec<HttpRequest> = (0..MOST_PARTS).map(|_| part("/me")).collect();
        let request = request(&api_url(), &parts).unwrap();
        assert_eq!(Batched::of(&request), Batched { calls: 20, width: 4 });
    }

    #[test]
    fn only_graphs_own_addresses_are_parts() {
        let elsewhere = http::Request::get("https://example.com/v1.0/me").body(Bytes::new()).unwrap();
        assert_eq!(request(&api_url(), &[elsewhere]).unwrap_err().code, "request_unbuildable");
    }

    const OPERATIONS: [Operation; 3] = [Operation::Calendar, Operation::Calendar, Operation::MailboxSettings];

    fn read_parts(responses: Value) -> Result<Vec<Option<Result<Value, Failure>>>, Failure> {
        read(&OPERATIONS, &answered(json!({ "responses": responses })))
    }

    #[test]
    fn answers_are_matched_by_their_ids_and_failures_stay_with_their_parts() {
        let answers = read_parts(json!([
            {"id": "2", "status": 403, "headers": {}, "body": {"error": {"code": "ErrorAccessDenied", "message": "no"}}},
            {"id": "7", "status": 200, "body": {}},
            {"id": "0", "status": 200, "headers": {"Content-Type": "application/json"}, "body": {"value": [1]}},
        ]));
        let answers: Vec<_> = answers
            .unwrap()
            .into_iter()
            .map(|answer| answer.map(|answer| answer.map_err(|failure| failure.code.into_owned())))
            .collect();
        let expected = [Some(Ok(json!({"value": [1]}))), None, Some(Err("scope_missing".to_owned()))];
        assert_eq!(answers, expected);
    }

    #[test]
    fn parts_to_be_tried_again_are_waited_for_as_long_as_the_slowest_asks() {
        let throttled = |id: &str, after: &str| {
            let error = json!({"error": {"code": "ApplicationThrottled", "message": "slow"}});
            json!({"id": id, "status": 429, "headers": {"Retry-After": after}, "body": error})
        };
        let well = json!({"id": "2", "status": 200, "body": {}});
        for responses in [
            json!([throttled("0", "3"), throttled("1", "40"), well]),
            json!([throttled("1", "40"), well, throttled("0", "3")]),
            json!([{"id": "0", "status": 503}, throttled("1", "40")]),
        ] {
            let failure = read_parts(responses).unwrap_err();
            assert_eq!(failure.code, "provider_throttled");
            assert_eq!(failure.action, Action::Retry { after: Some(TimeDelta::seconds(40)) });
        }
    }

    #[test]
    fn parts_that_fail_at_graph_are_tried_again_and_cost_nobody_a_consent() {
        let refused = json!({"error": {"code": "InvalidAuthenticationToken", "message": "expired"}});
        for (status, body) in [(401, refused), (500, Value::Null), (504, json!({})), (503, json!("PGh0bWw+"))]
        {
            let failure = read_parts(json!([{"id": "1", "status": status, "body": body}])).unwrap_err();
            assert_eq!(failure.action, Action::Retry { after: None }, "{status}");
        }
    }

    #[test]
    fn a_part_that_refuses_the_token_is_seen() {
        for (status, sees) in [(401, true), (403, false), (200, false)] {
            let part = json!({"id": "1", "status": status, "body": {"value": ["401"]}});
            let well = json!({"id": "0", "status": 200, "body": {}});
            assert_eq!(
                refuses_token_in_part(&answered(json!({ "responses": [well, part] }))),
                sees,
                "{status}"
            );
        }
        for odd in [json!(null), json!([401]), json!({"responses": 401}), json!({"responses": [401]})] {
            assert!(!refuses_token_in_part(&answered(odd)));
        }
    }

    #[test]
    fn the_first_challenge_of_a_part_is_that_of_the_batch() {
        let claims = |nbf: &str| json!({ "access_token": { "nbf": { "value": nbf } } }).to_string();
        let part = |id: &str, status: u16, error: &str, nbf: &str| {
            let challenge =
                format!("Bearer realm=\"\", error=\"{error}\", claims=\"{}\"", STANDARD.encode(claims(nbf)));
            let body = json!({"error": {"code": "InvalidAuthenticationToken", "message": ""}});
            json!({"id": id, "status": status, "headers": {"Www-Authenticate": challenge}, "body": body})
        };
        let well = json!({"id": "9", "status": 200, "body": {"value": [{"subject": "insufficient_claims"}]}});
        let of = |responses: Value| challenge(&answered(json!({ "responses": responses })));

        let challenged = of(json!([
            well,
            part("0", 401, "invalid_token", "1"),
            part("1", 401, "insufficient_claims", "2"),
            part("2", 401, "insufficient_claims", "3"),
        ]));
        assert_eq!(challenged.unwrap().as_str(), claims("2"));
        assert_eq!(of(json!([well, part("0", 403, "insufficient_claims", "1")])), None);
        assert_eq!(of(json!([well])), None);
        assert_eq!(of(json!("insufficient_claims")), None);
    }

    #[test]
    fn a_batch_that_is_refused_itself_is_no_batch() {
        let refused = json!({"error": {"code": "BadRequest", "message": "Invalid batch payload format."}});
        let failure = read(&OPERATIONS, &answer(400, refused.to_string())).unwrap_err();
        assert_eq!(failure.code, "provider_rejected");
        assert_eq!(read(&OPERATIONS, &answered(json!({}))).unwrap_err().code, "provider_unreadable");
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_error_or_an_answer(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let answer = answer(200, body);
            let _ = read(&OPERATIONS, &answer);
            let _ = challenge(&answer);
        }

        #[test]
        fn any_part_is_an_error_or_an_answer(id in "[0-9]{0,3}", status in any::<i32>(), after in ".{0,9}") {
            let _ = read_parts(json!([{"id": id, "status": status, "headers": {"Retry-After": after}}]));
        }
    }
}
