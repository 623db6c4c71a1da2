//! `settings`: what an account has set for itself, above all its `timezone`.

use serde_json::{Value, json};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::sync_tokens::SyncToken;
use super::world::Account;

/// `GET /users/me/settings`
pub fn list(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = account(call)?;
    let of = format!("settings:{}", account.email);
    let since = match call.params.get("syncToken") {
        Some(token) => Some(SyncToken::decode(token, &of, 0)?.since),
        None => None,
    };
    let changed = since.is_none_or(|since| account.settings_change > since);
    let items: Vec<Value> = values(account)
        .into_iter()
        .filter(|_| changed)
        .map(|(id, value)| render(account, id, &value))
        .collect();
    Ok(Answer::Json(json!({
        "kind": "calendar#settings",
        "etag": format!("\"p{}\"", account.settings_change),
        "nextSyncToken": SyncToken { of, since: call.world.last_change() }.encode(),
        "items": items,
    })))
}

/// `GET /users/me/settings/{id}`
pub fn get(call: &mut Call<'_>, id: &str) -> Result<Answer, ApiError> {
    let account = account(call)?;
    let found = values(account).into_iter().find(|(known, _)| *known == id);
    let (id, value) = found.ok_or_else(ApiError::not_found)?;
    Ok(Answer::Json(render(account, id, &value)))
}

fn account<'a>(call: &'a Call<'_>) -> Result<&'a Account, ApiError> {
    call.world.accounts.get(&call.account).ok_or_else(ApiError::invalid_credentials)
}

fn values(account: &Account) -> Vec<(&'static str, String)> {
    let settings = [
        ("autoAddHangouts", "true"),
        ("dateFieldOrder", "DMY"),
        ("defaultEventLength", "60"),
        ("format24HourTime", "true"),
        ("hideInvitations", "false"),
        ("hideWeekends", "false"),
        ("locale", "en"),
        ("remindOnRespondedEventsOnly", "false"),
        ("showDeclinedEvents", "true"),
        ("useKeyboardShortcuts", "true"),
        ("weekStart", "1"),
    ];
    let mut values: Vec<_> = settings.into_iter().map(|(id, value)| (id, value.to_owned())).collect();
    values.push(("timezone", account.time_zone.clone()));
    values
}

fn render(account: &Account, id: &str, value: &str) -> Value {
    json!({
        "kind": "calendar#setting",
        "etag": format!("\"{}\"", 1_500_000_000_000_000u64 + account.settings_change),
        "id": id,
        "value": value,
    })
}
