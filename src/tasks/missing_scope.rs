//! A task that needs what the person did not grant.

use serde_json::json;

use super::work::{self, Run, Undone};
use crate::{
    domain::{
        failure::{Action, Blame},
        notification::{NotificationType, data::ScopesInsufficient},
    },
    ports::Ports,
};

/// Adds `calendar.connector.scopes_insufficient` to a failure for want of a scope: once for each connection of the account
/// and scope, however many tasks run into it, since connecting again is what helps.
pub fn told<P: Ports>(run: &Run<'_, P>, mut undone: Undone) -> Undone {
    let Action::Rejected(Blame::Scope(scope)) = &undone.failure.action else { return undone };
    let connector = run.connector;
    let data = json!(ScopesInsufficient {
        provider: connector.provider,
        account_email: connector.email.as_deref(),
        missing: std::slice::from_ref(scope),
        granted: &connector.scopes,
    });
    let id = format!("scopes-insufficient:{}:{}:{scope}", connector.id, connector.generation);
    let kind = NotificationType::ScopesInsufficient;
    undone.notifications.push(work::notification(run.asked, kind, id, run.now, data));
    undone
}
