//! `/me` and its calendars.

use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::errors::ApiError;
use super::ids;
use super::mailbox::Calendar;
use super::world::Account;

/// `GET /me`
pub fn me(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.account()?;
    let (given, family) = account.name.split_once(' ').unwrap_or((&account.name, ""));
    let mut shown = json!({
        "@odata.context": format!("{}/v1.0/$metadata#users/$entity", call.origin),
        "businessPhones": [],
        "displayName": account.name,
        "givenName": given,
        "jobTitle": null,
        "mail": account.email,
        "mobilePhone": null,
        "officeLocation": null,
        "preferredLanguage": "en-US",
        "surname": family,
        "userPrincipalName": account.email,
        "id": account.object_id,
    });
    if account.is_personal() {
        // The directory knows less of personal accounts.
        shown["preferredLanguage"] = Value::Null;
    }
    let select = call.params.get("$select");
    match shown {
        Value::Object(fields) => Ok(Answer::Json(Value::Object(super::event_view::select(fields, select)))),
        other => Ok(Answer::Json(other)),
    }
}

/// `GET /me/calendars`
pub fn list(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let account = call.account()?;
    let shown = account.mailbox.calendars.values().map(|calendar| render(account, calendar)).collect();
    call.page("calendars", shown)
}

/// `GET /me/calendars/{id}` and `GET /me/calendar`
pub fn get(call: &mut Call<'_>, id: Option<&str>) -> Result<Answer, ApiError> {
    let mut shown = Map::from_iter([("@odata.context".to_owned(), call.context("calendars/$entity").into())]);
    shown.extend(render(call.account()?, call.calendar(id)?));
    Ok(Answer::Json(Value::Object(super::event_view::select(shown, call.params.get("$select")))))
}

/// `POST /me/calendars`
pub fn create(call: &mut Call<'_>) -> Result<Answer, ApiError> {
    let body = call.json()?;
    let name = body.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
    let name = name.ok_or_else(|| ApiError::property_required("name"))?.to_owned();
    if call.mailbox()?.calendars.values().any(|calendar| calendar.name == name) {
        return Err(ApiError::new(
            409,
            "ErrorFolderExists",
            "A folder with the specified name already exists.",
        ));
    }
    let change = call.world.next_change();
    let account = call.account.clone();
    let number = match call.world.accounts.get_mut(&account) {
        Some(account) => account.mailbox.add_calendar(&name, "auto", "", change),
        None => return Err(ApiError::item_not_found()),
    };
    let mailbox = call.mailbox()?;
    let id = ids::calendar_id(mailbox.number, number);
    match get(call, Some(&id))? {
        Answer::Json(shown) => Ok(Answer::Created(shown)),
        other => Ok(other),
    }
}

/// `DELETE /me/calendars/{id}`
pub fn delete(call: &mut Call<'_>, id: &str) -> Result<Answer, ApiError> {
    let calendar = call.calendar(Some(id))?;
    if !calendar.removable {
        return Err(ApiError::new(
            400,
            "ErrorDeleteDistinguishedFolder",
            "Distinguished folders cannot be deleted.",
        ));
    }
    let number = calendar.number;
    if let Some(account) = call.world.accounts.get_mut(&call.account) {
        account.mailbox.calendars.remove(&number);
    }
    Ok(Answer::NoContent)
}

/// A calendar as Graph shows it.
pub fn render(account: &Account, calendar: &Calendar) -> Map<String, Value> {
    let is_default = account.mailbox.default_calendar == calendar.number;
    let providers: &[&str] = if account.is_personal() { &[] } else { &["teamsForBusiness"] };
    let shown = json!({
        "id": ids::calendar_id(account.mailbox.number, calendar.number),
        "name": calendar.name,
        "color": calendar.color,
        "hexColor": calendar.hex_color,
        "isDefaultCalendar": is_default,
        "changeKey": ids::change_key(calendar.change),
        "canShare": is_default,
        "canViewPrivateItems": true,
        "canEdit": calendar.can_edit,
        "allowedOnlineMeetingProviders": providers,
        "defaultOnlineMeetingProvider": providers.first().copied().unwrap_or("unknown"),
        "isTallyingResponses": is_default,
        "isRemovable": calendar.removable,
        "owner": { "name": account.name, "address": account.email },
    });
    match shown {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
