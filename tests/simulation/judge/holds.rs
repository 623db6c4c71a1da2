//! G1, for holds: of two that exclude each other and overlap, at most one stands at any time.

use std::collections::BTreeMap;

use huddle_calendar_sync::domain::{
    event::CreationKey,
    time::{Interval, Timestamp},
};

use crate::{
    ports::Worker,
    providers::Providers,
    witness::{Promise, Witness},
};

/// A hold that stands.
struct Standing {
    connector: String,
    key: String,
    slot: Interval,
}

/// Judges the moment after an event was made.
pub fn judge(worker: &Worker, providers: &Providers, witness: &Witness, now: Timestamp) {
    let exclusive = exclusive(witness);
    let rows = worker.db.sqlite().read(&format!(
        "SELECT connector_id, creation_key FROM holds WHERE state = 'confirmed' OR expires_at > {}",
        now.as_millis()
    ));
    let standing: Vec<Standing> = rows
        .iter()
        .filter_map(|row| {
            let key = row["creation_key"].as_str()?;
            let slot = providers.agenda(|agenda| agenda.made_under(key).find_map(|event| event.blocks()))?;
            let counts = exclusive.get(key).copied().unwrap_or(false);
            let connector = row["connector_id"].as_str()?.to_owned();
            counts.then(|| Standing { connector, key: key.to_owned(), slot })
        })
        .collect();
    for (place, one) in standing.iter().enumerate() {
        for other in &standing[place + 1..] {
            let apart = one.connector != other.connector || !one.slot.overlaps(other.slot);
            witness.expect(apart, Promise::G1, || {
                format!("holds {} and {} of {} stand on the same slot", one.key, other.key, one.connector)
            });
        }
    }
}

/// Which creation keys belong to holds that exclude others.
fn exclusive(witness: &Witness) -> BTreeMap<String, bool> {
    let heard = witness.heard.borrow();
    let placements = heard.values().filter(|heard| heard.asked.kind == "place-hold");
    placements
        .map(|heard| {
            let asked = &heard.asked;
            let hold = asked.payload["holdId"].as_str().unwrap_or_default();
            let key = CreationKey::derive(&["hold", asked.connector.as_str(), hold, asked.task.as_str()]);
            (key.as_str().to_owned(), asked.payload["allowConflicts"] != true)
        })
        .collect()
}
