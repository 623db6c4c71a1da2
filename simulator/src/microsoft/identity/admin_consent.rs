//! `/{tenant}/v2.0/adminconsent`: an administrator grants for a whole tenant.
//!
//! Errors carry `admin_consent=True` as successes do. `&auto=approve|deny` and `&account=EMAIL` skip the page.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/v2-admin-consent>

use http::{Method, StatusCode};
use jiff::Timestamp;

use super::authorize::{add_to, read_client};
use super::clients::Client;
use super::errors::{AuthError, Trace};
use super::grants::Scopes;
use super::tenancy::Endpoint;
use super::{pages, scopes};
use crate::control::provider::{Request, Response};
use crate::microsoft::wire::{self, Params};
use crate::microsoft::world::World;

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
}

/// Answers the page, and the form that it contains.
pub fn admin_consent(world: &mut World, segment: &str, request: &Request, now: Timestamp) -> Response {
    let form = Params::parse(request.body());
    let submitted = request.method() == Method::POST;
    let params = match form.get("request") {
        Some(original) if submitted => Params::parse(original.as_bytes()),
        _ => Params::of_query(request),
    };
    let asked = match read(world, segment, params) {
        Ok(asked) => asked,
        Err(error) => return pages::error(&error, now),
    };
    let denied = AuthError {
        error: "consent_required",
        ..AuthError::new("", 65_004, "The resource owner or authorization server denied the request.")
    };
    if submitted {
        return match (form.get("decision"), form.get("account")) {
            (Some("allow"), Some(account)) => approve(world, &asked, account, now),
            _ => asked.refuse(&denied, now),
        };
    }
    match asked.params.get("auto") {
        Some("approve") => {
            let account = asked
                .params
                .get("account")
                .map(str::to_owned)
                .or_else(|| asked.administrators(world).into_iter().next());
            approve(world, &asked, account.as_deref().unwrap_or(""), now)
        }
        Some(_) => asked.refuse(&denied, now),
        None => wire::html(StatusCode::OK, pages::admin_consent(world, &asked)),
    }
}

fn approve(world: &mut World, asked: &Asked, account: &str, now: Timestamp) -> Response {
    let Some(account) = world.find_account(account).cloned() else {
        return asked.refuse(&AuthError::by_code(50_034), now);
    };
    if let Err(error) = asked.endpoint.check_account(&asked.client, &account) {
        return asked.refuse(&AuthError { error: "access_denied", ..error }, now);
    }
    if !account.is_admin {
        return asked.refuse(&AuthError::by_code(90_094), now);
    }
    if let Some(tenant) = world.tenants.get_mut(&account.tenant) {
        let granted = tenant.admin_consents.entry(asked.client.client_id.clone()).or_default();
        granted.extend(asked.scopes.iter().cloned());
    }
    let scope = scopes::write(&asked.scopes, true);
    asked.answer(&[("tenant", &account.tenant), ("scope", &scope)])
}

impl Asked {
    /// The administrators who could grant this, by address.
    pub fn administrators(&self, world: &World) -> Vec<String> {
        let may = |account: &&crate::microsoft::world::Account| {
            account.is_admin && self.endpoint.check_account(&self.client, account).is_ok()
        };
        world.accounts.values().filter(may).map(|account| account.email.clone()).collect()
    }

    fn refuse(&self, error: &AuthError, now: Timestamp) -> Response {
        let description = error.description(&Trace::new(now));
        self.answer(&[("error", error.error), ("error_description", &description)])
    }

    fn answer(&self, fields: &[(&str, &str)]) -> Response {
        let fields: Vec<(&str, &str)> = [("admin_consent", "True")].iter().chain(fields).copied().collect();
        wire::redirect(&add_to(&self.redirect_uri, self.params.get("state"), &fields))
    }
}

fn read(world: &World, segment: &str, params: Params) -> Result<Asked, AuthError> {
    let (client, redirect_uri) = read_client(world, &params)?;
    let endpoint = Endpoint::read(world, segment)?;
    if matches!(endpoint, Endpoint::Common | Endpoint::Consumers) {
        return Err(AuthError::new(
            "invalid_request",
            90_130,
            format!(
                "Application '{}' ({}) is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.",
                client.client_id, client.name
            ),
        ));
    }
    endpoint.check_client(&client)?;
    let text = params.get("scope").ok_or_else(|| AuthError::missing("scope"))?;
    let scopes = scopes::read(text).map_err(|scope| {
        AuthError::new("invalid_scope", 70_011, format!("The provided value for the input parameter 'scope' is not valid. The scope '{scope}' does not exist."))
    })?;
    Ok(Asked { client, segment: segment.to_owned(), redirect_uri, scopes, params, endpoint })
}
