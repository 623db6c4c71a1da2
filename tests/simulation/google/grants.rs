//! Who granted what: consent, codes, tokens, rotation, revocation.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use huddle_calendar_sync::{domain::time::Timestamp, ports::HttpResponse};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::{Account, Form, answers::token_error, field, json as json_answer, parameter};
use crate::dice::Dice;

/// Part of everything that must never be seen, so that it is found wherever it is.
pub const SECRET_MARK: &str = "s3cr3t";

/// How long an access token works, in seconds.
const LIFETIME: i64 = 3599;

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
    fresh_consent: bool,
    used: bool,
}

/// How somebody answers the consent page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Everything is allowed.
    Granted,
    /// Everything but the busy time.
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

    /// The account an access token is good for.
    pub fn account_of(&self, token: &str, now: Timestamp) -> Option<String> {
        let access = self.access.get(token)?;
        let grant = &self.grants[access.grant];
        let works = !access.forgotten && access.expires_at > now && grant.revoked_at.is_none();
        works.then(|| grant.account.clone())
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

    /// Somebody, signed in as `account`, is shown the consent page behind `url`. Returns what the browser brings back.
    pub fn consent(&mut self, url: &Url, account: &str, consent: Consent) -> Vec<(String, String)> {
        let get = |name| parameter(url, name).unwrap_or_default();
        assert_eq!(get("code_challenge_method"), "S256", "PKCE, always");
        assert_eq!(get("access_type"), "offline");
        let state = ("state".to_owned(), get("state"));
        if consent == Consent::Denied {
            return vec![state, ("error".to_owned(), "access_denied".to_owned())];
        }
        let scopes: Vec<String> = get("scope")
            .split(' ')
            .filter(|scope| consent == Consent::Granted || !scope.ends_with("freebusy"))
            .map(str::to_owned)
            .collect();
        let known = self.grants.iter().any(|grant| grant.account == account && grant.revoked_at.is_none());
        let code = self.secret("4/0A");
        self.codes.insert(
            code.clone(),
            Code {
                account: account.to_owned(),
                scopes: scopes.join(" "),
                challenge: get("code_challenge"),
                redirect_uri: get("redirect_uri"),
                fresh_consent: !known || get("prompt") == "consent",
                used: false,
            },
        );
        vec![state, ("code".to_owned(), code), ("scope".to_owned(), scopes.join(" "))]
    }

    /// The token endpoint.
    pub(super) fn token(&mut self, form: &Form, accounts: &[Account], now: Timestamp) -> HttpResponse {
        if !field(form, "client_secret").is_some_and(|secret| secret.contains(SECRET_MARK)) {
            return token_error(401, "invalid_client", "Unauthorized");
        }
        match field(form, "grant_type") {
            Some("authorization_code") => self.exchange(form, accounts, now),
            Some("refresh_token") => self.refresh(form, now),
            _ => token_error(400, "unsupported_grant_type", "Invalid grant_type"),
        }
    }

    /// The revocation endpoint (RFC 7009). Ends everything the person granted this application, as Google does.
    pub(super) fn revoke(&mut self, form: &Form, now: Timestamp) -> HttpResponse {
        let token = field(form, "token").unwrap_or_default();
        let grant = self.of_refresh_token(token).or_else(|| self.access(token).map(|access| access.grant));
        match grant.map(|grant| self.grants[grant].clone()) {
            Some(grant) if grant.revoked_at.is_none() => {
                self.revoke_account(&grant.account, now);
                json_answer(200, &json!({}))
            }
            _ => token_error(400, "invalid_token", "Token expired or revoked"),
        }
    }

    fn exchange(&mut self, form: &Form, accounts: &[Account], now: Timestamp) -> HttpResponse {
        let verifier = field(form, "code_verifier").unwrap_or_default().to_owned();
        self.verifiers.push(verifier.clone());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let code = field(form, "code").and_then(|code| self.codes.get_mut(code));
        let Some(code) = code.filter(|code| {
            !code.used
                && code.challenge == challenge
                && field(form, "redirect_uri") == Some(&*code.redirect_uri)
        }) else {
            return token_error(400, "invalid_grant", "Malformed auth code.");
        };
        code.used = true;
        let (account, scopes, fresh) = (code.account.clone(), code.scopes.clone(), code.fresh_consent);
        let known = |grant: &Grant| grant.account == account && grant.revoked_at.is_none();
        if !fresh && !self.grants.iter().any(known) {
            return token_error(400, "invalid_grant", "Token has been expired or revoked.");
        }
        // Who consented before gets no other refresh token, unless the page was shown again.
        let refresh: Vec<String> = fresh.then(|| self.secret("1//0")).into_iter().collect();
        self.grants.push(Grant {
            account: account.clone(),
            scopes: scopes.clone(),
            refresh,
            revoked_at: None,
            first_good: 0,
        });
        let grant = self.grants.len() - 1;
        let access = self.mint(grant, None, now);
        let subject = accounts.iter().find(|known| known.email == account).map(|known| &known.subject);
        let claims = json!({
            "iss": "https://accounts.google.com", "aud": field(form, "client_id"), "sub": subject, "email": account,
        });
        let id_token = format!("e30.{}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()), self.secret("sig"));
        let mut answer = json!({
            "access_token": access, "expires_in": LIFETIME, "token_type": "Bearer", "scope": scopes, "id_token": id_token,
        });
        if let Some(refresh) = self.grants[grant].refresh.last() {
            answer["refresh_token"] = json!(refresh);
        }
        json_answer(200, &answer)
    }

    fn refresh(&mut self, form: &Form, now: Timestamp) -> HttpResponse {
        let token = field(form, "refresh_token").unwrap_or_default();
        let dead = || token_error(400, "invalid_grant", "Token has been expired or revoked.");
        let Some(grant) = self.of_refresh_token(token) else { return dead() };
        let rotated = self.rotates.then(|| self.secret("1//0"));
        let known = &mut self.grants[grant];
        let place = known.refresh.iter().position(|refresh| refresh == token).unwrap_or_default();
        if known.revoked_at.is_some() || place < known.first_good {
            return dead();
        }
        if place == known.refresh.len() - 1 {
            known.first_good = place;
        }
        known.refresh.extend(rotated.clone());
        let access = self.mint(grant, rotated.clone(), now);
        let scopes = &self.grants[grant].scopes;
        let mut answer = json!({
            "access_token": access, "expires_in": LIFETIME, "token_type": "Bearer", "scope": scopes,
        });
        if let Some(rotated) = rotated {
            answer["refresh_token"] = json!(rotated);
        }
        json_answer(200, &answer)
    }

    fn mint(&mut self, grant: usize, rotated: Option<String>, now: Timestamp) -> String {
        let token = self.secret("ya29.");
        let expires_at = now.plus(chrono::TimeDelta::seconds(LIFETIME));
        self.access.insert(token.clone(), Access { grant, rotated, expires_at, forgotten: false });
        token
    }

    fn secret(&self, kind: &str) -> String {
        format!("{kind}{SECRET_MARK}{:016x}", self.dice.number())
    }
}
