//! The end of a connector: our holds off the calendar, the grant revoked at the provider, the rows purged, and a
//! notification that says so.
//!
//! Revoke first, purge last: a crash in between finds a grant that is dead already, which counts as revoked, and goes on.

use serde::Serialize;
use serde_json::json;

use crate::{
    app::App,
    domain::{
        connector::{Connector, ConnectorStatus},
        failure::{Action, Failure},
        hold::Hold,
        ids::{NotificationId, TaskId},
        notification::{Notification, NotificationType, data::ConnectorDisconnected},
        secret::RefreshToken,
        time::Timestamp,
    },
    ports::{Db, Ports},
    providers::CALLS_TO_DELETE,
    session::{Session, drive, with_session},
    store::{Row, Statement, calendars, connectors, holds, outbox, sync_state, tasks},
    tokens,
    vault::Sealed,
};

/// What was done for a connector that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
pub struct Disconnection {
    /// Whether a grant was ended at the provider; `false` where none was held any more, or the provider has no way to.
    pub revoked: bool,
    /// Tentative events of holds that were taken off the calendar.
    pub holds_released: u32,
    /// Tentative events of holds that could not be taken off, and stay until somebody deletes them.
    pub holds_left: u32,
}

/// Does what must be done at the provider. A provider that does not answer is a `Retry`: nothing was purged yet. With its grant
/// the way to the connector's holds is lost, so that they come first; those that cannot be taken off are left only when
/// `trying_again`.
pub async fn revoke<P: Ports>(
    app: &App<P>,
    connector: &Connector,
    trying_again: bool,
) -> Result<Disconnection, Failure> {
    let answers = app.db.batch(vec![connectors::get(&connector.id), holds::standing(&connector.id)]).await?;
    let [row, standing] = answers.as_slice() else {
        return Err(Failure::fatal("database_answer_incomplete", "two statements, not two answers"));
    };
    let standing: Vec<Hold> = standing.iter().map(holds::from_row).collect::<Result<_, _>>()?;
    let mut released = 0;
    if let Err(failure) = release_holds(app, connector, &standing, &mut released).await {
        if is_passing(&failure, trying_again) {
            return Err(failure);
        }
        tracing::warn!(connector = %connector.id, code = %failure.code, "holds left on the calendar");
    }
    let revoked = match row.first() {
        Some(row) => end_grant(app, connector, row).await?,
        None => false,
    };
    tokens::forget(app, &connector.id).await;
    let all = u32::try_from(standing.len()).unwrap_or(u32::MAX);
    Ok(Disconnection { revoked, holds_released: released, holds_left: all.saturating_sub(released) })
}

/// Everything the system of record holds of a connector goes, less the task that asks for it and what was not published
/// yet; nothing, if the account was connected again meanwhile. To be written in one batch with the notification.
pub fn purge(connector: &Connector, task: &TaskId) -> Vec<Statement> {
    let (id, generation) = (&connector.id, connector.generation);
    vec![
        calendars::purge(id, generation),
        holds::purge(id, generation),
        sync_state::purge(id, generation),
        tasks::purge(id, generation, task),
        outbox::purge(id, generation),
        connectors::delete(id, generation),
    ]
}

/// Says that a connector is gone; the same id for the same connection, however often it is said.
pub fn notification(connector: &Connector, done: &Disconnection, now: Timestamp) -> Notification {
    Notification::new(
        NotificationId::new(format!("disconnected:{}:{}", connector.id, connector.generation)),
        NotificationType::ConnectorDisconnected,
        connector.id.clone(),
        now,
        json!(ConnectorDisconnected {
            provider: connector.provider,
            user_id: &connector.user,
            workspace_id: connector.workspace.as_ref(),
            account_email: connector.email.as_deref(),
            revoked: done.revoked,
            holds_released: done.holds_released,
            holds_left: done.holds_left,
        }),
    )
}

/// Whether it is worth waiting for what failed.
fn is_passing(failure: &Failure, trying_again: bool) -> bool {
    match failure.action {
        Action::Wait { .. } => true,
        Action::Retry { .. } => !trying_again,
        _ => false,
    }
}

/// Takes the events of holds off the calendar and counts them; stops at what keeps the others from being taken off too.
async fn release_holds<P: Ports>(
    app: &App<P>,
    connector: &Connector,
    standing: &[Hold],
    released: &mut u32,
) -> Result<(), Failure> {
    // A pause keeps tasks waiting, not the end of the connector.
    let mut awake = connector.clone();
    if awake.status == ConnectorStatus::Paused {
        awake.status = ConnectorStatus::Active;
    }
    let calls = u32::try_from(standing.len()).unwrap_or(u32::MAX).saturating_mul(CALLS_TO_DELETE);
    with_session(app, &awake, calls, async |session| {
        for hold in standing {
            match release(app, session, hold).await {
                Ok(()) => *released += 1,
                Err(failure) if failure.is_retryable() || failure.action == Action::Reauthorize => {
                    return Err(failure);
                }
                Err(failure) => {
                    tracing::warn!(connector = %hold.connector, hold = %hold.id, code = %failure.code, "hold left on the calendar");
                }
            }
        }
        Ok(())
    })
    .await
}

async fn release<P: Ports>(app: &App<P>, session: &mut Session<'_, P>, hold: &Hold) -> Result<(), Failure> {
    let calendars = app.providers.get(session.connector().provider)?.calendars();
    let event = match &hold.event {
        Some(event) => Some(event.clone()),
        None => session.call(calendars.find_event(&hold.calendar, &hold.key)).await?.map(|event| event.id),
    };
    if let Some(event) = event {
        session.call(calendars.delete_event(&hold.calendar, &event, None)).await?;
    }
    Ok(())
}

/// Ends the grant that is held. Only a provider that may answer later is a failure: with a grant that cannot be opened or
/// that the provider does not know, there is nothing left to wait for.
async fn end_grant<P: Ports>(app: &App<P>, connector: &Connector, row: &Row) -> Result<bool, Failure> {
    let Some(sealed) = connectors::refresh_token(row)? else { return Ok(false) };
    let ended = match open(app, connector, &sealed) {
        Ok(token) => match app.providers.get(connector.provider)?.oauth().revoke(&token) {
            Some(exchange) => drive(app, None, exchange).await,
            None => return Ok(false),
        },
        Err(failure) => Err(failure),
    };
    match ended {
        Ok(()) => Ok(true),
        Err(failure) if failure.is_retryable() => Err(failure),
        Err(failure) => {
            tracing::warn!(connector = %connector.id, code = %failure.code, "the grant was not revoked");
            Ok(false)
        }
    }
}

fn open<P: Ports>(app: &App<P>, connector: &Connector, sealed: &Sealed) -> Result<RefreshToken, Failure> {
    let opened = app.vault.open(&connectors::refresh_token_place(&connector.id), sealed)?;
    Ok(RefreshToken::new(opened.plaintext.as_str()))
}
