//! Asking several accounts at once.

use futures_util::future::join_all;

use crate::domain::connector::Connector;

/// Asks about each connector, by its place: accounts side by side, but connectors of one account one after the other, for they
/// share its places at the provider, and asked at once none might get as many as it needs. The answers are in order.
pub async fn side_by_side<T>(connectors: &[Option<&Connector>], ask: impl AsyncFn(usize) -> T) -> Vec<T> {
    let mut accounts: Vec<(Option<&Connector>, Vec<usize>)> = Vec::with_capacity(connectors.len());
    for (place, connector) in connectors.iter().enumerate() {
        let same = |(known, _): &&mut (Option<&Connector>, _)| match (known, connector) {
            (Some(known), Some(connector)) => {
                (known.provider, &known.account) == (connector.provider, &connector.account)
            }
            _ => false,
        };
        match accounts.iter_mut().find(same) {
            Some((_, places)) => places.push(place),
            None => accounts.push((*connector, vec![place])),
        }
    }
    let answers = join_all(accounts.iter().map(async |(_, places)| {
        let mut answers = Vec::with_capacity(places.len());
        for place in places {
            answers.push((*place, ask(*place).await));
        }
        answers
    }))
    .await;
    let mut answers: Vec<(usize, T)> = answers.into_iter().flatten().collect();
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, task::Poll};

    use super::*;
    use crate::testing::{self, block_on, connect, connect_for};

    #[test]
    fn accounts_are_asked_at_once_and_connectors_of_one_account_in_turn() {
        let app = testing::app();
        let (ada, bob) = (connect(&app, "ada"), connect(&app, "bob"));
        let adas_other = Connector {
            account: ada.account.clone(),
            ..connect_for(&app, "other", "refresh-1", "user-2", None)
        };
        let story = RefCell::new(Vec::new());
        let connectors = [Some(&ada), Some(&adas_other), Some(&bob), None];
        let answers = block_on(side_by_side(&connectors, async |place| {
            story.borrow_mut().push(format!("{place} asked"));
            let mut asked = false;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut asked, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            story.borrow_mut().push(format!("{place} answered"));
            place * 10
        }));
        assert_eq!(answers, [0, 10, 20, 30]);
        let story = story.into_inner();
        assert_eq!(story[..3], ["0 asked", "2 asked", "3 asked"]);
        let at = |what: &str| story.iter().position(|line| line == what).unwrap();
        assert!(at("0 answered") < at("1 asked"), "{story:?}");
    }
}
