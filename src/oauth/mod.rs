//! Connecting and disconnecting accounts (OAuth 2.0 authorization code with PKCE: RFC 6749, RFC 7636, RFC 9700).
//!
//! A signed connect link brings the browser to [`start`], which sends it to the provider; it comes back to the callback, which
//! exchanges the code and stores the grant. State is single use, expires in ten minutes and is bound to the browser that
//! started and to an allow-listed redirect URI (G6). Knows no provider by name and nothing of HTTP servers.

pub mod admin_consent;
mod browser;
mod callback;
mod connect;
pub mod connect_link;
pub mod disconnect;
mod outcome;
pub mod pkce;
pub mod redirect;
mod start;

#[cfg(test)]
mod tests;

pub use browser::BrowserKey;
pub use callback::{Approval, Onward, Return, finish};
pub use outcome::explanation;
pub use start::{ATTEMPT_LIFETIME, Departure, start};
