//! One piece of work at a time, shared by everybody who asks for it while it is under way (G5).
//!
//! A Durable Object takes other requests while one awaits `fetch`, so that this has to be said explicitly. The work belongs
//! to nobody's request: it is handed to `spawn` as well, and where that does nothing, whoever asks next drives it on.

use std::{cell::RefCell, rc::Rc};

use futures_util::{
    FutureExt,
    future::{LocalBoxFuture, Shared},
};

/// Lets a future run on its own.
pub type Spawn = Rc<dyn Fn(LocalBoxFuture<'static, ()>)>;

/// Work under way, to be awaited by as many as like.
pub type Flight<T> = Shared<LocalBoxFuture<'static, T>>;

/// Where the work under way is found.
pub struct SingleFlight<T: Clone + 'static> {
    under_way: RefCell<Option<Flight<T>>>,
    spawn: Spawn,
}

impl<T: Clone + 'static> SingleFlight<T> {
    /// Nothing under way yet.
    pub fn new(spawn: Spawn) -> Self {
        Self { under_way: RefCell::new(None), spawn }
    }

    /// Joins the work under way, or starts it.
    pub fn join(&self, start: impl FnOnce() -> LocalBoxFuture<'static, T>) -> Flight<T> {
        let mut under_way = self.under_way.borrow_mut();
        if let Some(flight) = under_way.as_ref().filter(|flight| flight.peek().is_none()) {
            return flight.clone();
        }
        let flight = start().shared();
        *under_way = Some(flight.clone());
        drop(under_way);
        (self.spawn)(flight.clone().map(drop).boxed_local());
        flight
    }
}

/// Spawns nothing: work goes on only while somebody awaits it.
pub fn unspawned() -> Spawn {
    Rc::new(|_| {})
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, collections::VecDeque};

    use futures_channel::oneshot;

    use super::*;
    use crate::testing::block_on;

    /// Work that counts its starts and ends when told.
    #[derive(Default)]
    struct Bench {
        started: Cell<u32>,
        ends: RefCell<VecDeque<oneshot::Receiver<u32>>>,
    }

    impl Bench {
        fn end_later(&self) -> oneshot::Sender<u32> {
            let (end, ended) = oneshot::channel();
            self.ends.borrow_mut().push_back(ended);
            end
        }

        fn start(&self) -> LocalBoxFuture<'static, u32> {
            self.started.set(self.started.get() + 1);
            let ended = self.ends.borrow_mut().pop_front().unwrap();
            async move { ended.await.unwrap() }.boxed_local()
        }
    }

    #[test]
    fn a_hundred_who_ask_at_once_share_one_flight_and_the_next_starts_another() {
        let (bench, flights) = (Bench::default(), SingleFlight::new(unspawned()));
        let end = bench.end_later();
        let waiting: Vec<_> = (0..100).map(|_| flights.join(|| bench.start())).collect();
        end.send(7).unwrap();
        let answers = block_on(futures_util::future::join_all(waiting));
        assert_eq!((answers, bench.started.get()), (vec![7; 100], 1));

        bench.end_later().send(8).unwrap();
        assert_eq!(block_on(flights.join(|| bench.start())), 8);
        assert_eq!(bench.started.get(), 2);
    }

    #[test]
    fn the_flight_survives_the_caller_who_started_it() {
        let (bench, flights) = (Bench::default(), SingleFlight::new(unspawned()));
        let end = bench.end_later();
        let mut first = flights.join(|| bench.start());
        assert!((&mut first).now_or_never().is_none());
        let second = flights.join(|| bench.start());
        drop(first);
        end.send(7).unwrap();
        assert_eq!(block_on(second), 7);
        assert_eq!(bench.started.get(), 1);
    }

    #[test]
    fn a_flight_everybody_left_is_driven_on_by_the_next_or_by_itself() {
        let (bench, flights) = (Bench::default(), SingleFlight::new(unspawned()));
        let end = bench.end_later();
        drop(flights.join(|| bench.start()));
        end.send(7).unwrap();
        assert_eq!(block_on(flights.join(|| bench.start())), 7);
        assert_eq!(bench.started.get(), 1);

        let spawned = Rc::new(RefCell::new(Vec::new()));
        let keep = spawned.clone();
        let flights = SingleFlight::new(Rc::new(move |work| keep.borrow_mut().push(work)));
        let done = Rc::new(Cell::new(false));
        let mark = done.clone();
        drop(flights.join(|| async move { mark.set(true) }.boxed_local()));
        assert!(!done.get());
        block_on(futures_util::future::join_all(spawned.take()));
        assert!(done.get());
    }
}
