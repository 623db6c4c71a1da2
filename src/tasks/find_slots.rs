//! `find-slots`: when can these people meet? The answer of `POST /v1/slots`, by queue.

use super::work::{Claim, Done, Run, Task, Undone};
use crate::{
    availability::{
        accounts,
        meeting::{self, Participant},
        slot_request::{Meeting, SlotRequest},
    },
    domain::{connector::Connector, failure::Failure, ids::ConnectorId},
    ports::Ports,
    store::Statement,
};

/// A checked request.
#[derive(Debug)]
pub struct FindSlots(Meeting);

impl Task for FindSlots {
    type Payload = SlotRequest;

    fn check(payload: SlotRequest) -> Result<Self, Failure> {
        payload.checked().map(Self)
    }

    fn others(&self) -> &[ConnectorId] {
        &self.0.connectors
    }

    fn reads(&self, _claim: &Claim<'_>) -> Vec<Statement> {
        if self.0.connectors.is_empty() { Vec::new() } else { accounts::statements(&self.0.connectors) }
    }

    async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone> {
        let own = (run.connector.clone(), run.calendars.to_vec());
        let found = match run.rows {
            [] => accounts::Accounts::new(),
            rows => accounts::read(rows, &|other| same_owner(run.connector, other))?,
        };
        let mut people = vec![Participant { id: &own.0.id, account: Some(&own) }];
        let others = self.0.connectors.iter().filter(|id| **id != own.0.id);
        people.extend(others.map(|id| Participant { id, account: found.get(id) }));
        let found = meeting::find(run.app, &people, &self.0).await;
        // A failure of the task's own connector is the task's; of the others, what will pass is waited for.
        let failure =
            found.failures.into_iter().find(|(place, failure)| *place == 0 || failure.is_retryable());
        match failure {
            Some((_, failure)) => Err(failure.into()),
            None => Ok(Done::with(found.slots.to_json()?)),
        }
    }
}

/// Whether a task of the one may ask about the other (G9).
fn same_owner(one: &Connector, other: &Connector) -> bool {
    one.user == other.user || (one.workspace.is_some() && one.workspace == other.workspace)
}
