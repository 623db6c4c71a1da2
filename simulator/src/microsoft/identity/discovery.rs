//! `/{tenant}/v2.0/.well-known/openid-configuration`: where the endpoints are.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use super::tenancy::Endpoint;
use crate::control::provider::Response;
use crate::microsoft::wire;
use crate::microsoft::world::{PERSONAL_TENANT, World};

/// The discovery document; there is no revocation endpoint in it, as at Microsoft.
pub fn document(world: &World, segment: &str, origin: &str, now: Timestamp) -> Response {
    let tenant = match Endpoint::read(world, segment) {
        Ok(Endpoint::Tenant(id)) => id,
        Ok(Endpoint::Consumers) => PERSONAL_TENANT.to_owned(),
        Ok(_) => "{tenantid}".to_owned(),
        Err(error) => return error.into_response(now),
    };
    let at = format!("{origin}/{segment}");
    let body = json!({
        "issuer": format!("https://login.microsoftonline.com/{tenant}/v2.0"),
        "authorization_endpoint": format!("{at}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{at}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "response_modes_supported": ["query"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["HS256"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "request_uri_parameter_supported": false,
        "tenant_region_scope": null,
        "msgraph_host": "graph.microsoft.com",
    });
    wire::json(StatusCode::OK, &body)
}
