//! `mailboxSettings`: time zone and working hours.
//!
//! <https://learn.microsoft.com/en-us/graph/api/user-get-mailboxsettings>

use serde_json::{Value, json};

use super::api::{Answer, Call};
use super::errors::ApiError;

/// `GET /me/mailboxSettings`, or one property of it.
pub fn get(call: &mut Call<'_>, property: Option<&str>) -> Result<Answer, ApiError> {
    let mailbox = call.mailbox()?;
    let settings = json!({
        "timeZone": mailbox.zone.name(),
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH:mm",
        "userPurpose": "user",
        "automaticRepliesSetting": {
            "status": "disabled",
            "externalAudience": "all",
            "internalReplyMessage": "",
            "externalReplyMessage": "",
        },
        "language": { "locale": "en-US", "displayName": "English (United States)" },
        "workingHours": mailbox.working_hours.render(),
    });
    let context = call.context("mailboxSettings");
    let mut answer = json!({ "@odata.context": context });
    let fields = settings.as_object().cloned().unwrap_or_default();
    match property {
        None => {
            let select = call.params.get("$select");
            let fields = super::event_view::select(fields, select);
            if let Some(answer) = answer.as_object_mut() {
                answer.extend(fields);
            }
        }
        Some(name) => {
            let found = fields.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let (name, value) = found.ok_or_else(|| ApiError::no_such_segment(name))?;
            answer["@odata.context"] = format!("{context}/{name}").into();
            match (value, answer.as_object_mut()) {
                (Value::Object(fields), Some(answer)) => answer.extend(fields),
                (value, _) => answer["value"] = value,
            }
        }
    }
    Ok(Answer::Json(answer))
}
