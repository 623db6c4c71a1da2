//! What we tell other services: CloudEvents 1.0 in their JSON form.

pub mod data;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    ids::{ConnectorId, NotificationId},
    time::Timestamp,
};

/// The types of notification there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub enum NotificationType {
    /// A task did what it was asked.
    #[serde(rename = "calendar.task.succeeded")]
    TaskSucceeded,
    /// A task will not be done.
    #[serde(rename = "calendar.task.failed")]
    TaskFailed,
    /// An account was connected, or connected again.
    #[serde(rename = "calendar.connector.connected")]
    ConnectorConnected,
    /// A grant is gone; the person must connect again.
    #[serde(rename = "calendar.connector.reauth_required")]
    ReauthRequired,
    /// An account was disconnected and its rows purged.
    #[serde(rename = "calendar.connector.disconnected")]
    ConnectorDisconnected,
    /// The person granted less than is needed.
    #[serde(rename = "calendar.connector.scopes_insufficient")]
    ScopesInsufficient,
    /// A hold ran out and was taken off the calendar.
    #[serde(rename = "calendar.hold.expired")]
    HoldExpired,
    /// An event had been changed by somebody else.
    #[serde(rename = "calendar.conflict.detected")]
    ConflictDetected,
}

impl NotificationType {
    /// Every type there is.
    pub const ALL: [Self; 8] = [
        Self::TaskSucceeded,
        Self::TaskFailed,
        Self::ConnectorConnected,
        Self::ReauthRequired,
        Self::ConnectorDisconnected,
        Self::ScopesInsufficient,
        Self::HoldExpired,
        Self::ConflictDetected,
    ];

    /// The CloudEvents `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TaskSucceeded => "calendar.task.succeeded",
            Self::TaskFailed => "calendar.task.failed",
            Self::ConnectorConnected => "calendar.connector.connected",
            Self::ReauthRequired => "calendar.connector.reauth_required",
            Self::ConnectorDisconnected => "calendar.connector.disconnected",
            Self::ScopesInsufficient => "calendar.connector.scopes_insufficient",
            Self::HoldExpired => "calendar.hold.expired",
            Self::ConflictDetected => "calendar.conflict.detected",
        }
    }
}

/// One notification, a CloudEvent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct Notification {
    /// Always `1.0`.
    pub specversion: String,
    /// The same on every redelivery: receivers drop what they have seen.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = String))]
    pub id: NotificationId,
    /// Who speaks: this worker.
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: NotificationType,
    /// The connector it is about.
    #[cfg_attr(not(target_arch = "wasm32"), schema(value_type = String))]
    pub subject: ConnectorId,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// What there is to say: a shape of [`data`] in JSON, by type.
    pub data: Value,
}

impl Notification {
    /// The CloudEvents `source` of everything we publish.
    pub const SOURCE: &'static str = "/huddle-calendar-sync";

    /// A notification with the id `id`, which must be derived from what happened and never be random.
    pub fn new(
        id: NotificationId,
        kind: NotificationType,
        subject: ConnectorId,
        at: Timestamp,
        data: Value,
    ) -> Self {
        Self {
            specversion: "1.0".to_owned(),
            id,
            source: Self::SOURCE.to_owned(),
            kind,
            subject,
            time: at.to_rfc3339(),
            datacontenttype: "application/json".to_owned(),
            data,
        }
    }
}
