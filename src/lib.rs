//! The calendar sync worker: Google and Microsoft calendars behind one queue and one HTTP API, on Cloudflare Workers.
//!
//! Data flows one way: entry (`http`, `tasks`) -> service (`oauth`, `availability`, `gate`) -> `providers` and `store`,
//! all in terms of `domain`. Only `platform` and this file know the Workers runtime. ARCHITECTURE.md has the map.

pub mod app;
pub mod availability;
pub mod backoff;
pub mod config;
pub mod cron;
pub mod domain;
pub mod gate;
pub mod http;
pub mod oauth;
pub mod outbox;
pub mod pausing;
pub mod platform;
pub mod ports;
pub mod providers;
pub mod reauthorization;
pub mod sending;
pub mod session;
pub mod signing;
pub mod store;
pub mod tasks;
#[cfg(all(not(target_arch = "wasm32"), any(test, feature = "testing")))]
pub mod testing;
pub mod tokens;
pub mod vault;

use std::rc::Rc;

use tower::ServiceExt;
use wasm_bindgen::JsValue;
use worker::{Context, Env, HttpRequest, MessageBatch, ScheduleContext, ScheduledEvent, event};

use self::platform::queue::Delivery;

/// Once per isolate.
#[event(start)]
fn start() {
    platform::log::install();
}

/// Answers every HTTP request.
#[event(fetch)]
async fn fetch(
    request: HttpRequest,
    env: Env,
    _context: Context,
) -> worker::Result<::http::Response<axum::body::Body>> {
    match platform::metered(&env) {
        Ok((app, cost)) => {
            let entry = format!("{} {}", request.method(), request.uri().path());
            let Ok(response) = http::router(Rc::new(app)).oneshot(request).await;
            cost.log(&entry);
            Ok(response)
        }
        Err(error) => {
            let Ok(response) = http::unconfigured(&error).oneshot(request).await;
            Ok(response)
        }
    }
}

/// Consumes every queue this worker is bound to. Never an error: that would bring the whole batch back.
#[event(queue)]
async fn queue(batch: MessageBatch<JsValue>, env: Env, _context: Context) -> worker::Result<()> {
    let delivery = Delivery::new(&batch);
    match platform::metered(&env) {
        Ok((app, cost)) => {
            delivery.consume(&app, &batch.queue()).await;
            cost.log(&batch.queue());
        }
        Err(error) => delivery.postpone(&error),
    }
    Ok(())
}

/// Enqueues what is due.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    match platform::metered(&env) {
        Ok((app, cost)) => {
            cron::tick(&app).await;
            cost.log("cron");
        }
        Err(error) => tracing::error!(%error, "cron tick without settings"),
    }
}
