//! `/o/oauth2/v2/auth`: who may ask, the consent, and the way back to the client.
//!
//! For scripts, `&auto=approve` or `&auto=deny` skips the page, `&account=EMAIL` names the account, and
//! `&untick=scope1 scope2` withholds scopes.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use jiff::Timestamp;
use url::Url;

use super::clients::Client;
use super::consent_page;
use super::grants::{CODE_LIFE, Challenge, Code, Party, Scopes};
use crate::control::provider::{Request, Response};
use crate::google::scopes;
use crate::google::wire::{self, Params};
use crate::google::world::World;

/// A request to `/o/oauth2/v2/auth` that names a registered client and redirect URI.
#[derive(Debug)]
pub struct Asked {
    /// The client that asks.
    pub client: Client,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// The scopes asked for, by full name.
    pub scopes: Scopes,
    /// The request as it came.
    pub params: Params,
    challenge: Option<Challenge>,
}

/// A mistake that is shown to the person, because there is nowhere safe to redirect to.
#[derive(Debug)]
pub struct Mistake {
    /// The page's status.
    pub status: u16,
    /// OAuth's error code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
}

fn mistake(status: u16, code: &'static str, message: impl Into<String>) -> Mistake {
    Mistake { status, code, message: message.into() }
}

/// Answers the authorize page, and the form that it contains.
pub fn authorize(world: &mut World, request: &Request, now: Timestamp) -> Response {
    let form = Params::parse(request.body());
    let submitted = request.method() == Method::POST;
    let params = match form.get("request") {
        Some(original) if submitted => Params::parse(original.as_bytes()),
        _ => Params::of_query(request),
    };
    let asked = match read(world, params) {
        Ok(asked) => asked,
        Err(mistake) => return consent_page::error(&mistake),
    };
    if submitted {
        return decide_by_form(world, &asked, &form, now);
    }
    match asked.params.get("auto") {
        Some("approve") => {
            let untick = asked.params.get("untick").unwrap_or("");
            let unticked: BTreeSet<String> = scopes::parse_list(untick);
            let ticked = asked.scopes.difference(&unticked).cloned().collect();
            match account_for(world, &asked) {
                Some(account) => approve(world, &asked, &account, ticked, now),
                None => unknown_account(&asked),
            }
        }
        Some("deny") => deny(&asked),
        Some(other) => {
            consent_page::error(&mistake(400, "invalid_request", format!("auto={other}: approve or deny")))
        }
        None => without_shortcut(world, &asked, now),
    }
}

fn without_shortcut(world: &mut World, asked: &Asked, now: Timestamp) -> Response {
    let prompts: Vec<&str> = asked.params.get("prompt").unwrap_or("").split_whitespace().collect();
    // Somebody is taken to be signed in when the request says who.
    let hinted = asked.params.get("login_hint").and_then(|hint| world.find_account(hint));
    let granted_before = hinted.as_ref().is_some_and(|account| {
        world.grants.granted(&asked.party(account)).is_some_and(|granted| asked.scopes.is_subset(granted))
    });
    match hinted {
        None if prompts.contains(&"none") => asked.redirect_error("login_required"),
        Some(_) if prompts.contains(&"none") && !granted_before => {
            asked.redirect_error("interaction_required")
        }
        // Nothing new to consent to: straight back, as Google does it.
        Some(account)
            if granted_before && !prompts.iter().any(|p| matches!(*p, "consent" | "select_account")) =>
        {
            approve(world, asked, &account, asked.scopes.clone(), now)
        }
        hinted => wire::html(StatusCode::OK, consent_page::consent(world, asked, hinted.as_deref())),
    }
}

fn decide_by_form(world: &mut World, asked: &Asked, form: &Params, now: Timestamp) -> Response {
    if form.get("decision") != Some("allow") {
        return deny(asked);
    }
    let Some(account) = form.get("account").and_then(|email| world.find_account(email)) else {
        return unknown_account(asked);
    };
    let ticked: Scopes = form.all("scope").map(str::to_owned).collect();
    let granted = |scope: &&String| ticked.contains(*scope) || scopes::is_identity(scope);
    let ticked = asked.scopes.iter().filter(granted).cloned().collect();
    approve(world, asked, &account, ticked, now)
}

fn account_for(world: &World, asked: &Asked) -> Option<String> {
    match asked.params.get("account") {
        Some(email) => world.find_account(email),
        None => asked
            .params
            .get("login_hint")
            .and_then(|hint| world.find_account(hint))
            .or_else(|| world.accounts.keys().next().cloned()),
    }
}

fn unknown_account(asked: &Asked) -> Response {
    let account = asked.params.get("account").unwrap_or("(none)");
    consent_page::error(&mistake(
        400,
        "invalid_request",
        format!("There is no simulated account {account}. GET /control/accounts lists them."),
    ))
}

fn approve(world: &mut World, asked: &Asked, account: &str, mut scopes: Scopes, now: Timestamp) -> Response {
    if scopes.is_empty() {
        return deny(asked);
    }
    let party = asked.party(account);
    let before = world.grants.granted(&party);
    let first_consent = before.is_none();
    if asked.params.get("include_granted_scopes") == Some("true") {
        scopes.extend(before.into_iter().flatten().cloned());
    }
    let offline = asked.params.get("access_type") == Some("offline");
    let prompted = asked.params.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|p| p == "consent"));
    let granted: Vec<String> = scopes.iter().cloned().collect();
    let code = world.grants.consent(Code {
        party,
        redirect_uri: asked.redirect_uri.clone(),
        scopes,
        challenge: asked.challenge.clone(),
        nonce: asked.params.get("nonce").map(str::to_owned),
        with_refresh_token: offline && (first_consent || prompted),
        offline,
        expires_at: now + CODE_LIFE,
        used: false,
    });
    let prompt = if prompted || first_consent { "consent" } else { "none" };
    asked.redirect(&[
        ("iss", "https://accounts.google.com"),
        ("code", &code),
        ("scope", &granted.join(" ")),
        ("authuser", "0"),
        ("prompt", prompt),
    ])
}

fn deny(asked: &Asked) -> Response {
    asked.redirect_error("access_denied")
}

impl Asked {
    fn party(&self, account: &str) -> Party {
        Party { account: account.to_owned(), client_id: self.client.client_id.clone() }
    }

    fn redirect_error(&self, error: &str) -> Response {
        self.redirect(&[("error", error)])
    }

    fn redirect(&self, fields: &[(&str, &str)]) -> Response {
        // Registered redirect URIs were parsed when the request was read.
        let Ok(mut url) = Url::parse(&self.redirect_uri) else {
            return consent_page::error(&mistake(400, "invalid_request", "redirect_uri is not a URI"));
        };
        {
            let mut query = url.query_pairs_mut();
            if let Some(state) = self.params.get("state") {
                query.append_pair("state", state);
            }
            query.extend_pairs(fields);
        }
        wire::redirect(url.as_str())
    }
}

fn read(world: &World, params: Params) -> Result<Asked, Mistake> {
    let need = |name: &str| {
        params
            .get(name)
            .map(str::to_owned)
            .ok_or_else(|| mistake(400, "invalid_request", format!("Missing required parameter: {name}")))
    };
    let client_id = need("client_id")?;
    let client = world
        .clients
        .get(&client_id)
        .cloned()
        .ok_or_else(|| mistake(401, "invalid_client", "The OAuth client was not found."))?;
    let redirect_uri = need("redirect_uri")?;
    if Url::parse(&redirect_uri).is_err() || !client.accepts_redirect(&redirect_uri) {
        return Err(mistake(
            400,
            "redirect_uri_mismatch",
            format!(
                "The redirect URI in the request, {redirect_uri}, does not match the ones authorized for the OAuth client."
            ),
        ));
    }
    let response_type = need("response_type")?;
    if response_type != "code" {
        return Err(mistake(
            400,
            "unsupported_response_type",
            format!("Invalid response_type: {response_type}; the simulator serves the code flow only."),
        ));
    }
    let asked = scopes::parse_list(&need("scope")?);
    let invalid: Vec<&String> = asked.iter().filter(|scope| !scopes::exists(scope)).collect();
    if !invalid.is_empty() {
        return Err(mistake(
            400,
            "invalid_scope",
            format!("Some requested scopes were invalid. {{invalid={invalid:?}}}"),
        ));
    }
    let challenge = read_challenge(&params)?;
    Ok(Asked { client, redirect_uri, scopes: asked, params, challenge })
}

fn read_challenge(params: &Params) -> Result<Option<Challenge>, Mistake> {
    let invalid = |message: &str| mistake(400, "invalid_request", message);
    let Some(challenge) = params.get("code_challenge") else {
        return match params.get("code_challenge_method") {
            None => Ok(None),
            Some(_) => Err(invalid("Missing required parameter: code_challenge")),
        };
    };
    let urlsafe = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if !(43..=128).contains(&challenge.len()) || !challenge.chars().all(urlsafe) {
        return Err(invalid("Invalid parameter value for code_challenge: 43 to 128 URL-safe characters"));
    }
    match params.get("code_challenge_method") {
        None | Some("plain") => Ok(Some(Challenge::Plain(challenge.to_owned()))),
        Some("S256") => Ok(Some(Challenge::S256(challenge.to_owned()))),
        Some(_) => Err(invalid("Invalid parameter value for code_challenge_method: plain or S256")),
    }
}
