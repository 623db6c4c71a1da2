//! The tenant in the URL, and who may sign in through it.

use super::clients::{Audience, Client};
use super::errors::AuthError;
use crate::microsoft::world::{Account, PERSONAL_TENANT, World};

/// The first segment of an identity URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Every account.
    Common,
    /// Accounts of organisations.
    Organizations,
    /// Personal accounts.
    Consumers,
    /// Accounts of one tenant, by GUID.
    Tenant(String),
}

impl Endpoint {
    /// Reads the segment.
    pub fn read(world: &World, segment: &str) -> Result<Self, AuthError> {
        match segment {
            "common" => Ok(Self::Common),
            "organizations" => Ok(Self::Organizations),
            "consumers" => Ok(Self::Consumers),
            name if name.eq_ignore_ascii_case(PERSONAL_TENANT) => Ok(Self::Consumers),
            name => match world.find_tenant(name) {
                Some(tenant) => Ok(Self::Tenant(tenant.id.clone())),
                None => Err(AuthError::new(
                    "invalid_request",
                    90_002,
                    format!(
                        "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
                    ),
                )),
            },
        }
    }

    /// Whether the client may be used through this endpoint at all.
    pub fn check_client(&self, client: &Client) -> Result<(), AuthError> {
        let (id, name) = (&client.client_id, &client.name);
        let not_found = |place: &str| {
            AuthError::new(
                "unauthorized_client",
                700_016,
                format!(
                    "Application with identifier '{id}' was not found in the directory '{place}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
                ),
            )
        };
        match (client.audience, self) {
            (Audience::AzureADMyOrg, Self::Common | Self::Organizations) => Err(AuthError::new(
                "invalid_request",
                50_194,
                format!(
                    "Application '{id}'({name}) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant."
                ),
            )),
            (Audience::AzureADMyOrg, Self::Tenant(tenant)) if *tenant != client.tenant => {
                Err(not_found(tenant))
            }
            (Audience::AzureADMyOrg | Audience::AzureADMultipleOrgs, Self::Consumers) => {
                Err(not_found("consumers"))
            }
            (Audience::PersonalMicrosoftAccount, Self::Consumers) => Ok(()),
            (Audience::PersonalMicrosoftAccount, _) => Err(AuthError::new(
                "invalid_request",
                9_002_331,
                format!(
                    "Application '{id}'({name}) is configured for use by Microsoft Account users only. Please use the /consumers endpoint to serve this request."
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Whether the account may sign in to the client through this endpoint.
    pub fn check_account(&self, client: &Client, account: &Account) -> Result<(), AuthError> {
        let email = &account.email;
        let organisations_only = matches!(self, Self::Organizations)
            || matches!(client.audience, Audience::AzureADMultipleOrgs | Audience::AzureADMyOrg);
        match self {
            Self::Tenant(tenant) if *tenant != account.tenant => {
                let provider = if account.is_personal() {
                    "live.com".to_owned()
                } else {
                    format!("https://sts.windows.net/{}/", account.tenant)
                };
                Err(AuthError::new(
                    "invalid_request",
                    50_020,
                    format!(
                        "User account '{email}' from identity provider '{provider}' does not exist in tenant '{tenant}' and cannot access the application '{}'({}) in that tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different Azure Active Directory user account.",
                        client.client_id, client.name
                    ),
                ))
            }
            _ if account.is_personal() && organisations_only => Err(AuthError::new(
                "invalid_request",
                500_200,
                format!(
                    "User account '{email}' is a personal Microsoft account. Personal Microsoft accounts are not supported for this application unless explicitly invited to an organization. Try signing out and signing back in with an organizational account."
                ),
            )),
            Self::Consumers if !account.is_personal() => Err(AuthError::new(
                "invalid_request",
                500_208,
                "The domain is not a valid login domain for the account type. This situation occurs when the user's account does not match the expected account type for the given tenant.",
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microsoft::identity::clients::{DEFAULT_CLIENT_ID, SINGLE_TENANT_CLIENT_ID};
    use crate::microsoft::seed::{self, CONTOSO, FABRIKAM};

    #[test]
    fn each_endpoint_lets_in_its_own_accounts_only() {
        let world = seed::seeded_world(jiff::Timestamp::UNIX_EPOCH);
        for (endpoint, client, account, code) in [
            ("common", DEFAULT_CLIENT_ID, "work@contoso.example", None),
            ("common", DEFAULT_CLIENT_ID, "personal@outlook.example", None),
            ("organizations", DEFAULT_CLIENT_ID, "personal@outlook.example", Some(500_200)),
            ("consumers", DEFAULT_CLIENT_ID, "work@contoso.example", Some(500_208)),
            ("consumers", DEFAULT_CLIENT_ID, "personal@outlook.example", None),
            (CONTOSO, DEFAULT_CLIENT_ID, "work@contoso.example", None),
            ("contoso.example", DEFAULT_CLIENT_ID, "work@contoso.example", None),
            (CONTOSO, DEFAULT_CLIENT_ID, "personal@outlook.example", Some(50_020)),
            (FABRIKAM, DEFAULT_CLIENT_ID, "work@contoso.example", Some(50_020)),
            ("common", SINGLE_TENANT_CLIENT_ID, "work@contoso.example", Some(50_194)),
            (CONTOSO, SINGLE_TENANT_CLIENT_ID, "work@contoso.example", None),
            (FABRIKAM, SINGLE_TENANT_CLIENT_ID, "work@contoso.example", Some(700_016)),
            ("00000000-0000-4000-8000-000000000000", DEFAULT_CLIENT_ID, "work@contoso.example", Some(90_002)),
        ] {
            let result = Endpoint::read(&world, endpoint).and_then(|endpoint| {
                endpoint.check_client(&world.clients[client])?;
                endpoint.check_account(&world.clients[client], &world.accounts[account])
            });
            assert_eq!(result.err().map(|error| error.code), code, "{endpoint} {client} {account}");
        }
    }
}
