//! Knobs that make the simulator as awkward as Graph can be.

use serde::{Deserialize, Serialize};

/// Set by `POST /control/behaviour`; every field is optional there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Behaviour {
    /// Every call of a mailbox takes so long, in milliseconds of real time; this is what makes concurrency limits bite.
    pub latency_ms: u64,
    /// No page holds more than this, whatever `$top` or `odata.maxpagesize` says.
    pub page_size_limit: Option<usize>,
    /// The first page of a delta round is empty, though more follow.
    pub empty_delta_pages: bool,
    /// Every delta round ends with an item that was sent before.
    pub delta_replays: bool,
    /// The digit for `workingElsewhere` in `availabilityView`: Graph documents 0, Exchange writes 4.
    pub working_elsewhere_digit: char,
    /// A repeated `transactionId` is answered with 409 whatever came with it, and the old event is not named.
    pub duplicate_transaction_conflicts: bool,
    /// Who returns from the page *Need admin approval* brings AADSTS90094 along; else `access_denied` and nothing more.
    pub approval_refusal_says_why: bool,
    /// Whether notifications are sent at all.
    pub send_notifications: bool,
    /// Notifications wait so long, in milliseconds of real time, and those for one URL travel together.
    pub notification_delay_ms: u64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            page_size_limit: None,
            empty_delta_pages: false,
            delta_replays: false,
            working_elsewhere_digit: '0',
            duplicate_transaction_conflicts: false,
            approval_refusal_says_why: false,
            send_notifications: true,
            notification_delay_ms: 0,
        }
    }
}
