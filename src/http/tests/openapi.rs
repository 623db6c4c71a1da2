//! `openapi.json` describes the routes there are, in the types they speak. `UPDATE_SCHEMA=1 npm run test:unit -- openapi` writes it anew.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Map, Value as Json, json};
use utoipa::{
    IntoParams, OpenApi,
    openapi::path::{Parameter, ParameterIn},
};

use crate::{
    availability::{meeting::Slots, slot_request::SlotRequest},
    http::{
        access_tokens, admin, availability, connectors, health, history, notifications, preferences, problem,
        task_view, tasks,
    },
    oauth::{connect_link, disconnect},
    tasks::{CalendarTask, tests::shapes},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Calendar sync worker",
        description = "Connect calendars, ask for availability, place holds, write events. Errors are RFC 9457 problem documents with a stable `code`."
    ),
    components(schemas(
        connect_link::ConnectLinkRequest,
        connect_link::ConnectLink,
        access_tokens::AccessTokenRequest,
        access_tokens::AccessTokenAnswer,
        connectors::ConnectorView,
        connectors::ConnectorPage,
        connectors::CalendarList,
        preferences::PreferencesChange,
        history::History,
        disconnect::Disconnection,
        CalendarTask,
        task_view::TaskView,
        notifications::NotificationPage,
        availability::AvailabilityRequest,
        availability::AvailabilityAnswer,
        SlotRequest,
        Slots,
        admin::RotationRequest,
        admin::Rotation,
        health::Health,
        problem::ProblemBody<'_>,
    ))
)]
struct Document;

/// Who may call an operation.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Who {
    /// The API key or an access token.
    Caller,
    /// The API key.
    Operator,
    /// Everybody.
    Anybody,
}

/// One operation.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    summary: &'static str,
    pub(super) who: Who,
    query: Vec<Parameter>,
    body: Option<&'static str>,
    /// Status and the schema of its body, by name; `text/…` for what is no JSON; nothing for a redirect.
    success: (u16, Option<&'static str>),
    /// The same for what is not done yet or not well, where that can be.
    otherwise: Option<(u16, Option<&'static str>)>,
}

fn operation(
    method: &'static str,
    path: &'static str,
    who: Who,
    summary: &'static str,
    body: Option<&'static str>,
    success: (u16, Option<&'static str>),
) -> Operation {
    Operation { method, path, summary, who, query: Vec::new(), body, success, otherwise: None }
}

fn query<T: IntoParams>() -> Vec<Parameter> {
    T::into_params(|| Some(ParameterIn::Query))
}

pub(super) fn operations() -> Vec<Operation> {
    use Who::{Anybody, Caller, Operator};
    let with = |query, operation| Operation { query, ..operation };
    vec![
        operation(
            "post",
            "/v1/connect-links",
            Operator,
            "A signed link that lets one person connect one account; lives 15 minutes",
            Some("ConnectLinkRequest"),
            (201, Some("ConnectLink")),
        ),
        operation(
            "get",
            "/oauth/{provider}/start",
            Anybody,
            "Sends the holder of a connect link to the provider",
            None,
            (302, None),
        ),
        operation(
            "get",
            "/oauth/{provider}/callback",
            Anybody,
            "Takes the browser back from the provider",
            None,
            (302, None),
        ),
        operation(
            "get",
            "/oauth/{provider}/admin-consent",
            Anybody,
            "Sends an administrator, who holds a connect link or the link of the page that asks for approval, to the provider",
            None,
            (302, None),
        ),
        operation(
            "get",
            "/oauth/{provider}/admin-consent/callback",
            Anybody,
            "Takes an administrator back from the provider",
            None,
            (200, Some("text/html")),
        ),
        operation(
            "get",
            "/connected",
            Anybody,
            "The page for people whose product has none",
            None,
            (200, Some("text/html")),
        ),
        operation(
            "post",
            "/v1/access-tokens",
            Operator,
            "A short-lived bearer for one user or workspace",
            Some("AccessTokenRequest"),
            (201, Some("AccessTokenAnswer")),
        ),
        with(
            query::<connectors::ConnectorQuery>(),
            operation(
                "get",
                "/v1/connectors",
                Caller,
                "The connectors the caller reaches",
                None,
                (200, Some("ConnectorPage")),
            ),
        ),
        operation("get", "/v1/connectors/{id}", Caller, "One connector", None, (200, Some("Connector"))),
        operation(
            "patch",
            "/v1/connectors/{id}",
            Caller,
            "Changes preferences",
            Some("PreferencesChange"),
            (200, Some("Connector")),
        ),
        Operation {
            otherwise: Some((202, Some("Task"))),
            ..operation(
                "delete",
                "/v1/connectors/{id}",
                Caller,
                "Revokes the grant and purges the rows; 202 with the task when the provider does not answer",
                None,
                (200, Some("Disconnection")),
            )
        },
        operation(
            "post",
            "/v1/connectors/{id}/pause",
            Caller,
            "Lets its tasks wait",
            None,
            (200, Some("Connector")),
        ),
        operation(
            "post",
            "/v1/connectors/{id}/resume",
            Caller,
            "Lets its tasks go on",
            None,
            (200, Some("Connector")),
        ),
        operation(
            "get",
            "/v1/connectors/{id}/calendars",
            Caller,
            "Its calendars",
            None,
            (200, Some("CalendarList")),
        ),
        with(
            query::<connectors::HistoryQuery>(),
            operation(
                "get",
                "/v1/connectors/{id}/history",
                Caller,
                "What happened to it, newest first",
                None,
                (200, Some("History")),
            ),
        ),
        operation(
            "post",
            "/v1/tasks",
            Caller,
            "Puts a task on the queue",
            Some("CalendarTask"),
            (202, Some("Task")),
        ),
        with(
            query::<tasks::TaskQuery>(),
            operation("get", "/v1/tasks/{id}", Caller, "Where a task stands", None, (200, Some("Task"))),
        ),
        with(
            query::<tasks::TaskQuery>(),
            operation(
                "post",
                "/v1/tasks/{id}/replay",
                Caller,
                "Runs a failed or dead task again, safely",
                None,
                (202, Some("Task")),
            ),
        ),
        operation(
            "post",
            "/v1/availability",
            Caller,
            "When accounts are busy, for somebody who waits",
            Some("AvailabilityRequest"),
            (200, Some("AvailabilityAnswer")),
        ),
        operation(
            "post",
            "/v1/slots",
            Caller,
            "When people can meet, for somebody who waits",
            Some("FindSlotsPayload"),
            (200, Some("Slots")),
        ),
        with(
            query::<notifications::NotificationQuery>(),
            operation(
                "get",
                "/v1/notifications",
                Caller,
                "What was published on notify-tasks, newest last",
                None,
                (200, Some("NotificationPage")),
            ),
        ),
        operation(
            "post",
            "/v1/admin/rotate-key",
            Operator,
            "Seals a batch of refresh tokens under the current key",
            Some("RotationRequest"),
            (200, Some("Rotation")),
        ),
        operation("get", "/metrics", Operator, "Counters for Prometheus", None, (200, Some("text/plain"))),
        Operation {
            otherwise: Some((503, Some("Health"))),
            ..operation(
                "get",
                "/healthz",
                Anybody,
                "Whether the worker can work; 503 and what is missing, if not",
                None,
                (200, Some("Health")),
            )
        },
        operation("get", "/openapi.json", Anybody, "This document", None, (200, Some("application/json"))),
    ]
}

/// Pages and forms of the dashboard are for people, not for programs.
fn is_for_people(path: &str) -> bool {
    path == "/" || path.starts_with("/dashboard") || path.starts_with("/assets") || path.starts_with("/sign-")
}

fn describe(operation: &Operation, schemas: &Map<String, Json>) -> Json {
    let reference = |name: &str| {
        assert!(schemas.contains_key(name), "{name} is no schema: {:?}", schemas.keys());
        json!({ "$ref": format!("#/components/schemas/{name}") })
    };
    let mut parameters: Vec<Json> = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(operation.query.iter().map(|parameter| serde_json::to_value(parameter).unwrap()));
    let content = |body: Option<&str>| match body {
        None => json!({ "description": "Onwards" }),
        Some(kind) if kind.contains('/') => json!({ "description": "The answer", "content": { kind: {} } }),
        Some(name) => {
            json!({ "description": "The answer", "content": { "application/json": { "schema": reference(name) } } })
        }
    };
    let problem = json!({ "description": "What went wrong, as a problem document",
        "content": { "application/problem+json": { "schema": reference("Problem") } } });
    let mut responses = json!({ "default": problem });
    for (status, body) in [operation.success].into_iter().chain(operation.otherwise) {
        responses[status.to_string()] = content(body);
    }
    let mut described = json!({
        "summary": operation.summary,
        "operationId": format!("{}_{}", operation.method, operation.path.trim_matches('/').replace(['/', '{', '}', '-', '.'], "_")),
        "parameters": parameters,
        "responses": responses,
        "security": match operation.who {
            Who::Caller => json!([{ "apiKey": [] }, { "accessToken": [] }]),
            Who::Operator => json!([{ "apiKey": [] }]),
            Who::Anybody => json!([]),
        },
    });
    if let Some(body) = operation.body {
        described["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": reference(body) } } });
    }
    described
}

fn document() -> Json {
    let mut document = serde_json::to_value(Document::openapi()).unwrap();
    let schemas = document["components"]["schemas"].as_object_mut().unwrap();
    schemas.extend(shapes::told());
    schemas["Task"]["properties"]["result"] = shapes::any_result();
    let schemas = schemas.clone();
    for operation in operations() {
        document["paths"][operation.path][operation.method] = describe(&operation, &schemas);
    }
    document["components"]["securitySchemes"] = json!({
        "apiKey": { "type": "http", "scheme": "bearer", "description": "The operator's API key" },
        "accessToken": { "type": "http", "scheme": "bearer", "description": "A token of POST /v1/access-tokens" },
    });
    document
}

#[test]
fn the_published_description_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let text = format!("{:#}\n", document());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == text,
        "openapi.json is out of date: run `npm run schema`"
    );
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let router = include_str!("../router.rs");
    let routes: BTreeSet<&str> = router
        .split(".route(")
        .skip(1)
        .filter_map(|rest| rest.split('"').nth(1))
        .filter(|path| !is_for_people(path))
        .collect();
    let described: BTreeSet<&str> = operations().iter().map(|operation| operation.path).collect();
    assert_eq!(described, routes);
}
