//! Catches what the worker logs.

use std::{cell::RefCell, fmt::Write};

use tracing::{Event, Subscriber, field::Field};
use tracing_subscriber::{Layer, layer::Context, prelude::*};

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Runs something, and keeps what is logged meanwhile on this thread for [`lines`].
pub fn catching<T>(work: impl FnOnce() -> T) -> T {
    let subscriber = tracing_subscriber::registry().with(Catcher);
    tracing::subscriber::with_default(subscriber, work)
}

/// What was logged so far; forgotten with that.
pub fn lines() -> Vec<String> {
    LINES.with_borrow_mut(std::mem::take)
}

struct Catcher;

impl<S: Subscriber> Layer<S> for Catcher {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut line = event.metadata().level().to_string();
        event.record(&mut |field: &Field, value: &dyn std::fmt::Debug| {
            // Writing to a String does not fail.
            let _written = write!(line, " {}={value:?}", field.name());
        });
        LINES.with_borrow_mut(|lines| lines.push(line));
    }
}
