//! Driving exchanges with a provider.
//!
//! [`with_session`] is how work on behalf of a connector reaches its provider: it is admitted by the gate, has a token, adds
//! it to each request, deals with the first 401, counts calls against the permit and says in the end how they went.
//! [`drive`] is the plain driver for what happens before there is a connector and for token endpoints.

use http::{HeaderValue, StatusCode, header::AUTHORIZATION};

use crate::{
    app::App,
    domain::{
        claims::Claims,
        connector::{Connector, ConnectorStatus},
        failure::{Action, Failure},
        secret::AccessToken,
        time::Timestamp,
    },
    gate::{
        Admission, AdmissionRequest, CachedGrant, CallOutcome, PERMIT_USE, PermitId, Release,
        TokenFingerprint, TokenRequest,
    },
    ports::{Clock, Gate, Http, HttpRequest, HttpResponse, Metrics, Ports},
    providers::{Batched, OAuthProvider, Pending, Step},
    reauthorization, tokens,
};

/// No exchange takes more requests than this: 1,000 pages of 2,500 events.
const MOST_STEPS: usize = 1_000;

/// Access tokens tried for one request after the first was refused.
const MOST_TOKENS: usize = 3;

/// Calls asked for at once when more are needed than were planned.
const MORE_CALLS: u32 = 5;

/// Drives an exchange to its end, with `credential` on every request.
pub async fn drive<P: Ports, T>(
    app: &App<P>,
    credential: Option<&AccessToken>,
    exchange: Pending<T>,
) -> Result<T, Failure> {
    converse(exchange, async |mut request: HttpRequest| {
        if let Some(token) = credential {
            authorize(&mut request, token)?;
        }
        app.http.send(request).await.map_err(unreachable)
    })
    .await?
}

/// Drives an exchange with a token endpoint, and tells what its refusal wants to see proved, if anything.
pub async fn drive_challenged<P: Ports, T>(
    app: &App<P>,
    oauth: &dyn OAuthProvider,
    exchange: Pending<T>,
) -> (Result<T, Failure>, Option<Claims>) {
    let mut challenge = None;
    let result = converse(exchange, async |request: HttpRequest| {
        let answer = app.http.send(request).await.map_err(unreachable)?;
        challenge = oauth.challenge(&answer);
        Ok(answer)
    })
    .await;
    (result.and_then(|read| read), challenge)
}

/// Lets `work` use a session for about `planned_calls` requests, and closes it whatever came of the work. It is opened by the
/// first request: only then is it known how much the gate must have room for.
pub async fn with_session<'a, P: Ports, T>(
    app: &'a App<P>,
    connector: &'a Connector,
    planned_calls: u32,
    work: impl AsyncFnOnce(&mut Session<'a, P>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match connector.status {
        ConnectorStatus::Active => {}
        ConnectorStatus::Paused => {
            return Err(Failure::refused(
                "connector_paused",
                "the connector is paused; resume it and send the task again",
            ));
        }
        ConnectorStatus::ReauthRequired => {
            return Err(Failure::reauthorize(
                "reauth_required",
                "the grant is gone; the person must connect the account again",
            ));
        }
    }
    let mut session = Session { app, connector, planned_calls, leave: None };
    let result = work(&mut session).await;
    session.close().await;
    result
}

/// Calls one connector's provider for a while. Made by [`with_session`].
pub struct Session<'a, P: Ports> {
    app: &'a App<P>,
    connector: &'a Connector,
    planned_calls: u32,
    /// There from the first request on.
    leave: Option<Leave>,
}

/// How an access token was refused.
struct Refusal {
    /// What is to be proved.
    claims: Option<Claims>,
    /// Only a part of a batch refuses it, for no reason it names: with a new token it is worth another try, but if that is refused
    /// as well, the grant, with which the batch itself was taken, is not to blame.
    in_part: bool,
}

/// Leave to call.
struct Leave {
    token: CachedGrant,
    permit: PermitId,
    /// When the permit was asked for.
    admitted_at: Timestamp,
    /// Calls the permit still allows.
    left: u32,
    /// How many of them at once.
    width: u32,
    outcome: CallOutcome,
}

impl<'a, P: Ports> Session<'a, P> {
    /// The connector it is for.
    pub fn connector(&self) -> &'a Connector {
        self.connector
    }

    /// Drives an exchange to its end. A request refused with 401 is sent once more with a new token, one that proves the
    /// claims asked for if it met a claims challenge, itself or in a part of a batch; when that is refused too, the connector
    /// is marked as needing the person.
    pub async fn call<T>(&mut self, exchange: Pending<T>) -> Result<T, Failure> {
        let result = converse(exchange, async |request| self.send(request).await).await?;
        if let (Err(Failure { action: Action::Retry { after }, code, .. }), Some(leave)) =
            (&result, &mut self.leave)
            && (after.is_some() || code == "provider_throttled")
        {
            // A refusal for its rate can hide behind any status (Google: 403) or inside a batch's 200. Whatever else may work
            // later, such as a write that met another, says nothing about how the provider is.
            let after = *after;
            leave.learn(match leave.outcome {
                CallOutcome::Failed { .. } => CallOutcome::Failed { retry_after: after },
                _ => CallOutcome::Throttled { retry_after: after },
            });
        }
        result
    }

    async fn send(&mut self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let mut answer = self.attempt(&request).await?;
        let mut refusal = self.refusal(&request, &answer)?;
        for _ in 0..MOST_TOKENS {
            let Some(Refusal { claims: asked, .. }) = refusal else { return Ok(answer) };
            let fresh = self.replace_token(asked.clone()).await?;
            answer = self.attempt(&request).await?;
            refusal = self.refusal(&request, &answer)?;
            // A token that lay at the gate may be as old as the one refused first, and one that is refused for want of
            // claims was not asked for with them. Only a new one that should do settles it.
            if fresh && refusal.as_ref().is_some_and(|refusal| refusal.claims == asked) {
                break;
            }
        }
        match refusal {
            Some(Refusal { claims, in_part: false }) => Err(self.give_up_grant(claims.as_ref()).await),
            _ => Ok(answer),
        }
    }

    /// How an answer refuses the token, if it does. Of a batch, which is answered with 200 whatever becomes of its parts, one
    /// part that refuses it is enough: it is then sent anew as a whole.
    fn refusal(&self, request: &HttpRequest, answer: &HttpResponse) -> Result<Option<Refusal>, Failure> {
        let unauthorized = answer.status() == StatusCode::UNAUTHORIZED;
        if !unauthorized && Batched::of(request).calls == 1 {
            return Ok(None);
        }
        let oauth = self.app.providers.get(self.connector.provider)?.oauth();
        let claims = oauth.challenge(answer);
        let in_part = !unauthorized && claims.is_none();
        let refused = !in_part || oauth.refuses_token_in_part(answer);
        Ok(refused.then_some(Refusal { claims, in_part }))
    }

    /// Sends one request with leave, and takes note of how it went.
    async fn attempt(&mut self, request: &HttpRequest) -> Result<HttpResponse, Failure> {
        let batched = Batched::of(request);
        let mut leave = match self.leave.take() {
            Some(leave) => leave,
            None => self.open(batched).await?,
        };
        let answer = self.send_with(&mut leave, request, batched).await;
        self.leave = Some(leave);
        answer
    }

    async fn send_with(
        &self,
        leave: &mut Leave,
        request: &HttpRequest,
        batched: Batched,
    ) -> Result<HttpResponse, Failure> {
        self.ensure_permitted(leave, batched).await?;
        let mut request = request.clone();
        authorize(&mut request, &leave.token.token)?;
        leave.left = leave.left.saturating_sub(batched.calls);
        let calls = f64::from(batched.calls);
        self.app.metrics.record("provider_call", self.connector.provider.as_str(), calls);
        let answer = self.app.http.send(request).await;
        leave.learn(match &answer {
            Err(_) => CallOutcome::Failed { retry_after: None },
            Ok(answer) if answer.status().is_server_error() => CallOutcome::Failed { retry_after: None },
            Ok(answer) if answer.status() == StatusCode::TOO_MANY_REQUESTS => {
                CallOutcome::Throttled { retry_after: None }
            }
            Ok(_) => CallOutcome::Answered,
        });
        answer.map_err(unreachable)
    }

    /// Asks the gate for leave for all that is planned, of which `first` is the first request, and gets a token meanwhile.
    async fn open(&self, first: Batched) -> Result<Leave, Failure> {
        let Self { app, connector, .. } = self;
        let calls = self.planned_calls.saturating_sub(1).saturating_add(first.calls);
        let admitted_at = app.clock.now();
        let request = AdmissionRequest {
            provider: connector.provider,
            account: connector.account.clone(),
            calls,
            least: calls,
            width: first.width,
            permit: None,
            unused: 0,
        };
        let (admission, cached) =
            futures_util::join!(app.gate.admit(&connector.id, request), tokens::cached(app, connector));
        let (permit, calls) = granted(admission?)?;
        let token = match cached {
            Some(token) => Ok(token),
            None => app.gate.access_token(&connector.id, TokenRequest::new(connector.generation)).await,
        };
        let (left, width, outcome) = (calls, first.width, CallOutcome::NotMade);
        match token {
            Ok(token) => Ok(Leave { token, permit, admitted_at, left, width, outcome }),
            Err(failure) => {
                release(app, connector, permit, left, outcome).await;
                Err(failure)
            }
        }
    }

    /// Asks the gate for more calls when those given do not suffice, or again for those that are left when much may have happened
    /// since.
    async fn ensure_permitted(&self, leave: &mut Leave, next: Batched) -> Result<(), Failure> {
        let now = self.app.clock.now();
        let enough = leave.left >= next.calls && leave.width >= next.width;
        if enough && now.since(leave.admitted_at) < PERMIT_USE {
            return Ok(());
        }
        let request = AdmissionRequest {
            provider: self.connector.provider,
            account: self.connector.account.clone(),
            calls: leave.left.max(MORE_CALLS).max(next.calls),
            least: next.calls,
            width: leave.width.max(next.width),
            permit: Some(leave.permit.clone()),
            unused: std::mem::take(&mut leave.left),
        };
        let (permit, calls) = granted(self.app.gate.admit(&self.connector.id, request).await?)?;
        (leave.permit, leave.left, leave.admitted_at) = (permit, calls, now);
        leave.width = leave.width.max(next.width);
        Ok(())
    }

    /// Another token than the one just refused, and whether it was fetched for this.
    async fn replace_token(&mut self, claims: Option<Claims>) -> Result<bool, Failure> {
        let Some(leave) = &mut self.leave else { return Ok(false) };
        let request = TokenRequest::new(self.connector.generation)
            .instead_of(TokenFingerprint::of(&leave.token.token))
            .proving(claims);
        leave.token = self.app.gate.access_token(&self.connector.id, request).await?;
        Ok(leave.token.fresh)
    }

    async fn give_up_grant(&self, claims: Option<&Claims>) -> Failure {
        let refusal = Failure::reauthorize(
            "access_token_refused",
            "the provider refuses even a new access token; the person must connect the account again",
        );
        let mark = match reauthorization::require(self.app, self.connector, &refusal, claims).await {
            Ok(mark) => mark,
            Err(failure) => return failure,
        };
        tokens::forget(self.app, &self.connector.id).await;
        mark.failure(refusal)
    }

    async fn close(self) {
        if let Some(leave) = self.leave {
            release(self.app, self.connector, leave.permit, leave.left, leave.outcome).await;
        }
    }
}

impl Leave {
    /// Keeps the last outcome, save that a provider's wish to wait is not undone by a later answer.
    fn learn(&mut self, next: CallOutcome) {
        let asked = |outcome: &CallOutcome| match outcome {
            CallOutcome::Throttled { retry_after } | CallOutcome::Failed { retry_after } => *retry_after,
            CallOutcome::NotMade | CallOutcome::Answered => None,
        };
        let longest = asked(&self.outcome).max(asked(&next));
        self.outcome = match next {
            CallOutcome::Failed { .. } => CallOutcome::Failed { retry_after: longest },
            CallOutcome::Throttled { .. } => CallOutcome::Throttled { retry_after: longest },
            CallOutcome::NotMade | CallOutcome::Answered if longest.is_some() => {
                CallOutcome::Throttled { retry_after: longest }
            }
            answered => answered,
        };
    }
}

/// Gives a permit back. One that cannot be given back lapses by itself.
async fn release<P: Ports>(
    app: &App<P>,
    connector: &Connector,
    permit: PermitId,
    unused: u32,
    outcome: CallOutcome,
) {
    let release =
        Release { provider: connector.provider, account: connector.account.clone(), permit, unused, outcome };
    if let Err(failure) = app.gate.release(&connector.id, release).await {
        tracing::warn!(connector = %connector.id, %failure, "permit not released, it will lapse");
    }
}

fn granted(admission: Admission) -> Result<(PermitId, u32), Failure> {
    match admission {
        Admission::Granted { permit, calls } => Ok((permit, calls)),
        Admission::Wait { after, reason } => {
            let (code, message) = reason.describe();
            Err(Failure::wait(code, message, after))
        }
    }
}

/// Steps through an exchange. The outer failure is one of sending, the inner one the exchange's own reading of an answer.
async fn converse<T>(
    mut exchange: Pending<T>,
    mut send: impl AsyncFnMut(HttpRequest) -> Result<HttpResponse, Failure>,
) -> Result<Result<T, Failure>, Failure> {
    let mut answer = None;
    for _ in 0..MOST_STEPS {
        match exchange.step(answer.take()) {
            Ok(Step::Done(output)) => return Ok(Ok(output)),
            Ok(Step::Send(request)) => answer = Some(send(request).await?),
            Err(failure) => return Ok(Err(failure)),
        }
    }
    Err(Failure::fatal("endless_exchange", format!("no end after {MOST_STEPS} requests to the provider")))
}

fn authorize(request: &mut HttpRequest, token: &AccessToken) -> Result<(), Failure> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| {
        Failure::fatal("access_token_malformed", "the provider gave an access token no header can carry")
    })?;
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(())
}

fn unreachable(error: crate::ports::HttpError) -> Failure {
    Failure::retry("provider_unreachable", error, None)
}

#[cfg(test)]
mod tests;
