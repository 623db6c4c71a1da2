//! `/batch/calendar/v3`: several calls in one multipart request.
//!
//! <https://developers.google.com/workspace/calendar/api/guides/batch>

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};

use super::Google;
use super::errors::ApiError;
use super::oauth::grants::random;
use super::wire;
use crate::control::dispatch::{Outcome, dispatch};
use crate::control::provider::{Request, Response};

/// The most calls in one batch.
const MOST_PARTS: usize = 1000;

/// One call inside a batch.
struct Part {
    content_id: Option<String>,
    request: Request,
}

/// Answers a batch: each part on its own, the answers in no particular order.
pub async fn batch(google: &Arc<Google>, request: Request) -> Outcome {
    let parts = match read(&request) {
        Ok(parts) => parts,
        Err(error) => return Outcome::Answer(error.into_response()),
    };
    let mut answers = Vec::with_capacity(parts.len());
    for part in parts {
        match dispatch(Arc::clone(google), part.request).await {
            Outcome::Answer(response) => answers.push((part.content_id, response)),
            // A connection cannot be cut for one part alone.
            Outcome::Cut | Outcome::CutBody(_) => return Outcome::Cut,
        }
    }
    // Clients must match answers by Content-ID; so that none gets by without, the order is turned round.
    answers.reverse();
    Outcome::Answer(write(answers))
}

fn read(request: &Request) -> Result<Vec<Part>, ApiError> {
    let boundary = wire::header_text(request.headers(), "content-type")
        .filter(|kind| kind.to_ascii_lowercase().starts_with("multipart/mixed"))
        .and_then(|kind| {
            kind.split(';')
                .find_map(|part| part.trim().strip_prefix("boundary="))
                .map(|b| b.trim_matches('"'))
        })
        .filter(|boundary| !boundary.is_empty())
        .ok_or_else(|| {
            ApiError::bad_request("The batch request needs a multipart/mixed body with a boundary.")
        })?;
    let text = std::str::from_utf8(request.body())
        .map_err(|_| ApiError::bad_request("Failed to parse batch request: it is not UTF-8."))?;
    // Line ends may be bare; so that one way of reading is enough, none is followed by a carriage return.
    let text = format!("\n{}", text.replace("\r\n", "\n"));
    let delimiter = format!("\n--{boundary}");
    let mut sections = text.split(delimiter.as_str());
    sections.next();
    let mut parts = Vec::new();
    for section in sections {
        if section.starts_with("--") {
            break;
        }
        let part = read_part(section.trim_start_matches([' ', '\t']), request)
            .ok_or_else(|| ApiError::bad_request("Failed to parse batch request: a part is malformed."))?;
        parts.push(part);
    }
    if parts.is_empty() {
        return Err(ApiError::bad_request("The batch request is empty."));
    }
    if parts.len() > MOST_PARTS {
        return Err(ApiError::bad_request("The batch request has too many parts."));
    }
    Ok(parts)
}

/// Reads the headers of a part, then the request line, headers and body inside it.
fn read_part(section: &str, outer: &Request) -> Option<Part> {
    let section = section.strip_prefix('\n')?;
    let (outer_head, inner) = section.split_once("\n\n")?;
    let mut content_id = None;
    for line in outer_head.lines() {
        let (name, value) = line.split_once(':')?;
        if name.trim().eq_ignore_ascii_case("content-id") {
            content_id = Some(value.trim().to_owned());
        }
    }
    let inner = inner.trim_start_matches('\n');
    let (head, body) = inner.split_once("\n\n").unwrap_or((inner, ""));
    let mut lines = head.lines();
    let mut request_line = lines.next()?.split_whitespace();
    let (method, target) = (request_line.next()?, request_line.next()?);
    let path = match target.find("://") {
        Some(scheme) => {
            let rest = target.get(scheme + 3..)?;
            rest.get(rest.find('/')?..)?
        }
        None => target,
    };
    let mut builder = http::Request::builder().method(method).uri(path);
    for line in lines {
        let (name, value) = line.split_once(':')?;
        builder = builder.header(name.trim().parse::<HeaderName>().ok()?, value.trim());
    }
    let mut request = builder.body(Bytes::from(body.trim_end_matches('\n').to_owned())).ok()?;
    if let (None, Some(token)) = (request.headers().get(AUTHORIZATION), outer.headers().get(AUTHORIZATION)) {
        let token = token.clone();
        request.headers_mut().insert(AUTHORIZATION, token);
    }
    Some(Part { content_id, request })
}

fn write(answers: Vec<(Option<String>, Response)>) -> Response {
    let boundary = format!("batch_{}", random(24));
    let mut body = Vec::new();
    for (content_id, response) in answers {
        body.extend_from_slice(format!("--{boundary}\r\nContent-Type: application/http\r\n").as_bytes());
        if let Some(id) = content_id {
            let inner = id.trim_start_matches('<').trim_end_matches('>');
            body.extend_from_slice(format!("Content-ID: <response-{inner}>\r\n").as_bytes());
        }
        let reason = response.status().canonical_reason().unwrap_or("");
        let line = format!("\r\nHTTP/1.1 {} {reason}\r\n", response.status().as_u16());
        body.extend_from_slice(line.as_bytes());
        for (name, value) in response.headers() {
            body.extend_from_slice(format!("{name}: ").as_bytes());
            body.extend_from_slice(value.as_bytes());
            body.extend_from_slice(b"\r\n");
        }
        if !response.body().is_empty() {
            body.extend_from_slice(format!("Content-Length: {}\r\n", response.body().len()).as_bytes());
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(response.body());
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let mut response = http::Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::OK;
    if let Ok(kind) = HeaderValue::from_str(&format!("multipart/mixed; boundary={boundary}")) {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outer(body: &str) -> Request {
        http::Request::builder()
            .header("content-type", "multipart/mixed; boundary=\"x\"")
            .header("authorization", "Bearer outer")
            .body(Bytes::from(body.to_owned()))
            .unwrap()
    }

    #[test]
    fn parts_are_read_with_either_line_end() {
        let body = "--x\nContent-Type: application/http\nContent-ID: <a>\n\nGET /calendar/v3/calendars/primary\n\n\
            --x\nContent-Type: application/http\nContent-ID: <b>\n\n\
            POST https://www.googleapis.com/calendar/v3/freeBusy?alt=json HTTP/1.1\nAuthorization: Bearer inner\nContent-Type: application/json\n\n{\"a\":1}\n--x--\n";
        for body in [body.to_owned(), body.replace('\n', "\r\n")] {
            let parts = read(&outer(&body)).unwrap();
            assert_eq!(parts.len(), 2);
            assert_eq!(parts[0].content_id.as_deref(), Some("<a>"));
            assert_eq!(parts[0].request.method(), "GET");
            assert_eq!(parts[0].request.headers()["authorization"], "Bearer outer");
            assert_eq!(parts[1].request.uri(), "/calendar/v3/freeBusy?alt=json");
            assert_eq!(parts[1].request.headers()["authorization"], "Bearer inner");
            assert_eq!(parts[1].request.body().as_ref(), b"{\"a\":1}");
        }
    }

    #[test]
    fn a_malformed_batch_is_refused() {
        assert!(read(&outer("")).is_err());
        assert!(read(&outer("--x\n\nnonsense\n--x--")).is_err());
        let many = "--x\n\n\nGET /calendar/v3/calendars/primary\n\n".repeat(1001);
        assert!(read(&outer(&format!("{many}--x--"))).is_err());
    }
}
