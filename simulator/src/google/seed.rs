//! The accounts that exist from the start, with a month of events around today.

use jiff::civil::{Date, Weekday};
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::event::Event;
use super::event_body;
use super::world::{Role, World};
use super::zone::Zone;

/// A calendar that several accounts share.
pub const TEAM: &str = "team@group.calendar.google.com";
/// The account whose calendar has nothing on it.
pub const EMPTY: &str = "empty@example.com";
/// The account with more calendars than one free/busy query takes.
pub const MANY: &str = "many-calendars@example.com";

/// People with a life: address, name, zone, holiday calendar and its title.
const PEOPLE: [(&str, &str, &str, &str, &str); 4] = [
    ("berlin@example.com", "Berlin Office", "Europe/Berlin", "en.german", "Holidays in Germany"),
    ("kolkata@example.com", "Kolkata Office", "Asia/Kolkata", "en.indian", "Holidays in India"),
    (
        "los-angeles@example.com",
        "Los Angeles Office",
        "America/Los_Angeles",
        "en.usa",
        "Holidays in United States",
    ),
    ("sao-paulo@example.com", "Sao Paulo Office", "America/Sao_Paulo", "en.brazilian", "Holidays in Brazil"),
];

/// Fills an empty world.
pub fn seed(world: &mut World, now: Timestamp) {
    let utc = Zone::utc();
    world.add_calendar(TEAM, "Team", utc.clone(), now);
    for (index, (email, name, zone, country, holidays)) in PEOPLE.into_iter().enumerate() {
        let zone = Zone::named(zone).unwrap_or_else(Zone::utc);
        world.add_account(email, name, zone.clone(), now);
        let role = [Role::Owner, Role::Writer, Role::Reader, Role::FreeBusyReader][index];
        world.subscribe(email, TEAM, role, true);
        let private = format!("private-{}@group.calendar.google.com", email.split('@').next().unwrap_or(""));
        world.add_calendar(&private, "Private", zone.clone(), now);
        world.subscribe(email, &private, Role::Owner, true);
        let holiday_calendar = format!("{country}#holiday@group.v.calendar.google.com");
        world.add_calendar(&holiday_calendar, holidays, zone.clone(), now);
        world.subscribe(email, &holiday_calendar, Role::Reader, false);

        let today = zone.local(now).date();
        let mut calendar = Filler { world, calendar: email, zone: &zone, prefix: "job", now, made: 0 };
        working_month(&mut calendar, today, index);
        let mut calendar = Filler { world, calendar: &private, zone: &zone, prefix: "home", now, made: 0 };
        private_month(&mut calendar, today);
        let mut calendar =
            Filler { world, calendar: &holiday_calendar, zone: &zone, prefix: "feast", now, made: 0 };
        calendar.all_day("Public holiday", day(today, 12), 1, json!({ "transparency": "transparent" }));
        calendar.all_day("Public holiday", day(today, -9), 1, json!({ "transparency": "transparent" }));
    }
    let today = utc.local(now).date();
    let mut team = Filler { world, calendar: TEAM, zone: &utc, prefix: "team", now, made: 0 };
    let monday = next(today, Weekday::Monday, -2);
    team.timed("All hands", monday, (16, 0), 45, json!({ "recurrence": ["RRULE:FREQ=WEEKLY;INTERVAL=2"] }));
    team.all_day("Release freeze", day(today, 8), 2, json!({}));

    world.add_account(EMPTY, "Empty Calendar", utc.clone(), now);
    world.add_account(MANY, "Many Calendars", utc.clone(), now);
    for number in 0..63 {
        let id = format!("room-{number:02}@group.calendar.google.com");
        world.add_calendar(&id, &format!("Room {number:02}"), utc.clone(), now);
        world.subscribe(MANY, &id, Role::Owner, number % 2 == 0);
        // Room n is busy tomorrow from minute 10n of the day, for ten minutes.
        let mut room = Filler { world, calendar: &id, zone: &utc, prefix: "room", now, made: 0 };
        room.timed("Booked", day(today, 1), (number / 6, number % 6 * 10), 10, json!({}));
    }
}

/// A working calendar: recurring events with exceptions, one-off ones, days off.
fn working_month(calendar: &mut Filler<'_>, today: Date, person: usize) {
    let weekdays = "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR";
    let standup = calendar.timed(
        "Stand-up",
        next(today, Weekday::Monday, -3),
        (9, 30),
        15,
        json!({ "recurrence": [weekdays] }),
    );
    let wednesday = next(today, Weekday::Wednesday, 1);
    calendar.exception(
        &standup,
        wednesday,
        json!({ "start_minutes": 90, "summary": "Stand-up (later today)" }),
    );
    calendar.exception(&standup, next(today, Weekday::Friday, 1), json!({ "status": "cancelled" }));
    calendar.timed(
        "One to one",
        next(today, Weekday::Tuesday, -2),
        (14, 0),
        30,
        json!({
            "recurrence": ["RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"],
            "attendees": [{ "email": "colleague@example.org", "responseStatus": "accepted" }],
        }),
    );
    calendar.timed(
        "Focus",
        next(today, Weekday::Thursday, -2),
        (13, 0),
        120,
        json!({ "eventType": "focusTime", "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=TH;COUNT=8"] }),
    );
    calendar.timed(
        "Lunch",
        next(today, Weekday::Monday, -1),
        (12, 0),
        60,
        json!({
            "transparency": "transparent", "recurrence": [weekdays],
        }),
    );
    calendar.all_day(
        "Home",
        day(today, 0),
        1,
        json!({ "eventType": "workingLocation", "transparency": "transparent", "visibility": "public",
        "workingLocationProperties": { "type": "homeOffice", "homeOffice": {} } }),
    );
    calendar.all_day("Offsite", day(today, 10), 2, json!({ "location": "Harbour house" }));
    let away = next(today, Weekday::Monday, 3);
    calendar.timed(
        "Out of office",
        away,
        (0, 0),
        24 * 60,
        json!({ "eventType": "outOfOffice", "visibility": "public",
        "outOfOfficeProperties": { "autoDeclineMode": "declineNone" } }),
    );
    calendar.timed("Dinner with the suppliers", day(today, 1), (18, 0), 90, json!({ "status": "tentative" }));
    calendar.timed("Deployment watch", day(today, 5), (23, 0), 180, json!({}));
    calendar.timed(
        "Vendor demo",
        day(today, 4),
        (15, 0),
        60,
        json!({
            "attendees": [
                { "email": calendar.calendar, "self": true, "responseStatus": "declined" },
                { "email": "vendor@example.net", "responseStatus": "accepted" },
            ],
        }),
    );
    let titles = [
        "Design review",
        "Customer call",
        "Interview",
        "Budget",
        "Retrospective",
        "Planning",
        "Support rota",
    ];
    for offset in -12..=28i32 {
        let date = day(today, offset);
        if matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            continue;
        }
        // Spread over the day in a way that looks irregular and is the same at every start.
        let spread = (offset.rem_euclid(11) * 7 + person as i32 * 3) as i8;
        let (hour, minute) = (10 + spread % 7, [0, 15, 30, 45][(spread / 2 % 4) as usize]);
        let minutes = [25, 30, 45, 60, 50][(spread % 5) as usize];
        let title = titles[spread as usize % titles.len()];
        calendar.timed(
            title,
            date,
            (hour, minute),
            minutes,
            json!({ "location": format!("Room {}", 1 + spread % 9) }),
        );
    }
}

fn private_month(calendar: &mut Filler<'_>, today: Date) {
    calendar.timed(
        "Swimming",
        next(today, Weekday::Saturday, -2),
        (8, 0),
        75,
        json!({
            "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=SA"], "visibility": "private",
        }),
    );
    calendar.timed("Dentist", day(today, 6), (8, 15), 40, json!({ "visibility": "private" }));
    calendar.all_day(
        "A birthday",
        day(today, 3),
        1,
        json!({
            "transparency": "transparent", "recurrence": ["RRULE:FREQ=YEARLY"],
        }),
    );
    calendar.all_day("Holiday", day(today, 24), 5, json!({}));
}

/// Puts events on one calendar.
struct Filler<'a> {
    world: &'a mut World,
    calendar: &'a str,
    zone: &'a Zone,
    /// Part of the ids: letters up to `v` only.
    prefix: &'static str,
    now: Timestamp,
    made: u32,
}

impl Filler<'_> {
    fn timed(
        &mut self,
        title: &str,
        on: Date,
        (hour, minute): (i8, i8),
        minutes: i64,
        more: Value,
    ) -> String {
        let start = on.at(hour, minute, 0, 0);
        let end = start.saturating_add(Span::new().minutes(minutes));
        self.add(
            json!({
                "summary": title,
                "start": { "dateTime": start.to_string(), "timeZone": self.zone.name() },
                "end": { "dateTime": end.to_string(), "timeZone": self.zone.name() },
            }),
            more,
        )
    }

    fn all_day(&mut self, title: &str, on: Date, days: i64, more: Value) -> String {
        let end = on.saturating_add(Span::new().days(days));
        self.add(
            json!({
                "summary": title, "start": { "date": on.to_string() }, "end": { "date": end.to_string() },
            }),
            more,
        )
    }

    fn add(&mut self, mut body: Value, more: Value) -> String {
        self.made += 1;
        let id = format!("seed{}{:04}", self.prefix, self.made);
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let body = body.as_object().cloned().unwrap_or_default();
        if let Ok(mut event) = event_body::new_event(id.clone(), body, self.zone, self.now) {
            event.fields.insert("creator".into(), json!({ "email": self.calendar }));
            event.fields.insert("organizer".into(), json!({ "email": self.calendar, "self": true }));
            let _ = self.world.store_event(self.calendar, event, self.now);
        }
        id
    }

    /// Moves, renames or cancels the instance of a recurring event on one day.
    fn exception(&mut self, master: &str, on: Date, change: Value) {
        let Some(mut instance) = self.instance_on(master, on) else { return };
        if let Some(minutes) = change["start_minutes"].as_i64() {
            let shift = |time: &mut super::event::EventTime| {
                if let super::event::EventTime::At { instant, .. } = time {
                    *instant += jiff::SignedDuration::from_mins(minutes);
                }
            };
            shift(&mut instance.start);
            shift(&mut instance.end);
        }
        for name in ["summary", "status"] {
            if let Some(text) = change[name].as_str() {
                instance.fields.insert(name.to_owned(), json!(text));
            }
        }
        let _ = self.world.store_event(self.calendar, instance, self.now);
    }

    fn instance_on(&self, master: &str, on: Date) -> Option<Event> {
        let master = self.world.calendars.get(self.calendar)?.events.get(master)?;
        let start = self.zone.instant(on.at(0, 0, 0, 0));
        let window = super::recurrence::Window {
            from: Some(start),
            until: Some(start + jiff::SignedDuration::from_hours(24)),
        };
        super::recurrence::expand(master, self.zone, window).into_iter().next()
    }
}

fn day(today: Date, offset: i32) -> Date {
    today.saturating_add(Span::new().days(offset))
}

/// The given weekday, so many weeks from this one.
fn next(today: Date, weekday: Weekday, weeks: i32) -> Date {
    let monday = day(today, -i32::from(today.weekday().to_monday_zero_offset()));
    day(monday, i32::from(weekday.to_monday_zero_offset()) + 7 * weeks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::google::free_busy::busy_times;

    #[test]
    fn the_seed_holds_what_its_names_promise_on_any_day() {
        for now in ["2026-03-28T22:00:00Z", "2026-11-21T01:00:00Z", "2028-02-29T12:00:00Z"] {
            let now: Timestamp = now.parse().unwrap();
            let mut world = World::default();
            seed(&mut world, now);
            let month = jiff::SignedDuration::from_hours(30 * 24);
            assert!(busy_times(&world.calendars[EMPTY], now - month, now + month).is_empty());
            assert_eq!(world.accounts[MANY].list.len(), 64);
            for (email, ..) in PEOPLE {
                let calendar = &world.calendars[email];
                assert!(calendar.events.len() > 35, "{email}: {}", calendar.events.len());
                assert!(calendar.events.values().any(|event| event.origin.is_some() && event.is_cancelled()));
                assert!(
                    calendar.events.values().any(|event| event.origin.is_some() && !event.is_cancelled())
                );
                assert_eq!(world.accounts[email].list.len(), 4);
            }
            for number in [0, 62] {
                let room = &world.calendars[&format!("room-{number:02}@group.calendar.google.com")];
                assert_eq!(room.events.len(), 1);
            }
        }
    }
}
