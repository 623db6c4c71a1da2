//! Pausing a connector, and letting it go on.

use crate::{
    app::App,
    domain::{
        connector::{Connector, ConnectorStatus},
        failure::Failure,
    },
    ports::{Clock, Db, Ports},
    store::connectors,
    tasks::submission,
};

/// Pauses or resumes a connector. When it is resumed, its waiting tasks are sent to the queue at once; asking again after a
/// failure sends again those that still wait. `Conflict` while its grant is gone, `NotFound` when it was purged meanwhile.
pub async fn set_paused<P: Ports>(
    app: &App<P>,
    connector: &Connector,
    paused: bool,
) -> Result<Connector, Failure> {
    if connector.status == ConnectorStatus::ReauthRequired {
        return Err(Failure::conflict(
            "reauth_required",
            "the grant is gone; there is nothing to pause or resume until the person connects again",
        ));
    }
    let now = app.clock.now();
    let mut batch = vec![connectors::set_paused(&connector.id, paused, now)];
    if !paused {
        batch.extend(submission::wake(&connector.id, now));
    }
    let answers = app.db.batch(batch).await?;
    let row = answers.first().and_then(|rows| rows.first());
    let row = row.ok_or_else(|| Failure::not_found("connector_not_found", "there is no such connector"))?;
    let changed = connectors::from_row(row)?;
    if let ([_, _, waiting], ConnectorStatus::Active) = (answers.as_slice(), changed.status) {
        submission::send_rows(app, waiting).await?;
    }
    Ok(changed)
}
