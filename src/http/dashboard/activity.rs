//! What happened to a connector lately, as a part of its page that is fetched again every few seconds.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::Value;

use super::{session::Session, wording::second};
use crate::{
    app::App,
    domain::{failure::Failure, ids::ConnectorId, notification::NotificationType},
    http::{
        body::Segments,
        history::{self, Happening, HistoryEntry},
        pages::{Page, error_page},
        state::{Shared, local},
    },
    ports::Ports,
    store::tasks::TaskState,
};

/// How many entries are shown.
const SHOWN: u32 = 30;

/// One thing that happened, ready to be shown.
pub(super) struct Item {
    /// Names it from one fetch to the next.
    pub key: String,
    /// When, in UTC.
    pub at: String,
    /// What kind of thing, such as a task's type.
    pub title: String,
    /// How it stands, as a word and a colour's name.
    pub badge: &'static str,
    /// The badge's style: `good`, `bad` or `waiting`.
    pub tone: &'static str,
    /// A sentence about it.
    pub summary: String,
    /// All there is to say, as JSON.
    pub details: String,
    /// The id to replay it by, if it can be.
    pub replay: Option<String>,
}

#[derive(Template)]
#[template(path = "activity.html")]
pub(super) struct Activity {
    pub connector: String,
    pub form_token: String,
    pub items: Vec<Item>,
}

/// `GET /dashboard/connectors/{id}/activity`
pub(super) async fn show<P: Ports>(
    State(app): State<Shared<P>>,
    session: Session,
    Segments(id): Segments<String>,
) -> Response {
    local(async move {
        match read(&app, &id.into(), session.form_token).await {
            Ok(activity) => Page(StatusCode::OK, activity).into_response(),
            Err(failure) => error_page(&failure.into()),
        }
    })
    .await
}

/// The latest of a connector.
pub(super) async fn read<P: Ports>(
    app: &App<P>,
    id: &ConnectorId,
    form_token: String,
) -> Result<Activity, Failure> {
    let history = history::read(app, id, SHOWN).await?;
    let items = history.entries.into_iter().map(item).collect();
    Ok(Activity { connector: id.as_str().to_owned(), form_token, items })
}

fn item(entry: HistoryEntry) -> Item {
    let at = second(&entry.at);
    match entry.what {
        Happening::Task { task } => {
            let (badge, tone) = match task.state {
                TaskState::Queued => ("queued", "waiting"),
                TaskState::Running => ("running", "waiting"),
                TaskState::Succeeded => ("succeeded", "good"),
                TaskState::Failed => ("failed", "bad"),
                TaskState::Dead => ("given up", "bad"),
            };
            let outcome = task.result.as_ref().or(task.error.as_ref());
            Item {
                key: task.task_id.clone(),
                at,
                summary: summary(&task.kind, task.result.as_ref(), task.error.as_ref()),
                details: outcome.map(pretty).unwrap_or_default(),
                replay: matches!(task.state, TaskState::Failed | TaskState::Dead)
                    .then(|| task.task_id.clone()),
                title: task.kind,
                badge,
                tone,
            }
        }
        Happening::Notification { notification } => Item {
            key: notification.id.as_str().to_owned(),
            at,
            title: notification.kind.as_str().to_owned(),
            badge: "announced",
            tone: match notification.kind {
                NotificationType::ReauthRequired | NotificationType::ScopesInsufficient => "bad",
                NotificationType::ConnectorConnected => "good",
                _ => "waiting",
            },
            summary: String::new(),
            details: pretty(&notification.data),
            replay: None,
        },
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// What came of a task, in a few words.
fn summary(kind: &str, result: Option<&Value>, error: Option<&Value>) -> String {
    if let Some(error) = error {
        let field = error["field"].as_str().map(|field| format!(" ({field})")).unwrap_or_default();
        return format!("{}{field}", error["message"].as_str().unwrap_or_default());
    }
    let Some(result) = result else { return String::new() };
    match kind {
        "check-availability" => match result["busy"].as_array().map(Vec::len) {
            Some(1) => "busy once in this time".to_owned(),
            Some(count) => format!("busy {count} times in this time"),
            None => String::new(),
        },
        _ => [("holdId", "hold"), ("eventId", "event"), ("expiresAt", "good until")]
            .iter()
            .find_map(|(name, word)| result[*name].as_str().map(|value| format!("{word} {value}")))
            .unwrap_or_default(),
    }
}
