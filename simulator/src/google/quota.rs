//! Google's request limits: sliding windows per account, per project and per day.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::errors::ApiError;

/// The limits; set by `POST /control/quota`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Requests a minute of one account.
    pub per_user_per_minute: usize,
    /// Requests a minute of the whole project.
    pub per_project_per_minute: usize,
    /// Requests a day of the whole project.
    pub per_project_per_day: usize,
    /// The status of an answer above a limit per minute: Google sends 403 or 429.
    pub status: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_user_per_minute: 600,
            per_project_per_minute: 10_000,
            per_project_per_day: 1_000_000,
            status: 403,
        }
    }
}

/// Requests counted against the limits.
#[derive(Debug, Default)]
pub struct Quota {
    /// The limits in force.
    pub limits: Limits,
    by_user: BTreeMap<String, VecDeque<Timestamp>>,
    project: VecDeque<Timestamp>,
    day_began: Option<Timestamp>,
    today: usize,
}

impl Quota {
    /// Counts a request, or refuses it. A refused one is not counted.
    pub fn admit(&mut self, account: &str, now: Timestamp) -> Result<(), ApiError> {
        let minute_ago = now - SignedDuration::from_mins(1);
        let user = self.by_user.entry(account.to_owned()).or_default();
        for window in [&mut *user, &mut self.project] {
            while window.front().is_some_and(|at| *at <= minute_ago) {
                window.pop_front();
            }
            // The clock can be turned back; what is in the future then no longer counts.
            while window.back().is_some_and(|at| *at > now) {
                window.pop_back();
            }
        }
        let day = SignedDuration::from_hours(24);
        if self.day_began.is_none_or(|began| now.duration_since(began) >= day || now < began) {
            self.day_began = Some(now);
            self.today = 0;
        }
        if self.today >= self.limits.per_project_per_day {
            return Err(ApiError::quota(403, "quotaExceeded"));
        }
        if self.project.len() >= self.limits.per_project_per_minute {
            return Err(ApiError::quota(self.limits.status, "rateLimitExceeded"));
        }
        if user.len() >= self.limits.per_user_per_minute {
            let reason =
                if self.limits.status == 429 { "rateLimitExceeded" } else { "userRateLimitExceeded" };
            return Err(ApiError::quota(self.limits.status, reason));
        }
        user.push_back(now);
        self.project.push_back(now);
        self.today += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn quota(user: usize, project: usize, day: usize) -> Quota {
        Quota {
            limits: Limits {
                per_user_per_minute: user,
                per_project_per_minute: project,
                per_project_per_day: day,
                status: 403,
            },
            ..Quota::default()
        }
    }

    #[test]
    fn the_window_slides() {
        let mut quota = quota(2, 100, 100);
        assert!(quota.admit("a", at(0)).is_ok());
        assert!(quota.admit("a", at(30)).is_ok());
        assert_eq!(quota.admit("a", at(59)).unwrap_err().reason, "userRateLimitExceeded");
        assert!(quota.admit("b", at(59)).is_ok(), "another account has its own window");
        assert!(quota.admit("a", at(60)).is_ok(), "the first request is out of the window");
        assert!(quota.admit("a", at(61)).is_err());
    }

    #[test]
    fn the_project_and_the_day_have_limits_of_their_own() {
        let mut minute = quota(100, 1, 100);
        assert!(minute.admit("a", at(0)).is_ok());
        assert_eq!(minute.admit("b", at(1)).unwrap_err().reason, "rateLimitExceeded");
        let mut day = quota(100, 100, 1);
        assert!(day.admit("a", at(0)).is_ok());
        assert_eq!(day.admit("b", at(3600)).unwrap_err().reason, "quotaExceeded");
        assert!(day.admit("b", at(24 * 3600)).is_ok());
    }
}
