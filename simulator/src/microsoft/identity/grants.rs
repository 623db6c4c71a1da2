//! What people and administrators have granted to clients, and the codes and tokens that stand for it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::microsoft::errors::uuid;

/// How long a code can be exchanged.
pub const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// How long an access token is valid.
pub const ACCESS_TOKEN_LIFE: SignedDuration = SignedDuration::from_secs(3599);
/// A refresh token unused for so long is dead.
const REFRESH_TOKEN_IDLE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Scopes by their short names.
pub type Scopes = BTreeSet<String>;

/// An account and the client it granted something to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Party {
    /// The account's address.
    pub account: String,
    /// The client's id.
    pub client_id: String,
}

/// A PKCE challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// The verifier itself.
    Plain(String),
    /// The base64url of the verifier's SHA-256.
    S256(String),
}

/// An authorization code.
#[derive(Clone, Debug)]
pub struct Code {
    /// Who granted, to whom.
    pub party: Party,
    /// Where it was sent; the exchange must name the same.
    pub redirect_uri: String,
    /// What was asked for and granted.
    pub scopes: Scopes,
    /// The PKCE challenge, with its method.
    pub challenge: Option<Challenge>,
    /// The `nonce` for the id token.
    pub nonce: Option<String>,
    /// When it can no longer be exchanged.
    pub expires_at: Timestamp,
    /// Whether it was exchanged already.
    pub used: bool,
}

/// An access token.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// Whose, and by which client.
    pub party: Party,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Expired from this instant on.
    pub expires_at: Timestamp,
    /// The session behind it was ended, and the resource was told.
    pub challenged: bool,
}

/// A refresh token.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    /// Whose, and by which client.
    pub party: Party,
    /// What it was first granted for.
    pub scopes: Scopes,
    /// When it was issued.
    pub issued_at: Timestamp,
    last_used: Timestamp,
    killed: bool,
}

/// Why a refresh token cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    /// No such token.
    Unknown,
    /// Unused for 90 days.
    Idle,
    /// Ended by the control API.
    Killed,
}

/// Every grant, code and token.
#[derive(Debug, Default)]
pub struct Grants {
    consents: BTreeMap<Party, Scopes>,
    codes: BTreeMap<String, Code>,
    access: BTreeMap<String, AccessToken>,
    refresh: BTreeMap<String, RefreshToken>,
}

impl Grants {
    /// What an account has consented to for itself.
    pub fn consented(&self, party: &Party) -> Option<&Scopes> {
        self.consents.get(party)
    }

    /// Every consent.
    pub fn all(&self) -> impl Iterator<Item = (&Party, &Scopes)> {
        self.consents.iter()
    }

    /// How many refresh tokens of a party can still be used.
    pub fn live_refresh_tokens(&self, party: &Party) -> usize {
        self.refresh.values().filter(|token| token.party == *party && !token.killed).count()
    }

    /// Notes a consent.
    pub fn consent(&mut self, party: &Party, scopes: &Scopes) {
        self.consents.entry(party.clone()).or_default().extend(scopes.iter().cloned());
    }

    /// Withdraws a consent; tokens stay, but can no longer be renewed.
    pub fn withdraw(&mut self, party: &Party) -> bool {
        self.consents.remove(party).is_some()
    }

    /// A new code.
    pub fn issue_code(&mut self, code: Code) -> String {
        let text = format!("1.AXkA-sim.{}", random(120));
        self.codes.insert(text.clone(), code);
        text
    }

    /// The code, exchanged or not.
    pub fn code(&self, text: &str) -> Option<&Code> {
        self.codes.get(text)
    }

    /// Marks a code as exchanged.
    pub fn use_code(&mut self, text: &str) {
        if let Some(code) = self.codes.get_mut(text) {
            code.used = true;
        }
    }

    /// A new access token.
    pub fn issue_access(&mut self, party: &Party, scopes: &Scopes, now: Timestamp) -> String {
        let text = format!("EwSim-{}", random(120));
        let token = AccessToken {
            party: party.clone(),
            scopes: scopes.clone(),
            expires_at: now + ACCESS_TOKEN_LIFE,
            challenged: false,
        };
        self.access.insert(text.clone(), token);
        text
    }

    /// An access token, expired or not.
    pub fn access(&self, text: &str) -> Option<&AccessToken> {
        self.access.get(text)
    }

    /// Lets access tokens expire; tells how many were alive.
    pub fn expire_access(&mut self, account: Option<&str>, now: Timestamp) -> usize {
        let mut expired = 0;
        for token in self.access.values_mut() {
            if token.expires_at > now && account.is_none_or(|account| account == token.party.account) {
                token.expires_at = now;
                expired += 1;
            }
        }
        expired
    }

    /// Makes Graph answer an account's access tokens with a claims challenge.
    pub fn challenge_access(&mut self, account: &str) {
        for token in self.access.values_mut().filter(|token| token.party.account == account) {
            token.challenged = true;
        }
    }

    /// A new refresh token; those from before stay alive.
    pub fn issue_refresh(&mut self, party: &Party, scopes: &Scopes, now: Timestamp) -> String {
        let text = format!("1.AXkA-sim-rt.{}", random(160));
        let token = RefreshToken {
            party: party.clone(),
            scopes: scopes.clone(),
            issued_at: now,
            last_used: now,
            killed: false,
        };
        self.refresh.insert(text.clone(), token);
        text
    }

    /// Whose refresh token this is, without using it.
    pub fn refresh_owner(&self, text: &str) -> Option<&Party> {
        self.refresh.get(text).map(|token| &token.party)
    }

    /// Uses a refresh token.
    pub fn use_refresh(&mut self, text: &str, now: Timestamp) -> Result<RefreshToken, Dead> {
        let token = self.refresh.get_mut(text).ok_or(Dead::Unknown)?;
        if token.killed {
            return Err(Dead::Killed);
        }
        if now.duration_since(token.last_used) > REFRESH_TOKEN_IDLE {
            return Err(Dead::Idle);
        }
        token.last_used = now;
        Ok(token.clone())
    }

    /// Ends refresh tokens; tells how many were alive.
    pub fn kill_refresh(&mut self, account: Option<&str>) -> usize {
        let mut killed = 0;
        for token in self.refresh.values_mut() {
            if !token.killed && account.is_none_or(|account| account == token.party.account) {
                token.killed = true;
                killed += 1;
            }
        }
        killed
    }
}

/// Letters and digits nobody can guess (for a simulator).
pub fn random(length: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(length).collect()
}

/// A session's id, as `session_state` has it.
pub fn session() -> String {
    uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap()
    }

    #[test]
    fn refresh_tokens_rotate_and_the_old_one_stays_alive() {
        let mut grants = Grants::default();
        let party = Party { account: "a@contoso.example".into(), client_id: "c".into() };
        let first = grants.issue_refresh(&party, &Scopes::new(), at(0));
        let second = grants.issue_refresh(&party, &Scopes::new(), at(1));
        assert!(grants.use_refresh(&first, at(2)).is_ok() && grants.use_refresh(&second, at(2)).is_ok());
        assert_eq!(grants.use_refresh(&first, at(93)).unwrap_err(), Dead::Idle);
        assert_eq!(grants.kill_refresh(None), 2);
        assert_eq!(grants.use_refresh(&second, at(3)).unwrap_err(), Dead::Killed);
        assert_eq!(grants.use_refresh("nonsense", at(3)).unwrap_err(), Dead::Unknown);
    }
}
