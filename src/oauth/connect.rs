//! From a code to a connector: exchange, look at what was granted, find out whose account it is, and store it all in one
//! transaction. Connecting an account again updates its connector and keeps its id, preferences and data.

use chrono::TimeDelta;
use serde_json::json;

use super::{
    browser::BrowserKey,
    start::{Departure, Insistence, callback_uri, depart},
};
use crate::{
    app::App,
    domain::{
        calendar::Calendar,
        connector::{Connector, Preferences},
        event::CreationKey,
        failure::Failure,
        ids::{AccountId, ConnectorId, NotificationId, WorkspaceId},
        notification::{
            Notification, NotificationType,
            data::{ConnectorConnected, ScopesInsufficient},
        },
        secret::{AuthorizationCode, CodeVerifier},
        time::Timestamp,
        zone::Zone,
    },
    gate::CachedGrant,
    outbox,
    ports::{Clock, Db, Ports},
    providers::{AccountProfile, CodeExchange, OAuthProvider, TokenGrant},
    session::{drive, drive_challenged},
    store::{
        calendars,
        connectors::{self, Connection},
        oauth_state::{self, Attempt, Wish},
        outbox::{self as outbox_rows, Owner},
        sync_state, unreadable,
    },
    tasks::submission,
    tokens,
};

/// How long before the access token expires cron enqueues its refresh.
const REFRESH_AHEAD: TimeDelta = TimeDelta::minutes(10);

/// What came of a code.
pub(super) enum Connected {
    /// The account is connected.
    As(ConnectorId),
    /// Not yet: the provider gave no refresh token without the consent page, which it may have skipped, or wants to see
    /// something proved first.
    AfterAnotherVisit(Box<Departure>),
}

/// Connects the account that a code stands for.
pub(super) async fn connect<P: Ports>(
    app: &App<P>,
    attempt: &Attempt,
    state_hash: &str,
    code: &AuthorizationCode,
    browser: BrowserKey,
) -> Result<Connected, Failure> {
    let wish = &attempt.wish;
    let provider = app.providers.get(wish.provider)?;
    let verifier = verifier(app, attempt, state_hash)?;
    let exchange = provider.oauth().exchange_code(CodeExchange {
        code,
        verifier: &verifier,
        redirect_uri: &callback_uri(app, wish.provider),
        tenant: wish.tenant.as_deref(),
        claims: attempt.claims.as_ref(),
    });
    let grant = match drive_challenged(app, provider.oauth(), exchange).await {
        (Err(_), claims @ Some(_)) if attempt.claims.is_none() => {
            let insistence = Insistence { claims, ..Insistence::default() };
            let departure = depart(app, wish, Some(browser), None, insistence).await?;
            return Ok(Connected::AfterAnotherVisit(Box::new(departure)));
        }
        (grant, _) => grant?,
    };
    let received_at = app.clock.now();
    let scopes = if grant.scopes.is_empty() { wish.scopes.clone() } else { grant.scopes.clone() };

    let missing = provider.oauth().missing_scopes(&scopes);
    if !missing.is_empty() {
        return Err(too_little_granted(app, attempt, state_hash, provider.oauth(), &grant, &missing).await);
    }
    let profile = drive(app, Some(&grant.access_token), provider.oauth().identify(&grant)).await?;
    if let Some(tenant) = &wish.tenant {
        provider.oauth().check_account(tenant, &profile)?;
    }
    let id = connector_id(wish, &profile.account);
    if grant.refresh_token.is_none() && !holds_grant(app, wish, &profile.account).await? {
        if attempt.consent_forced {
            return Err(Failure::refused(
                "refresh_token_missing",
                format!(
                    "{} gave no lasting access; remove this application in the account's security settings there and connect again",
                    wish.provider.title()
                ),
            ));
        }
        let insistence = Insistence { consent: true, ..Insistence::default() };
        let departure = depart(app, wish, Some(browser), profile.email.as_deref(), insistence).await?;
        return Ok(Connected::AfterAnotherVisit(Box::new(departure)));
    }
    let list = provider.calendars().list_calendars();
    let calendars = drive(app, Some(&grant.access_token), list).await?;
    let found = Found {
        id: &id,
        profile: &profile,
        grant: &grant,
        scopes: &scopes,
        calendars: &calendars,
        received_at,
        tells_working_hours: provider.calendars().tells_working_hours(),
    };
    let connector = store(app, wish, state_hash, &found).await?;

    // Only now that the row is there: a refresh under way at the gate would otherwise bring the old grant back.
    tokens::forget(app, &id).await;
    let cached = CachedGrant {
        token: grant.access_token.clone(),
        expires_at: received_at.plus(grant.lifetime),
        fresh: true,
    };
    tokens::remember(app, &id, connector.generation, &cached).await;
    tracing::info!(connector = %id, provider = wish.provider.as_str(), calendars = calendars.len(), "connected");
    Ok(Connected::As(id))
}

/// The id of the connector of an account, for one user and workspace: always the same, so that two first connections at
/// once are one, and the refresh token can be sealed for its row before the row exists.
pub(super) fn connector_id(wish: &Wish, account: &AccountId) -> ConnectorId {
    let workspace = wish.workspace.as_ref().map_or("", WorkspaceId::as_str);
    let key = CreationKey::derive(&[
        "connector",
        wish.provider.as_str(),
        account.as_str(),
        wish.user.as_str(),
        workspace,
    ]);
    ConnectorId::new(format!("con_{}", key.as_str()))
}

fn verifier<P: Ports>(app: &App<P>, attempt: &Attempt, state_hash: &str) -> Result<CodeVerifier, Failure> {
    let sealed = attempt.verifier.as_ref().ok_or_else(|| {
        Failure::fatal("verifier_missing", "the attempt was stored without its verifier; start again")
    })?;
    let opened = app.vault.open(&oauth_state::verifier_place(state_hash), sealed)?;
    Ok(CodeVerifier::new(opened.plaintext.as_str()))
}

/// Whether a refresh token is held for the account that can be opened: one whose key is lost is worth nothing.
async fn holds_grant<P: Ports>(app: &App<P>, wish: &Wish, account: &AccountId) -> Result<bool, Failure> {
    let find = connectors::find_by_account(wish.provider, account, &wish.user, wish.workspace.as_ref());
    let rows = app.db.query(find).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    let id = ConnectorId::new(row.text("id").map_err(unreadable)?);
    let Some(sealed) = connectors::refresh_token(row)? else { return Ok(false) };
    Ok(app.vault.open(&connectors::refresh_token_place(&id), &sealed).is_ok())
}

/// Nothing is connected. Whoever holds a connector of this account learns that the person granted too little; the grant
/// itself is not revoked, because at some providers that would end the older, sufficient one too.
async fn too_little_granted<P: Ports>(
    app: &App<P>,
    attempt: &Attempt,
    state_hash: &str,
    oauth: &dyn OAuthProvider,
    grant: &TokenGrant,
    missing: &[String],
) -> Failure {
    let failure = Failure::refused(
        "insufficient_scope",
        format!(
            "access to the calendar was not granted; connect again and leave these ticked: {}",
            missing.join(" ")
        ),
    );
    // Finding out whose account it is may need what was not granted: then nobody can be told.
    let Ok(profile) = drive(app, Some(&grant.access_token), oauth.identify(grant)).await else {
        return failure;
    };
    let id = connector_id(&attempt.wish, &profile.account);
    let now = app.clock.now();
    let notification = Notification::new(
        notification_id("scopes-insufficient", &id, state_hash),
        NotificationType::ScopesInsufficient,
        id.clone(),
        now,
        json!(ScopesInsufficient {
            provider: attempt.wish.provider,
            account_email: profile.email.as_deref(),
            missing,
            granted: &grant.scopes,
        }),
    );
    let insert = outbox_rows::insert_if_connected(&notification, &owner(&attempt.wish), now);
    match app.db.query(insert).await {
        Ok(rows) if rows.is_empty() => {}
        Ok(_) => announce(app, notification).await,
        Err(error) => tracing::warn!(connector = %id, %error, "the missing scopes were not announced"),
    }
    failure
}

/// Everything a connection consists of.
struct Found<'a> {
    id: &'a ConnectorId,
    profile: &'a AccountProfile,
    grant: &'a TokenGrant,
    scopes: &'a [String],
    calendars: &'a [Calendar],
    received_at: Timestamp,
    tells_working_hours: bool,
}

async fn store<P: Ports>(
    app: &App<P>,
    wish: &Wish,
    state_hash: &str,
    found: &Found<'_>,
) -> Result<Connector, Failure> {
    let Found { id, profile, grant, scopes, calendars, received_at, .. } = *found;
    let place = connectors::refresh_token_place(id);
    let sealed = match &grant.refresh_token {
        Some(token) => Some(app.vault.seal(&app.random, &place, token.expose())?),
        None => None,
    };
    let now = app.clock.now();
    let primary = calendars.iter().find(|calendar| calendar.primary);
    let zone = profile.zone.clone().or_else(|| primary.and_then(|calendar| calendar.zone.clone()));
    let connection = Connection {
        id,
        user: &wish.user,
        workspace: wish.workspace.as_ref(),
        provider: wish.provider,
        tenant: profile.tenant.as_deref().or(wish.tenant.as_deref()),
        account: &profile.account,
        email: profile.email.as_deref(),
        scopes,
        zone: &zone.unwrap_or_else(Zone::utc),
        refresh_due_at: received_at.plus((grant.lifetime - REFRESH_AHEAD).max(TimeDelta::minutes(1))),
        preferences: &Preferences::of_a_new_connector(found.tells_working_hours),
        now,
    };
    let notification = Notification::new(
        notification_id("connected", id, state_hash),
        NotificationType::ConnectorConnected,
        id.clone(),
        now,
        json!(ConnectorConnected {
            provider: wish.provider,
            user_id: &wish.user,
            workspace_id: wish.workspace.as_ref(),
            account_email: profile.email.as_deref(),
            scopes,
        }),
    );
    let mut batch = vec![
        connectors::connect(&connection, sealed.as_ref()),
        outbox_rows::insert(&notification, &owner(wish), now),
        sync_state::begin(id, now),
    ];
    batch.extend(calendars::replace(id, calendars, now));
    // Tasks that waited for the person go on (G8).
    batch.extend(submission::wake(id, now));
    let answers = app.db.batch(batch).await?;
    announce(app, notification).await;
    let waiting = answers.last().map_or(&[][..], Vec::as_slice);
    if let Err(failure) = submission::send_rows(app, waiting).await {
        tracing::warn!(%failure, "waiting tasks are left to the sweep");
    }
    let row = answers.first().and_then(|rows| rows.first());
    row.map_or_else(
        || {
            Err(Failure::fatal(
                "connector_not_stored",
                "the database took the connection and returned no row",
            ))
        },
        connectors::from_row,
    )
}

/// Sends what is in the outbox already.
async fn announce<P: Ports>(app: &App<P>, notification: Notification) {
    let published = outbox::publish(app, vec![notification]).await;
    outbox::mark_sent(app, published).await;
}

/// An attempt is used once, so that its hash names what came of it.
fn notification_id(what: &str, connector: &ConnectorId, state_hash: &str) -> NotificationId {
    let key = CreationKey::derive(&[what, connector.as_str(), state_hash]);
    NotificationId::new(format!("{what}:{connector}:{}", key.as_str()))
}

fn owner(wish: &Wish) -> Owner {
    Owner { user: Some(wish.user.clone()), workspace: wish.workspace.clone() }
}
