//! Graph's operations: which request is which, and which scopes it takes.

use http::Method;

use super::errors::ApiError;
use super::identity::grants::Scopes;
use super::wire::decode_segment;

/// An operation of Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the API's reference")]
pub enum Kind {
    Batch,
    Me,
    CalendarsList,
    CalendarsCreate,
    CalendarsGet,
    CalendarsDelete,
    EventsList,
    EventsCreate,
    EventsGet,
    EventsUpdate,
    EventsDelete,
    EventsCancel,
    EventsAccept,
    EventsTentativelyAccept,
    EventsDecline,
    EventsInstances,
    CalendarView,
    CalendarViewDelta,
    GetSchedule,
    FindMeetingTimes,
    MailboxSettings,
    SubscriptionsList,
    SubscriptionsCreate,
    SubscriptionsGet,
    SubscriptionsUpdate,
    SubscriptionsDelete,
    SubscriptionsReauthorize,
}

/// An operation with what its path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Which operation.
    pub kind: Kind,
    /// `users/{id}`; `None` for `me`.
    pub user: Option<String>,
    /// The calendar's id; `None` for the default one.
    pub calendar: Option<String>,
    /// The event's or the subscription's id, or a property's name.
    pub item: Option<String>,
}

const READ: &[&str] = &[
    "Calendars.ReadBasic",
    "Calendars.Read",
    "Calendars.ReadWrite",
    "Calendars.Read.Shared",
    "Calendars.ReadWrite.Shared",
];
const WRITE: &[&str] = &["Calendars.ReadWrite", "Calendars.ReadWrite.Shared"];
const SUBSCRIBE: &[&str] = &["Calendars.Read", "Calendars.ReadWrite", "Calendars.ReadBasic"];

impl Kind {
    /// The route's name for faults and counters, and the scopes of which one is needed.
    fn facts(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Batch => ("batch", &[]),
            Self::Me => ("me", &["User.Read"]),
            Self::CalendarsList => ("calendars.list", READ),
            Self::CalendarsCreate => ("calendars.create", WRITE),
            Self::CalendarsGet => ("calendars.get", READ),
            Self::CalendarsDelete => ("calendars.delete", WRITE),
            Self::EventsList => ("events.list", READ),
            Self::EventsCreate => ("events.create", WRITE),
            Self::EventsGet => ("events.get", READ),
            Self::EventsUpdate => ("events.update", WRITE),
            Self::EventsDelete => ("events.delete", WRITE),
            Self::EventsCancel => ("events.cancel", WRITE),
            Self::EventsAccept => ("events.accept", WRITE),
            Self::EventsTentativelyAccept => ("events.tentativelyAccept", WRITE),
            Self::EventsDecline => ("events.decline", WRITE),
            Self::EventsInstances => ("events.instances", READ),
            Self::CalendarView => ("calendarView", READ),
            Self::CalendarViewDelta => ("calendarView.delta", READ),
            Self::GetSchedule => ("getSchedule", READ),
            Self::FindMeetingTimes => {
                ("findMeetingTimes", &["Calendars.Read.Shared", "Calendars.ReadWrite.Shared"])
            }
            Self::MailboxSettings => {
                ("mailboxSettings", &["MailboxSettings.Read", "MailboxSettings.ReadWrite"])
            }
            Self::SubscriptionsList => ("subscriptions.list", &[]),
            Self::SubscriptionsCreate => ("subscriptions.create", SUBSCRIBE),
            Self::SubscriptionsGet => ("subscriptions.get", SUBSCRIBE),
            Self::SubscriptionsUpdate => ("subscriptions.update", SUBSCRIBE),
            Self::SubscriptionsDelete => ("subscriptions.delete", SUBSCRIBE),
            Self::SubscriptionsReauthorize => ("subscriptions.reauthorize", SUBSCRIBE),
        }
    }

    /// The route's name for faults and counters.
    pub fn route(self) -> &'static str {
        self.facts().0
    }

    /// Whether the mailbox does the work, so that Outlook's limits apply.
    pub fn is_of_mailbox(self) -> bool {
        !matches!(
            self,
            Self::Batch
                | Self::Me
                | Self::SubscriptionsList
                | Self::SubscriptionsCreate
                | Self::SubscriptionsGet
                | Self::SubscriptionsUpdate
                | Self::SubscriptionsDelete
                | Self::SubscriptionsReauthorize
        )
    }

    /// Whether it is about one calendar, the default one when none is named.
    pub fn is_of_calendar(self) -> bool {
        matches!(
            self,
            Self::CalendarsGet
                | Self::EventsList
                | Self::EventsCreate
                | Self::CalendarView
                | Self::CalendarViewDelta
        )
    }

    /// Whether one of the granted scopes is enough.
    pub fn check_scopes(self, granted: &Scopes) -> Result<(), ApiError> {
        let accepted = self.facts().1;
        if accepted.is_empty() || accepted.iter().any(|scope| granted.contains(*scope)) {
            Ok(())
        } else if self == Self::Me {
            Err(ApiError::insufficient_privileges())
        } else {
            Err(ApiError::access_denied())
        }
    }
}

impl Operation {
    /// The operation that a request asks for; the error says what is wrong with its path.
    pub fn find(method: &Method, path: &str) -> Result<Self, ApiError> {
        let rest = path.strip_prefix("/v1.0/").ok_or_else(|| ApiError::no_such_segment(path))?;
        let segments: Vec<String> =
            rest.trim_end_matches('/').split('/').filter_map(decode_segment).collect();
        // Names have no case; ids do.
        let names: Vec<String> = segments
            .iter()
            .map(|segment| segment.to_ascii_lowercase().trim_start_matches("microsoft.graph.").to_owned())
            .collect();
        let (user, from) = match names.first().map(String::as_str) {
            Some("me") => (None, 1),
            Some("users") if segments.len() > 1 => (segments.get(1).cloned(), 2),
            _ => return Self::find_root(method, &segments, &names),
        };
        let id = |index: usize| segments.get(from + index).cloned();
        let (calendar, start) = match names.get(from).map(String::as_str) {
            Some("calendars") if names.len() > from + 2 => (id(1), from + 2),
            Some("calendar") if names.len() > from + 1 => (None, from + 1),
            _ => (None, from),
        };
        let item = |index: usize| segments.get(start + index).cloned();
        let tail: Vec<&str> = names.iter().skip(start).map(String::as_str).collect();
        let whole = names.len() == start || tail.is_empty();
        let (kind, calendar, item) = match (method.as_str(), tail.as_slice()) {
            ("GET", []) if whole && start == from => (Kind::Me, None, None),
            ("GET", ["calendars"]) => (Kind::CalendarsList, None, None),
            ("POST", ["calendars"]) => (Kind::CalendarsCreate, None, None),
            ("GET", ["calendars", _]) => (Kind::CalendarsGet, id(1), None),
            ("DELETE", ["calendars", _]) => (Kind::CalendarsDelete, id(1), None),
            ("GET", ["calendar"]) => (Kind::CalendarsGet, None, None),
            ("GET", ["events"]) => (Kind::EventsList, calendar, None),
            ("POST", ["events"]) => (Kind::EventsCreate, calendar, None),
            ("GET", ["events", _]) => (Kind::EventsGet, calendar, item(1)),
            ("PATCH", ["events", _]) => (Kind::EventsUpdate, calendar, item(1)),
            ("DELETE", ["events", _]) => (Kind::EventsDelete, calendar, item(1)),
            ("POST", ["events", _, "cancel"]) => (Kind::EventsCancel, calendar, item(1)),
            ("POST", ["events", _, "accept"]) => (Kind::EventsAccept, calendar, item(1)),
            ("POST", ["events", _, "tentativelyaccept"]) => {
                (Kind::EventsTentativelyAccept, calendar, item(1))
            }
            ("POST", ["events", _, "decline"]) => (Kind::EventsDecline, calendar, item(1)),
            ("GET", ["events", _, "instances"]) => (Kind::EventsInstances, calendar, item(1)),
            ("GET", ["calendarview"]) => (Kind::CalendarView, calendar, None),
            ("GET", ["calendarview", "delta" | "delta()"]) => (Kind::CalendarViewDelta, calendar, None),
            ("POST", ["getschedule"]) => (Kind::GetSchedule, calendar, None),
            ("POST", ["findmeetingtimes"]) => (Kind::FindMeetingTimes, None, None),
            ("GET", ["mailboxsettings"]) => (Kind::MailboxSettings, None, None),
            ("GET", ["mailboxsettings", _]) => (Kind::MailboxSettings, None, item(1)),
            (_, ["calendars" | "calendar" | "events" | "calendarview" | "mailboxsettings", ..]) => {
                return Err(ApiError::method_not_allowed());
            }
            (_, [name, ..]) => return Err(ApiError::no_such_segment(name)),
            (_, []) => return Err(ApiError::method_not_allowed()),
        };
        Ok(Self { kind, user, calendar, item })
    }

    fn find_root(method: &Method, segments: &[String], names: &[String]) -> Result<Self, ApiError> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let kind = match (method.as_str(), names.as_slice()) {
            ("POST", ["$batch"]) => Kind::Batch,
            ("GET", ["subscriptions"]) => Kind::SubscriptionsList,
            ("POST", ["subscriptions"]) => Kind::SubscriptionsCreate,
            ("GET", ["subscriptions", _]) => Kind::SubscriptionsGet,
            ("PATCH", ["subscriptions", _]) => Kind::SubscriptionsUpdate,
            ("DELETE", ["subscriptions", _]) => Kind::SubscriptionsDelete,
            ("POST", ["subscriptions", _, "reauthorize"]) => Kind::SubscriptionsReauthorize,
            (_, ["$batch" | "subscriptions", ..]) => return Err(ApiError::method_not_allowed()),
            (_, names) => return Err(ApiError::no_such_segment(names.first().unwrap_or(&""))),
        };
        Ok(Self { kind, user: None, calendar: None, item: segments.get(1).cloned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(line: &str) -> Result<Operation, u16> {
        let (method, path) = line.split_once(' ').unwrap();
        Operation::find(&method.parse().unwrap(), path).map_err(|error| error.status)
    }

    #[test]
    fn paths_lead_to_operations_in_any_case() {
        for (line, kind, calendar, item) in [
            ("GET /v1.0/me", Kind::Me, None, None),
            ("GET /v1.0/users/work%40contoso.example", Kind::Me, None, None),
            ("GET /v1.0/me/calendars", Kind::CalendarsList, None, None),
            ("GET /v1.0/me/calendars/A%3D", Kind::CalendarsGet, Some("A="), None),
            ("GET /v1.0/me/calendar", Kind::CalendarsGet, None, None),
            ("GET /v1.0/me/calendar/events", Kind::EventsList, None, None),
            ("POST /v1.0/me/calendars/A=/events", Kind::EventsCreate, Some("A="), None),
            ("PATCH /v1.0/me/events/Ev=", Kind::EventsUpdate, None, Some("Ev=")),
            ("GET /v1.0/me/calendars/A/events/Ev", Kind::EventsGet, Some("A"), Some("Ev")),
            ("POST /v1.0/users/x/events/Ev/cancel", Kind::EventsCancel, None, Some("Ev")),
            ("GET /v1.0/me/calendarview/delta", Kind::CalendarViewDelta, None, None),
            ("GET /v1.0/me/calendars/A/calendarView/delta()", Kind::CalendarViewDelta, Some("A"), None),
            ("POST /v1.0/me/calendar/getSchedule", Kind::GetSchedule, None, None),
            ("POST /v1.0/me/calendar/microsoft.graph.getSchedule", Kind::GetSchedule, None, None),
            ("GET /v1.0/me/mailboxSettings/timeZone", Kind::MailboxSettings, None, Some("timeZone")),
            ("POST /v1.0/$batch", Kind::Batch, None, None),
            ("POST /v1.0/subscriptions/s/reauthorize", Kind::SubscriptionsReauthorize, None, Some("s")),
        ] {
            let found = find(line).unwrap();
            assert_eq!(found.kind, kind, "{line}");
            assert_eq!(
                (found.calendar.as_deref(), found.kind == Kind::Batch || found.item.as_deref() == item),
                (calendar, true),
                "{line}"
            );
        }
        for (line, status) in [
            ("GET /v1.0/me/messages", 400),
            ("PUT /v1.0/me/events/x", 405),
            ("GET /beta/me", 400),
            ("GET /v1.0/groups", 400),
        ] {
            assert_eq!(find(line).unwrap_err(), status, "{line}");
        }
    }

    #[test]
    fn each_operation_takes_only_its_scopes() {
        for (kind, scope, enough) in [
            (Kind::EventsList, "Calendars.Read", true),
            (Kind::EventsCreate, "Calendars.Read", false),
            (Kind::EventsCreate, "Calendars.ReadWrite", true),
            (Kind::GetSchedule, "User.Read", false),
            (Kind::FindMeetingTimes, "Calendars.ReadWrite", false),
            (Kind::FindMeetingTimes, "Calendars.Read.Shared", true),
            (Kind::MailboxSettings, "Calendars.ReadWrite", false),
            (Kind::Me, "User.Read", true),
        ] {
            let granted = Scopes::from([scope.to_owned()]);
            assert_eq!(kind.check_scopes(&granted).is_ok(), enough, "{kind:?} {scope}");
        }
    }
}
