//! `fetch` behind the `Http` port.
//!
//! Built on the web types directly: the runtime's own wrapper turns methods it does not know (CalDAV's) into GET, and streams
//! bodies without a length. Redirects are never followed, so that a credential never crosses origins.

use std::rc::Rc;

use bytes::Bytes;
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, Request, RequestInit, RequestRedirect, Response};

use super::cost::Cost;
use crate::ports::{Http, HttpError, HttpRequest, HttpResponse};

/// How long a provider may take to answer, in milliseconds.
const TIMEOUT_MILLIS: u32 = 20_000;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn global_fetch(request: &Request) -> js_sys::Promise;
}

/// The way out of the isolate.
pub struct Fetch(Rc<Cost>);

impl Fetch {
    pub(super) fn new(cost: Rc<Cost>) -> Self {
        Self(cost)
    }
}

impl Http for Fetch {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.0.provider_call();
        exchange(request).await.map_err(|error| {
            let name = js_sys::Reflect::get(&error, &JsValue::from_str("name"))
                .ok()
                .and_then(|name| name.as_string());
            match name.as_deref() {
                Some("TimeoutError" | "AbortError") => HttpError::Timeout,
                // The message may quote the URL, which may hold an address: the name alone tells enough.
                _ => HttpError::Network(name.unwrap_or_else(|| "network error".to_owned())),
            }
        })
    }
}

async fn exchange(request: HttpRequest) -> Result<HttpResponse, JsValue> {
    let (head, body) = request.into_parts();
    let headers = Headers::new()?;
    for (name, value) in &head.headers {
        headers.append(name.as_str(), value.to_str().map_err(|_| JsValue::from_str("header"))?)?;
    }
    let init = RequestInit::new();
    init.set_method(head.method.as_str());
    init.set_headers(&headers);
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT_MILLIS)));
    if !body.is_empty() {
        init.set_body(&Uint8Array::from(body.as_ref()));
    }
    let request = Request::new_with_str_and_init(&head.uri.to_string(), &init)?;
    let response: Response = JsFuture::from(global_fetch(&request)).await?.dyn_into()?;
    let bytes = JsFuture::from(response.array_buffer()?).await?;
    let mut answer = http::Response::builder().status(response.status());
    for entry in response.headers().entries() {
        let entry = js_sys::Array::from(&entry?);
        if let (Some(name), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) {
            answer = answer.header(name, value);
        }
    }
    answer
        .body(Bytes::from(Uint8Array::new(&bytes).to_vec()))
        .map_err(|_| JsValue::from_str("unreadable answer"))
}
