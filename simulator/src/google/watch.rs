//! Push notifications: channels opened by `watch`, closed by `channels.stop`.
//!
//! <https://developers.google.com/workspace/calendar/api/guides/push>

use std::collections::{BTreeMap, BTreeSet};

use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::oauth::clients::is_loopback;
use super::world::{PendingNotification, Role, World};

/// A channel lives so long unless the call says otherwise.
const DEFAULT_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// And never longer than this.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a channel watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// The events of a calendar, by its id.
    Events(String),
    /// An account's calendar list, by its address.
    CalendarList(String),
}

/// An open channel.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Chosen by the client.
    pub id: String,
    /// What it watches.
    pub watched: Watched,
    /// Who opened it.
    pub account: String,
    /// By which client.
    pub client_id: String,
    /// The same for every channel of an account on the same resource.
    pub resource_id: String,
    /// The resource's address.
    pub resource_uri: String,
    /// Where notifications go.
    pub address: String,
    /// Sent back with each notification.
    pub token: Option<String>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The number of the last notification.
    pub last_number: u64,
}

/// The open channels.
#[derive(Debug, Default)]
pub struct Channels(BTreeMap<String, Channel>);

impl Channels {
    /// The channels that watch a calendar's events.
    pub fn watching_events(&self, calendar: &str) -> BTreeSet<String> {
        self.watching(|watched| matches!(watched, Watched::Events(id) if id == calendar))
    }

    /// The channels that watch an account's calendar list.
    pub fn watching_list(&self, account: &str) -> BTreeSet<String> {
        self.watching(|watched| matches!(watched, Watched::CalendarList(email) if email == account))
    }

    fn watching(&self, fits: impl Fn(&Watched) -> bool) -> BTreeSet<String> {
        self.0.values().filter(|channel| fits(&channel.watched)).map(|channel| channel.id.clone()).collect()
    }

    /// Every channel.
    pub fn all(&self) -> impl Iterator<Item = &Channel> {
        self.0.values()
    }

    /// The channel's headers for its next notification; `None` when it is closed or has expired.
    pub fn next_notification(
        &mut self,
        pending: &PendingNotification,
        now: Timestamp,
    ) -> Option<(Channel, Vec<(&'static str, String)>)> {
        let channel = self.0.get_mut(&pending.channel_id)?;
        if channel.expires_at <= now {
            self.0.remove(&pending.channel_id);
            return None;
        }
        // Numbers rise, but not by one.
        channel.last_number += if channel.last_number == 0 { 1 } else { fastrand::u64(2..5000) };
        let mut headers = vec![
            ("X-Goog-Channel-ID", channel.id.clone()),
            ("X-Goog-Message-Number", channel.last_number.to_string()),
            ("X-Goog-Resource-ID", channel.resource_id.clone()),
            ("X-Goog-Resource-State", pending.state.to_owned()),
            ("X-Goog-Resource-URI", channel.resource_uri.clone()),
        ];
        if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&channel.expires_at) {
            headers.push(("X-Goog-Channel-Expiration", date));
        }
        if let Some(token) = &channel.token {
            headers.push(("X-Goog-Channel-Token", token.clone()));
        }
        Some((channel.clone(), headers))
    }
}

/// `POST /calendars/{id}/events/watch`
pub fn watch_events(call: &mut Call<'_>, calendar: &str) -> Result<Answer, ApiError> {
    let (found, role) = call.world.calendar(&call.account, calendar)?;
    if role < Role::Reader {
        return Err(ApiError::requires_access("reader"));
    }
    let id = found.id.clone();
    let uri = format!("https://www.googleapis.com/calendar/v3/calendars/{}/events?alt=json", encode(&id));
    open(call, Watched::Events(id), uri)
}

/// `POST /users/me/calendarList/watch`
pub fn watch_list(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let uri = "https://www.googleapis.com/calendar/v3/users/me/calendarList?alt=json".to_owned();
    open(call, Watched::CalendarList(call.account.clone()), uri)
}

fn open(call: &mut Call<'_>, watched: Watched, resource_uri: String) -> Result<Answer, ApiError> {
    let body = call.json()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("id").ok_or_else(|| ApiError::required("Required: id"))?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_+/=".contains(c);
    if id.len() > 64 || !id.chars().all(allowed) {
        return Err(ApiError::invalid("Invalid channel id."));
    }
    if !matches!(text("type"), Some("web_hook" | "webhook")) {
        return Err(ApiError::new(400, "global", "push.channelTypeUnknown", "Unknown channel type."));
    }
    let address = text("address").ok_or_else(|| ApiError::required("Required: address"))?;
    if !address.starts_with("https://") && !is_loopback(address) {
        return Err(ApiError::new(
            400,
            "global",
            "push.webhookUrlNotHttps",
            format!("WebHook callback must be HTTPS: {address}"),
        ));
    }
    if text("token").is_some_and(|token| token.len() > 256) {
        return Err(ApiError::invalid("Channel token is too long."));
    }
    let taken = call.world.channels.0.get(id).is_some_and(|channel| channel.expires_at > call.now);
    if taken {
        return Err(ApiError::new(
            400,
            "global",
            "channelIdNotUnique",
            format!("Channel id {id} not unique"),
        ));
    }
    let channel = Channel {
        id: id.to_owned(),
        resource_id: resource_id(&call.account, &watched),
        watched,
        account: call.account.clone(),
        client_id: call.client_id.clone(),
        resource_uri,
        address: address.to_owned(),
        token: text("token").map(str::to_owned),
        expires_at: expiration(&body, call.now)?,
        last_number: 0,
    };
    let mut reply = json!({
        "kind": "api#channel",
        "id": channel.id,
        "resourceId": channel.resource_id,
        "resourceUri": channel.resource_uri,
        "expiration": channel.expires_at.as_millisecond().to_string(),
    });
    if let Some(token) = &channel.token {
        reply["token"] = token.as_str().into();
    }
    call.world
        .pending_notifications
        .push_back(PendingNotification { channel_id: channel.id.clone(), state: "sync" });
    call.world.channels.0.insert(channel.id.clone(), channel);
    Ok(Answer::Json(reply))
}

/// `expiration` is in milliseconds since 1970, as text or number; `params.ttl` in seconds.
fn expiration(body: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, ApiError> {
    let number = |value: &Value| match value {
        Value::String(text) => text.parse::<i64>().ok(),
        other => other.as_i64(),
    };
    let wanted = match (body.get("expiration"), body.get("params").and_then(|params| params.get("ttl"))) {
        (Some(value), _) if !value.is_null() => {
            number(value).and_then(|ms| Timestamp::from_millisecond(ms).ok())
        }
        (_, Some(ttl)) => {
            number(ttl).and_then(|seconds| now.checked_add(SignedDuration::from_secs(seconds)).ok())
        }
        _ => Some(now + DEFAULT_LIFE),
    };
    match wanted {
        Some(at) if at > now => Ok(at.min(now + LONGEST_LIFE)),
        _ => Err(ApiError::invalid("Invalid channel expiration.")),
    }
}

/// `POST /channels/stop`
pub fn stop(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let body = call.json()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let id = text("id").ok_or_else(|| ApiError::required("Required: id"))?;
    let resource_id = text("resourceId").ok_or_else(|| ApiError::required("Required: resourceId"))?;
    let own = call.world.channels.0.get(id).is_some_and(|channel| {
        channel.resource_id == resource_id
            && channel.account == call.account
            && channel.client_id == call.client_id
    });
    if !own {
        let message = format!("Channel '{id}' not found for project '000000000000'");
        return Err(ApiError::new(404, "global", "notFound", message));
    }
    call.world.channels.0.remove(id);
    Ok(Answer::NoContent)
}

impl World {
    /// Sends a notification on a channel although nothing happened, as Google sometimes does.
    pub fn notify_without_cause(&mut self, channel_id: &str) -> bool {
        let known = self.channels.0.contains_key(channel_id);
        if known {
            let pending = PendingNotification { channel_id: channel_id.to_owned(), state: "exists" };
            self.pending_notifications.push_back(pending);
        }
        known
    }
}

fn resource_id(account: &str, watched: &Watched) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(format!("{account}\n{watched:?}"));
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&hash[..20])
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
