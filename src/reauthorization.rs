//! What happens when a grant is gone (G8): the connector is marked once, one `calendar.connector.reauth_required` goes into
//! the outbox in the same batch, and the cached access token is dropped. Sending the outbox is `outbox`'s affair.

use serde_json::json;

use crate::{
    app::App,
    domain::{
        claims::Claims,
        connector::Connector,
        failure::Failure,
        ids::NotificationId,
        notification::{
            Notification, NotificationType,
            data::{ReauthReason, ReauthRequired},
        },
    },
    ports::{Clock, Db, Ports, TokenCache},
    store::{connectors, outbox, unreadable},
};

/// What became of a connector whose grant was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It waits for the person to connect again; this call or an earlier one saw to that.
    Required,
    /// It was connected anew while the old grant was being refused: work can go on with the new one.
    Superseded,
    /// It was disconnected meanwhile.
    Gone,
}

impl Mark {
    /// The failure for whoever ran into the refusal: `refusal` itself, unless the world has moved on.
    pub fn failure(self, refusal: Failure) -> Failure {
        match self {
            Self::Required => refusal,
            Self::Superseded => Failure::retry(
                "connector_reconnected",
                "the account was connected anew meanwhile; the new grant serves the next attempt",
                None,
            ),
            Self::Gone => {
                Failure::not_found("connector_not_found", "the connector was disconnected meanwhile")
            }
        }
    }
}

/// Marks the grant of `connector` (of its generation, not of a newer one) as gone and announces it, exactly once however
/// many callers find out. `refusal` says how the provider put it, `claims` what it
/// wants to see proved at the next sign-in.
pub async fn require<P: Ports>(
    app: &App<P>,
    connector: &Connector,
    refusal: &Failure,
    claims: Option<&Claims>,
) -> Result<Mark, Failure> {
    let now = app.clock.now();
    let notification = Notification::new(
        NotificationId::new(format!("reauth:{}:{}", connector.id, connector.generation)),
        NotificationType::ReauthRequired,
        connector.id.clone(),
        now,
        json!(ReauthRequired {
            provider: connector.provider,
            account_email: connector.email.as_deref(),
            reason: ReauthReason { code: &refusal.code, message: &refusal.message },
        }),
    );
    let answers = app
        .db
        .batch(vec![
            connectors::require_reauthorization(&connector.id, connector.generation, claims, now),
            outbox::insert_if_reauth_required(
                &notification,
                &outbox::Owner::of(connector),
                now,
                connector.generation,
            ),
            connectors::get(&connector.id),
        ])
        .await?;
    let row = answers.get(2).and_then(|rows| rows.first());
    let mark = match row {
        None => Mark::Gone,
        Some(row) if row.integer("generation").map_err(unreadable)? != connector.generation => {
            Mark::Superseded
        }
        Some(_) => Mark::Required,
    };
    if mark != Mark::Superseded {
        app.token_cache.delete(&connector.id).await;
    }
    if answers.first().is_some_and(|rows| !rows.is_empty()) {
        tracing::warn!(connector = %connector.id, provider = connector.provider.as_str(), code = %refusal.code, "grant is gone");
    }
    Ok(mark)
}
