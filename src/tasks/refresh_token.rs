//! `refresh-token`: makes sure an access token that lasts a while is at hand. Cron asks for it before tokens run out; a
//! producer may ask at any time.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::work::{Done, Run, Task, Undone};
use crate::{
    domain::failure::Failure,
    gate::{CachedGrant, TokenRequest},
    ports::{Gate, Ports},
    tokens,
};

/// How long a token must still work for no refresh to be needed.
const LASTING: TimeDelta = TimeDelta::minutes(10);

/// What a producer writes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = RefreshTokenPayload))]
pub struct Payload {
    /// Refresh even a token that is still good.
    pub force: bool,
    /// Set by our own schedule: succeed without telling anybody.
    pub scheduled: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(not(target_arch = "wasm32"), derive(utoipa::ToSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schema(as = RefreshTokenResult))]
pub struct Refreshed {
    /// Until when the access token at hand works, RFC 3339 in UTC.
    expires_at: String,
}

/// A checked request.
#[derive(Debug)]
pub struct RefreshToken(Payload);

impl Task for RefreshToken {
    type Payload = Payload;

    fn check(payload: Payload) -> Result<Self, Failure> {
        Ok(Self(payload))
    }

    async fn run<P: Ports>(self, run: &Run<'_, P>) -> Result<Done, Undone> {
        let grant = match self.lasting_token(run).await {
            Some(grant) => grant,
            None => {
                let request = TokenRequest::new(run.connector.generation).good_for(LASTING);
                let request = if self.0.force { request.forced() } else { request };
                run.app.gate.access_token(&run.connector.id, request).await?
            }
        };
        let done = Done::with(json!(Refreshed { expires_at: grant.expires_at.to_rfc3339() }));
        Ok(Done { announce: !self.0.scheduled, ..done })
    }
}

impl RefreshToken {
    /// The token at hand, if it will do.
    async fn lasting_token<P: Ports>(&self, run: &Run<'_, P>) -> Option<CachedGrant> {
        let cached = if self.0.force { None } else { tokens::cached(run.app, run.connector).await };
        cached.filter(|grant| grant.expires_at.since(run.now) >= LASTING)
    }
}
