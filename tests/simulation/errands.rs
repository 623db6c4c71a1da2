//! The tasks of a scenario: every type, often about the same few holds and events, some of them nonsense.

use chrono::TimeDelta;
use huddle_calendar_sync::domain::{event::CreationKey, time::Timestamp};
use serde_json::{Value as Json, json};

use crate::{dice::Dice, providers::Providers, scenario::Connected};

/// Makes tasks up.
pub struct Errands<'a> {
    providers: &'a Providers,
    dice: &'a Dice,
    connected: &'a [Connected],
    start: Timestamp,
    made: usize,
    /// Connector and id of every create-event task so far.
    creations: Vec<(String, String)>,
    tasks: Vec<Json>,
}

impl<'a> Errands<'a> {
    /// For those accounts, from that instant on.
    pub fn new(
        providers: &'a Providers,
        dice: &'a Dice,
        connected: &'a [Connected],
        start_millis: i64,
    ) -> Self {
        let start = Timestamp::from_millis(start_millis);
        Self { providers, dice, connected, start, made: 0, creations: Vec::new(), tasks: Vec::new() }
    }

    /// The next task, as a message.
    pub fn next(&mut self) -> Json {
        let connector = self.dice.pick(self.connected).connector.clone();
        self.of(&connector)
    }

    /// An event to be created, and changes to it that are all wanted at once.
    pub fn rivals(&mut self) -> (Json, Vec<Json>) {
        let connector = self.dice.pick(self.connected).connector.clone();
        self.made += 1;
        let id = format!("t{}", self.made);
        let payload = self.creation(&connector, &id);
        let creation =
            json!({ "type": "create-event", "connectorId": connector, "payload": payload, "id": id });
        let event = self.event_of(&connector, &id);
        let changes = (0..self.dice.between(2, 6)).map(|_| {
            self.made += 1;
            let payload = self.update(&event);
            let id = format!("t{}", self.made);
            json!({ "type": "update-event", "connectorId": connector, "payload": payload, "id": id })
        });
        let changes = changes.collect();
        (creation, changes)
    }

    /// The next task of that connector.
    pub fn of(&mut self, connector: &str) -> Json {
        self.made += 1;
        let id = format!("t{}", self.made);
        let (kind, payload) = match self.dice.between(0, 30) {
            0..=4 => ("create-event", self.creation(connector, &id)),
            5..=11 => ("place-hold", self.hold()),
            12..=15 => ("confirm-hold", self.confirmation()),
            16..=18 => ("cancel-hold", json!({ "holdId": self.hold_id() })),
            19..=20 => ("update-event", self.update(&self.event(connector))),
            21..=22 => ("cancel-event", json!({ "eventId": self.event(connector) })),
            23 => ("check-availability", self.question()),
            24 => ("find-slots", self.meeting()),
            25..=26 => ("refresh-token", json!({ "force": self.dice.chance(500) })),
            27 if self.dice.chance(250) => ("disconnect", json!({})),
            28 if !self.tasks.is_empty() => return self.forgery(),
            _ => return self.nonsense(connector, &id),
        };
        let mut task = json!({ "type": kind, "connectorId": connector, "payload": payload, "correlationId": format!("c-{id}") });
        // Without an id of its own a creation could not be spoken of by later tasks; all others may do without.
        if kind == "create-event" || self.dice.chance(800) {
            task["id"] = Json::from(id);
        }
        self.tasks.push(task.clone());
        task
    }

    fn at(&self, minutes: i64) -> String {
        self.start.plus(TimeDelta::minutes(minutes)).to_rfc3339()
    }

    /// A slot tomorrow; there are only a few, and most overlap.
    fn slot(&self) -> (String, String) {
        let start = 24 * 60 + 15 * self.dice.between(0, 8);
        (self.at(start), self.at(start + self.dice.pick(&[15, 30, 60])))
    }

    fn hold_id(&self) -> String {
        format!("h{}", self.dice.between(0, 5))
    }

    fn creation(&mut self, connector: &str, id: &str) -> Json {
        self.creations.push((connector.to_owned(), id.to_owned()));
        let (start, end) = self.slot();
        let mut payload = json!({ "summary": format!("Event {id}"), "start": start, "end": end, "timeZone": "Europe/Berlin" });
        let guests: Vec<Json> = (0..self.dice.between(0, 3))
            .map(|guest| json!({ "email": format!("{id}-{guest}@example.org") }))
            .collect();
        payload["attendees"] = Json::from(guests);
        payload["conference"] = Json::from(self.dice.chance(300));
        if self.dice.chance(100) {
            payload["end"] = payload["start"].clone();
        }
        payload
    }

    fn hold(&self) -> Json {
        let (start, end) = self.slot();
        let mut payload =
            json!({ "holdId": self.hold_id(), "start": start, "end": end, "timeZone": "Europe/Berlin" });
        match self.dice.between(0, 4) {
            0 => {}
            1 => payload["expiresAt"] = Json::from(self.at(self.dice.between(-1, 4))),
            _ => payload["expiresAt"] = Json::from(self.at(self.dice.between(2, 40))),
        }
        if self.dice.chance(150) {
            payload["allowConflicts"] = Json::from(true);
        }
        payload
    }

    fn confirmation(&self) -> Json {
        let mut payload = json!({ "holdId": self.hold_id() });
        if self.dice.chance(600) {
            payload["summary"] = Json::from("Confirmed");
            payload["attendees"] = json!([{ "email": format!("guest-{}@example.org", self.made) }]);
        }
        payload
    }

    fn event(&self, connector: &str) -> String {
        let own: Vec<_> = self.creations.iter().filter(|(owner, _)| owner == connector).collect();
        if own.is_empty() || self.dice.chance(100) {
            return "nosuchevent".to_owned();
        }
        let (connector, id) = self.dice.pick(&own);
        self.event_of(connector, id)
    }

    /// The id of the event that a create-event task makes, for everybody to know beforehand.
    fn event_of(&self, connector: &str, task: &str) -> String {
        let known = self.connected.iter().find(|connected| connected.connector == connector);
        let account = &known.expect("tasks are for connectors there are").person.account;
        self.providers.event_id(account, &CreationKey::derive(&["event", connector, task]))
    }

    fn update(&self, event: &str) -> Json {
        let mut payload = json!({ "eventId": event });
        payload["summary"] = Json::from(format!("Update {}", self.made));
        if self.dice.chance(300) {
            payload["attendees"] = json!([{ "email": format!("update-{}@example.org", self.made) }]);
        }
        if self.dice.chance(200) {
            payload["etag"] = Json::from("\"1\"");
        }
        payload
    }

    fn question(&self) -> Json {
        json!({ "timeMin": self.at(24 * 60), "timeMax": self.at(48 * 60), "timeZone": "America/New_York" })
    }

    /// With somebody else, who may be somebody else's.
    fn meeting(&self) -> Json {
        let mut payload = self.question();
        payload["durationMinutes"] = json!(30);
        payload["connectorIds"] = json!([self.dice.pick(self.connected).connector]);
        if self.dice.chance(200) {
            payload["attendees"] = json!(["nobody@example.org"]);
        }
        payload
    }

    /// An earlier id with another payload.
    fn forgery(&self) -> Json {
        let mut task = self.dice.pick(&self.tasks).clone();
        task["payload"]["more"] = Json::from(self.made);
        task
    }

    fn nonsense(&self, connector: &str, id: &str) -> Json {
        match self.dice.between(0, 6) {
            0 => Json::Null,
            1 => json!("refresh-token"),
            2 => json!({ "type": "fly-away", "connectorId": connector, "payload": {}, "id": id }),
            3 => {
                json!({ "type": "create-event", "connectorId": connector, "payload": { "summary": 5 }, "id": id })
            }
            4 => json!({ "type": "refresh-token", "payload": {}, "id": id }),
            _ => json!({ "type": "refresh-token", "connectorId": "con_nobody", "payload": {}, "id": id }),
        }
    }
}
