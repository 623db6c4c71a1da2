//! Google's OAuth 2.0: consent, codes, tokens, revocation, and who a token belongs to.

pub mod account_info;
pub mod authorize;
pub mod clients;
pub mod consent_page;
pub mod grants;
pub mod id_token;
pub mod token;
