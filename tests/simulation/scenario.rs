//! What happens in a world, decided by its seed: who connects, what is asked for and when, what goes wrong, and how it ends.

use std::{cell::RefCell, rc::Rc};

use huddle_calendar_sync::{
    domain::{
        connector::Connector,
        ids::{ConnectorId, TaskId},
    },
    pausing,
    ports::Db,
    store::connectors,
    tasks::{envelope, submission},
};
use serde_json::Value as Json;

use crate::{
    dice::Dice,
    errands::Errands,
    judge, log,
    people::{self, Manner, Person},
    ports::{Worker, queues::Inbox},
    providers::{Cast, Providers},
    settings::{settings, small_limits},
    weather::Weather,
    world::{Terms, World},
};

/// How long things happen, in milliseconds.
const TROUBLE_MILLIS: i64 = 25 * 60_000;
/// When everything must have come to rest: a day's budget may have to pass first.
const PATIENCE_MILLIS: i64 = 60 * 3_600_000;

/// A connected account.
#[derive(Debug, Clone)]
pub struct Connected {
    /// Whose.
    pub person: Person,
    /// Its connector.
    pub connector: String,
}

/// Something that happens.
#[derive(Debug, Clone)]
enum Happening {
    /// Another service puts a task on the queue.
    Posted(Json),
    /// A backend sends one over HTTP.
    Submitted(Json),
    /// An operator replays what failed.
    Replayed,
    /// Somebody connects (again), in some manner.
    Connects(usize, Manner),
    /// Somebody revokes at the provider.
    Revokes(usize),
    /// An operator pauses or resumes a connector.
    Pauses(usize, bool),
    /// Somebody deletes an event in their calendar.
    Deletes,
    /// Somebody changes an event in their calendar.
    Edits,
}

/// Runs the world of a seed until it has come to rest, and judges it. The caller ends it.
pub fn run(terms: Terms) -> Rc<World> {
    let dice = Dice::new(terms.seed, "scenario");
    let accounts = terms.cast.unwrap_or_else(|| Cast::draw(&dice)).accounts();
    let emails: Vec<String> = accounts.iter().map(|account| account.email.clone()).collect();
    let providers = Providers::new(terms.seed, accounts, 1, dice.chance(400));
    let world = World::new(terms, providers, settings(dice.chance(500).then(|| small_limits(&dice))));
    let connected = settle_in(&world, &dice, &emails);

    let weather = Weather::draw(&dice);
    world.kernel.note(|| format!("{weather:?}"));
    world.sky.set(weather);
    world.weather.set(weather);
    let start = world.kernel.now().as_millis();
    let mut happenings = plan(&world, &dice, &connected, start);
    happenings.sort_by_key(|(at, _)| *at);
    for (at, happening) in happenings {
        world.run_until(at);
        happen(&world, &connected, &dice, happening);
    }
    world.run_until(start + TROUBLE_MILLIS);
    world.sky.set(Weather::default());
    come_to_rest(&world, &connected, &dice);
    world.witness.logged.borrow_mut().extend(log::lines());
    judge::judge(&world);
    world
}

/// Connects one to four accounts, of two tenants, in fair weather.
fn settle_in(world: &Rc<World>, dice: &Dice, accounts: &[String]) -> Vec<Connected> {
    let tenants = [("user-1", Some("work-1")), ("user-2", Some("work-2")), ("user-1", None)];
    let mut people: Vec<Person> = Vec::new();
    for _ in 0..dice.between(1, 5) {
        let (user, workspace) = *dice.pick(&tenants);
        let person = Person {
            user: user.to_owned(),
            workspace: workspace.map(str::to_owned),
            account: dice.pick(accounts).clone(),
        };
        let known = |other: &Person| {
            (&other.user, &other.workspace, &other.account)
                == (&person.user, &person.workspace, &person.account)
        };
        if !people.iter().any(known) {
            people.push(person);
        }
    }
    connect_all(world, people)
}

/// Connects accounts, one after the other, in fair weather.
pub fn connect_all(world: &Rc<World>, people: Vec<Person>) -> Vec<Connected> {
    let connected: Rc<RefCell<Vec<Connected>>> = Rc::default();
    let (inside, found) = (Rc::clone(world), Rc::clone(&connected));
    world.kernel.spawn(world.kernel.isolate("browser"), async move {
        for person in people {
            let connector = people::connect(&inside, &person, Manner::Plain).await;
            let connector = connector.expect("in fair weather everybody gets connected");
            found.borrow_mut().push(Connected { person, connector });
        }
    });
    while Rc::strong_count(&connected) > 1 {
        world.pass(10_000);
    }
    connected.take()
}

fn plan(world: &World, dice: &Dice, connected: &[Connected], start: i64) -> Vec<(i64, Happening)> {
    let mut plan = Vec::new();
    let bursts: Vec<i64> = (0..dice.between(1, 6)).map(|_| start + dice.between(0, 15 * 60_000)).collect();
    let moment = || match dice.between(0, 3) {
        0 => start + dice.between(0, TROUBLE_MILLIS),
        _ => dice.pick(&bursts) + dice.between(0, 3_000),
    };
    let mut errands = Errands::new(&world.providers, dice, connected, start);
    for _ in 0..dice.between(4, 26) {
        let task = errands.next();
        let at = moment();
        for copy in 0..*dice.pick(&[1, 1, 1, 1, 2, 3]) {
            let at = if copy == 0 { at } else { at + dice.between(0, 120_000) };
            let known = task.get("id").is_some() && task.get("connectorId").is_some();
            let happening = match dice.between(0, 4) {
                0 if known => Happening::Submitted(task.clone()),
                _ => Happening::Posted(task.clone()),
            };
            plan.push((at, happening));
        }
    }
    if dice.chance(400) {
        let at = moment();
        let (creation, changes) = errands.rivals();
        plan.push((at, Happening::Posted(creation)));
        let late = at + dice.between(2_000, 8_000);
        plan.extend(
            changes.into_iter().map(|change| (late + dice.between(0, 3_000), Happening::Posted(change))),
        );
    }
    let someone = || dice.place(connected.len());
    if dice.chance(300) {
        let (at, who) = (moment(), someone());
        plan.push((at, Happening::Revokes(who)));
        // Several find out at once.
        for _ in 0..dice.between(0, 5) {
            let task = errands.of(&connected[who].connector);
            plan.push((at + dice.between(0, 400), Happening::Posted(task)));
        }
    }
    let mut sometimes = |per_mille: u32, happening: &dyn Fn() -> Happening| {
        if dice.chance(per_mille) {
            plan.push((moment(), happening()));
        }
    };
    let manners = [
        Manner::Denies,
        Manner::Unticks,
        Manner::Dawdles,
        Manner::Replays,
        Manner::Races,
        Manner::Lends,
        Manner::Forges,
    ];
    sometimes(300, &|| Happening::Connects(someone(), Manner::Plain));
    sometimes(150, &|| Happening::Connects(someone(), Manner::Plain));
    sometimes(400, &|| Happening::Connects(someone(), *dice.pick(&manners)));
    sometimes(200, &|| Happening::Pauses(someone(), true));
    sometimes(200, &|| Happening::Pauses(someone(), false));
    sometimes(200, &|| Happening::Deletes);
    sometimes(200, &|| Happening::Edits);
    for _ in 0..3 {
        sometimes(300, &|| Happening::Replayed);
    }
    plan
}

fn happen(world: &Rc<World>, connected: &[Connected], dice: &Dice, happening: Happening) {
    world.kernel.note(|| format!("* {happening:?}"));
    match happening {
        Happening::Posted(task) => world.yard.post(Inbox::Tasks, task, 0),
        Happening::Submitted(task) => in_background(world, "submit", async move |worker| {
            let Ok((asked, _)) = submission::check(envelope::read(&task, "none")) else { return };
            let Some(connector) = look_up(&worker, &asked.connector).await else { return };
            let owner = huddle_calendar_sync::store::outbox::Owner::of(&connector);
            // A caller who gets no answer may have been heard or not, and sends it again or does not.
            let _answer = submission::submit(&worker, &asked, &owner).await;
        }),
        Happening::Replayed => {
            let failed =
                world.worker.db.sqlite().read("SELECT * FROM tasks WHERE state IN ('failed', 'dead')");
            if failed.is_empty() {
                return;
            }
            let task = dice.pick(&failed).clone();
            in_background(world, "replay", async move |worker| {
                let connector = ConnectorId::new(task["connector_id"].as_str().unwrap());
                let id = TaskId::new(task["task_id"].as_str().unwrap());
                let _answer = submission::replay(&worker, &connector, &id).await;
            });
        }
        Happening::Connects(who, manner) => {
            connects(world, &connected[who].person, manner);
        }
        Happening::Revokes(who) => {
            let (account, now) = (&connected[who].person.account, world.kernel.now());
            world.providers.grants(|grants| grants.revoke_account(account, now));
        }
        Happening::Pauses(who, paused) => pause(world, &connected[who].connector, paused),
        Happening::Deletes => {
            if let Some((calendar, event)) = some_event(world, dice) {
                world.providers.agenda(|agenda| agenda.delete(&calendar, &event, true));
            }
        }
        Happening::Edits => {
            if let Some((calendar, event)) = some_event(world, dice) {
                world.providers.edit_by_hand(&calendar, &event);
            }
        }
    }
}

/// A live event that somebody is going to touch by hand.
fn some_event(world: &World, dice: &Dice) -> Option<(String, String)> {
    let live: Vec<(String, String)> = world.providers.agenda(|agenda| {
        let live = agenda.all().filter(|event| !event.deleted);
        live.map(|event| (event.calendar.clone(), event.id.clone())).collect()
    });
    let event = (!live.is_empty()).then(|| dice.pick(&live).clone())?;
    world.touched.borrow_mut().insert(event.1.clone());
    Some(event)
}

fn connects(world: &Rc<World>, person: &Person, manner: Manner) {
    let (inside, person) = (Rc::clone(world), person.clone());
    world.kernel.spawn(world.kernel.isolate("browser"), async move {
        people::connect(&inside, &person, manner).await;
    });
}

fn pause(world: &Rc<World>, connector: &str, paused: bool) {
    let id = ConnectorId::new(connector);
    in_background(world, "pause", async move |worker| {
        let Some(connector) = look_up(&worker, &id).await else { return };
        // An operator whose wish was not heard asks again or does not.
        let _answer = pausing::set_paused(&worker, &connector, paused).await;
    });
}

async fn look_up(worker: &Worker, id: &ConnectorId) -> Option<Connector> {
    let rows = worker.db.query(connectors::get(id)).await.ok()?;
    connectors::from_row(rows.first()?).ok()
}

fn in_background(world: &Rc<World>, name: &'static str, work: impl AsyncFnOnce(Rc<Worker>) + 'static) {
    let isolate = world.kernel.isolate(name);
    let worker = Rc::clone(&world.worker);
    world.kernel.spawn(isolate, async move { work(worker).await });
}

/// The faults stop, what is paused is resumed, most of what needs its person is connected again, and time passes until
/// nothing is left to do.
fn come_to_rest(world: &Rc<World>, connected: &[Connected], dice: &Dice) {
    world.slow_cron(10 * 60_000);
    // Browsers that were on their way get home first.
    world.pass(15 * 60_000);
    for account in connected {
        pause(world, &account.connector, false);
        let status = status(world, &account.connector);
        if status.as_deref() == Some("reauth_required") && dice.chance(700) {
            connects(world, &account.person, Manner::Plain);
        }
    }
    let deadline = world.kernel.now().as_millis() + PATIENCE_MILLIS;
    // Long enough for every hold to run out and be taken off.
    world.pass(45 * 60_000);
    while !world.is_at_rest() && world.kernel.now().as_millis() < deadline {
        world.pass(10 * 60_000);
    }
}

/// The status of a connector; `None` when it is gone.
pub fn status(world: &World, connector: &str) -> Option<String> {
    let rows =
        world.worker.db.sqlite().read(&format!("SELECT status FROM connectors WHERE id = '{connector}'"));
    rows.first().and_then(|row| row["status"].as_str()).map(str::to_owned)
}
