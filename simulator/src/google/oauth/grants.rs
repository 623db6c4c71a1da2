//! What accounts have granted to clients, and the codes and tokens that stand for it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

/// How long a code can be exchanged.
pub const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// How long an access token is valid.
pub const ACCESS_TOKEN_LIFE: SignedDuration = SignedDuration::from_secs(3599);
/// A refresh token unused for so long is dead (six months).
const REFRESH_TOKEN_IDLE: SignedDuration = SignedDuration::from_hours(183 * 24);
/// A refresh token of a client in "Testing" is dead after so long.
pub const TESTING_REFRESH_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// More live refresh tokens per account and client than this kill the oldest, silently.
const LIVE_REFRESH_TOKENS: usize = 100;

/// Scopes by their full names.
pub type Scopes = BTreeSet<String>;

/// An account and the client it granted something to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Party {
    /// The account's address.
    pub account: String,
    /// The client's id.
    pub client_id: String,
}

/// An authorization code not yet exchanged.
#[derive(Clone, Debug)]
pub struct Code {
    /// Who granted, to whom.
    pub party: Party,
    /// Where it was sent; the exchange must name the same.
    pub redirect_uri: String,
    /// What was granted.
    pub scopes: Scopes,
    /// The PKCE challenge, with its method.
    pub challenge: Option<Challenge>,
    /// The `nonce` for the id token.
    pub nonce: Option<String>,
    /// Whether the exchange gives a refresh token.
    pub with_refresh_token: bool,
    /// Whether `access_type=offline` was asked for.
    pub offline: bool,
    /// When it can no longer be exchanged.
    pub expires_at: Timestamp,
    /// Whether it was exchanged already.
    pub used: bool,
}

/// A PKCE challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// The verifier itself.
    Plain(String),
    /// The base64url of the verifier's SHA-256.
    S256(String),
}

/// A live or expired access token.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// Whose, and by which client.
    pub party: Party,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Expired from this instant on.
    pub expires_at: Timestamp,
    /// Whether a refresh token stands behind it.
    pub offline: bool,
}

#[derive(Clone, Debug)]
struct RefreshToken {
    party: Party,
    scopes: Scopes,
    issued: u64,
    last_used: Timestamp,
    dies_at: Option<Timestamp>,
}

/// Every grant, code and token.
#[derive(Debug, Default)]
pub struct Grants {
    granted: BTreeMap<Party, Scopes>,
    codes: BTreeMap<String, Code>,
    access: BTreeMap<String, AccessToken>,
    refresh: BTreeMap<String, RefreshToken>,
    issued: u64,
}

impl Grants {
    /// What an account has granted to a client so far; `None` before the first consent or after revocation.
    pub fn granted(&self, party: &Party) -> Option<&Scopes> {
        self.granted.get(party)
    }

    /// Every grant.
    pub fn all(&self) -> impl Iterator<Item = (&Party, &Scopes)> {
        self.granted.iter()
    }

    /// How many refresh tokens of a party are alive.
    pub fn live_refresh_tokens(&self, party: &Party) -> usize {
        self.refresh.values().filter(|token| token.party == *party).count()
    }

    /// Notes a consent and makes its code.
    pub fn consent(&mut self, code: Code) -> String {
        self.granted.entry(code.party.clone()).or_default().extend(code.scopes.iter().cloned());
        let text = format!("4/0A{}", random(56));
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
    pub fn issue_access(&mut self, token: AccessToken) -> String {
        let text = format!("ya29.sim-{}", random(80));
        self.access.insert(text.clone(), token);
        text
    }

    /// A new refresh token; above the limit the party's oldest one dies.
    pub fn issue_refresh(
        &mut self,
        party: &Party,
        scopes: &Scopes,
        now: Timestamp,
        dies_at: Option<Timestamp>,
    ) -> String {
        self.issued += 1;
        let text = format!("1//0sim-{}", random(64));
        let token = RefreshToken {
            party: party.clone(),
            scopes: scopes.clone(),
            issued: self.issued,
            last_used: now,
            dies_at,
        };
        self.refresh.insert(text.clone(), token);
        while self.live_refresh_tokens(party) > LIVE_REFRESH_TOKENS {
            let oldest = self
                .refresh
                .iter()
                .filter(|(_, token)| token.party == *party)
                .min_by_key(|(_, token)| token.issued)
                .map(|(text, _)| text.clone());
            match oldest {
                Some(oldest) => self.refresh.remove(&oldest),
                None => break,
            };
        }
        text
    }

    /// Whose refresh token this is, without using it.
    pub fn refresh_owner(&self, text: &str) -> Option<&Party> {
        self.refresh.get(text).map(|token| &token.party)
    }

    /// Uses a refresh token; `None` when it is unknown, revoked, idle for too long or past its life.
    pub fn use_refresh(&mut self, text: &str, now: Timestamp) -> Option<(Party, Scopes)> {
        let token = self.refresh.get_mut(text)?;
        let idle = now.duration_since(token.last_used) > REFRESH_TOKEN_IDLE;
        if idle || token.dies_at.is_some_and(|end| now >= end) {
            self.refresh.remove(text);
            return None;
        }
        token.last_used = now;
        Some((token.party.clone(), token.scopes.clone()))
    }

    /// An access token that is known and not expired.
    pub fn access(&self, text: &str, now: Timestamp) -> Option<&AccessToken> {
        self.access.get(text).filter(|token| now < token.expires_at)
    }

    /// Whose access token this is, also when it has expired.
    pub fn access_owner(&self, text: &str) -> Option<&Party> {
        self.access.get(text).map(|token| &token.party)
    }

    /// Ends the whole grant behind either kind of token; tells whether there was one.
    pub fn revoke_token(&mut self, text: &str, now: Timestamp) -> bool {
        let party =
            self.refresh_owner(text).or_else(|| self.access(text, now).map(|token| &token.party)).cloned();
        party.is_some_and(|party| self.revoke(&party))
    }

    /// Ends a grant: its codes and tokens die with it.
    pub fn revoke(&mut self, party: &Party) -> bool {
        self.codes.retain(|_, code| code.party != *party);
        self.access.retain(|_, token| token.party != *party);
        self.refresh.retain(|_, token| token.party != *party);
        self.granted.remove(party).is_some()
    }

    /// Makes access tokens expire now: one account's, or everybody's. Returns how many.
    pub fn expire_access(&mut self, account: Option<&str>, now: Timestamp) -> usize {
        let live = self
            .access
            .values_mut()
            .filter(|token| token.expires_at > now)
            .filter(|token| account.is_none_or(|account| account == token.party.account));
        live.map(|token| token.expires_at = now).count()
    }

    /// Kills refresh tokens but leaves the consent: one account's, or everybody's. Returns how many.
    pub fn kill_refresh(&mut self, account: Option<&str>) -> usize {
        let before = self.refresh.len();
        self.refresh.retain(|_, token| account.is_some_and(|account| account != token.party.account));
        before - self.refresh.len()
    }
}

/// Random text of letters and digits. Not for secrets that matter: nothing here does.
pub fn random(length: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party() -> Party {
        Party { account: "empty@example.com".into(), client_id: "c".into() }
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
    }

    #[test]
    fn the_hundred_and_first_refresh_token_kills_the_oldest() {
        let mut grants = Grants::default();
        let tokens: Vec<String> =
            (0..101).map(|_| grants.issue_refresh(&party(), &Scopes::new(), at(0), None)).collect();
        assert!(grants.use_refresh(&tokens[0], at(1)).is_none());
        assert!(grants.use_refresh(&tokens[1], at(1)).is_some());
        assert!(grants.use_refresh(&tokens[100], at(1)).is_some());
    }

    #[test]
    fn a_refresh_token_dies_of_disuse_and_of_its_time() {
        let mut grants = Grants::default();
        let idle = grants.issue_refresh(&party(), &Scopes::new(), at(0), None);
        assert!(grants.use_refresh(&idle, at(182 * 24)).is_some());
        assert!(grants.use_refresh(&idle, at(2 * 182 * 24)).is_some(), "each use starts the time anew");
        assert!(grants.use_refresh(&idle, at(4 * 182 * 24)).is_none());

        let testing = grants.issue_refresh(&party(), &Scopes::new(), at(0), Some(at(7 * 24)));
        assert!(grants.use_refresh(&testing, at(6 * 24)).is_some());
        assert!(grants.use_refresh(&testing, at(7 * 24)).is_none());
    }

    #[test]
    fn revoking_either_token_ends_the_grant() {
        for revoke_access in [true, false] {
            let mut grants = Grants::default();
            grants.granted.insert(party(), Scopes::new());
            let refresh = grants.issue_refresh(&party(), &Scopes::new(), at(0), None);
            let access = grants.issue_access(AccessToken {
                party: party(),
                scopes: Scopes::new(),
                expires_at: at(1),
                offline: true,
            });
            assert!(grants.revoke_token(if revoke_access { &access } else { &refresh }, at(0)));
            assert!(grants.access(&access, at(0)).is_none());
            assert!(grants.use_refresh(&refresh, at(0)).is_none());
            assert!(grants.granted(&party()).is_none());
            assert!(!grants.revoke_token(&refresh, at(0)), "a second time it is an error");
        }
    }
}
