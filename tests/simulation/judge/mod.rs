//! Judges what happened: some promises at each call to the provider, the rest when everything has come to rest.

pub mod calls;
mod connections;
mod effects;
mod holds;
mod isolation;
mod results;
mod secrets;

use crate::world::World;

/// Judges a world that has come to rest.
pub fn judge(world: &World) {
    effects::judge(world);
    results::judge(world);
    secrets::judge(world);
    connections::judge(world);
    isolation::judge(world);
}
