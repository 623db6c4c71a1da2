//! G6: one attempt connects at most once, and one that is forged, late or of another browser never.

use std::collections::BTreeMap;

use crate::{witness::Promise, world::World};

/// Judges what callbacks led to.
pub fn judge(world: &World) {
    let made = world.witness.connections.borrow();
    let mut by_state: BTreeMap<String, u32> = BTreeMap::new();
    for callback in world.callbacks.borrow().iter() {
        let connections = made.get(&callback.isolate).copied().unwrap_or_default();
        if let Some(reason) = callback.bad {
            world.witness.expect(connections == 0, Promise::G6, || {
                format!("an attempt that was {reason} made {connections} connections")
            });
        }
        *by_state.entry(callback.state.clone()).or_default() += connections;
    }
    for (state, connections) in by_state {
        world.witness.expect(connections <= 1, Promise::G6, || {
            format!("state {}... made {connections} connections", &state[..6.min(state.len())])
        });
    }
}
