//! Puts faults, counters and the log around a provider's answer.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::Control;
use super::faults::{Fault, PlainFault, ScriptedAnswer};
use super::provider::{Call, Provider, Request, Response};

/// What becomes of a request.
#[derive(Debug)]
pub enum Outcome {
    /// It is answered.
    Answer(Response),
    /// The connection is cut without a byte of an answer.
    Cut,
    /// The connection is cut half way through the body of this answer.
    CutBody(Response),
}

/// Answers one request, or one part of a batch.
///
/// Boxed because a batch comes back to it from within a provider's answer.
pub fn dispatch<P: Provider>(
    provider: Arc<P>,
    request: Request,
) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
    Box::pin(async move {
        let call = provider.identify(&request);
        let control = provider.control();
        let fault = control.faults().take(&call);
        let number = control.requests().open(
            control.clock.now().to_string(),
            &call,
            &request,
            fault.as_ref().and_then(|fault| serde_json::to_value(fault).ok()),
        );
        control.counters().begin(&call);
        // Also when the client goes away and this future is dropped where it stands.
        let mut open = OpenCall { control, call: &call, number, outcome: "hang".to_owned() };
        let outcome = match fault {
            None => provider.answer(call.clone(), request).await,
            Some(fault) => answer_with_fault(&provider, call.clone(), request, fault).await,
        };
        open.outcome = match &outcome {
            Outcome::Answer(response) => response.status().as_u16().to_string(),
            Outcome::Cut | Outcome::CutBody(_) => "cut".to_owned(),
        };
        drop(open);
        outcome
    })
}

struct OpenCall<'a> {
    control: &'a Control,
    call: &'a Call,
    number: u64,
    outcome: String,
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        let mut counters = self.control.counters();
        counters.answered(self.call, &self.outcome);
        counters.end(self.call);
        drop(counters);
        self.control.requests().close(self.number, &self.outcome);
    }
}

async fn answer_with_fault<P: Provider>(
    provider: &Arc<P>,
    call: Call,
    request: Request,
    fault: Fault,
) -> Outcome {
    match fault {
        Fault::Plain(PlainFault::Hang) => std::future::pending().await,
        Fault::Plain(PlainFault::HangAfter) => {
            let _ = provider.answer(call, request).await;
            std::future::pending().await
        }
        Fault::Plain(PlainFault::Cut) => Outcome::Cut,
        Fault::Plain(PlainFault::CutAfter) => {
            let _ = provider.answer(call, request).await;
            Outcome::Cut
        }
        Fault::Plain(PlainFault::CutBody) => match provider.answer(call, request).await {
            Outcome::Answer(response) => Outcome::CutBody(response),
            other => other,
        },
        // These two are about notifications; a request they happen to match is answered as usual.
        Fault::Plain(PlainFault::Drop | PlainFault::Duplicate) => provider.answer(call, request).await,
        Fault::Scripted(answer) => {
            if let Some(delay) = answer.delay_ms {
                tokio::time::sleep(Duration::from_millis(delay)).await;
            }
            if answer.status.is_none() && answer.body.is_none() {
                return provider.answer(call, request).await;
            }
            if answer.after {
                let _ = provider.answer(call.clone(), request).await;
            }
            Outcome::Answer(scripted(provider.as_ref(), &call, &answer))
        }
    }
}

fn scripted<P: Provider>(provider: &P, call: &Call, answer: &ScriptedAnswer) -> Response {
    let mut response = match &answer.body {
        None => provider.scripted_error(call, answer),
        Some(Value::String(text)) => http::Response::new(Bytes::from(text.clone())),
        Some(value) => {
            let mut response = http::Response::new(Bytes::from(value.to_string()));
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            response
        }
    };
    if let Some(status) = answer.status.and_then(|status| StatusCode::from_u16(status).ok()) {
        *response.status_mut() = status;
    }
    let retry_after = answer.retry_after.as_ref().map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
