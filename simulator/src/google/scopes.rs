//! Which scopes exist and what they are about, after the Calendar v3 discovery document.

use std::collections::BTreeSet;

const PREFIX: &str = "https://www.googleapis.com/auth/";

/// Calendar scopes by short name, with what the consent page says of them.
const CALENDAR_SCOPES: [(&str, &str); 18] = [
    ("calendar", "See, edit, share and permanently delete all the calendars you can access"),
    ("calendar.acls", "See and change the sharing permissions of calendars you own"),
    ("calendar.acls.readonly", "See the sharing permissions of calendars you own"),
    ("calendar.app.created", "Make secondary calendars, and see, create, change and delete events on them"),
    ("calendar.calendarlist", "See, add and remove the calendars you are subscribed to"),
    ("calendar.calendarlist.readonly", "See the list of calendars you are subscribed to"),
    ("calendar.calendars", "See and change the properties of your calendars, and create secondary ones"),
    (
        "calendar.calendars.readonly",
        "See the title, description, time zone and other properties of your calendars",
    ),
    ("calendar.events", "View and edit events on all your calendars"),
    ("calendar.events.freebusy", "See the availability on calendars you have access to"),
    ("calendar.events.owned", "See, create, change and delete events on calendars you own"),
    ("calendar.events.owned.readonly", "See the events on calendars you own"),
    ("calendar.events.public.readonly", "See the events on public calendars"),
    ("calendar.events.readonly", "View events on all your calendars"),
    ("calendar.freebusy", "View your availability in your calendars"),
    ("calendar.readonly", "See and download any calendar you can access"),
    ("calendar.settings", "View and change your calendar settings"),
    ("calendar.settings.readonly", "View your calendar settings"),
];

/// A scope's whole name from its short one: `calendar.events`.
pub fn full_name(short: &str) -> String {
    match short {
        "openid" | "email" | "profile" => short.to_owned(),
        _ if short.starts_with("https://") => short.to_owned(),
        _ => format!("{PREFIX}{short}"),
    }
}

/// A list as in a `scope` parameter, short names made whole.
pub fn parse_list(list: &str) -> BTreeSet<String> {
    list.split_whitespace().map(full_name).collect()
}

/// Whether the simulator knows a scope, by its whole name. Scopes of other Google products count as known.
pub fn exists(scope: &str) -> bool {
    match scope.strip_prefix(PREFIX) {
        Some(short) if short.starts_with("calendar") => {
            CALENDAR_SCOPES.iter().any(|(known, _)| *known == short)
        }
        Some(short) => !short.is_empty(),
        None => matches!(scope, "openid" | "email" | "profile"),
    }
}

/// Whether a scope is about who the person is; these cannot be unticked.
pub fn is_identity(scope: &str) -> bool {
    matches!(
        scope.strip_prefix(PREFIX).unwrap_or(scope),
        "openid" | "email" | "profile" | "userinfo.email" | "userinfo.profile"
    )
}

/// What the consent page says of a scope.
pub fn describe(scope: &str) -> &'static str {
    match scope.strip_prefix(PREFIX).unwrap_or(scope) {
        "openid" => "Associate you with your personal info on Google",
        "email" | "userinfo.email" => "See your primary Google Account email address",
        "profile" | "userinfo.profile" => {
            "See your personal info, including any personal info you've made publicly available"
        }
        short => CALENDAR_SCOPES
            .iter()
            .find(|(known, _)| *known == short)
            .map_or("Use another Google product", |(_, what)| *what),
    }
}

/// Whether an address may be told with these scopes.
pub fn includes_email(granted: &BTreeSet<String>) -> bool {
    granted.contains("email") || granted.contains(&full_name("userinfo.email"))
}

/// Whether a name may be told with these scopes.
pub fn includes_profile(granted: &BTreeSet<String>) -> bool {
    granted.contains("profile") || granted.contains(&full_name("userinfo.profile"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scopes_that_google_has_exist() {
        for (scope, known) in [
            ("openid", true),
            ("https://www.googleapis.com/auth/calendar.events", true),
            ("https://www.googleapis.com/auth/calendar.event", false),
            ("https://www.googleapis.com/auth/drive.readonly", true),
            ("https://www.googleapis.com/auth/", false),
            ("offline_access", false),
        ] {
            assert_eq!(exists(scope), known, "{scope}");
        }
    }

    #[test]
    fn short_names_are_made_whole() {
        let scopes = parse_list("openid calendar.events https://www.googleapis.com/auth/calendar");
        assert!(scopes.contains("openid"));
        assert!(scopes.contains("https://www.googleapis.com/auth/calendar.events"));
        assert_eq!(scopes.len(), 3);
    }
}
