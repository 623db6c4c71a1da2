//! `disconnect`: revokes the grant at the provider and purges the connector's rows. Also `DELETE /v1/connectors/{id}`.

use serde::Deserialize;

use super::work::{Done, Run, Task, Undone};
use crate::{domain::failure::Failure, oauth::disconnect, ports::Ports};

/// What a producer writes: nothing.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = DisconnectPayload))]
pub struct Payload {}

/// A checked request.
#[derive(Debug)]
pub struct Disconnect;

impl Task for Disconnect {
    type Payload = Payload;

    fn check(_payload: Payload) -> Result<Self, Failure> {
        Ok(Self)
    }

    async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone> {
        if run.connector.generation > run.asked_at.as_millis() {
            return Err(Failure::conflict(
                "connected_again",
                "the account was connected again after this was asked for, and stays",
            )
            .into());
        }
        let disconnection = disconnect::revoke(run.app, run.connector, run.repeated).await?;
        let writes = disconnect::purge(run.connector, &run.asked.task);
        let notifications = vec![disconnect::notification(run.connector, &disconnection, run.now)];
        let result = serde_json::to_value(&disconnection)
            .map_err(|error| Failure::fatal("answer_unwritable", error))?;
        Ok(Done { writes, notifications, ..Done::with(result) })
    }
}
