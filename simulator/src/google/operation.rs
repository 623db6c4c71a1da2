//! The Calendar API's methods: which request is which, and which scopes it takes.

use http::Method;

use super::errors::ApiError;
use super::oauth::grants::Scopes;
use super::scopes;

/// A method of the Calendar API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the API's reference")]
pub enum Kind {
    CalendarListList,
    CalendarListGet,
    CalendarListInsert,
    CalendarListPatch,
    CalendarListDelete,
    CalendarListWatch,
    CalendarsGet,
    CalendarsInsert,
    CalendarsPatch,
    CalendarsDelete,
    EventsList,
    EventsInsert,
    EventsImport,
    EventsGet,
    EventsPatch,
    EventsUpdate,
    EventsDelete,
    EventsMove,
    EventsInstances,
    EventsWatch,
    FreeBusy,
    SettingsList,
    SettingsGet,
    ChannelsStop,
}

/// A method with what its path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Which method.
    pub kind: Kind,
    /// The calendar's id as the path has it (`primary` not resolved), or the setting's.
    pub calendar: Option<String>,
    /// The event's id.
    pub event: Option<String>,
}

const READ_EVENTS: &[&str] = &[
    "calendar",
    "calendar.app.created",
    "calendar.events",
    "calendar.events.freebusy",
    "calendar.events.owned",
    "calendar.events.owned.readonly",
    "calendar.events.public.readonly",
    "calendar.events.readonly",
    "calendar.readonly",
];
const WRITE_EVENTS: &[&str] =
    &["calendar", "calendar.app.created", "calendar.events", "calendar.events.owned"];
const READ_LIST: &[&str] =
    &["calendar", "calendar.calendarlist", "calendar.calendarlist.readonly", "calendar.readonly"];
const READ_LIST_ENTRY: &[&str] = &[
    "calendar",
    "calendar.app.created",
    "calendar.calendarlist",
    "calendar.calendarlist.readonly",
    "calendar.readonly",
];
const WRITE_CALENDARS: &[&str] = &["calendar", "calendar.app.created", "calendar.calendars"];
const SETTINGS: &[&str] =
    &["calendar", "calendar.readonly", "calendar.settings", "calendar.settings.readonly"];

impl Kind {
    /// The route's name for faults and counters, the RPC name in errors, and the scopes of which one is needed.
    fn facts(self) -> (&'static str, &'static str, &'static [&'static str]) {
        match self {
            Self::CalendarListList => ("calendarList.list", "CalendarList.List", READ_LIST),
            Self::CalendarListGet => ("calendarList.get", "CalendarList.Get", READ_LIST_ENTRY),
            Self::CalendarListInsert => {
                ("calendarList.insert", "CalendarList.Insert", &["calendar", "calendar.calendarlist"])
            }
            Self::CalendarListPatch => (
                "calendarList.patch",
                "CalendarList.Patch",
                &["calendar", "calendar.app.created", "calendar.calendarlist"],
            ),
            Self::CalendarListDelete => (
                "calendarList.delete",
                "CalendarList.Delete",
                &["calendar", "calendar.app.created", "calendar.calendarlist"],
            ),
            Self::CalendarListWatch => ("calendarList.watch", "CalendarList.Watch", READ_LIST),
            Self::CalendarsGet => (
                "calendars.get",
                "Calendars.Get",
                &[
                    "calendar",
                    "calendar.app.created",
                    "calendar.calendars",
                    "calendar.calendars.readonly",
                    "calendar.readonly",
                ],
            ),
            Self::CalendarsInsert => ("calendars.insert", "Calendars.Insert", WRITE_CALENDARS),
            Self::CalendarsPatch => ("calendars.patch", "Calendars.Patch", WRITE_CALENDARS),
            Self::CalendarsDelete => ("calendars.delete", "Calendars.Delete", WRITE_CALENDARS),
            Self::EventsList => ("events.list", "Events.List", READ_EVENTS),
            Self::EventsInsert => ("events.insert", "Events.Insert", WRITE_EVENTS),
            Self::EventsImport => ("events.import", "Events.Import", WRITE_EVENTS),
            Self::EventsGet => ("events.get", "Events.Get", READ_EVENTS),
            Self::EventsPatch => ("events.patch", "Events.Patch", WRITE_EVENTS),
            Self::EventsUpdate => ("events.update", "Events.Update", WRITE_EVENTS),
            Self::EventsDelete => ("events.delete", "Events.Delete", WRITE_EVENTS),
            Self::EventsMove => {
                ("events.move", "Events.Move", &["calendar", "calendar.events", "calendar.events.owned"])
            }
            Self::EventsInstances => ("events.instances", "Events.Instances", READ_EVENTS),
            Self::EventsWatch => ("events.watch", "Events.Watch", READ_EVENTS),
            Self::FreeBusy => (
                "freeBusy",
                "Freebusy.Query",
                &["calendar", "calendar.events.freebusy", "calendar.freebusy", "calendar.readonly"],
            ),
            Self::SettingsList => ("settings.list", "Settings.List", SETTINGS),
            Self::SettingsGet => ("settings.get", "Settings.Get", SETTINGS),
            Self::ChannelsStop => (
                "channels.stop",
                "Channels.Stop",
                &[
                    "calendar",
                    "calendar.app.created",
                    "calendar.calendarlist",
                    "calendar.calendarlist.readonly",
                    "calendar.events",
                    "calendar.events.freebusy",
                    "calendar.events.owned",
                    "calendar.events.owned.readonly",
                    "calendar.events.public.readonly",
                    "calendar.events.readonly",
                    "calendar.readonly",
                    "calendar.settings",
                    "calendar.settings.readonly",
                ],
            ),
        }
    }

    /// The route's name for faults and counters.
    pub fn route(self) -> &'static str {
        self.facts().0
    }

    /// Whether one of the granted scopes is enough.
    pub fn check_scopes(self, granted: &Scopes) -> Result<(), ApiError> {
        let (_, method, accepted) = self.facts();
        if accepted.iter().any(|scope| granted.contains(&scopes::full_name(scope))) {
            Ok(())
        } else {
            Err(ApiError::insufficient_scopes(&format!("calendar.v3.{method}"), accepted))
        }
    }
}

impl Operation {
    /// The method that a request calls; `None` when the API has none there.
    pub fn find(method: &Method, path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/calendar/v3/")?;
        let segments: Vec<String> = rest.split('/').map(percent_decode).collect::<Option<_>>()?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let plain = |kind| Some(Self { kind, calendar: None, event: None });
        let on = |kind, calendar: &str| Some(Self { kind, calendar: Some(calendar.to_owned()), event: None });
        let one = |kind, calendar: &str, event: &str| {
            Some(Self { kind, calendar: Some(calendar.to_owned()), event: Some(event.to_owned()) })
        };
        match (method.as_str(), segments.as_slice()) {
            ("GET", ["users", "me", "calendarList"]) => plain(Kind::CalendarListList),
            ("POST", ["users", "me", "calendarList"]) => plain(Kind::CalendarListInsert),
            ("POST", ["users", "me", "calendarList", "watch"]) => plain(Kind::CalendarListWatch),
            ("GET", ["users", "me", "calendarList", id]) => on(Kind::CalendarListGet, id),
            ("PATCH" | "PUT", ["users", "me", "calendarList", id]) => on(Kind::CalendarListPatch, id),
            ("DELETE", ["users", "me", "calendarList", id]) => on(Kind::CalendarListDelete, id),
            ("GET", ["users", "me", "settings"]) => plain(Kind::SettingsList),
            ("GET", ["users", "me", "settings", id]) => on(Kind::SettingsGet, id),
            ("POST", ["calendars"]) => plain(Kind::CalendarsInsert),
            ("GET", ["calendars", id]) => on(Kind::CalendarsGet, id),
            ("PATCH" | "PUT", ["calendars", id]) => on(Kind::CalendarsPatch, id),
            ("DELETE", ["calendars", id]) => on(Kind::CalendarsDelete, id),
            ("GET", ["calendars", id, "events"]) => on(Kind::EventsList, id),
            ("POST", ["calendars", id, "events"]) => on(Kind::EventsInsert, id),
            ("POST", ["calendars", id, "events", "import"]) => on(Kind::EventsImport, id),
            ("POST", ["calendars", id, "events", "watch"]) => on(Kind::EventsWatch, id),
            ("GET", ["calendars", id, "events", event]) => one(Kind::EventsGet, id, event),
            ("PATCH", ["calendars", id, "events", event]) => one(Kind::EventsPatch, id, event),
            ("PUT", ["calendars", id, "events", event]) => one(Kind::EventsUpdate, id, event),
            ("DELETE", ["calendars", id, "events", event]) => one(Kind::EventsDelete, id, event),
            ("POST", ["calendars", id, "events", event, "move"]) => one(Kind::EventsMove, id, event),
            ("GET", ["calendars", id, "events", event, "instances"]) => one(Kind::EventsInstances, id, event),
            ("POST", ["freeBusy"]) => plain(Kind::FreeBusy),
            ("POST", ["channels", "stop"]) => plain(Kind::ChannelsStop),
            _ => None,
        }
    }
}

/// Decodes one path segment; an empty or malformed one names nothing.
fn percent_decode(segment: &str) -> Option<String> {
    if segment.is_empty() {
        return None;
    }
    // `+` is itself in a path, unlike in a query.
    let escaped = segment.replace('+', "%2B");
    let pair = format!("v={}", escaped.replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded() {
        let path = "/calendar/v3/calendars/en.german%23holiday%40group.v.calendar.google.com/events/a_b";
        let found = Operation::find(&Method::GET, path).unwrap();
        assert_eq!(found.kind, Kind::EventsGet);
        assert_eq!(found.calendar.as_deref(), Some("en.german#holiday@group.v.calendar.google.com"));
        assert_eq!(found.event.as_deref(), Some("a_b"));
        for path in ["/calendar/v3/calendars//events", "/calendar/v2/freeBusy", "/calendar/v3/nothing"] {
            assert_eq!(Operation::find(&Method::GET, path), None, "{path}");
        }
    }

    #[test]
    fn each_method_takes_only_its_scopes() {
        for (kind, scope, enough) in [
            (Kind::FreeBusy, "calendar.events", false),
            (Kind::FreeBusy, "calendar.freebusy", true),
            (Kind::FreeBusy, "calendar.readonly", true),
            (Kind::CalendarListList, "calendar.events", false),
            (Kind::CalendarListList, "calendar.calendarlist.readonly", true),
            (Kind::EventsInsert, "calendar.readonly", false),
            (Kind::EventsInsert, "calendar.events.owned", true),
            (Kind::SettingsGet, "calendar.events", false),
            (Kind::SettingsGet, "calendar.settings.readonly", true),
            (Kind::ChannelsStop, "calendar.events.readonly", true),
        ] {
            let granted = scopes::parse_list(scope);
            assert_eq!(kind.check_scopes(&granted).is_ok(), enough, "{kind:?} {scope}");
        }
    }
}
