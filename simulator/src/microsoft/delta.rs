//! `calendarView/delta`: what changed in a window since last time.
//!
//! A delta token stands for what its holder has seen: every item of the view with the change that last touched it. The
//! next round is the difference between that and the view as it is, so that nothing is missed whatever happened in
//! between. A round's items are fixed when it begins; its pages show them as they are when they are asked for.
//!
//! Series come as their master plus occurrences that carry nothing but identity and times. `@removed` also names events
//! that changed outside the window and were never in it.
//!
//! <https://learn.microsoft.com/en-us/graph/delta-query-events>

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::calendar_view::read_window;
use super::errors::ApiError;
use super::event::{Event, Kind, Window};
use super::event_view::{View, is_slim};
use super::identity::grants::random;
use super::ids::ItemKey;
use super::mailbox::{Calendar, Mailbox};
use super::zone::utc_second;

/// Tokens remembered; older ones are forgotten, as Outlook's cache does.
const KEPT: usize = 20_000;
/// Items on a page when `odata.maxpagesize` does not say.
const USUAL_PAGE: usize = 10;
const REFUSED: [&str; 6] = ["$orderby", "$filter", "$select", "$expand", "$search", "$top"];

/// How an expired token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Expiry {
    /// 410 `SyncStateNotFound`.
    Gone,
    /// 410 with a `Location` to begin anew at.
    Location,
    /// 410 `resyncRequired`.
    ResyncRequired,
    /// 400 `syncStateNotFound`.
    NotFound,
}

/// What the holder of a token has seen.
#[derive(Clone, Debug)]
struct Seen {
    items: Arc<BTreeMap<ItemKey, u64>>,
    change: u64,
}

/// One item of a round.
#[derive(Clone, Copy, Debug)]
enum Item {
    Shown(ItemKey),
    Removed(ItemKey),
}

#[derive(Clone, Debug)]
enum Stage {
    /// The round goes on at this item.
    Page { items: Arc<Vec<Item>>, at: usize },
    /// The round is over.
    Done,
}

/// What a token stands for.
#[derive(Clone, Debug)]
struct State {
    account: String,
    calendar: u32,
    window: Window,
    seen: Seen,
    stage: Stage,
    expired: Option<Expiry>,
}

/// Every token given out.
#[derive(Debug, Default)]
pub struct DeltaStates {
    states: BTreeMap<String, State>,
    order: VecDeque<String>,
}

impl DeltaStates {
    fn keep(&mut self, state: State) -> String {
        let token = random(96);
        if self.order.len() == KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.states.remove(&oldest);
        }
        self.order.push_back(token.clone());
        self.states.insert(token.clone(), state);
        token
    }

    /// Makes tokens given out so far invalid; tells how many.
    pub fn expire(&mut self, account: Option<&str>, calendar: Option<u32>, how: Expiry) -> usize {
        let mut expired = 0;
        for state in self.states.values_mut() {
            let fits = account.is_none_or(|account| account == state.account)
                && calendar.is_none_or(|calendar| calendar == state.calendar);
            if fits && state.expired.is_none() {
                state.expired = Some(how);
                expired += 1;
            }
        }
        expired
    }
}

/// `GET .../calendarView/delta`
pub fn delta(call: &mut Call<'_>, calendar: Option<&str>) -> Result<Answer, ApiError> {
    if REFUSED.iter().any(|name| call.params.get(name).is_some()) {
        let names = REFUSED.join(", ");
        return Err(ApiError::invalid_query(format!(
            "The following parameters are not supported with change tracking over the 'CalendarView' resource: '{names}'."
        )));
    }
    let number = call.calendar(calendar)?.number;
    let token = call.params.get("$deltatoken").or_else(|| call.params.get("$skiptoken")).map(str::to_owned);
    let (state, begins) = match token {
        None => {
            let seen = Seen { items: Arc::default(), change: 0 };
            let window = read_window(&call.params)?;
            (
                State {
                    account: call.account.clone(),
                    calendar: number,
                    window,
                    seen,
                    stage: Stage::Done,
                    expired: None,
                },
                true,
            )
        }
        Some(token) => (known_state(call, &token, number)?, false),
    };
    let empty_page = call.world.behaviour.empty_delta_pages && matches!(state.stage, Stage::Done);
    let state = match state.stage {
        Stage::Page { .. } => state,
        Stage::Done => begin_round(call, state, begins)?,
    };
    page(call, state, empty_page)
}

fn known_state(call: &Call<'_>, token: &str, calendar: u32) -> Result<State, ApiError> {
    let state = call
        .world
        .deltas
        .states
        .get(token)
        .filter(|state| state.account == call.account && state.calendar == calendar)
        .ok_or_else(ApiError::sync_state_not_found)?;
    match state.expired {
        None => Ok(state.clone()),
        Some(Expiry::Gone) => Err(ApiError::sync_state_not_found()),
        Some(Expiry::ResyncRequired) => Err(ApiError::new(410, "resyncRequired", "Resync required.")),
        Some(Expiry::NotFound) => {
            Err(ApiError::new(400, "syncStateNotFound", "The sync state is not found."))
        }
        Some(Expiry::Location) => {
            let window = state.window;
            let query = format!(
                "startDateTime={}&endDateTime={}&$deltatoken=",
                utc_second(window.from),
                utc_second(window.until)
            );
            let mut error = ApiError::new(410, "resyncRequired", "Resync required.");
            error.headers.push(("location", format!("{}{}?{query}", call.origin, call.path)));
            Err(error)
        }
    }
}

fn begin_round(call: &mut Call<'_>, state: State, first: bool) -> Result<State, ApiError> {
    let change = call.world.last_change();
    let mailbox = call.mailbox()?;
    let calendar = mailbox.calendars.get(&state.calendar).ok_or_else(ApiError::item_not_found)?;
    let current = items_of(calendar, state.window);
    let before = &state.seen.items;
    let mut items: Vec<Item> = current
        .iter()
        .filter(|(key, change)| before.get(*key) != Some(*change))
        .map(|(key, _)| Item::Shown(*key))
        .collect();
    if !first {
        let gone = before.keys().filter(|key| !current.contains_key(*key)).copied();
        let outside = outside_changes(calendar, state.seen.change)
            .filter(|key| !current.contains_key(key) && !before.contains_key(key));
        let mut removed: Vec<ItemKey> = gone.chain(outside).collect();
        removed.sort_unstable();
        removed.dedup();
        items.extend(removed.into_iter().map(Item::Removed));
    }
    if call.world.behaviour.delta_replays
        && let Some(key) = current.keys().next()
    {
        items.push(Item::Shown(*key));
    }
    let seen = Seen { items: Arc::new(current), change };
    Ok(State { seen, stage: Stage::Page { items: Arc::new(items), at: 0 }, ..state })
}

/// Every item of a view with the change that last touched it: single events, series, occurrences.
fn items_of(calendar: &Calendar, window: Window) -> BTreeMap<ItemKey, u64> {
    let mut items = BTreeMap::new();
    for event in calendar.events.values() {
        let shown = event.expand(window);
        if event.kind == Kind::Master && !shown.is_empty() {
            items.insert(event.key, event.change);
        }
        items.extend(shown.iter().map(|event| (event.key, event.change)));
    }
    items
}

/// Events that were added, changed or deleted since, wherever they are.
fn outside_changes(calendar: &Calendar, since: u64) -> impl Iterator<Item = ItemKey> {
    let changed = calendar.events.values().filter(move |event| event.change > since).map(|event| event.key);
    let deleted = calendar.tombstones.iter().filter(move |(change, _)| *change > since).map(|(_, key)| *key);
    changed.chain(deleted)
}

fn page(call: &mut Call<'_>, state: State, empty: bool) -> Result<Answer, ApiError> {
    let Stage::Page { items, at } = &state.stage else {
        return Err(ApiError::sync_state_not_found());
    };
    let size = if empty { 0 } else { call.page_size(call.prefer.page_size.unwrap_or(USUAL_PAGE)) };
    let until = at.saturating_add(size).min(items.len());
    let view = call.view(state.calendar)?;
    let mailbox = call.mailbox()?;
    let value: Vec<Value> = items
        .get(*at..until)
        .unwrap_or_default()
        .iter()
        .map(|item| Value::Object(show(mailbox, state.calendar, &view, *item)))
        .collect();
    let mut answer = json!({
        "@odata.context": format!("{}/v1.0/$metadata#Collection(event)", call.origin),
        "value": value,
    });
    let more = until < items.len() || (empty && !items.is_empty());
    let stage = if more { Stage::Page { items: Arc::clone(items), at: until } } else { Stage::Done };
    let token = call.world.deltas.keep(State { stage, ..state });
    let base = format!("{}{}", call.origin, call.path);
    if more {
        answer["@odata.nextLink"] = format!("{base}?$skiptoken={token}").into();
    } else {
        answer["@odata.deltaLink"] = format!("{base}?$deltatoken={token}").into();
    }
    Ok(Answer::Json(answer))
}

fn show(mailbox: &Mailbox, calendar: u32, view: &View, item: Item) -> Map<String, Value> {
    let removed = |key: ItemKey| {
        let shown = json!({ "@odata.type": "#microsoft.graph.event", "id": view.id(key), "@removed": { "reason": "deleted" } });
        shown.as_object().cloned().unwrap_or_default()
    };
    let event: Option<Event> = match item {
        Item::Removed(key) => return removed(key),
        Item::Shown(key) => mailbox.item(calendar, key),
    };
    match (event, item) {
        (Some(event), _) => {
            let mut shown = Map::from_iter([("@odata.type".to_owned(), "#microsoft.graph.event".into())]);
            shown.extend(if is_slim(&event) { view.slim(&event) } else { view.event(&event) });
            shown
        }
        // Deleted since the round began.
        (None, Item::Shown(key) | Item::Removed(key)) => removed(key),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::microsoft::errors::ApiError;
    use crate::microsoft::testing::{self, Graph};

    const SPAN: &str = "startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z";

    /// A mirror that knows nothing but what deltas tell it.
    #[derive(Default)]
    struct Mirror {
        link: Option<String>,
        /// Etag and times by id; series masters apart, since they are no part of a view.
        events: BTreeMap<String, Value>,
        masters: BTreeSet<String>,
    }

    impl Mirror {
        /// Follows one round to its end, however short its pages.
        fn sync(&mut self, graph: &mut Graph, page: usize) {
            let mut link = self.link.clone().unwrap_or_else(|| format!("/me/calendarView/delta?{SPAN}"));
            loop {
                let answer = graph.preferring(&format!("odata.maxpagesize={page}")).get(&link);
                for item in answer["value"].as_array().unwrap() {
                    let id = item["id"].as_str().unwrap().to_owned();
                    if item["@removed"].is_object() {
                        self.events.remove(&id);
                        self.masters.remove(&id);
                    } else if item["type"] == "seriesMaster" {
                        self.masters.insert(id);
                    } else {
                        let kept = json!([item["@odata.etag"], item["start"], item["end"], item["type"]]);
                        self.events.insert(id, kept);
                    }
                }
                let follow = |name: &str| answer[name].as_str().map(testing::path_of);
                match (follow("@odata.nextLink"), follow("@odata.deltaLink")) {
                    (Some(next), None) => link = next,
                    (None, Some(done)) => {
                        self.link = Some(done);
                        return;
                    }
                    other => panic!("one link or the other: {other:?}"),
                }
            }
        }
    }

    /// The view as it truly is.
    fn view(graph: &mut Graph) -> BTreeMap<String, Value> {
        let answer = graph.get(&format!("/me/calendarView?{SPAN}&$top=1000"));
        let item = |item: &Value| {
            let kept = json!([item["@odata.etag"], item["start"], item["end"], item["type"]]);
            (item["id"].as_str().unwrap().to_owned(), kept)
        };
        answer["value"].as_array().unwrap().iter().map(item).collect()
    }

    fn random_edit(graph: &mut Graph, random: &mut fastrand::Rng) {
        let time = |random: &mut fastrand::Rng| {
            let (month, day, hour) = (random.u32(2..=4), random.u32(1..=28), random.u32(0..23));
            let at = |hour| json!({ "dateTime": format!("2026-{month:02}-{day:02}T{hour:02}:00:00"), "timeZone": "Europe/Berlin" });
            (at(hour), at(hour + 1), format!("2026-{month:02}-{day:02}"))
        };
        let (start, end, date) = time(random);
        let all: Vec<String> = view(graph).into_keys().collect();
        let one = if all.is_empty() { None } else { Some(all[random.usize(..all.len())].clone()) };
        match (random.u32(0..6), one) {
            (0, _) => {
                let recurrence = json!({
                    "pattern": { "type": "daily", "interval": random.u32(1..4) },
                    "range": { "type": "numbered", "startDate": date, "numberOfOccurrences": random.u32(2..9) },
                });
                graph.post(
                    "/me/events",
                    &json!({ "subject": "series", "start": start, "end": end, "recurrence": recurrence }),
                );
            }
            (1 | 2, Some(id)) => {
                graph.patch(&format!("/me/events/{id}"), &json!({ "start": start, "end": end }));
            }
            (3, Some(id)) => graph.delete(&format!("/me/events/{id}")),
            (4, Some(id)) => {
                let event = graph.get(&format!("/me/events/{id}"));
                let target = event["seriesMasterId"].as_str().unwrap_or(&id).to_owned();
                if random.bool() {
                    graph.delete(&format!("/me/events/{target}"));
                } else {
                    graph.patch(&format!("/me/events/{target}"), &json!({ "subject": "renamed" }));
                }
            }
            _ => {
                graph.post("/me/events", &json!({ "subject": "single", "start": start, "end": end }));
            }
        }
    }

    #[test]
    fn a_mirror_fed_by_deltas_alone_equals_the_view_whatever_happens() {
        for seed in 0..12 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut graph = Graph::signed_in("empty@contoso.example");
            graph.behaviour(|behaviour| {
                behaviour.delta_replays = seed % 3 == 0;
                behaviour.empty_delta_pages = seed % 2 == 0;
            });
            let mut mirror = Mirror::default();
            for round in 0..12 {
                for _ in 0..random.usize(0..6) {
                    random_edit(&mut graph, &mut random);
                }
                mirror.sync(&mut graph, random.usize(1..9));
                assert_eq!(mirror.events, view(&mut graph), "seed {seed}, round {round}");
            }
        }
    }

    #[test]
    fn a_token_belongs_to_its_calendar_and_a_used_one_can_be_used_again() {
        let mut graph = Graph::signed_in("work@contoso.example");
        let first = graph.preferring("odata.maxpagesize=5").get(&format!("/me/calendarView/delta?{SPAN}"));
        let next = testing::path_of(first["@odata.nextLink"].as_str().unwrap());
        assert_eq!(graph.get(&next)["value"], graph.get(&next)["value"]);
        let calendars = graph.get("/me/calendars");
        let family = calendars["value"][1]["id"].as_str().unwrap();
        let query = next.split_once('?').unwrap().1;
        let refused = graph.refused("GET", &format!("/me/calendars/{family}/calendarView/delta?{query}"));
        assert_eq!(
            refused,
            ApiError { message: refused.message.clone(), ..ApiError::sync_state_not_found() }
        );
    }
}
