//! The events of one calendar: finding them, instances included, and storing changes.

use jiff::Timestamp;
use serde_json::json;

use super::errors::ApiError;
use super::event::{Event, Withdrawn};
use super::recurrence::{self, Window};
use super::world::{Calendar, World};

impl Calendar {
    /// The event with this id: stored, or an instance of a recurring one. Cancelled ones are found too.
    pub fn event(&self, id: &str) -> Result<Event, ApiError> {
        if let Some(stored) = self.events.get(id) {
            let mut found = stored.clone();
            let master = stored.origin.as_ref().and_then(|origin| self.events.get(&origin.master));
            if master.is_some_and(Event::is_cancelled) {
                found.fields.insert("status".into(), json!("cancelled"));
            }
            return Ok(found);
        }
        // Ids of events have no underscore: what comes before it names the recurring event.
        let master = id.rsplit_once('_').and_then(|(master, _)| self.events.get(master));
        master
            .filter(|master| master.is_recurring())
            .and_then(|master| recurrence::instance_by_id(master, &self.zone, id))
            .ok_or_else(ApiError::not_found)
    }

    /// The exceptions of a recurring event.
    pub fn exceptions<'a>(&'a self, master: &'a str) -> impl Iterator<Item = &'a Event> {
        self.events
            .values()
            .filter(move |event| event.origin.as_ref().is_some_and(|origin| origin.master == master))
    }
}

impl World {
    /// Stores an event, new or changed, and tells who watches. Returns it as stored.
    pub fn store_event(
        &mut self,
        calendar_id: &str,
        mut event: Event,
        now: Timestamp,
    ) -> Result<Event, ApiError> {
        if event.conference_due.is_some() {
            self.pending_conferences.insert((calendar_id.to_owned(), event.id.clone()));
        }
        let change = self.next_change();
        let calendar = self.calendars.get_mut(calendar_id).ok_or_else(ApiError::not_found)?;
        event.change = change;
        event.updated = now;
        calendar.updated = now;
        if let Some(before) = calendar.events.get(&event.id)
            && before.is_recurring()
            && !event.is_cancelled()
        {
            note_withdrawn(calendar, &mut event, change);
        }
        calendar.events.insert(event.id.clone(), event.clone());
        cancel_orphans(calendar, &event, change, now);
        self.notify_events(calendar_id);
        Ok(event)
    }
}

/// Remembers the instances that a recurring event has lost, for syncs of single events.
fn note_withdrawn(calendar: &Calendar, event: &mut Event, change: u64) {
    let Some(before) = calendar.events.get(&event.id) else { return };
    if before.recurrence() == event.recurrence() && before.start == event.start {
        return;
    }
    let remaining = recurrence::expand(event, &calendar.zone, Window::default());
    let lost = recurrence::expand(before, &calendar.zone, Window::default())
        .into_iter()
        .filter(|instance| !remaining.iter().any(|kept| kept.id == instance.id))
        .filter_map(|instance| instance.origin)
        .map(|origin| Withdrawn { original_start: origin.original_start, change });
    event.withdrawn.extend(lost);
}

/// Cancels the exceptions whose instance a recurring event no longer has.
fn cancel_orphans(calendar: &mut Calendar, master: &Event, change: u64, now: Timestamp) {
    if master.origin.is_some() || master.is_cancelled() {
        return;
    }
    let orphans: Vec<String> = calendar
        .exceptions(&master.id)
        .filter(|exception| !exception.is_cancelled())
        .filter(|exception| {
            !master.is_recurring()
                || recurrence::instance_by_id(master, &calendar.zone, &exception.id).is_none()
        })
        .map(|exception| exception.id.clone())
        .collect();
    for id in orphans {
        if let Some(orphan) = calendar.events.get_mut(&id) {
            orphan.fields.insert("status".into(), json!("cancelled"));
            orphan.change = change;
            orphan.updated = now;
        }
    }
}
