//! How each [`Breakage`] is done: statements and requests are changed on their way out of the worker.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use bytes::Bytes;
use http::Method;
use huddle_calendar_sync::{
    ports::HttpRequest,
    store::{Statement, Value},
    testing::SqliteDb,
};
use serde_json::Value as Json;

use crate::{
    breakage::Breakage,
    kernel::Kernel,
    ports::database::{now, text},
};

/// How long a rotated token is kept back, in milliseconds.
const LATE_MILLIS: i64 = 30_000;

/// The statements as the database gets them.
pub fn statements(
    breakage: Breakage,
    statements: Vec<Statement>,
    kernel: &Kernel,
    sqlite: &Rc<SqliteDb>,
) -> Vec<Statement> {
    if breakage == Breakage::Nothing {
        return statements;
    }
    statements.into_iter().map(|statement| spoil(breakage, statement, kernel, sqlite)).collect()
}

fn spoil(breakage: Breakage, mut statement: Statement, kernel: &Kernel, sqlite: &Rc<SqliteDb>) -> Statement {
    match (breakage, statement.name) {
        (Breakage::BlindReservations, "holds.reserve") => statement.values[10] = Value::Integer(0),
        (Breakage::GreedyExpiry, "holds.begin_cancel") => {
            rewrite(&mut statement, "(state = 'held' OR", "(state IN ('held', 'confirmed') OR");
        }
        (Breakage::GreedyExpiry, "holds.expired") => {
            rewrite(&mut statement, "'confirming',", "'confirming', 'confirmed',");
            statement.name = "sabotage.expired";
        }
        (Breakage::DroppedOutbox, "outbox.insert_if_claimed") => nothing(&mut statement),
        (Breakage::UnmarkedGrant, "connectors.require_reauthorization") => nothing(&mut statement),
        (Breakage::OpenVault, "connectors.connect") => {
            statement.values[7] = Value::from(format!("1//0{}", crate::providers::grants::SECRET_MARK));
        }
        (Breakage::LateRotation, "connectors.refreshed") if statement.values[2] != Value::Null => {
            let (late, sqlite, machine) = (statement.clone(), Rc::clone(sqlite), kernel.clone());
            kernel.spawn(kernel.isolate("late write"), async move {
                machine.sleep(LATE_MILLIS).await;
                now(huddle_calendar_sync::ports::Db::batch(&*sqlite, vec![late])).unwrap();
            });
            statement.values[2] = Value::Null;
        }
        (Breakage::ReusableState, "oauth_state.consume") => {
            rewrite(&mut statement, ", code_verifier = NULL", "");
            rewrite(&mut statement, " AND consumed_at IS NULL", "");
        }
        (Breakage::EternalState, "oauth_state.get") => {
            rewrite(&mut statement, "SELECT *", "SELECT *, expires_at + 86400 AS expires_at");
        }
        (Breakage::CostlyWaiting, "tasks.requeue") => statement.values[5] = Value::Integer(1),
        (Breakage::RepeatedAlarm, "outbox.insert_if_reauth_required") => {
            let id = format!("{}:{}", text(&statement, 0), kernel.now().as_millis());
            let mut body: Json = serde_json::from_str(&text(&statement, 5)).unwrap();
            body["id"] = Json::from(id.clone());
            statement.values[0] = Value::from(id);
            statement.values[5] = Value::from(body.to_string());
        }
        (Breakage::UnscopedLists, "connectors.list") => {
            statement.values[0] = Value::Null;
            statement.values[1] = Value::Null;
        }
        (Breakage::UnscopedLists, "tasks.find" | "outbox.list") => {
            statement.values[2] = Value::Null;
            statement.values[3] = Value::Null;
        }
        (Breakage::SharedClaims, "tasks.claim") => {
            rewrite(&mut statement, "AND tasks.claimed_until <= excluded.updated_at", "");
        }
        (Breakage::SharedClaims, "tasks.finish") => rewrite(&mut statement, "claim = ?3", "?3 = ?3"),
        _ => {}
    }
    statement
}

/// Puts other words into a statement.
fn rewrite(statement: &mut Statement, old: &str, new: &str) {
    thread_local! {
        static REWRITTEN: RefCell<BTreeMap<String, &'static str>> = RefCell::default();
    }
    let sql = statement.sql.replace(old, new);
    assert_ne!(sql, statement.sql, "{} no longer says {old:?}", statement.name);
    statement.sql = REWRITTEN.with_borrow_mut(|known| {
        let kept: &mut &'static str =
            known.entry(sql.clone()).or_insert_with(|| Box::leak(sql.into_boxed_str()));
        *kept
    });
}

/// Takes all effect from a statement.
fn nothing(statement: &mut Statement) {
    statement.sql = "SELECT 1 AS it WHERE 0";
    statement.values.clear();
}

/// A request as the provider gets it.
pub fn request(breakage: Breakage, request: HttpRequest) -> HttpRequest {
    let path = request.uri().path();
    match breakage {
        Breakage::AnonymousCreations if path.ends_with("/events") && request.method() == Method::POST => {
            edited(request, |body| {
                let body = body.as_object_mut().unwrap();
                body.remove("id");
                body.remove("transactionId");
            })
        }
        // Nor is it found by its key.
        Breakage::AnonymousCreations if path.ends_with("/events") => readdressed(request, "%27", "%27lost"),
        // Whoever asks when somebody is busy hears of another year.
        Breakage::BlindReservations
            if ["/freeBusy", "/getSchedule", "/calendarView", "/$batch"]
                .iter()
                .any(|end| path.ends_with(end)) =>
        {
            let (head, body) = readdressed(request, "2026-", "2001-").into_parts();
            let body = String::from_utf8_lossy(&body).replace("2026-", "2001-");
            http::Request::from_parts(head, Bytes::from(body))
        }
        Breakage::ForgetfulEvents if request.method() == Method::PATCH => edited(request, |body| {
            let forget = |value: &mut Json| {
                let last = value.as_str().and_then(|changes| changes.split(',').next()).unwrap_or_default();
                *value = Json::from(last);
            };
            let properties = body.get_mut("extendedProperties").map(|all| &mut all["private"]);
            let properties = properties.and_then(Json::as_object_mut).into_iter().flatten();
            properties.for_each(|(_, value)| forget(value));
            let properties = body.get_mut("singleValueExtendedProperties").and_then(Json::as_array_mut);
            properties.into_iter().flatten().for_each(|property| forget(&mut property["value"]));
        }),
        Breakage::TalkativeLog => {
            tracing::info!(body = %String::from_utf8_lossy(request.body()), "request");
            request
        }
        _ => request,
    }
}

fn readdressed(mut request: HttpRequest, old: &str, new: &str) -> HttpRequest {
    *request.uri_mut() = request.uri().to_string().replace(old, new).parse().unwrap();
    request
}

fn edited(request: HttpRequest, edit: impl FnOnce(&mut Json)) -> HttpRequest {
    let (head, body) = request.into_parts();
    let mut body: Json = serde_json::from_slice(&body).unwrap();
    edit(&mut body);
    http::Request::from_parts(head, Bytes::from(body.to_string()))
}
