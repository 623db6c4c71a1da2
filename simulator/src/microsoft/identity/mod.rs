//! The Microsoft identity platform v2.0: authorize, token, administrators' consent.
//!
//! There is no revocation endpoint, as at Microsoft: a person or an administrator ends sessions elsewhere, here
//! through `/control/revoke`.

pub mod admin_consent;
pub mod authorize;
pub mod clients;
pub mod discovery;
pub mod errors;
pub mod grants;
pub mod id_token;
pub mod pages;
pub mod scopes;
pub mod tenancy;
pub mod token;
