//! The `CalendarTask` message: read without trusting it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::numbers;
use crate::{
    domain::{
        failure::Failure,
        ids::{ConnectorId, CorrelationId, TaskId},
    },
    sending,
    store::tasks::Asked,
};

/// The longest id a producer may choose, in characters.
const LONGEST_ID: usize = 256;

/// What a task asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum TaskType {
    /// Make sure a good access token is at hand.
    RefreshToken,
    /// When is this account busy?
    CheckAvailability,
    /// When can several people meet?
    FindSlots,
    /// Put an event on the calendar, once.
    CreateEvent,
    /// Change an event.
    UpdateEvent,
    /// Take an event off the calendar.
    CancelEvent,
    /// Keep a slot for a while.
    PlaceHold,
    /// Turn a hold into an event.
    ConfirmHold,
    /// Give a hold up.
    CancelHold,
    /// Revoke the grant and purge the connector.
    Disconnect,
}

impl TaskType {
    /// Every type there is.
    pub const ALL: [Self; 10] = [
        Self::RefreshToken,
        Self::CheckAvailability,
        Self::FindSlots,
        Self::CreateEvent,
        Self::UpdateEvent,
        Self::CancelEvent,
        Self::PlaceHold,
        Self::ConfirmHold,
        Self::CancelHold,
        Self::Disconnect,
    ];

    /// The name in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RefreshToken => "refresh-token",
            Self::CheckAvailability => "check-availability",
            Self::FindSlots => "find-slots",
            Self::CreateEvent => "create-event",
            Self::UpdateEvent => "update-event",
            Self::CancelEvent => "cancel-event",
            Self::PlaceHold => "place-hold",
            Self::ConfirmHold => "confirm-hold",
            Self::CancelHold => "cancel-hold",
            Self::Disconnect => "disconnect",
        }
    }

    /// The inverse of [`TaskType::as_str`], with the rejection a caller understands.
    pub fn parse(name: &str) -> Result<Self, Failure> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Failure::rejected("unknown_task_type", "type", format!("expected one of {known}, got {name:?}"))
        })
    }
}

/// A task as producers write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct CalendarTask {
    /// What is asked for.
    #[serde(rename = "type")]
    pub kind: TaskType,
    /// Of which connector.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = String))]
    pub connector_id: ConnectorId,
    /// The details, by type.
    pub payload: Json,
    /// Informative; attempts are counted in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_count: Option<u32>,
    /// Idempotency key, unique per connector; without one the queue message's id serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<String>))]
    pub id: Option<TaskId>,
    /// Echoed in the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = Option<String>))]
    pub correlation_id: Option<CorrelationId>,
}

/// A message as far as it could be read, and what was wrong with it if anything was.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What was asked, with empty text where the message had nothing usable: enough to record and answer it.
    pub asked: Asked,
    /// Which run of the task it is for: our own messages say so from the first replay on.
    pub run: i64,
    /// Why it cannot be run.
    pub problem: Option<Failure>,
}

/// Reads a message body. `message_id` names the task when the producer did not.
pub fn read(body: &Json, message_id: &str) -> Reading {
    let empty = Map::new();
    let fields = body.as_object().unwrap_or(&empty);
    let mut problem = (!body.is_object())
        .then(|| Failure::refused("not_an_object", format!("expected a JSON object, got {}", kind_of(body))));

    let mut text = |name: &'static str| {
        text_field(fields, name).unwrap_or_else(|failure| {
            problem.get_or_insert(failure);
            None
        })
    };
    let kind = text("type");
    let connector = text("connectorId");
    let id = text("id");
    let correlation = text("correlationId");

    if problem.is_none() {
        problem = if kind.is_none() {
            Some(Failure::rejected("missing_field", "type", "expected the task's type"))
        } else if connector.is_none() {
            Some(Failure::rejected("missing_field", "connectorId", "expected the id of a connector"))
        } else {
            check_payload(fields, connector.as_deref())
        };
    }
    let mut payload = fields.get("payload").cloned().unwrap_or_else(|| Json::Object(Map::new()));
    if let Some(path) = numbers::settle(&mut payload) {
        problem.get_or_insert_with(|| {
            Failure::rejected(
                "out_of_range",
                format!("payload{path}"),
                "expected a number that every reader of JSON can tell from its neighbours: at most 2^53 - 1",
            )
        });
    }
    let run = fields.get("run").and_then(Json::as_i64).unwrap_or(1);
    let mut asked = Asked {
        connector: ConnectorId::new(connector.unwrap_or_default()),
        task: TaskId::new(id.unwrap_or_else(|| message_id.to_owned())),
        kind: kind.unwrap_or_default(),
        payload,
        correlation: correlation.map(CorrelationId::new),
    };
    if sending::size(&write(&asked, run)) > sending::LARGEST_BODY {
        let limit = sending::LARGEST_BODY;
        problem.get_or_insert_with(|| {
            Failure::rejected(
                "task_too_large",
                "payload",
                format!("expected a task of at most {limit} bytes"),
            )
        });
        // Recorded without it: a replay goes through the queue too.
        asked.payload = Json::Object(Map::new());
    }
    let problem = problem.or_else(|| TaskType::parse(&asked.kind).err());
    Reading { asked, run, problem }
}

/// The message that asks for that run of a task again, such that it is recognised as the same task.
pub fn write(asked: &Asked, run: i64) -> Json {
    let mut message = serde_json::json!({
        "type": asked.kind,
        "connectorId": asked.connector,
        "payload": asked.payload,
        "id": asked.task,
    });
    if let Some(correlation) = &asked.correlation {
        message["correlationId"] = Json::from(correlation.as_str());
    }
    if run > 1 {
        message["run"] = Json::from(run);
    }
    message
}

/// A text field that may be missing or null but not empty, overlong or of another kind.
fn text_field(fields: &Map<String, Json>, name: &'static str) -> Result<Option<String>, Failure> {
    match fields.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) if text.is_empty() => {
            Err(Failure::rejected("empty_field", name, "expected some text"))
        }
        Some(Json::String(text)) if text.chars().count() > LONGEST_ID => Err(Failure::rejected(
            "field_too_long",
            name,
            format!("expected at most {LONGEST_ID} characters"),
        )),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(other) => {
            Err(Failure::rejected("wrong_type", name, format!("expected text, got {}", kind_of(other))))
        }
    }
}

/// The payload must be an object (or missing), and if it names a connector too, it must be the same.
fn check_payload(fields: &Map<String, Json>, connector: Option<&str>) -> Option<Failure> {
    match fields.get("payload") {
        None | Some(Json::Null) => None,
        Some(Json::Object(payload)) => match payload.get("connectorId") {
            None | Some(Json::Null) => None,
            Some(Json::String(named)) if Some(named.as_str()) == connector => None,
            Some(_) => Some(Failure::rejected(
                "connector_mismatch",
                "payload.connectorId",
                "expected the same connector as in connectorId",
            )),
        },
        Some(other) => Some(Failure::rejected(
            "wrong_type",
            "payload",
            format!("expected an object, got {}", kind_of(other)),
        )),
    }
}

fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::through_javascript;

    #[test]
    fn a_good_message_is_read_whole() {
        let reading = read(
            &json!({"type": "cancel-hold", "connectorId": "con_1", "payload": {"connectorId": "con_1", "holdId": "h"},
                    "retryCount": 2, "id": "task-1", "correlationId": "booking-7", "unknown": true}),
            "message-1",
        );
        assert_eq!(reading.problem, None);
        assert_eq!(reading.asked.task, TaskId::new("task-1"));
        assert_eq!(reading.asked.correlation, Some(CorrelationId::new("booking-7")));
    }

    #[test]
    fn a_message_without_an_id_is_named_by_the_queue() {
        let reading =
            read(&json!({"type": "refresh-token", "connectorId": "con_1", "payload": {}}), "message-1");
        assert_eq!((reading.problem, reading.asked.task), (None, TaskId::new("message-1")));
    }

    #[test]
    fn each_fault_is_told_with_its_field() {
        let long = "x".repeat(300);
        for (body, code, field) in [
            (json!("text"), "not_an_object", None),
            (json!([1]), "not_an_object", None),
            (json!({}), "missing_field", Some("type")),
            (json!({"type": "refresh-token"}), "missing_field", Some("connectorId")),
            (json!({"type": 3, "connectorId": "c"}), "wrong_type", Some("type")),
            (json!({"type": "refresh-token", "connectorId": ""}), "empty_field", Some("connectorId")),
            (json!({"type": "refresh-token", "connectorId": "c", "id": long}), "field_too_long", Some("id")),
            (
                json!({"type": "refresh-token", "connectorId": "c", "payload": []}),
                "wrong_type",
                Some("payload"),
            ),
            (json!({"type": "fly", "connectorId": "c", "payload": {}}), "unknown_task_type", Some("type")),
            (
                json!({"type": "refresh-token", "connectorId": "c", "payload": {"connectorId": "d"}}),
                "connector_mismatch",
                Some("payload.connectorId"),
            ),
            (
                json!({"type": "refresh-token", "connectorId": "c", "payload": {"list": [{"a": 1_u64 << 53}]}}),
                "out_of_range",
                Some("payload.list[0].a"),
            ),
            (
                json!({"type": "refresh-token", "connectorId": "c", "payload": {"a": "x".repeat(120_000)}}),
                "task_too_large",
                Some("payload"),
            ),
        ] {
            let problem = read(&body, "message-1").problem.unwrap();
            assert_eq!((problem.code.as_ref(), problem.field()), (code, field), "{body}");
        }
    }

    #[test]
    fn what_is_written_reads_back_as_the_same_task() {
        let asked = read(
            &json!({"type": "cancel-hold", "connectorId": "c", "payload": {"holdId": "h"}, "correlationId": "x"}),
            "message-1",
        )
        .asked;
        for run in [1, 2] {
            let reading = Reading { asked: asked.clone(), run, problem: None };
            assert_eq!(read(&write(&asked, run), "message-2"), reading);
        }
    }

    #[test]
    fn a_task_stays_the_same_whatever_a_queue_does_to_its_numbers() {
        let asked = |payload| {
            read(&json!({"type": "refresh-token", "connectorId": "c", "payload": payload}), "message-1").asked
        };
        for payload in
            [json!({"a": 49.0, "b": [-0.0, 0.1]}), json!({"a": 9_007_199_254_740_993_i64, "b": 1e25})]
        {
            let first = asked(payload);
            let later = read(&through_javascript(&write(&first, 1)), "message-2").asked;
            assert_eq!((later.digest(), &later), (first.digest(), &first));
        }
        assert_eq!(asked(json!({"a": 49.0})).digest(), asked(json!({"a": 49})).digest());
    }

    proptest! {
        #[test]
        fn any_json_can_be_read(text in "\\PC{0,40}", number in any::<i64>()) {
            for body in [json!(text), json!({"type": text, "connectorId": number}), json!({"payload": text, "id": [text]})] {
                prop_assert!(read(&body, "message-1").problem.is_some());
            }
        }
    }
}
