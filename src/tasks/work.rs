//! The registry of tasks: from a type and a payload to something that can be run. Adding a task is adding its file, its
//! type in `envelope`, and its lines here.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{
    TaskType, cancel_event::CancelEvent, cancel_hold::CancelHold, check_availability::CheckAvailability,
    confirm_hold::ConfirmHold, create_event::CreateEvent, disconnect::Disconnect, event_fields::EventFields,
    find_slots::FindSlots, place_hold::PlaceHold, refresh_token::RefreshToken, update_event::UpdateEvent,
};
use crate::{
    app::App,
    domain::{
        calendar::Calendar,
        connector::Connector,
        failure::Failure,
        ids::{CalendarId, ConnectorId},
        notification::{Notification, NotificationType},
        time::Timestamp,
    },
    ports::Ports,
    store::{Row, Statement, tasks::Asked},
};

/// One claimed run of a task, before anything was read for it.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// What was asked.
    pub asked: &'a Asked,
    /// The claim's name.
    pub name: &'a str,
    /// When it was taken.
    pub now: Timestamp,
}

/// One run of a task: what was read together with the claim.
pub struct Run<'a, P: Ports> {
    /// The worker.
    pub app: &'a App<P>,
    /// What was asked.
    pub asked: &'a Asked,
    /// The connector it is about.
    pub connector: &'a Connector,
    /// Its calendars.
    pub calendars: &'a [Calendar],
    /// The rows of the task's own [`Task::reads`], one list per statement.
    pub rows: &'a [Vec<Row>],
    /// When the task was first heard of.
    pub asked_at: Timestamp,
    /// Whether an earlier run may have got somewhere: look before doing it again.
    pub repeated: bool,
    /// When this run began.
    pub now: Timestamp,
}

impl<P: Ports> Run<'_, P> {
    /// The calendar to write to: the one asked for, else the preferred one, else the primary one.
    pub fn booking_calendar(&self, asked: Option<&CalendarId>) -> CalendarId {
        asked
            .or(self.connector.preferences.booking_calendar.as_ref())
            .cloned()
            .unwrap_or_else(CalendarId::primary)
    }

    /// Whether that is the account's primary calendar, by whichever name.
    pub fn is_primary(&self, id: &CalendarId) -> bool {
        *id == CalendarId::primary()
            || self.calendars.iter().any(|calendar| calendar.primary && calendar.id == *id)
    }

    /// Whether the account is known to have that calendar, by its id or as the primary one.
    pub fn knows_calendar(&self, id: &CalendarId) -> bool {
        *id == CalendarId::primary() || self.calendars.iter().any(|calendar| calendar.id == *id)
    }
}

/// What a run came to, to be written in one batch with the end of the task.
#[derive(Debug)]
pub struct Done {
    /// The task's result.
    pub result: Json,
    /// What changes in the system of record.
    pub writes: Vec<Statement>,
    /// What else is to be told.
    pub notifications: Vec<Notification>,
    /// Whether to tell that the task succeeded: not for work nobody asked for, such as an expiry.
    pub announce: bool,
}

impl Done {
    /// A result and nothing else.
    pub fn with(result: Json) -> Self {
        Self { result, writes: Vec::new(), notifications: Vec::new(), announce: true }
    }
}

/// A failure that leaves something to be written or told.
#[derive(Debug)]
pub struct Undone {
    /// Why.
    pub failure: Box<Failure>,
    /// What changes in the system of record, if this failure is final.
    pub writes: Vec<Statement>,
    /// What else is to be told, if this failure is final.
    pub notifications: Vec<Notification>,
}

impl From<Failure> for Undone {
    fn from(failure: Failure) -> Self {
        Self { failure: Box::new(failure), writes: Vec::new(), notifications: Vec::new() }
    }
}

impl Undone {
    /// See [`Failure::under`].
    fn under(self, prefix: &str) -> Self {
        Self { failure: Box::new(self.failure.under(prefix)), ..self }
    }
}

/// A notification about the run's connector whose id comes from `subject` parts that are the same on every attempt.
pub fn notification(
    asked: &Asked,
    kind: NotificationType,
    id: String,
    now: Timestamp,
    data: Json,
) -> Notification {
    Notification::new(id.into(), kind, asked.connector.clone(), now, data)
}

/// What a task file provides.
pub trait Task: Sized {
    /// What producers write.
    type Payload: DeserializeOwned;

    /// Checks the payload, all of it, before anything is done. Field paths are relative to the payload.
    fn check(payload: Self::Payload) -> Result<Self, Failure>;

    /// Further connectors it speaks of: whoever sends it over HTTP must reach them.
    fn others(&self) -> &[ConnectorId] {
        &[]
    }

    /// What must be read (or reserved) in the round trip of the claim.
    fn reads(&self, _claim: &Claim<'_>) -> Vec<Statement> {
        Vec::new()
    }

    /// Does it. Called again after a crash at any point, so it must find out what is there already. Field paths are relative
    /// to the payload.
    async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone>;
}

macro_rules! registry {
    ($($task:ident),+ $(,)?) => {
        /// A task ready to be run.
        #[derive(Debug)]
        pub enum Work {
            $(#[doc = concat!("`", stringify!($task), "`, checked.")] $task($task),)+
        }

        impl Work {
            /// Checks a payload; a rejection names the field by its path in the message.
            pub fn parse(asked: &Asked) -> Result<Self, Failure> {
                match TaskType::parse(&asked.kind)? {
                    $(TaskType::$task => read_payload(&asked.payload).and_then($task::check).map(Self::$task),)+
                }
                .map_err(|failure| failure.under("payload"))
            }

            /// See [`Task::others`].
            pub fn others(&self) -> &[ConnectorId] {
                match self {
                    $(Self::$task(task) => task.others(),)+
                }
            }

            /// See [`Task::reads`].
            pub(super) fn reads(&self, claim: &Claim<'_>) -> Vec<Statement> {
                match self {
                    $(Self::$task(task) => task.reads(claim),)+
                }
            }

            /// See [`Task::run`]; a rejection names the field by its path in the message.
            pub(super) async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone> {
                match self {
                    $(Self::$task(task) => task.run(run).await,)+
                }
                .map_err(|undone| undone.under("payload"))
            }
        }
    };
}

registry!(
    RefreshToken,
    CheckAvailability,
    FindSlots,
    CreateEvent,
    UpdateEvent,
    CancelEvent,
    PlaceHold,
    ConfirmHold,
    CancelHold,
    Disconnect,
);

fn path_of(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    Some(error.path().to_string()).filter(|path| path != ".").unwrap_or_default()
}

/// Reads a payload; what does not fit is named by its path, the whole by an empty one.
pub fn read_payload<T: DeserializeOwned>(payload: &Json) -> Result<T, Failure> {
    serde_path_to_error::deserialize(payload).map_err(|error| {
        let (mut path, message) = (path_of(&error), error.inner().to_string());
        // Fields that several payloads have in common are read from a copy, which knows no path: read alone they do.
        if path.is_empty()
            && let Err(within) = serde_path_to_error::deserialize::<_, EventFields>(payload)
            && within.inner().to_string() == message
        {
            path = path_of(&within);
        }
        match message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            Some(field) if path.is_empty() => {
                Failure::rejected("missing_field", field, "this field is required")
            }
            Some(field) => {
                Failure::rejected("missing_field", format!("{path}.{field}"), "this field is required")
            }
            None => Failure::rejected("wrong_type", path, message),
        }
    })
}
