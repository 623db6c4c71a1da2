//! Sealing anew, under the current key, what an older key still protects: a batch at a time, while the worker serves.
//!
//! Refresh tokens are all there is to do. PKCE verifiers live ten minutes and cached access tokens an hour; they are gone
//! before an operator who follows the order of things (new key in, rotation, old key out) removes the old key, and an access
//! token that does not open any more merely costs a refresh.
//!
//! Each write names the envelope it replaces: a refresh that stores a newer token meanwhile wins, and that token is sealed
//! under the current key anyway.

use crate::{
    app::App,
    domain::{failure::Failure, ids::ConnectorId},
    ports::{Db, Ports},
    store::{Row, Statement, connectors, unreadable},
};

/// How far one batch got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Tokens sealed anew by this batch.
    pub rotated: u32,
    /// Tokens still sealed under another key.
    pub remaining: u32,
    /// Connectors whose token no key of the ring opens; they must be connected again.
    pub unreadable: Vec<ConnectorId>,
    /// Where the next batch begins; `None` after the last one.
    pub next_after: Option<ConnectorId>,
}

/// Rotates one batch: at most `limit` tokens of connectors after `after`, in the order of ids. Two round trips.
pub async fn rotate<P: Ports>(
    app: &App<P>,
    limit: u32,
    after: Option<&ConnectorId>,
) -> Result<Rotation, Failure> {
    let current = format!("v1.{}.", app.vault.current_key_id());
    let rows = app.db.query(connectors::sealed_under_other_keys(&current, after, limit)).await?;
    let mut writes = Vec::with_capacity(rows.len() + 1);
    let mut lost = Vec::new();
    let mut last = None;
    for row in &rows {
        let id = ConnectorId::new(row.text("id").map_err(unreadable)?);
        match reseal(app, &id, row) {
            Ok(write) => writes.push(write),
            Err(failure) => {
                tracing::error!(connector = %id, %failure, "refresh token not sealed anew");
                lost.push(id.clone());
            }
        }
        last = Some(id);
    }
    writes.push(connectors::count_under_other_keys(&current));
    let mut answers = app.db.batch(writes).await?;
    let remaining = match answers.pop().unwrap_or_default().first() {
        Some(count) => count.integer("remaining").map_err(unreadable)?,
        None => 0,
    };
    let replaced = answers.iter().filter(|rows| !rows.is_empty()).count();
    Ok(Rotation {
        rotated: u32::try_from(replaced).unwrap_or(u32::MAX),
        remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
        unreadable: lost,
        next_after: last.filter(|_| rows.len() == limit as usize),
    })
}

fn reseal<P: Ports>(app: &App<P>, id: &ConnectorId, row: &Row) -> Result<Statement, Failure> {
    let old = connectors::refresh_token(row)?.ok_or_else(|| {
        Failure::fatal("stored_row_unreadable", "a row without a token was read as one with it")
    })?;
    let place = connectors::refresh_token_place(id);
    let opened = app.vault.open(&place, &old)?;
    let new = app.vault.seal(&app.random, &place, &opened.plaintext)?;
    Ok(connectors::reseal(id, &old, &new))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde_json::json;

    use super::*;
    use crate::{
        config::EncryptionKeys,
        providers::Registry,
        testing::{self, TestApp, block_on, connect},
        vault::Vault,
    };

    /// A worker whose current key is 8 and whose previous one is 7.
    fn app() -> Rc<TestApp> {
        let mut environment = testing::environment();
        environment.insert("OAUTH_ENC_KEY", STANDARD.encode([8; 32]));
        environment.insert("OAUTH_ENC_KEYS_PREVIOUS", STANDARD.encode([7; 32]));
        testing::app_with(testing::parse(&environment), Registry::of(vec![]))
    }

    fn connect_under(app: &TestApp, key: u8, name: &str) -> ConnectorId {
        let id = connect(app, name).id;
        let vault = Vault::new(&EncryptionKeys { current: [key; 32], previous: vec![] });
        let sealed = vault.seal(&app.random, &connectors::refresh_token_place(&id), name).unwrap();
        let sealed = sealed.as_str();
        app.db.execute(&format!("UPDATE connectors SET refresh_token = '{sealed}' WHERE id = '{id}'"));
        id
    }

    fn token(app: &TestApp, id: &ConnectorId) -> (String, bool) {
        let rows = block_on(app.db.query(connectors::get(id))).unwrap();
        let sealed = connectors::refresh_token(&rows[0]).unwrap().unwrap();
        let opened = app.vault.open(&connectors::refresh_token_place(id), &sealed).unwrap();
        (opened.plaintext.to_string(), opened.stale)
    }

    #[test]
    fn batches_seal_every_token_anew_and_come_to_an_end() {
        let app = app();
        let ids: Vec<_> = (0..7).map(|index| connect_under(&app, 7, &format!("a{index}"))).collect();
        let current = connect(&*app, "current").id;
        let (mut after, mut steps) = (None, vec![]);
        loop {
            let rotation = block_on(rotate(&*app, 3, after.as_ref())).unwrap();
            steps.push((rotation.rotated, rotation.remaining));
            after = rotation.next_after;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(steps, [(3, 4), (3, 1), (1, 0)]);
        for (index, id) in ids.iter().enumerate() {
            assert_eq!(token(&app, id), (format!("a{index}"), false));
        }
        assert_eq!(token(&app, &current), ("refresh-1".to_owned(), false));
    }

    #[test]
    fn a_refresh_that_stores_a_newer_token_meanwhile_wins() {
        let app = app();
        let id = connect_under(&app, 7, "a");
        let rows = block_on(app.db.query(connectors::sealed_under_other_keys("v1.x.", None, 1))).unwrap();
        let write = reseal(&app, &id, &rows[0]).unwrap();
        let newer = app.vault.seal(&app.random, &connectors::refresh_token_place(&id), "newer").unwrap();
        app.db.execute(&format!("UPDATE connectors SET refresh_token = '{}'", newer.as_str()));
        assert_eq!(block_on(app.db.query(write)).unwrap().len(), 0);
        assert_eq!(token(&app, &id), ("newer".to_owned(), false));
    }

    #[test]
    fn a_token_no_key_opens_is_named_and_does_not_stop_the_others() {
        let app = app();
        let lost = connect_under(&app, 9, "a");
        let kept = connect_under(&app, 7, "b");
        let rotation = block_on(rotate(&*app, 10, None)).unwrap();
        assert_eq!(rotation, Rotation { rotated: 1, remaining: 1, unreadable: vec![lost], next_after: None });
        assert_eq!(token(&app, &kept), ("b".to_owned(), false));
    }

    #[test]
    fn connectors_without_a_grant_are_left_alone() {
        let app = app();
        connect_under(&app, 7, "a");
        app.db.execute("UPDATE connectors SET refresh_token = NULL, status = 'reauth_required'");
        let rotation = block_on(rotate(&*app, 10, None)).unwrap();
        assert_eq!((rotation.rotated, rotation.remaining), (0, 0));
        assert_eq!(app.db.read("SELECT refresh_token FROM connectors"), [json!({"refresh_token": null})]);
    }
}
