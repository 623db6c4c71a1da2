//! `events.list` and `events.instances`: filters, order, paging, sync.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::event::{Event, View, millis};
use super::events::shown_in;
use super::recurrence::{self, Window};
use super::sync_tokens::{PageToken, SyncToken};
use super::wire::Params;
use super::world::{Calendar, Role};

/// The largest page.
const LARGEST_PAGE: usize = 2500;
/// `updatedMin` further back than this is refused.
const OLDEST_UPDATED_MIN: SignedDuration = SignedDuration::from_hours(28 * 24);
/// Parameters that a sync token excludes, and that suppress it in the first listing (the times do not).
const RESTRICTIONS: [&str; 8] = [
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
];
/// Parameters that may differ between the pages of one listing.
const FREE_BETWEEN_PAGES: [&str; 8] =
    ["pageToken", "maxResults", "fields", "prettyPrint", "alt", "key", "quotaUser", "access_token"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Id,
    Start,
    Update,
}

/// An event of an answer, with what it is ordered by.
type Listed<'a> = (String, Cow<'a, Event>);

/// What a listing asks for.
struct Wanted {
    single_events: bool,
    show_deleted: bool,
    window: Window,
    updated_min: Option<Timestamp>,
    order: Order,
    since: Option<u64>,
    words: Vec<String>,
    ical_uid: Option<String>,
    properties: Vec<(&'static str, String, String)>,
    event_types: BTreeSet<String>,
}

/// `GET …/events`
pub fn list(call: &mut Call<'_>, calendar: &str) -> Result<Answer, ApiError> {
    let (found, role) = call.world.calendar(&call.account, calendar)?;
    if role < Role::Reader {
        return Err(ApiError::requires_access("reader"));
    }
    let of = format!("events:{}", found.id);
    let parameters = fixed_parameters(&call.params);
    let page = match call.params.get("pageToken") {
        Some(token) => Some(PageToken::decode(token, &of, &parameters)?),
        None => None,
    };
    let since = match (&page, call.params.get("syncToken")) {
        (Some(page), _) => page.since,
        (None, Some(token)) => Some(SyncToken::decode(token, &of, found.sync_floor)?.since),
        (None, None) => None,
    };
    if call.params.get("syncToken").is_some() {
        let restricted = RESTRICTIONS.iter().any(|name| call.params.get(name).is_some());
        if restricted || call.params.boolean("showDeleted")? == Some(false) {
            return Err(ApiError::bad_request("Sync token cannot be used with query restrictions."));
        }
    }
    let wanted = Wanted::read(&call.params, since, call.now)?;
    let items = collect(found, &wanted);
    let show_deleted = wanted.show_deleted;
    let syncable = RESTRICTIONS
        .iter()
        .filter(|name| !matches!(**name, "timeMin" | "timeMax"))
        .all(|name| call.params.get(name).is_none());
    let paging = Paging { of, parameters, since, syncable, page };
    answer(call, calendar, items, paging, !show_deleted)
}

/// `GET …/events/{id}/instances`
pub fn instances(call: &mut Call<'_>, calendar: &str, id: &str) -> Result<Answer, ApiError> {
    let (found, role) = call.world.calendar(&call.account, calendar)?;
    if role < Role::Reader {
        return Err(ApiError::requires_access("reader"));
    }
    let master = found.events.get(id).ok_or_else(ApiError::not_found)?;
    if !master.is_recurring() {
        return Err(ApiError::new(
            400,
            "calendar",
            "cannotListInstancesOfSingleEvent",
            "The event is not a recurring event.",
        ));
    }
    let of = format!("instances:{}:{id}", found.id);
    let parameters = fixed_parameters(&call.params);
    let page = match call.params.get("pageToken") {
        Some(token) => Some(PageToken::decode(token, &of, &parameters)?),
        None => None,
    };
    let wanted =
        Wanted { single_events: true, order: Order::Start, ..Wanted::read(&call.params, None, call.now)? };
    let original = call.params.instant("originalStart")?;
    let items = collect_from(found, &wanted, |event| {
        event.id == id || event.origin.as_ref().is_some_and(|origin| origin.master == id)
    })
    .into_iter()
    .filter(|(_, event)| {
        original.is_none_or(|original| {
            event.origin.as_ref().is_some_and(|origin| origin.original_start.instant(&found.zone) == original)
        })
    })
    .collect();
    let paging = Paging { of, parameters, since: None, syncable: false, page };
    answer(call, calendar, items, paging, !wanted.show_deleted)
}

struct Paging {
    of: String,
    parameters: String,
    since: Option<u64>,
    syncable: bool,
    page: Option<PageToken>,
}

fn answer(
    call: &Call<'_>,
    calendar: &str,
    items: Vec<Listed<'_>>,
    paging: Paging,
    minimal_cancelled: bool,
) -> Result<Answer, ApiError> {
    let size = call.params.positive("maxResults")?.unwrap_or(250).min(LARGEST_PAGE);
    let behaviour = &call.world.behaviour;
    let size = size.min(behaviour.page_size_limit.unwrap_or(size)).max(1);
    let pages = paging.page.as_ref().map_or(0, |page| page.pages);
    // An empty page comes first, then every second time.
    let size = if behaviour.empty_pages && pages.is_multiple_of(2) && !items.is_empty() { 0 } else { size };
    let after = paging.page.as_ref().map_or(String::new(), |page| page.after.clone());
    let snapshot = paging.page.as_ref().map_or(call.world.last_change(), |page| page.snapshot);
    let mut rest = items.into_iter().filter(|(key, _)| *key > after).peekable();
    let shown: Vec<Listed<'_>> = rest.by_ref().take(size).collect();

    let (found, role) = call.world.calendar(&call.account, calendar)?;
    let zone = shown_in(&call.params, &found.zone)?;
    let view = View { zone: &zone, role, minimal_cancelled };
    let mut body = Map::new();
    body.insert("kind".into(), "calendar#events".into());
    body.insert("etag".into(), format!("\"p{}\"", call.world.last_change()).into());
    body.insert("summary".into(), found.summary.as_str().into());
    body.insert("description".into(), found.description.as_deref().unwrap_or("").into());
    body.insert("updated".into(), millis(found.updated).into());
    body.insert("timeZone".into(), zone.name().into());
    body.insert("accessRole".into(), role.name().into());
    body.insert("defaultReminders".into(), default_reminders(call, &found.id));
    if rest.peek().is_some() {
        let token = PageToken {
            of: paging.of,
            snapshot,
            since: paging.since,
            after: shown.last().map_or(after, |(key, _)| key.clone()),
            pages: pages + 1,
            parameters: paging.parameters,
        };
        body.insert("nextPageToken".into(), token.encode().into());
    } else if paging.syncable {
        body.insert("nextSyncToken".into(), SyncToken { of: paging.of, since: snapshot }.encode().into());
    }
    let items: Vec<Value> = shown.iter().map(|(_, event)| event.render(&view)).collect();
    body.insert("items".into(), Value::Array(items));
    Ok(Answer::Json(Value::Object(body)))
}

fn default_reminders(call: &Call<'_>, calendar_id: &str) -> Value {
    let entry = call.world.accounts.get(&call.account).and_then(|account| account.list.get(calendar_id));
    let reminders = entry.map(|entry| entry.default_reminders.as_slice()).unwrap_or_default();
    reminders.iter().map(|(method, minutes)| json!({ "method": method, "minutes": minutes })).collect()
}

/// The parameters that must stay the same from page to page, in one line.
pub fn fixed_parameters(params: &Params) -> String {
    let mut fixed: Vec<String> = params
        .iter()
        .filter(|(name, _)| !FREE_BETWEEN_PAGES.contains(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    fixed.sort();
    fixed.join("&")
}

impl Wanted {
    fn read(params: &Params, since: Option<u64>, now: Timestamp) -> Result<Self, ApiError> {
        let window = Window { from: params.instant("timeMin")?, until: params.instant("timeMax")? };
        if let (Some(from), Some(until)) = (window.from, window.until)
            && until <= from
        {
            return Err(ApiError::time_range_empty());
        }
        let single_events = params.boolean("singleEvents")?.unwrap_or(false);
        let order = match params.get("orderBy") {
            None => Order::Id,
            Some("updated") => Order::Update,
            Some("startTime") if single_events => Order::Start,
            Some("startTime") => {
                return Err(ApiError::bad_request(
                    "The requested ordering is not available for the particular query.",
                ));
            }
            Some(other) => return Err(ApiError::invalid_parameter("orderBy", other)),
        };
        let updated_min = params.instant("updatedMin")?;
        if updated_min.is_some_and(|updated_min| now.duration_since(updated_min) > OLDEST_UPDATED_MIN) {
            return Err(ApiError::updated_min_too_long_ago());
        }
        let mut properties = Vec::new();
        for (name, kind) in [("privateExtendedProperty", "private"), ("sharedExtendedProperty", "shared")] {
            for constraint in params.all(name) {
                let pair = constraint.split_once('=');
                let (key, value) = pair.ok_or_else(|| ApiError::invalid_parameter(name, constraint))?;
                properties.push((kind, key.to_owned(), value.to_owned()));
            }
        }
        Ok(Self {
            single_events,
            show_deleted: params.boolean("showDeleted")?.unwrap_or(false),
            window,
            updated_min,
            order,
            since,
            words: params
                .get("q")
                .unwrap_or("")
                .to_lowercase()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            ical_uid: params.get("iCalUID").map(str::to_owned),
            properties,
            event_types: params.all("eventTypes").map(str::to_owned).collect(),
        })
    }

    /// Whether cancelled events are part of the answer.
    fn includes_cancelled(&self) -> bool {
        self.show_deleted || self.since.is_some() || self.updated_min.is_some()
    }

    fn accepts(&self, event: &Event) -> bool {
        let property = |(kind, key, value): &(&str, String, String)| {
            event.fields.get("extendedProperties").and_then(|all| all.get(kind)?.get(key))
                == Some(&json!(value))
        };
        self.updated_min.is_none_or(|minimum| event.updated >= minimum)
            && self.ical_uid.as_deref().is_none_or(|uid| event.text("iCalUID") == Some(uid))
            && self.properties.iter().all(property)
            && (self.event_types.is_empty()
                || event.text("eventType").is_some_and(|kind| self.event_types.contains(kind)))
            && self.words.iter().all(|word| searched_text(event).contains(word))
    }

    fn key(&self, event: &Event, calendar: &Calendar) -> String {
        let instant = match self.order {
            Order::Id => return event.id.clone(),
            Order::Start => event.start.instant(&calendar.zone),
            Order::Update => event.updated,
        };
        // Shifted so that years before 1970 keep their order as text.
        format!("{:020}:{}", instant.as_millisecond() + 1_000_000_000_000_000, event.id)
    }
}

fn searched_text(event: &Event) -> String {
    let mut text = String::new();
    for name in ["summary", "description", "location"] {
        text.push_str(event.text(name).unwrap_or(""));
        text.push(' ');
    }
    for attendee in event.fields.get("attendees").and_then(Value::as_array).into_iter().flatten() {
        for name in ["displayName", "email"] {
            text.push_str(attendee[name].as_str().unwrap_or(""));
            text.push(' ');
        }
    }
    text.to_lowercase()
}

fn collect<'a>(calendar: &'a Calendar, wanted: &Wanted) -> Vec<Listed<'a>> {
    collect_from(calendar, wanted, |_| true)
}

/// Every event or instance that is wanted, in the order of the answer.
fn collect_from<'a>(
    calendar: &'a Calendar,
    wanted: &Wanted,
    considered: impl Fn(&Event) -> bool,
) -> Vec<Listed<'a>> {
    let is_new = |change: u64| wanted.since.is_none_or(|since| change > since);
    let mut found: Vec<Cow<'a, Event>> = Vec::new();
    for event in calendar.events.values().filter(|event| considered(event) && wanted.accepts(event)) {
        if event.is_recurring() && wanted.single_events {
            if is_new(event.change) {
                found.extend(instances_of(calendar, event, wanted).into_iter().map(Cow::Owned));
            }
            continue;
        }
        let master = event.origin.as_ref().and_then(|origin| calendar.events.get(&origin.master));
        let gone_with = master.filter(|master| master.is_cancelled());
        let change = match gone_with {
            // Shown as single events, exceptions go when their master goes; otherwise the master's end says it all.
            Some(master) if wanted.single_events => event.change.max(master.change),
            _ => event.change,
        };
        if is_new(change) && is_visible(calendar, event, wanted) {
            let mut shown = Cow::Borrowed(event);
            if gone_with.is_some() {
                shown.to_mut().fields.insert("status".into(), json!("cancelled"));
            }
            found.push(shown);
        }
    }
    let mut keyed: Vec<Listed<'a>> =
        found.into_iter().map(|event| (wanted.key(&event, calendar), event)).collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    keyed
}

/// Whether a stored event that is shown as it is belongs into the answer.
fn is_visible(calendar: &Calendar, event: &Event, wanted: &Wanted) -> bool {
    let Window { from, until } = wanted.window;
    let in_window = if event.is_recurring() {
        (from.is_none() && until.is_none())
            || !recurrence::expand(event, &calendar.zone, wanted.window).is_empty()
    } else {
        event.overlaps(from, until, &calendar.zone)
    };
    let master = event.origin.as_ref().and_then(|origin| calendar.events.get(&origin.master));
    let master_gone = master.is_some_and(Event::is_cancelled);
    let cancelled_instance = event.is_cancelled() && event.origin.is_some();
    let shown = if master_gone || event.is_cancelled() {
        wanted.includes_cancelled() || (cancelled_instance && !master_gone && !wanted.single_events)
    } else {
        true
    };
    in_window && shown
}

/// The instances of a recurring event that have no exception stored, and those it has lost since.
fn instances_of(calendar: &Calendar, master: &Event, wanted: &Wanted) -> Vec<Event> {
    if master.is_cancelled() && !wanted.includes_cancelled() {
        return Vec::new();
    }
    let mut instances = recurrence::expand(master, &calendar.zone, wanted.window);
    instances.retain(|instance| !calendar.events.contains_key(&instance.id));
    if let Some(since) = wanted.since {
        let present: BTreeSet<String> = instances.iter().map(|instance| instance.id.clone()).collect();
        let lost = master.withdrawn.iter().filter(|withdrawn| withdrawn.change > since).map(|withdrawn| {
            let mut gone =
                master.instance(withdrawn.original_start.clone(), withdrawn.original_start.clone());
            gone.fields.insert("status".into(), json!("cancelled"));
            gone
        });
        let lost: Vec<Event> = lost
            .filter(|gone| !present.contains(&gone.id) && !calendar.events.contains_key(&gone.id))
            .collect();
        let mut seen = BTreeSet::new();
        instances.extend(lost.into_iter().filter(|gone| seen.insert(gone.id.clone())));
    }
    instances
}
