//! The tenants and accounts that exist from the start, with a month of events around today.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Span, Timestamp};
use serde_json::{Map, Value, json};

use super::event::{Event, Kind, OwnResponse, Person};
use super::event_body::{self, Writing};
use super::events::blank;
use super::ids::ItemKey;
use super::mailbox::{Mailbox, WorkingHours};
use super::world::{Account, PERSONAL_TENANT, Tenant, World};
use super::zone::Zone;

/// An organisation whose people may consent for themselves.
pub const CONTOSO: &str = "c0a7050a-1111-4000-8000-0000000000c0";
/// An organisation where only an administrator may consent.
pub const FABRIKAM: &str = "fab21ca0-2222-4000-8000-0000000000fa";

/// The first work account: a Windows zone name.
pub const WORK: &str = "work@contoso.example";
/// A work account with nothing in its calendar.
pub const EMPTY_WORK: &str = "empty@contoso.example";
/// A work account with more calendars than a page of ten, each with one known busy time.
pub const MANY: &str = "many-calendars@contoso.example";
/// The first personal account.
pub const PERSONAL: &str = "personal@outlook.example";
/// A personal account with nothing in its calendar.
pub const EMPTY_PERSONAL: &str = "empty@outlook.example";
/// Somebody whose organisation demands an administrator's approval.
pub const NEEDS_APPROVAL: &str = "user@fabrikam.example";

/// A world with the accounts that exist from the start.
pub fn seeded_world(now: Timestamp) -> World {
    let mut world = World::empty();
    for (id, name, domain, users_may_consent) in
        [(CONTOSO, "Contoso", "contoso.example", true), (FABRIKAM, "Fabrikam", "fabrikam.example", false)]
    {
        let tenant = Tenant {
            id: id.to_owned(),
            name: name.to_owned(),
            domain: domain.to_owned(),
            users_may_consent,
            admin_consents: std::collections::BTreeMap::new(),
        };
        world.tenants.insert(id.to_owned(), tenant);
    }
    let accounts = [
        (WORK, "Wanda Work", CONTOSO, "W. Europe Standard Time"),
        ("colleague@contoso.example", "Colin Colleague", CONTOSO, "Tokyo Standard Time"),
        ("remote@contoso.example", "Rita Remote", CONTOSO, "America/New_York"),
        ("custom-zone@contoso.example", "Casper Custom", CONTOSO, "Pacific Standard Time"),
        (EMPTY_WORK, "Emmy Empty", CONTOSO, "UTC"),
        (MANY, "Mona Many", CONTOSO, "UTC"),
        ("admin@contoso.example", "Adam Admin", CONTOSO, "GMT Standard Time"),
        (NEEDS_APPROVAL, "Frida Fabrikam", FABRIKAM, "Central European Standard Time"),
        ("admin@fabrikam.example", "Axel Admin", FABRIKAM, "Central European Standard Time"),
        (PERSONAL, "Petra Personal", PERSONAL_TENANT, "India Standard Time"),
        (EMPTY_PERSONAL, "Eddie Empty", PERSONAL_TENANT, "Eastern Standard Time"),
    ];
    for (email, name, tenant, zone) in accounts {
        let zone = Zone::named(zone).unwrap_or_else(Zone::utc);
        add_account(&mut world, email, name, tenant, zone);
        if let Some(account) = world.accounts.get_mut(email) {
            account.is_admin = email.starts_with("admin@");
        }
    }
    custom_working_hours(&mut world);
    for (index, email) in
        [WORK, "colleague@contoso.example", "remote@contoso.example", NEEDS_APPROVAL, PERSONAL]
            .into_iter()
            .enumerate()
    {
        Filler::of(&mut world, email, 1, now).working_month(index);
        let family = add_calendar(&mut world, email, "Family", true);
        Filler::of(&mut world, email, family, now).private_month();
        let holidays = add_calendar(&mut world, email, "Holidays", false);
        let mut holidays = Filler::of(&mut world, email, holidays, now);
        holidays.all_day("Public holiday", 12, 1, json!({ "showAs": "free" }));
        holidays.all_day("Public holiday", -9, 1, json!({ "showAs": "free" }));
    }
    for number in 0..13 {
        let calendar = add_calendar(&mut world, MANY, &format!("Project {number:02}"), true);
        // Project n is busy tomorrow from n o'clock UTC, for half an hour.
        Filler::of(&mut world, MANY, calendar, now).timed("Booked", 1, (number, 0), 30, json!({}));
    }
    // What the seed did is no news to anybody.
    world.changes.clear();
    world
}

/// Adds an account with its mailbox.
pub fn add_account(world: &mut World, email: &str, name: &str, tenant: &str, zone: Zone) {
    let change = world.next_change();
    let number = u32::try_from(world.accounts.len()).unwrap_or(0) + 1;
    let hash = email.bytes().fold(7_u128, |hash, byte| hash.wrapping_mul(1_000_003) ^ u128::from(byte));
    let digits = format!("{hash:032x}");
    let object_id = if tenant == PERSONAL_TENANT {
        format!("00000000-0000-0000-{}-{}", &digits[16..20], &digits[20..32])
    } else {
        format!(
            "{}-{}-4{}-8{}-{}",
            &digits[..8],
            &digits[8..12],
            &digits[13..16],
            &digits[17..20],
            &digits[20..]
        )
    };
    let account = Account {
        email: email.to_owned(),
        name: name.to_owned(),
        object_id,
        tenant: tenant.to_owned(),
        is_admin: false,
        sessions_valid_from: None,
        mailbox: Mailbox::new(number, zone, change),
    };
    world.accounts.insert(email.to_owned(), account);
}

fn add_calendar(world: &mut World, email: &str, name: &str, can_edit: bool) -> u32 {
    let change = world.next_change();
    let Some(account) = world.accounts.get_mut(email) else {
        return 1;
    };
    let number = account.mailbox.add_calendar(name, "lightGreen", "#7bd148", change);
    if let Some(calendar) = account.mailbox.calendars.get_mut(&number) {
        calendar.can_edit = can_edit;
    }
    number
}

/// Working hours in a zone that has no name, only a bias and two days of the year, as Outlook for Windows leaves them.
fn custom_working_hours(world: &mut World) {
    let Some(account) = world.accounts.get_mut("custom-zone@contoso.example") else {
        return;
    };
    let zone = Zone::named("Pacific Standard Time").unwrap_or_else(Zone::utc);
    let zone_json = json!({
        "@odata.type": "#microsoft.graph.customTimeZone",
        "bias": 480,
        "name": "Customized Time Zone",
        "standardOffset": { "time": "02:00:00.0000000", "dayOccurrence": 1, "dayOfWeek": "sunday", "month": 11, "year": 0 },
        "daylightOffset": {
            "daylightBias": -60,
            "time": "02:00:00.0000000",
            "dayOccurrence": 2,
            "dayOfWeek": "sunday",
            "month": 3,
            "year": 0,
        },
    });
    let hours = WorkingHours::office(&zone);
    account.mailbox.working_hours =
        WorkingHours { days: vec!["tuesday", "wednesday", "thursday"], zone_json, ..hours };
}

/// Writes events into one calendar.
struct Filler<'a> {
    world: &'a mut World,
    email: &'a str,
    calendar: u32,
    zone: Zone,
    today: Date,
    now: Timestamp,
}

impl<'a> Filler<'a> {
    fn of(world: &'a mut World, email: &'a str, calendar: u32, now: Timestamp) -> Self {
        let zone = world.mailbox(email).map_or_else(Zone::utc, |mailbox| mailbox.zone.clone());
        let today = DateTime::date(zone.local(now));
        Self { world, email, calendar, zone, today, now }
    }

    fn day(&self, offset: i64) -> Date {
        self.today.saturating_add(Span::new().days(offset))
    }

    /// The weekday in the week that is so many weeks from this one.
    fn weekday(&self, weekday: Weekday, weeks: i64) -> Date {
        let monday = self
            .today
            .saturating_sub(Span::new().days(i64::from(self.today.weekday().to_monday_zero_offset())));
        monday.saturating_add(Span::new().days(weeks * 7 + i64::from(weekday.to_monday_zero_offset())))
    }

    fn put(&mut self, start: DateTime, end: DateTime, mut body: Map<String, Value>) -> u64 {
        let time = |at: DateTime, zone: &Zone| super::zone::floating(at, zone.name());
        body.insert("start".into(), time(start, &self.zone));
        body.insert("end".into(), time(end, &self.zone));
        let Some(account) = self.world.accounts.get(self.email) else {
            return 0;
        };
        let organizer = Person { name: account.name.clone(), address: account.email.clone() };
        let writing = Writing { creating: true, teams: !account.is_personal() };
        let (key, change) = (ItemKey::whole(self.world.next_event()), self.world.next_change());
        let mut event = blank(key, organizer, change, self.now);
        if event_body::apply(&mut event, &body, writing).is_err() {
            return 0;
        }
        self.world.put_event(self.email, self.calendar, event, "created");
        key.event
    }

    fn on(&mut self, subject: &str, day: Date, (hour, minute): (i8, i8), minutes: i64, more: Value) -> u64 {
        let start = day.at(hour, minute, 0, 0);
        let mut body = more.as_object().cloned().unwrap_or_default();
        body.insert("subject".into(), subject.into());
        self.put(start, start.saturating_add(Span::new().minutes(minutes)), body)
    }

    fn timed(&mut self, subject: &str, offset: i64, at: (i8, i8), minutes: i64, more: Value) -> u64 {
        let day = self.day(offset);
        self.on(subject, day, at, minutes, more)
    }

    fn all_day(&mut self, subject: &str, offset: i64, days: i64, more: Value) -> u64 {
        let start = self.day(offset).at(0, 0, 0, 0);
        let mut body = more.as_object().cloned().unwrap_or_default();
        body.insert("subject".into(), subject.into());
        body.insert("isAllDay".into(), true.into());
        self.put(start, start.saturating_add(Span::new().days(days)), body)
    }

    fn weekly(days: &[&str], start: Date, range: Value) -> Value {
        let mut range = range;
        range["startDate"] = start.to_string().into();
        json!({ "pattern": { "type": "weekly", "interval": 1, "daysOfWeek": days, "firstDayOfWeek": "monday" }, "range": range })
    }

    fn edit(&mut self, event: u64, change: impl FnOnce(&mut Event)) {
        let calendar = self
            .world
            .accounts
            .get_mut(self.email)
            .and_then(|found| found.mailbox.calendars.get_mut(&self.calendar));
        if let Some(event) = calendar.and_then(|calendar| calendar.events.get_mut(&event)) {
            change(event);
        }
    }

    /// A working calendar: series with exceptions, one-off meetings, days off, and every `showAs`.
    fn working_month(&mut self, person: usize) {
        let weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday"];
        let monday = self.weekday(Weekday::Monday, -3);
        let series = Self::weekly(&weekdays, monday, json!({ "type": "noEnd" }));
        let standup = self.on("Stand-up", monday, (9, 30), 15, json!({ "recurrence": series }));
        let (moved, dropped) = (self.weekday(Weekday::Wednesday, 1), self.weekday(Weekday::Friday, 1));
        self.edit(standup, |series| {
            if let Some(mut exception) = series.occurrence(moved) {
                exception.kind = Kind::Exception;
                exception.start = moved.at(11, 0, 0, 0);
                exception.end = moved.at(11, 15, 0, 0);
                exception.fields.insert("subject".into(), "Stand-up (later today)".into());
                series.exceptions.insert(moved, exception);
            }
            series.cancelled_days.insert(dropped);
        });
        let tuesday = self.weekday(Weekday::Tuesday, -2);
        let series = json!({
            "pattern": { "type": "weekly", "interval": 2, "daysOfWeek": ["tuesday"], "firstDayOfWeek": "monday" },
            "range": { "type": "numbered", "startDate": tuesday.to_string(), "numberOfOccurrences": 10 },
        });
        let guest = json!([{ "type": "required", "emailAddress": { "name": "A. Guest", "address": "guest@example.org" } }]);
        self.on(
            "One to one",
            tuesday,
            (14, 0),
            30,
            json!({ "recurrence": series, "attendees": guest, "isOnlineMeeting": true }),
        );
        self.on("Lunch", self.weekday(Weekday::Monday, -1), (12, 0), 60, json!({
            "showAs": "free",
            "recurrence": Self::weekly(&weekdays, self.weekday(Weekday::Monday, -1), json!({ "type": "noEnd" })),
        }));
        let thursday = self.weekday(Weekday::Thursday, 1);
        self.on("Working from the lake", thursday, (8, 0), 9 * 60, json!({ "showAs": "workingElsewhere" }));
        self.all_day("Offsite", 10, 2, json!({ "location": { "displayName": "Harbour house" } }));
        self.all_day("Away", 20, 5, json!({ "showAs": "oof", "subject": "Away" }));
        self.timed("Dinner with the suppliers", 1, (18, 0), 90, json!({ "showAs": "tentative" }));
        self.timed("Deployment watch", 5, (23, 0), 180, json!({ "importance": "high" }));
        self.timed("Doctor", 3, (8, 15), 45, json!({ "sensitivity": "private" }));
        let month = self.weekday(Weekday::Monday, 0);
        let first = month.first_of_month();
        let review = json!({
            "pattern": { "type": "relativeMonthly", "interval": 1, "daysOfWeek": ["wednesday"], "index": "last" },
            "range": { "type": "noEnd", "startDate": first.to_string() },
        });
        self.on("Monthly review", first, (15, 0), 60, json!({ "recurrence": review }));
        let odd = self.timed("Planned by an old Outlook", 2, (16, 0), 30, json!({}));
        self.edit(odd, |event| event.shown_zone = Some("tzone://Microsoft/Custom".to_owned()));
        let invited = self.timed("Supplier negotiation", 2, (10, 0), 60, json!({ "showAs": "tentative" }));
        self.edit(invited, |event| {
            event.organizer =
                Person { name: "Boss Elsewhere".to_owned(), address: "boss@example.org".to_owned() };
            event.is_organizer = false;
            event.response = OwnResponse { response: "notResponded", at: None };
        });
        for index in 0..12_i64 {
            let minute = i8::try_from((index * 7 + person as i64 * 5) % 4 * 15).unwrap_or(0);
            let hour = 9 + i8::try_from((index * 3 + person as i64) % 7).unwrap_or(0);
            self.timed(
                &format!("Meeting {}", index + 1),
                index * 2 - 9,
                (hour, minute),
                30 + index % 3 * 15,
                json!({}),
            );
        }
    }

    /// A calendar beside the default one.
    fn private_month(&mut self) {
        self.timed("Piano lesson", 4, (17, 0), 45, json!({}));
        let birthday = self.day(15);
        let yearly = json!({
            "pattern": { "type": "absoluteYearly", "interval": 1, "month": birthday.month(), "dayOfMonth": birthday.day() },
            "range": { "type": "noEnd", "startDate": birthday.to_string() },
        });
        self.all_day("Birthday", 15, 1, json!({ "showAs": "free", "recurrence": yearly }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microsoft::event::Window;

    #[test]
    fn the_seeded_month_has_every_kind_of_event_whatever_the_day() {
        for now in ["2026-03-27T12:00:00Z", "2026-02-28T23:30:00Z", "2027-12-31T00:00:00Z"] {
            let now: Timestamp = now.parse().unwrap();
            let world = seeded_world(now);
            let mailbox = &world.accounts[WORK].mailbox;
            let month = jiff::SignedDuration::from_hours(31 * 24);
            let window = Window { from: now - month, until: now + month };
            let shown: Vec<Event> =
                mailbox.calendars[&1].events.values().flat_map(|event| event.expand(window)).collect();
            for status in ["free", "busy", "tentative", "oof", "workingElsewhere"] {
                assert!(shown.iter().any(|event| event.text("showAs") == Some(status)), "{now} {status}");
            }
            for kind in [Kind::Single, Kind::Occurrence, Kind::Exception] {
                assert!(shown.iter().any(|event| event.kind == kind), "{now} {kind:?}");
            }
            assert_eq!(mailbox.calendars[&1].events.len(), 24, "every event was valid on {now}");
            assert!(shown.len() > 60, "{now} {}", shown.len());
            assert!(world.accounts[EMPTY_WORK].mailbox.calendars[&1].events.is_empty());
            assert_eq!(world.accounts[MANY].mailbox.calendars.len(), 14);
        }
    }

    #[test]
    fn ids_of_the_directory_are_unique() {
        let world = seeded_world(Timestamp::UNIX_EPOCH);
        let ids: std::collections::BTreeSet<_> =
            world.accounts.values().map(|account| &account.object_id).collect();
        assert_eq!(ids.len(), world.accounts.len());
        assert!(ids.iter().all(|id| id.len() == 36), "{ids:?}");
    }
}
