//! G2: every task that was delivered comes to an end and is told about, once, truthfully. Also what G8 says of alarms.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::{witness::Promise, world::World};

/// Judges what was published.
pub fn judge(world: &World) {
    rest(world);
    let notifications = distinct(world);
    tasks(world, &notifications);
    alarms(world, &notifications);
}

fn rest(world: &World) {
    let sqlite = world.worker.db.sqlite();
    for task in sqlite.read("SELECT * FROM tasks WHERE state IN ('queued', 'running')") {
        world.witness.accuse(
            Promise::G2,
            format!(
                "{} {} of {} is still {}",
                task["type"], task["task_id"], task["connector_id"], task["state"]
            ),
        );
    }
    for row in sqlite.read("SELECT id FROM outbox WHERE sent_at IS NULL") {
        world.witness.accuse(Promise::G2, format!("notification {} was never sent", row["id"]));
    }
    let published: BTreeSet<String> =
        world.witness.published.borrow().iter().map(|one| one["id"].to_string()).collect();
    for row in sqlite.read("SELECT id FROM outbox") {
        world.witness.expect(published.contains(&row["id"].to_string()), Promise::G2, || {
            format!("notification {} counts as sent and was not published", row["id"])
        });
    }
    if world.weather.get().is_mild() {
        let dead = sqlite.read("SELECT task_id FROM tasks WHERE state = 'dead'");
        world.witness.expect(dead.is_empty(), Promise::G7, || {
            format!("tasks died although nothing went wrong: {dead:?}")
        });
        let lost = world.witness.dead_lettered.get();
        world.witness.expect(lost == 0, Promise::G7, || {
            format!("the queue gave up {lost} messages although nothing went wrong")
        });
    }
    world
        .witness
        .expect(world.yard.is_idle(), Promise::G2, || "messages are going round for ever".to_owned());
}

/// What was published, each once. The same id must say the same every time, save when it was said.
fn distinct(world: &World) -> BTreeMap<String, Json> {
    let mut distinct: BTreeMap<String, Json> = BTreeMap::new();
    for notification in world.witness.published.borrow().iter() {
        let id = notification["id"].as_str().unwrap_or_default().to_owned();
        let mut notification = notification.clone();
        notification["time"] = Json::Null;
        let first = distinct.entry(id).or_insert_with(|| notification.clone());
        let purged =
            world.witness.life(first["subject"].as_str().unwrap_or_default(), |life| life.purges > 0);
        world.witness.expect(*first == notification || purged, Promise::G2, || {
            format!("one id, two stories: {first} and {notification}")
        });
    }
    distinct
}

fn tasks(world: &World, notifications: &BTreeMap<String, Json>) {
    let mut results: BTreeMap<(String, String), Vec<&Json>> = BTreeMap::new();
    for notification in notifications.values() {
        if notification["type"].as_str().is_some_and(|kind| kind.starts_with("calendar.task.")) {
            let subject = notification["subject"].as_str().unwrap_or_default().to_owned();
            let task = notification["data"]["taskId"].as_str().unwrap_or_default().to_owned();
            results.entry((subject, task)).or_default().push(notification);
        }
    }
    let mut digests: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (connector, task, digest) in world.witness.heard.borrow().keys() {
        digests.entry((connector.clone(), task.clone())).or_default().insert(digest.clone());
    }
    let nothing = Vec::new();
    for ((connector, task), digests) in digests {
        let told = results.get(&(connector.clone(), task.clone())).unwrap_or(&nothing);
        one(world, &connector, &task, &digests, told);
    }
}

/// What is known of one task: as many distinct results as runs and refusals, the latest as the ledger has it.
fn one(world: &World, connector: &str, task: &str, digests: &BTreeSet<String>, told: &[&Json]) {
    let sql = format!("SELECT * FROM tasks WHERE connector_id = '{connector}' AND task_id = '{task}'");
    let rows = world.worker.db.sqlite().read(&sql);
    let purged = world.witness.life(connector, |life| life.purges > 0);
    let quiet = is_quiet(world, connector, task);
    let Some(row) = rows.first() else {
        world.witness.expect(purged, Promise::G2, || format!("{task} of {connector} is not in the ledger"));
        world.witness.expect(!told.is_empty() || quiet, Promise::G2, || {
            format!("{task} of {connector} was purged and nobody was told what became of it")
        });
        return;
    };
    if purged {
        world.witness.expect(!told.is_empty() || quiet, Promise::G2, || {
            format!("nobody was told what became of {task} of {connector}")
        });
        return;
    }
    let runs = usize::try_from(row["run"].as_i64().unwrap_or_default()).unwrap();
    let own = row["payload_hash"].as_str().unwrap_or_default();
    let others = digests.iter().filter(|digest| *digest != own).count();
    let expected = runs + others;
    let enough = if quiet { told.len() <= expected } else { told.len() == expected };
    world.witness.expect(enough, Promise::G2, || {
        format!(
            "{} distinct results of {task} of {connector}, not {expected}: {told:?}, ledger {row}",
            told.len()
        )
    });
    let truthful = told.iter().any(|notification| agrees(notification, row));
    world.witness.expect(truthful || quiet, Promise::G2, || {
        format!("no result of {task} of {connector} agrees with the ledger: {told:?}, {row}")
    });
}

/// Whether a notification says what the ledger says.
fn agrees(notification: &Json, row: &Json) -> bool {
    let parsed = |column: &str| -> Json {
        row[column].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    match row["state"].as_str() {
        Some("succeeded") => {
            notification["type"] == "calendar.task.succeeded"
                && notification["data"]["result"] == parsed("result")
        }
        Some("failed" | "dead") => {
            notification["type"] == "calendar.task.failed" && notification["data"]["error"] == parsed("error")
        }
        _ => false,
    }
}

/// Whether success is not announced: nobody asked for it.
fn is_quiet(world: &World, connector: &str, task: &str) -> bool {
    world.witness.heard.borrow().iter().any(|((owner, id, _), heard)| {
        owner == connector
            && id == task
            && (heard.asked.payload["scheduled"] == true || heard.asked.payload["reason"] == "expired")
    })
}

/// G8: one alarm for each grant that was lost, and none without.
fn alarms(world: &World, notifications: &BTreeMap<String, Json>) {
    let mut alarms: BTreeMap<String, usize> = BTreeMap::new();
    let mut gone: BTreeSet<String> = BTreeSet::new();
    for notification in notifications.values() {
        let subject = notification["subject"].as_str().unwrap_or_default().to_owned();
        if notification["type"] == "calendar.connector.reauth_required" {
            *alarms.entry(subject.clone()).or_default() += 1;
        }
        let code = notification["data"]["error"]["code"].as_str().unwrap_or_default();
        if ["grant_revoked", "grant_refused", "access_token_refused", "reauth_required"].contains(&code) {
            gone.insert(subject);
        }
    }
    let lives = world.witness.lives.borrow().clone();
    for (connector, life) in &lives {
        let told = alarms.remove(connector).unwrap_or_default();
        world.witness.expect(told == life.marked.len(), Promise::G8, || {
            format!("{told} alarms for {connector}, whose grants of {:?} were lost", life.marked)
        });
        world.witness.expect(!life.marked.is_empty() || !gone.contains(connector), Promise::G8, || {
            format!("tasks of {connector} failed for want of a grant, and it was never marked")
        });
    }
    world.witness.expect(alarms.is_empty(), Promise::G8, || format!("alarms for nobody: {alarms:?}"));
}
