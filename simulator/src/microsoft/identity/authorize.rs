//! `/{tenant}/oauth2/v2.0/authorize`: who may ask, the consent, and the way back to the client.
//!
//! For scripts, `&auto=approve` or `&auto=deny` skips the page and `&account=EMAIL` names the account.

use http::{Method, StatusCode};
use jiff::Timestamp;
use url::Url;

use super::clients::Client;
use super::errors::{AuthError, Trace};
use super::grants::{self, CODE_LIFE, Challenge, Code, Party, Scopes};
use super::tenancy::Endpoint;
use super::token::consented;
use super::{pages, scopes};
use crate::control::provider::{Request, Response};
use crate::microsoft::wire::{self, Params};
use crate::microsoft::world::{Account, World};

/// A request that names a registered client and redirect URI.
#[derive(Debug)]
pub struct Asked {
    /// The client that asks.
    pub client: Client,
    /// The tenant in the URL, as it was written.
    pub segment: String,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// The scopes asked for, by short name.
    pub scopes: Scopes,
    /// The request as it came.
    pub params: Params,
    endpoint: Endpoint,
    challenge: Option<Challenge>,
}

/// Answers the authorize page, and the form that it contains.
pub fn authorize(world: &mut World, segment: &str, request: &Request, now: Timestamp) -> Response {
    let form = Params::parse(request.body());
    let submitted = request.method() == Method::POST;
    let params = match form.get("request") {
        Some(original) if submitted => Params::parse(original.as_bytes()),
        _ => Params::of_query(request),
    };
    let asked = match read(world, segment, params) {
        Ok(asked) => asked,
        Err(refused) => return refused.answer(now),
    };
    if submitted {
        let account = form.get("account").and_then(|email| world.find_account(email)).cloned();
        return match (form.get("decision"), account) {
            (Some("allow"), Some(account)) => approve(world, &asked, &account, false, now),
            _ => asked.redirect_error(&AuthError::by_code(65_004), now),
        };
    }
    match asked.params.get("auto") {
        Some("approve") => match account_for(world, &asked) {
            Some(account) => approve(world, &asked, &account, true, now),
            None => pages::error(&unknown_account(&asked), now),
        },
        Some("deny") => asked.redirect_error(&AuthError::by_code(65_004), now),
        Some(other) => {
            let message = format!("auto={other}: approve or deny");
            pages::error(&AuthError::new("invalid_request", 90_014, message), now)
        }
        None => without_shortcut(world, &asked, now),
    }
}

fn without_shortcut(world: &mut World, asked: &Asked, now: Timestamp) -> Response {
    let prompt = asked.params.get("prompt").unwrap_or("");
    // Somebody is taken to be signed in when the request says who.
    let hinted = asked.params.get("login_hint").and_then(|hint| world.find_account(hint)).cloned();
    let agreed = |account: &Account| consented(world, &asked.party(account)).is_superset(&asked.scopes);
    match &hinted {
        None if prompt == "none" => {
            let error = AuthError::new(
                "login_required",
                50_058,
                "A silent sign-in request was sent but no user is signed in.",
            );
            asked.redirect_error(&error, now)
        }
        Some(account) if prompt == "none" && !agreed(account) => {
            let error = AuthError { error: "consent_required", ..AuthError::by_code(65_001) };
            asked.redirect_error(&error, now)
        }
        // Nothing new to consent to: straight back.
        Some(account) if matches!(prompt, "" | "none") && agreed(account) => {
            let account = account.clone();
            approve(world, asked, &account, true, now)
        }
        hinted => {
            let chosen = hinted.as_ref().map(|account| account.email.as_str());
            wire::html(StatusCode::OK, pages::consent(world, asked, chosen))
        }
    }
}

fn account_for(world: &World, asked: &Asked) -> Option<Account> {
    let named = asked.params.get("account").or_else(|| asked.params.get("login_hint"));
    match named {
        Some(email) => world.find_account(email).cloned(),
        None => world
            .accounts
            .values()
            .find(|account| asked.endpoint.check_account(&asked.client, account).is_ok())
            .cloned(),
    }
}

fn unknown_account(asked: &Asked) -> AuthError {
    let account = asked.params.get("account").unwrap_or("(none)");
    AuthError::new(
        "invalid_request",
        50_034,
        format!("There is no simulated account {account}. GET /control/accounts lists them."),
    )
}

/// `direct`: a script or a silent sign-in, which gets its refusals at the redirect URI instead of on a page.
fn approve(world: &mut World, asked: &Asked, account: &Account, direct: bool, now: Timestamp) -> Response {
    if let Err(error) = asked.endpoint.check_account(&asked.client, account) {
        return if direct { asked.redirect_error(&error, now) } else { pages::error(&error, now) };
    }
    let party = asked.party(account);
    let agreed = consented(world, &party);
    let needs_admin = !account.is_admin
        && world.tenants.get(&account.tenant).is_some_and(|tenant| !tenant.users_may_consent)
        && asked.scopes.iter().any(|scope| !scopes::is_openid(scope) && !agreed.contains(scope));
    if needs_admin {
        let tenant = world.tenants.get(&account.tenant).map_or("the organisation", |tenant| &tenant.name);
        let mut error = AuthError::by_code(90_094);
        error.message = format!(
            "An administrator of {tenant} has set a policy that prevents you from granting {} the permissions it is requesting. Contact an administrator of {tenant} who can grant permissions to this application on your behalf.",
            asked.client.name
        );
        let back = match world.behaviour.approval_refusal_says_why {
            true => asked.error_url(&error, now),
            false => asked.cancelled_url(),
        };
        return if direct {
            wire::redirect(&back)
        } else {
            wire::html(StatusCode::OK, pages::needs_approval(asked, account, &error, back, now))
        };
    }
    world.grants.consent(&party, &asked.scopes);
    // `.default` stands for everything agreed to so far.
    let mut granted = asked.scopes.clone();
    if granted.remove(".default") {
        granted.extend(agreed);
        granted.remove(".default");
    }
    let code = world.grants.issue_code(Code {
        party,
        redirect_uri: asked.redirect_uri.clone(),
        scopes: granted,
        challenge: asked.challenge.clone(),
        nonce: asked.params.get("nonce").map(str::to_owned),
        expires_at: now + CODE_LIFE,
        used: false,
    });
    asked.redirect(&[("code", &code), ("session_state", &grants::session())])
}

impl Asked {
    fn party(&self, account: &Account) -> Party {
        Party { account: account.email.clone(), client_id: self.client.client_id.clone() }
    }

    /// The redirect URI with an error in it.
    fn error_url(&self, error: &AuthError, now: Timestamp) -> String {
        let description = error.description(&Trace::new(now));
        let mut fields = vec![("error", error.error), ("error_description", description.as_str())];
        if error.code == 65_004 {
            fields.push(("error_subcode", "cancel"));
        }
        self.url(&fields)
    }

    /// The redirect URI of somebody who left a page without deciding: as Entra has it, it does not say why.
    fn cancelled_url(&self) -> String {
        self.url(&[("error", "access_denied"), ("error_subcode", "cancel")])
    }

    fn redirect_error(&self, error: &AuthError, now: Timestamp) -> Response {
        wire::redirect(&self.error_url(error, now))
    }

    fn redirect(&self, fields: &[(&str, &str)]) -> Response {
        wire::redirect(&self.url(fields))
    }

    fn url(&self, fields: &[(&str, &str)]) -> String {
        add_to(&self.redirect_uri, self.params.get("state"), fields)
    }
}

/// A redirect URI with `state` and other fields added to its query.
pub fn add_to(redirect_uri: &str, state: Option<&str>, fields: &[(&str, &str)]) -> String {
    match Url::parse(redirect_uri) {
        Ok(mut url) => {
            url.query_pairs_mut().extend_pairs(fields).extend_pairs(state.map(|state| ("state", state)));
            url.into()
        }
        Err(_) => redirect_uri.to_owned(),
    }
}

/// A request that went wrong before it could be shown to anybody.
pub enum Refused {
    /// There is nowhere safe to redirect to.
    OnPage(AuthError),
    /// The client asked and shall know.
    AtClient(String),
}

impl Refused {
    /// The page, or the redirect.
    pub fn answer(self, now: Timestamp) -> Response {
        match self {
            Self::OnPage(error) => pages::error(&error, now),
            Self::AtClient(url) => wire::redirect(&url),
        }
    }
}

/// The client of a request and its redirect URI, both registered.
pub fn read_client(world: &World, params: &Params) -> Result<(Client, String), AuthError> {
    let client_id = params.get("client_id").ok_or_else(|| AuthError::missing("client_id"))?;
    let client = world.clients.get(client_id).cloned().ok_or_else(|| AuthError::by_code(700_016))?;
    let redirect_uri = params.get("redirect_uri").ok_or_else(|| AuthError::missing("redirect_uri"))?;
    if Url::parse(redirect_uri).is_err() || !client.accepts_redirect(redirect_uri) {
        return Err(AuthError::new(
            "invalid_request",
            50_011,
            format!(
                "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for the application '{client_id}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal."
            ),
        ));
    }
    Ok((client, redirect_uri.to_owned()))
}

fn read(world: &World, segment: &str, params: Params) -> Result<Asked, Refused> {
    let (client, redirect_uri) = read_client(world, &params).map_err(Refused::OnPage)?;
    let endpoint = Endpoint::read(world, segment).map_err(Refused::OnPage)?;
    let at_client = |error: AuthError| {
        let description = error.description(&Trace::new(Timestamp::UNIX_EPOCH));
        let fields = [("error", error.error), ("error_description", description.as_str())];
        Refused::AtClient(add_to(&redirect_uri, params.get("state"), &fields))
    };
    let automatic = params.get("auto").is_some() || params.get("prompt") == Some("none");
    if let Err(error) = endpoint.check_client(&client) {
        return Err(if automatic { at_client(error) } else { Refused::OnPage(error) });
    }
    let need = |name: &str| params.get(name).ok_or_else(|| at_client(AuthError::missing(name)));
    let response_type = need("response_type")?;
    if response_type != "code" || params.get("response_mode").is_some_and(|mode| mode != "query") {
        let message = "The simulator serves response_type=code with response_mode=query only.";
        return Err(at_client(AuthError::new("unsupported_response_type", 700_054, message)));
    }
    let scopes = scopes::read(need("scope")?).map_err(|scope| {
        let message = format!("The provided value for the input parameter 'scope' is not valid. The scope '{scope}' does not exist.");
        at_client(AuthError::new("invalid_scope", 70_011, message))
    })?;
    let challenge = read_challenge(&params).map_err(at_client)?;
    Ok(Asked { client, segment: segment.to_owned(), redirect_uri, scopes, params, endpoint, challenge })
}

fn read_challenge(params: &Params) -> Result<Option<Challenge>, AuthError> {
    let Some(challenge) = params.get("code_challenge") else {
        return match params.get("code_challenge_method") {
            None => Ok(None),
            Some(_) => Err(AuthError::missing("code_challenge")),
        };
    };
    let urlsafe = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if !(43..=128).contains(&challenge.len()) || !challenge.chars().all(urlsafe) {
        return Err(AuthError::new(
            "invalid_request",
            50_147,
            "The size of the Code_Challenge parameter is not valid.",
        ));
    }
    match params.get("code_challenge_method") {
        None | Some("plain") => Ok(Some(Challenge::Plain(challenge.to_owned()))),
        Some("S256") => Ok(Some(Challenge::S256(challenge.to_owned()))),
        Some(_) => Err(AuthError::new(
            "invalid_request",
            50_149,
            "The Code_Challenge_method parameter is not valid: plain or S256.",
        )),
    }
}
