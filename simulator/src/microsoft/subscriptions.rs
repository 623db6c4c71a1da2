//! Change notification subscriptions: kept, renewed, ended. Creating one is in [`handshake`](super::handshake), since it
//! waits for the subscriber.
//!
//! `me/events` is about the default calendar; `me/calendars/{id}/events` about that one.
//!
//! <https://learn.microsoft.com/en-us/graph/api/resources/subscription>

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::errors::{ApiError, uuid};
use super::identity::clients::is_loopback;
use super::ids::IdForm;
use super::operation::{Kind, Operation};
use super::world::{EventChange, World};
use super::zone::utc_second;

/// The longest life, in minutes: what Graph really allows, ten less than it documents.
pub const LONGEST_MINUTES: i64 = 10_070;
/// A shorter life is raised to this.
const SHORTEST_MINUTES: i64 = 45;
/// Live subscriptions of one mailbox.
const MOST_PER_MAILBOX: usize = 1_000;
const LONGEST_CLIENT_STATE: usize = 128;
const PROPERTIES: [&str; 12] = [
    "changeType",
    "notificationUrl",
    "lifecycleNotificationUrl",
    "resource",
    "expirationDateTime",
    "clientState",
    "latestSupportedTlsVersion",
    "includeResourceData",
    "encryptionCertificate",
    "encryptionCertificateId",
    "notificationQueryOptions",
    "notificationUrlAppId",
];

/// A subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// Given at creation.
    pub id: String,
    /// Whose mailbox.
    pub account: String,
    /// By which client.
    pub client_id: String,
    /// As the client wrote it.
    pub resource: String,
    /// The calendar it is about.
    pub calendar: u32,
    /// `created`, `updated`, `deleted`.
    pub change_types: Vec<&'static str>,
    /// Where notifications go.
    pub notification_url: String,
    /// Where lifecycle notifications go.
    pub lifecycle_url: Option<String>,
    /// Sent back with each notification.
    pub client_state: Option<String>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Which form ids in notifications have.
    pub form: IdForm,
    /// Waiting to be reauthorised: changes are not told, and not told later.
    pub paused: bool,
}

/// Every subscription.
#[derive(Debug, Default)]
pub struct Subscriptions(BTreeMap<String, Subscription>);

impl Subscriptions {
    /// Every one, expired ones too.
    pub fn all(&self) -> impl Iterator<Item = &Subscription> {
        self.0.values()
    }

    /// One by its id.
    pub fn get(&self, id: &str) -> Option<&Subscription> {
        self.0.get(id)
    }

    /// One by its id, to change it.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Subscription> {
        self.0.get_mut(id)
    }

    /// Takes one away.
    pub fn remove(&mut self, id: &str) -> Option<Subscription> {
        self.0.remove(id)
    }

    /// The live ones that want to know of a change.
    pub fn interested(&self, change: &EventChange, now: Timestamp) -> Vec<Subscription> {
        self.0
            .values()
            .filter(|subscription| {
                subscription.account == change.account
                    && subscription.calendar == change.calendar
                    && subscription.expires_at > now
                    && !subscription.paused
                    && subscription.change_types.contains(&change.kind)
            })
            .cloned()
            .collect()
    }
}

/// Reads the body of a new subscription and checks all that can be checked without asking the subscriber.
pub fn read(call: &Call<'_>) -> Result<Subscription, ApiError> {
    let body = call.json()?;
    check_names(&body)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let need = |name: &str| text(name).ok_or_else(|| invalid(format!("The property '{name}' is required.")));
    let change_types = read_change_types(need("changeType")?)?;
    let notification_url = read_url(need("notificationUrl")?)?;
    let lifecycle_url = text("lifecycleNotificationUrl").map(read_url).transpose()?;
    let resource = need("resource")?.to_owned();
    let calendar = read_resource(call, &resource)?;
    let expires_at = read_expiration(&body, call.now)?
        .ok_or_else(|| invalid("The property 'expirationDateTime' is required."))?;
    let client_state = text("clientState").map(str::to_owned);
    if client_state.as_ref().is_some_and(|state| state.len() > LONGEST_CLIENT_STATE) {
        return Err(invalid("The clientState property must not be longer than 128 characters."));
    }
    if body.get("includeResourceData").and_then(Value::as_bool) == Some(true) {
        return Err(invalid("The simulator sends notifications without resource data only."));
    }
    let live: Vec<&Subscription> = call
        .world
        .subscriptions
        .all()
        .filter(|known| known.account == call.account && known.expires_at > call.now)
        .collect();
    if live.iter().any(|known| {
        known.calendar == calendar && known.change_types == change_types && known.client_id == call.client_id
    }) {
        return Err(ApiError::new(
            409,
            "Conflict",
            "A subscription already exists for the same resource and change type.",
        ));
    }
    if live.len() >= MOST_PER_MAILBOX {
        return Err(ApiError::new(
            403,
            "ExtensionError",
            "The number of active subscriptions of the mailbox exceeds the limit of 1000.",
        ));
    }
    Ok(Subscription {
        id: uuid(),
        account: call.account.clone(),
        client_id: call.client_id.clone(),
        resource,
        calendar,
        change_types,
        notification_url,
        lifecycle_url,
        client_state,
        expires_at,
        form: if call.prefer.immutable_ids { IdForm::Immutable } else { IdForm::Regular },
        paused: false,
    })
}

/// Keeps a new subscription.
pub fn keep(world: &mut World, subscription: Subscription) {
    world.subscriptions.0.insert(subscription.id.clone(), subscription);
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidRequest", message)
}

fn check_names(body: &Map<String, Value>) -> Result<(), ApiError> {
    let unknown = body.keys().find(|name| !name.starts_with('@') && !PROPERTIES.contains(&name.as_str()));
    unknown.map_or(Ok(()), |name| Err(ApiError::unknown_property(name, "subscription")))
}

fn read_change_types(text: &str) -> Result<Vec<&'static str>, ApiError> {
    let mut types = text
        .split(',')
        .map(|given| {
            let known = ["created", "updated", "deleted"];
            known.into_iter().find(|known| known.eq_ignore_ascii_case(given.trim()))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| invalid(format!("The changeType '{text}' is not supported.")))?;
    types.sort_unstable();
    types.dedup();
    Ok(types)
}

fn read_url(url: &str) -> Result<String, ApiError> {
    if url.starts_with("https://") || is_loopback(url) {
        Ok(url.to_owned())
    } else {
        Err(invalid(format!("The notification URL '{url}' must use HTTPS.")))
    }
}

fn read_resource(call: &Call<'_>, resource: &str) -> Result<u32, ApiError> {
    let path = format!("/v1.0/{}", resource.trim_start_matches('/'));
    let operation = Operation::find(&http::Method::GET, &path)
        .ok()
        .filter(|operation| operation.kind == Kind::EventsList)
        .ok_or_else(|| invalid(format!("The resource '{resource}' is not supported.")))?;
    if let Some(user) = &operation.user
        && call.world.resolve_user(user).as_ref() != Some(&call.account)
    {
        return Err(ApiError::access_denied());
    }
    Ok(call.calendar(operation.calendar.as_deref())?.number)
}

/// A life within Graph's limits.
fn read_expiration(body: &Map<String, Value>, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
    let Some(value) = body.get("expirationDateTime").filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let wanted = value
        .as_str()
        .and_then(|text| super::zone::read_instant(text).ok())
        .ok_or_else(|| invalid("The expirationDateTime is not a valid date and time."))?;
    if wanted <= now {
        return Err(invalid("Subscription expiration must be in the future."));
    }
    if wanted > now + SignedDuration::from_mins(LONGEST_MINUTES) {
        return Err(ApiError::new(
            400,
            "ExtensionError",
            format!("Subscription expiration can only be {LONGEST_MINUTES} minutes in the future."),
        ));
    }
    Ok(Some(wanted.max(now + SignedDuration::from_mins(SHORTEST_MINUTES))))
}

/// A subscription as Graph shows it; `clientState` only to the one who just set it.
pub fn render(world: &World, subscription: &Subscription, with_state: bool) -> Map<String, Value> {
    let creator = world.accounts.get(&subscription.account).map(|account| account.object_id.as_str());
    let shown = json!({
        "id": subscription.id,
        "resource": subscription.resource,
        "applicationId": subscription.client_id,
        "changeType": subscription.change_types.join(","),
        "clientState": subscription.client_state.as_ref().filter(|_| with_state),
        "notificationUrl": subscription.notification_url,
        "notificationQueryOptions": null,
        "lifecycleNotificationUrl": subscription.lifecycle_url,
        "expirationDateTime": utc_second(subscription.expires_at),
        "creatorId": creator,
        "includeResourceData": null,
        "latestSupportedTlsVersion": "v1_2",
        "encryptionCertificate": null,
        "encryptionCertificateId": null,
        "notificationUrlAppId": null,
    });
    shown.as_object().cloned().unwrap_or_default()
}

fn own<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a Subscription, ApiError> {
    call.world
        .subscriptions
        .get(id)
        .filter(|known| {
            known.account == call.account && known.client_id == call.client_id && known.expires_at > call.now
        })
        .ok_or_else(|| ApiError::new(404, "ResourceNotFound", "The object was not found."))
}

fn entity(call: &Call<'_>, id: &str) -> Result<Answer, ApiError> {
    let context = format!("{}/v1.0/$metadata#subscriptions/$entity", call.origin);
    let mut answer = Map::from_iter([("@odata.context".to_owned(), context.into())]);
    answer.extend(render(call.world, own(call, id)?, false));
    Ok(Answer::Json(Value::Object(answer)))
}

/// `GET /subscriptions`
pub fn list(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let shown: Vec<Map<String, Value>> = call
        .world
        .subscriptions
        .all()
        .filter(|known| {
            known.account == call.account && known.client_id == call.client_id && known.expires_at > call.now
        })
        .map(|known| render(call.world, known, false))
        .collect();
    Ok(Answer::Json(json!({
        "@odata.context": format!("{}/v1.0/$metadata#subscriptions", call.origin),
        "value": shown,
    })))
}

/// `GET /subscriptions/{id}`
pub fn get(call: &mut Call<'_>, id: &str) -> Result<Answer, ApiError> {
    entity(call, id)
}

/// `PATCH /subscriptions/{id}`: only its life, which also reauthorises it.
pub fn update(call: &mut Call<'_>, id: &str) -> Result<Answer, ApiError> {
    let body = call.json()?;
    check_names(&body)?;
    own(call, id)?;
    if let Some(name) =
        body.keys().find(|name| !matches!(name.as_str(), "expirationDateTime" | "clientState"))
    {
        return Err(invalid(format!(
            "The property '{name}' cannot be changed by an update; create the subscription anew."
        )));
    }
    let expires_at = read_expiration(&body, call.now)?;
    if let Some(subscription) = call.world.subscriptions.get_mut(id) {
        if let Some(expires_at) = expires_at {
            subscription.expires_at = expires_at;
        }
        subscription.paused = false;
    }
    entity(call, id)
}

/// `DELETE /subscriptions/{id}`
pub fn delete(call: &mut Call<'_>, id: &str) -> Result<Answer, ApiError> {
    own(call, id)?;
    call.world.subscriptions.remove(id);
    Ok(Answer::NoContent)
}

/// `POST /subscriptions/{id}/reauthorize`
pub fn reauthorize(call: &mut Call<'_>, id: &str) -> Result<Answer, ApiError> {
    own(call, id)?;
    if let Some(subscription) = call.world.subscriptions.get_mut(id) {
        subscription.paused = false;
    }
    Ok(Answer::Accepted)
}
