//! Who granted what: consent, codes, tokens, rotation, revocation.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use huddle_calendar_sync::{domain::time::Timestamp, ports::HttpResponse};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    Account,
    dialect::Dialect,
    wire::{self, Form, field, parameter},
};
use crate::dice::Dice;

/// Part of everything that must never be seen, so that it is found wherever it is.
pub const SECRET_MARK: &str = "s3cr3t";

/// One consent and what follows from it.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Whose.
    pub account: String,
    /// What was granted.
    pub scopes: String,
    /// Its refresh tokens, the one in force last.
    pub refresh: Vec<String>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The first of the refresh tokens that still works: a replaced one does until the new one was used.
    first_good: usize,
}

/// An access token.
#[derive(Debug, Clone)]
pub struct Access {
    /// Under which grant.
    pub grant: usize,
    /// The refresh token that was given together with it, where it was replaced.
    pub rotated: Option<String>,
    expires_at: Timestamp,
    forgotten: bool,
}

struct Code {
    account: String,
    scopes: String,
    challenge: String,
    redirect_uri: String,
    lasting: bool,
    used: bool,
}

/// Why the token endpoint says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRefusal {
    /// The application does not prove who it is.
    UnknownClient,
    /// No such grant type.
    UnknownGrantType,
    /// The code is unknown, used, or comes without what belongs to it.
    WorthlessCode,
    /// The grant is over.
    WorthlessGrant,
    /// The account is of another organisation than the endpoint.
    OtherOrganisation,
    /// The token to be revoked is no token.
    NothingToRevoke,
}

/// What an access token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The account of that address.
    Good(String),
    /// Nothing: it is unknown, or no longer known.
    Unknown,
    /// Nothing: its grant was taken back.
    Withdrawn,
}

/// How somebody answers the consent page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Everything is allowed.
    Granted,
    /// Something is left out, where the page lets people do so.
    Unticked,
    /// Nothing is allowed.
    Denied,
}

/// Everything granted.
pub struct Grants {
    dice: Dice,
    rotates: bool,
    grants: Vec<Grant>,
    access: BTreeMap<String, Access>,
    codes: BTreeMap<String, Code>,
    /// The verifiers that came with codes: secrets of the worker's own making.
    pub verifiers: Vec<String>,
}

impl Grants {
    pub(super) fn new(dice: Dice, rotates: bool) -> Self {
        Self {
            dice,
            rotates,
            grants: Vec::new(),
            access: BTreeMap::new(),
            codes: BTreeMap::new(),
            verifiers: Vec::new(),
        }
    }

    /// All grants, oldest first.
    pub fn all(&self) -> &[Grant] {
        &self.grants
    }

    /// The access token as it is known, whether it works or not.
    pub fn access(&self, token: &str) -> Option<&Access> {
        self.access.get(token)
    }

    /// The grant a refresh token belongs to, old tokens included.
    pub fn of_refresh_token(&self, token: &str) -> Option<usize> {
        self.grants.iter().position(|grant| grant.refresh.iter().any(|refresh| refresh == token))
    }

    /// What an access token is good for.
    pub(super) fn standing(&self, token: &str, now: Timestamp) -> Standing {
        let Some(access) = self.access.get(token) else { return Standing::Unknown };
        let grant = &self.grants[access.grant];
        if access.forgotten || access.expires_at <= now {
            return Standing::Unknown;
        }
        if grant.revoked_at.is_some() { Standing::Withdrawn } else { Standing::Good(grant.account.clone()) }
    }

    /// Whether somebody consented and did not take it back.
    pub(super) fn has_consent_of(&self, account: &str) -> bool {
        self.grants.iter().any(|grant| grant.account == account && grant.revoked_at.is_none())
    }

    /// An access token stops working before its time.
    pub fn forget_access(&mut self, token: &str) {
        if let Some(access) = self.access.get_mut(token) {
            access.forgotten = true;
        }
    }

    /// The person revokes everything the application may do.
    pub fn revoke_account(&mut self, account: &str, now: Timestamp) {
        for grant in self.grants.iter_mut().filter(|grant| grant.account == account) {
            grant.revoked_at.get_or_insert(now);
        }
    }

    /// Somebody consents to those scopes on the page behind `url`. Returns what the browser brings back.
    pub(super) fn consent(
        &mut self,
        url: &Url,
        account: &str,
        scopes: &str,
        lasting: bool,
    ) -> Vec<(String, String)> {
        let get = |name| parameter(url, name).unwrap_or_default();
        assert_eq!(get("code_challenge_method"), "S256", "PKCE, always");
        let code = self.secret("code");
        self.codes.insert(
            code.clone(),
            Code {
                account: account.to_owned(),
                scopes: scopes.to_owned(),
                challenge: get("code_challenge"),
                redirect_uri: get("redirect_uri"),
                lasting,
                used: false,
            },
        );
        [("state", get("state")), ("code", code), ("scope", scopes.to_owned())]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    /// The token endpoint.
    pub(super) fn token(
        &mut self,
        dialect: &dyn Dialect,
        path: &str,
        form: &Form,
        accounts: &[Account],
        now: Timestamp,
    ) -> HttpResponse {
        let outcome = match field(form, "grant_type") {
            _ if !field(form, "client_secret").is_some_and(|secret| secret.contains(SECRET_MARK)) => {
                Err(TokenRefusal::UnknownClient)
            }
            Some("authorization_code") => self.exchange(dialect, path, form, accounts, now),
            Some("refresh_token") => self.refresh(dialect, path, form, accounts, now),
            _ => Err(TokenRefusal::UnknownGrantType),
        };
        outcome.unwrap_or_else(|refusal| dialect.refuse(refusal))
    }

    /// The revocation endpoint (RFC 7009). Ends everything the person granted this application.
    pub(super) fn revoke(&mut self, dialect: &dyn Dialect, form: &Form, now: Timestamp) -> HttpResponse {
        let token = field(form, "token").unwrap_or_default();
        let grant = self.of_refresh_token(token).or_else(|| self.access(token).map(|access| access.grant));
        match grant.map(|grant| self.grants[grant].clone()) {
            Some(grant) if grant.revoked_at.is_none() => {
                self.revoke_account(&grant.account, now);
                wire::json(200, &json!({}))
            }
            _ => dialect.refuse(TokenRefusal::NothingToRevoke),
        }
    }

    fn exchange(
        &mut self,
        dialect: &dyn Dialect,
        path: &str,
        form: &Form,
        accounts: &[Account],
        now: Timestamp,
    ) -> Result<HttpResponse, TokenRefusal> {
        let verifier = field(form, "code_verifier").unwrap_or_default().to_owned();
        self.verifiers.push(verifier.clone());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let code = field(form, "code").and_then(|code| self.codes.get_mut(code));
        let code = code.filter(|code| {
            !code.used
                && code.challenge == challenge
                && field(form, "redirect_uri") == Some(&*code.redirect_uri)
        });
        let code = code.ok_or(TokenRefusal::WorthlessCode)?;
        code.used = true;
        let (email, scopes, lasting) = (code.account.clone(), code.scopes.clone(), code.lasting);
        let account = known(accounts, &email);
        if !dialect.gives_tokens_at(path, account) {
            return Err(TokenRefusal::OtherOrganisation);
        }
        if !lasting && !self.has_consent_of(&email) {
            return Err(TokenRefusal::WorthlessGrant);
        }
        // Who consented before may get no other refresh token.
        let refresh: Vec<String> = lasting.then(|| self.secret("refresh")).into_iter().collect();
        self.grants.push(Grant { account: email, scopes, refresh, revoked_at: None, first_good: 0 });
        let grant = self.grants.len() - 1;
        let mut answer = self.tokens(dialect, grant, None, now);
        let claims = dialect.claims(account, field(form, "client_id").unwrap_or_default());
        let signature = self.secret("signature");
        let id_token = format!("e30.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        answer["id_token"] = json!(id_token);
        if let Some(refresh) = self.grants[grant].refresh.last() {
            answer["refresh_token"] = json!(refresh);
        }
        Ok(wire::json(200, &answer))
    }

    fn refresh(
        &mut self,
        dialect: &dyn Dialect,
        path: &str,
        form: &Form,
        accounts: &[Account],
        now: Timestamp,
    ) -> Result<HttpResponse, TokenRefusal> {
        let token = field(form, "refresh_token").unwrap_or_default();
        let grant = self.of_refresh_token(token).ok_or(TokenRefusal::WorthlessGrant)?;
        if !dialect.gives_tokens_at(path, known(accounts, &self.grants[grant].account)) {
            return Err(TokenRefusal::OtherOrganisation);
        }
        let rotates = self.rotates || dialect.rotates();
        let rotated = rotates.then(|| self.secret("refresh"));
        let known = &mut self.grants[grant];
        let place = known.refresh.iter().position(|refresh| refresh == token).unwrap_or_default();
        if known.revoked_at.is_some() || place < known.first_good {
            return Err(TokenRefusal::WorthlessGrant);
        }
        if place == known.refresh.len() - 1 {
            known.first_good = place;
        }
        known.refresh.extend(rotated.clone());
        let mut answer = self.tokens(dialect, grant, rotated.clone(), now);
        if let Some(rotated) = rotated {
            answer["refresh_token"] = json!(rotated);
        }
        Ok(wire::json(200, &answer))
    }

    /// An access token, and what is said of it.
    fn tokens(
        &mut self,
        dialect: &dyn Dialect,
        grant: usize,
        rotated: Option<String>,
        now: Timestamp,
    ) -> serde_json::Value {
        let token = self.secret("access");
        let lifetime = dialect.lifetime(&self.dice);
        let expires_at = now.plus(chrono::TimeDelta::seconds(lifetime));
        self.access.insert(token.clone(), Access { grant, rotated, expires_at, forgotten: false });
        let scopes = &self.grants[grant].scopes;
        json!({ "access_token": token, "expires_in": lifetime, "token_type": "Bearer", "scope": scopes })
    }

    fn secret(&self, kind: &str) -> String {
        format!("{kind}-{SECRET_MARK}{:016x}", self.dice.number())
    }
}

fn known<'a>(accounts: &'a [Account], email: &str) -> &'a Account {
    accounts.iter().find(|account| account.email == email).expect("everybody has an account")
}
