//! Outlook's limits for one application and mailbox: requests in ten minutes, and requests at the same time.
//!
//! <https://learn.microsoft.com/en-us/graph/throttling-limits#outlook-service-limits>

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::errors::ApiError;

/// The limits; set by `POST /control/quota`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Requests of one application to one mailbox in ten minutes.
    pub per_mailbox_per_ten_minutes: usize,
    /// Requests to one mailbox at the same time.
    pub concurrent_per_mailbox: u64,
    /// `Retry-After` of an answer above the second limit, in seconds.
    pub concurrency_retry_after: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_mailbox_per_ten_minutes: 10_000, concurrent_per_mailbox: 4, concurrency_retry_after: 1 }
    }
}

/// Requests counted against the limits.
#[derive(Debug, Default)]
pub struct Throttle {
    /// The limits in force.
    pub limits: Limits,
    by_mailbox: BTreeMap<(String, String), VecDeque<Timestamp>>,
}

impl Throttle {
    /// Counts a request of a client to a mailbox with so many open requests, or refuses it.
    ///
    /// Refused requests count too, as at Microsoft: hammering does not help.
    pub fn admit(&mut self, client: &str, mailbox: &str, open: u64, now: Timestamp) -> Result<(), ApiError> {
        let window = SignedDuration::from_mins(10);
        let requests = self.by_mailbox.entry((client.to_owned(), mailbox.to_owned())).or_default();
        // The clock can be turned back; what is in the future then no longer counts.
        requests.retain(|at| *at > now - window && *at <= now);
        requests.push_back(now);
        let limit = self.limits.per_mailbox_per_ten_minutes;
        if requests.len() > limit {
            // Room for one more comes back when this request leaves the window.
            let frees = requests.get(requests.len() - limit).copied().unwrap_or(now);
            let wait = frees.duration_since(now) + window;
            return Err(ApiError::throttled("MailboxRequests", wait.as_secs() + 1));
        }
        if open > self.limits.concurrent_per_mailbox {
            return Err(ApiError::throttled("MailboxConcurrency", self.limits.concurrency_retry_after));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn throttle(requests: usize) -> Throttle {
        let limits = Limits { per_mailbox_per_ten_minutes: requests, ..Limits::default() };
        Throttle { limits, ..Throttle::default() }
    }

    #[test]
    fn the_window_slides_per_application_and_mailbox() {
        let mut throttle = throttle(2);
        assert!(throttle.admit("app", "a", 1, at(0)).is_ok());
        assert!(throttle.admit("app", "a", 1, at(100)).is_ok());
        assert!(throttle.admit("app", "b", 1, at(100)).is_ok(), "another mailbox has its own window");
        assert!(throttle.admit("other", "a", 1, at(100)).is_ok(), "so has another application");
        let refused = throttle.admit("app", "a", 1, at(200)).unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (429, "ApplicationThrottled"));
        assert_eq!(refused.headers, [("retry-after", "501".to_owned())]);
        assert!(throttle.admit("app", "a", 1, at(701)).is_ok());
    }

    #[test]
    fn four_requests_may_be_open_at_once() {
        let mut throttle = throttle(100);
        assert!(throttle.admit("app", "a", 4, at(0)).is_ok());
        let refused = throttle.admit("app", "a", 5, at(0)).unwrap_err();
        assert_eq!(refused.message, "Application is over its MailboxConcurrency limit.");
    }
}
