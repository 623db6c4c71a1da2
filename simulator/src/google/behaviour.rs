//! Knobs that make the simulator as awkward as Google can be.

use serde::{Deserialize, Serialize};

/// Set by `POST /control/behaviour`; every field is optional there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Behaviour {
    /// No page of events or calendars holds more than this, whatever `maxResults` says.
    pub page_size_limit: Option<usize>,
    /// Every second page of events is empty, though more follow.
    pub empty_pages: bool,
    /// How long a conference stays `pending`, in milliseconds of simulated time.
    pub conference_delay_ms: i64,
    /// Conference requests end as `failure`.
    pub conference_failure: bool,
    /// Whether notifications are sent at all.
    pub send_notifications: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            page_size_limit: None,
            empty_pages: false,
            conference_delay_ms: 1_000,
            conference_failure: false,
            send_notifications: true,
        }
    }
}
