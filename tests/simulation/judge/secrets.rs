//! G4: no token, code, verifier or key is anywhere but where it is sealed, and what is sealed opens for its own row only.

use huddle_calendar_sync::{domain::ids::ConnectorId, store::connectors, vault::Sealed};
use serde_json::Value as Json;

use crate::{providers::grants::SECRET_MARK, witness::Promise, world::World};

/// Looks everywhere.
pub fn judge(world: &World) {
    let verifiers = world.providers.grants(|grants| grants.verifiers.clone());
    let seek = |place: &str, text: &str| {
        let secret = text.contains(SECRET_MARK)
            || verifiers.iter().any(|verifier| !verifier.is_empty() && text.contains(verifier));
        world.witness.expect(!secret, Promise::G4, || format!("a secret in {place}: {}", start(text)));
    };
    let witness = &world.witness;
    witness.logged.borrow().iter().for_each(|line| seek("the log", line));
    witness.published.borrow().iter().for_each(|one| seek("a notification", &one.to_string()));
    witness.sent.borrow().iter().for_each(|message| seek("a queue", message));
    witness.urls.borrow().iter().for_each(|url| seek("a URL", url));
    witness.told.borrow().iter().for_each(|text| seek("an answer", text));
    world.gate_storage().iter().for_each(|text| seek("the gate's storage", text));
    world.worker.token_cache.everything().iter().for_each(|text| seek("the cache", text));

    let sqlite = world.worker.db.sqlite();
    let tables =
        sqlite.read("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    for table in tables {
        let table = table["name"].as_str().unwrap();
        for row in sqlite.read(&format!("SELECT * FROM {table}")) {
            for text in row.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str()) {
                seek(table, text);
            }
        }
    }
    sealed(world);
}

fn sealed(world: &World) {
    let rows = world.worker.db.sqlite().read("SELECT id, refresh_token FROM connectors");
    for row in &rows {
        let Some(token) = row["refresh_token"].as_str() else { continue };
        for other in &rows {
            let id = ConnectorId::new(other["id"].as_str().unwrap());
            let place = connectors::refresh_token_place(&id);
            let opens = world.worker.vault.open(&place, &Sealed::from_stored(token)).is_ok();
            let own = other["id"] == row["id"];
            world.witness.expect(opens == own, Promise::G4, || {
                format!("the refresh token of {} {} for {}", row["id"], opened(opens), other["id"])
            });
        }
    }
}

fn opened(opens: bool) -> &'static str {
    if opens { "opens" } else { "does not open" }
}

fn start(text: &str) -> Json {
    Json::from(text.chars().take(300).collect::<String>())
}
