//! How what callers get as data reads on a page.

use crate::{
    domain::connector::ConnectorStatus,
    http::{connectors::ConnectorView, task_view::TaskView},
};

impl ConnectorView {
    /// What people recognise the account by.
    pub(super) fn name(&self) -> &str {
        self.account_email.as_deref().unwrap_or(&self.account_id)
    }

    /// The status as a word.
    pub(super) fn status_word(&self) -> &'static str {
        match self.status {
            ConnectorStatus::Active => "active",
            ConnectorStatus::Paused => "paused",
            ConnectorStatus::ReauthRequired => "must connect again",
        }
    }

    /// The status in a sentence.
    pub(super) fn status_sentence(&self) -> &'static str {
        match self.status {
            ConnectorStatus::Active => "Connected and working.",
            ConnectorStatus::Paused => "Paused: its tasks wait until it is resumed.",
            ConnectorStatus::ReauthRequired => {
                "The grant is gone: the person must connect the account again."
            }
        }
    }

    /// The style of the status.
    pub(super) fn tone(&self) -> &'static str {
        match self.status {
            ConnectorStatus::Active => "good",
            ConnectorStatus::Paused => "waiting",
            ConnectorStatus::ReauthRequired => "bad",
        }
    }

    /// Whether it can be paused.
    pub(super) fn can_pause(&self) -> bool {
        self.status == ConnectorStatus::Active
    }

    /// Whether it can be resumed.
    pub(super) fn can_resume(&self) -> bool {
        self.status == ConnectorStatus::Paused
    }

    /// When it was connected, to the minute.
    pub(super) fn since(&self) -> String {
        minute(&self.created_at)
    }
}

impl TaskView {
    /// When its state last changed, to the minute.
    pub(super) fn changed(&self) -> String {
        minute(&self.updated_at)
    }
}

/// An RFC 3339 instant in UTC to the minute: `2026-03-02 09:00`.
pub(super) fn minute(rfc3339: &str) -> String {
    rfc3339.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// An RFC 3339 instant in UTC to the second: `2026-03-02 09:00:00`.
pub(super) fn second(rfc3339: &str) -> String {
    rfc3339.chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}
