//! Which scopes exist, and which of them each method takes (from the Calendar v3 discovery document).

const PREFIX: &str = "https://www.googleapis.com/auth/";

/// A Calendar scope's whole name from its short one: `calendar.events`.
pub fn full_name(short: &str) -> String {
    format!("{PREFIX}{short}")
}

/// A scope's short name; scopes outside Google's prefix (`openid`, `email`) stay as they are.
pub fn short_name(scope: &str) -> &str {
    scope.strip_prefix(PREFIX).unwrap_or(scope)
}
