//! `POST /{tenant}/oauth2/v2.0/token`: codes and refresh tokens exchanged for access tokens.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::clients::Client;
use super::errors::AuthError;
use super::grants::{ACCESS_TOKEN_LIFE, Challenge, Dead, Party, Scopes};
use super::id_token::id_token;
use super::scopes;
use super::tenancy::Endpoint;
use crate::control::provider::{Request, Response};
use crate::microsoft::wire::{self, Params};
use crate::microsoft::world::World;

/// Answers the token endpoint.
pub fn token(world: &mut World, segment: &str, request: &Request, now: Timestamp) -> Response {
    match exchange(world, segment, request, now) {
        Ok(answer) => {
            let mut response = wire::json(StatusCode::OK, &answer);
            response
                .headers_mut()
                .insert("cache-control", http::HeaderValue::from_static("no-store, no-cache"));
            response
        }
        Err(error) => error.into_response(now),
    }
}

fn exchange(world: &mut World, segment: &str, request: &Request, now: Timestamp) -> Result<Value, AuthError> {
    let form = Params::parse(request.body());
    let endpoint = Endpoint::read(world, segment)?;
    let client = authenticate(world, request, &form)?;
    endpoint.check_client(&client)?;
    match form.get("grant_type") {
        Some("authorization_code") => exchange_code(world, &endpoint, &client, &form, now),
        Some("refresh_token") => refresh(world, &endpoint, &client, &form, now),
        Some(other) => Err(AuthError::new(
            "unsupported_grant_type",
            70_003,
            format!("The app requested an unsupported grant type '{other}'."),
        )),
        None => Err(AuthError::missing("grant_type")),
    }
}

/// The client, by the form's fields or by HTTP Basic.
fn authenticate(world: &World, request: &Request, form: &Params) -> Result<Client, AuthError> {
    let basic = wire::header_text(request.headers(), "authorization")
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| STANDARD.decode(encoded.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|pair| {
            let (id, secret) = pair.split_once(':')?;
            // RFC 6749 section 2.3.1: both halves are form-encoded.
            Some((decode(id), decode(secret)))
        });
    let (id, secret) = match basic {
        Some((id, secret)) => (Some(id), Some(secret)),
        None => (form.get("client_id").map(str::to_owned), form.get("client_secret").map(str::to_owned)),
    };
    let id = id.ok_or_else(|| AuthError::missing("client_id"))?;
    let client = world.clients.get(&id).ok_or_else(|| AuthError::by_code(700_016))?;
    match secret {
        None => Err(AuthError::new(
            "invalid_client",
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )),
        Some(secret) if secret == client.client_secret => Ok(client.clone()),
        Some(_) => Err(AuthError::by_code(7_000_215)),
    }
}

fn decode(text: &str) -> String {
    Params::parse(format!("v={text}").as_bytes()).get("v").unwrap_or_default().to_owned()
}

fn exchange_code(
    world: &mut World,
    endpoint: &Endpoint,
    client: &Client,
    form: &Params,
    now: Timestamp,
) -> Result<Value, AuthError> {
    let text = form.get("code").ok_or_else(|| AuthError::missing("code"))?;
    let redirect_uri = form.get("redirect_uri").ok_or_else(|| AuthError::missing("redirect_uri"))?;
    let code = world.grants.code(text).cloned().ok_or_else(|| AuthError::by_code(70_000))?;
    if code.party.client_id != client.client_id {
        return Err(AuthError::new(
            "invalid_grant",
            700_005,
            "The provided authorization code is intended to use against another application.",
        ));
    }
    if code.used {
        return Err(AuthError::by_code(54_005));
    }
    if now >= code.expires_at {
        return Err(AuthError::by_code(70_008));
    }
    if code.redirect_uri != redirect_uri {
        return Err(AuthError::new(
            "invalid_client",
            500_112,
            format!(
                "The reply address '{redirect_uri}' does not match the reply address '{}' provided when requesting Authorization code.",
                code.redirect_uri
            ),
        ));
    }
    check_verifier(code.challenge.as_ref(), form.get("code_verifier"))?;
    check_account(world, endpoint, client, &code.party)?;
    world.grants.use_code(text);
    let scopes = wanted(form, &code.scopes)?;
    issue(world, client, &code.party, &scopes, &code.scopes, code.nonce.as_deref(), now)
}

fn refresh(
    world: &mut World,
    endpoint: &Endpoint,
    client: &Client,
    form: &Params,
    now: Timestamp,
) -> Result<Value, AuthError> {
    let text = form.get("refresh_token").ok_or_else(|| AuthError::missing("refresh_token"))?;
    match world.grants.refresh_owner(text) {
        Some(party) if party.client_id != client.client_id => {
            return Err(AuthError::new(
                "invalid_grant",
                700_005,
                "The provided refresh token is intended to use against another application.",
            ));
        }
        _ => {}
    }
    let token = world.grants.use_refresh(text, now).map_err(|dead| match dead {
        Dead::Unknown => {
            AuthError::new("invalid_grant", 9_002_313, "Invalid request. Request is malformed or invalid.")
        }
        Dead::Idle => AuthError::by_code(700_082),
        Dead::Killed => AuthError::by_code(70_043),
    })?;
    check_account(world, endpoint, client, &token.party)?;
    let valid_from = world.accounts.get(&token.party.account).and_then(|account| account.sessions_valid_from);
    if let Some(valid_from) = valid_from.filter(|from| token.issued_at < *from) {
        let mut error = AuthError::by_code(50_173);
        error.message = format!(
            "{} The grant was issued on '{}' and the TokensValidFrom date (before which tokens are not valid) for this user is '{valid_from}'.",
            error.message, token.issued_at
        );
        return Err(error);
    }
    let scopes = wanted(form, &token.scopes)?;
    if !consented(world, &token.party).is_superset(&scopes) {
        return Err(AuthError::by_code(65_001));
    }
    issue(world, client, &token.party, &scopes, &token.scopes, None, now)
}

/// What the person, or an administrator for them, has agreed to.
pub fn consented(world: &World, party: &Party) -> Scopes {
    let own = world.grants.consented(party).cloned().unwrap_or_default();
    let tenant = world.accounts.get(&party.account).and_then(|account| world.tenants.get(&account.tenant));
    let by_admin = tenant.and_then(|tenant| tenant.admin_consents.get(&party.client_id));
    own.into_iter().chain(by_admin.into_iter().flatten().cloned()).collect()
}

/// The scopes of the new tokens: those asked for, or all that were granted.
fn wanted(form: &Params, granted: &Scopes) -> Result<Scopes, AuthError> {
    match form.get("scope") {
        None => Ok(granted.clone()),
        Some(text) => {
            let mut asked = scopes::read(text).map_err(|scope| {
                AuthError::new("invalid_scope", 70_011, format!("The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."))
            })?;
            if asked.remove(".default") {
                asked.extend(granted.iter().cloned());
            }
            Ok(asked)
        }
    }
}

fn check_account(
    world: &World,
    endpoint: &Endpoint,
    client: &Client,
    party: &Party,
) -> Result<(), AuthError> {
    let account = world.accounts.get(&party.account).ok_or_else(|| AuthError::by_code(50_034))?;
    endpoint.check_account(client, account).map_err(|error| AuthError { error: "invalid_grant", ..error })
}

fn issue(
    world: &mut World,
    client: &Client,
    party: &Party,
    scopes: &Scopes,
    granted: &Scopes,
    nonce: Option<&str>,
    now: Timestamp,
) -> Result<Value, AuthError> {
    let account = world.accounts.get(&party.account).cloned().ok_or_else(|| AuthError::by_code(50_034))?;
    let mut answer = json!({
        "token_type": "Bearer",
        "scope": scopes::write(scopes, account.is_personal()),
        "expires_in": ACCESS_TOKEN_LIFE.as_secs(),
        "ext_expires_in": ACCESS_TOKEN_LIFE.as_secs(),
        "access_token": world.grants.issue_access(party, scopes, now),
    });
    if granted.contains("offline_access") {
        answer["refresh_token"] = world.grants.issue_refresh(party, granted, now).into();
    }
    if let Some(jwt) = id_token(client, &account, scopes, nonce, now) {
        answer["id_token"] = jwt.into();
    }
    Ok(answer)
}

fn check_verifier(challenge: Option<&Challenge>, verifier: Option<&str>) -> Result<(), AuthError> {
    let fits = match (challenge, verifier) {
        (None, None) => return Ok(()),
        (Some(_), None) => return Err(AuthError::by_code(50_148)),
        // A verifier without a challenge: the code was asked for without PKCE.
        (None, Some(_)) => false,
        (Some(Challenge::Plain(challenge)), Some(verifier)) => challenge == verifier,
        (Some(Challenge::S256(challenge)), Some(verifier)) => *challenge == s256(verifier),
    };
    if fits { Ok(()) } else { Err(AuthError::by_code(501_481)) }
}

/// The S256 challenge of a verifier (RFC 7636 section 4.2).
pub fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        assert_eq!(
            s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn a_verifier_must_fit_its_challenge() {
        let challenge = Challenge::S256(s256("right"));
        let code = |challenge: Option<&Challenge>, verifier| {
            check_verifier(challenge, verifier).err().map(|e| e.code)
        };
        assert_eq!(code(Some(&challenge), Some("right")), None);
        assert_eq!(code(Some(&challenge), Some("wrong")), Some(501_481));
        assert_eq!(code(Some(&challenge), None), Some(50_148));
        assert_eq!(code(None, Some("any")), Some(501_481));
        assert_eq!(code(None, None), None);
    }
}
