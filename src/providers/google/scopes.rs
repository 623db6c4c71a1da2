//! Which OAuth scopes Google's methods take (from the Calendar v3 discovery document), and which we ask for.

const PREFIX: &str = "https://www.googleapis.com/auth/";

/// Something we do at Google that needs a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Capability {
    /// Reading and writing events.
    Events,
    /// Listing the account's calendars. `calendar.events` does not allow it.
    ListCalendars,
    /// Asking for busy time. `calendar.events` does not allow it.
    FreeBusy,
}

impl Capability {
    const ALL: [Self; 3] = [Self::Events, Self::ListCalendars, Self::FreeBusy];

    /// The scopes, without their prefix, each of which is enough; the first is the narrowest and the one we ask for.
    fn enough(self) -> &'static [&'static str] {
        match self {
            Self::Events => &["calendar.events", "calendar", "calendar.events.owned"],
            Self::ListCalendars => {
                &["calendar.calendarlist.readonly", "calendar.calendarlist", "calendar.readonly", "calendar"]
            }
            Self::FreeBusy => {
                &["calendar.freebusy", "calendar.events.freebusy", "calendar.readonly", "calendar"]
            }
        }
    }

    /// The scope we ask for, in full.
    pub(super) fn asked(self) -> String {
        let narrowest = self.enough().first().copied().unwrap_or_default();
        format!("{PREFIX}{narrowest}")
    }
}

/// What a connection asks for: who the account is, and each capability by its narrowest scope.
pub(super) fn defaults() -> Vec<String> {
    ["openid".to_owned(), "email".to_owned()]
        .into_iter()
        .chain(Capability::ALL.map(Capability::asked))
        .collect()
}

/// The scopes we ask for and cannot work without that are not granted, where nothing broader was granted instead.
pub(super) fn missing(granted: &[String]) -> Vec<String> {
    Capability::ALL
        .into_iter()
        .filter(|capability| !any(granted, capability.enough()))
        .map(Capability::asked)
        .collect()
}

/// Whether any of `wanted` (without prefix) is among `granted`.
pub(super) fn any(granted: &[String], wanted: &[&str]) -> bool {
    granted.iter().any(|scope| wanted.contains(&scope.strip_prefix(PREFIX).unwrap_or(scope)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| format!("{PREFIX}{name}")).collect()
    }

    #[test]
    fn the_narrowest_scopes_are_asked_for() {
        assert_eq!(
            defaults(),
            [
                "openid",
                "email",
                "https://www.googleapis.com/auth/calendar.events",
                "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
                "https://www.googleapis.com/auth/calendar.freebusy",
            ]
        );
        assert!(missing(&defaults()).is_empty());
    }

    #[test]
    fn unticked_scopes_are_missing_unless_a_broader_one_was_granted() {
        for (granted, expected) in [
            (&["calendar"][..], &[][..]),
            (&["calendar.events"], &["calendar.calendarlist.readonly", "calendar.freebusy"]),
            (&["calendar.events", "calendar.readonly"], &[]),
            (&["calendar.readonly"], &["calendar.events"]),
            (
                &["calendar.events.readonly"],
                &["calendar.events", "calendar.calendarlist.readonly", "calendar.freebusy"],
            ),
            (&["calendar.events.owned", "calendar.calendarlist", "calendar.events.freebusy"], &[]),
        ] {
            assert_eq!(missing(&full(granted)), full(expected), "{granted:?}");
        }
    }
}
