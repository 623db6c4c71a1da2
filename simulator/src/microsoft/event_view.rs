//! An event as Graph shows it: in the zone, with the ids and the kind of body that the caller prefers.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::event::{Event, Kind};
use super::ids::{self, IdForm, ItemKey};
use super::zone::{Zone, floating, utc_stamp};

/// Letters of a body shown as `bodyPreview`.
const PREVIEW: usize = 255;
const NEVER: &str = "0001-01-01T00:00:00Z";

/// How an answer shows events.
#[derive(Clone, Debug)]
pub struct View {
    /// The zone of `start` and `end`.
    pub zone: Zone,
    /// Which form ids have.
    pub form: IdForm,
    /// The mailbox's number.
    pub mailbox: u32,
    /// The calendar's number.
    pub calendar: u32,
    /// Bodies as text instead of HTML.
    pub text_bodies: bool,
    /// Extended properties to show: those with these ids, all of them when no id is named.
    pub properties: Option<Vec<String>>,
}

impl View {
    /// An item's id in the caller's form.
    pub fn id(&self, key: ItemKey) -> String {
        ids::event_id(self.form, self.mailbox, self.calendar, key)
    }

    /// A whole event.
    pub fn event(&self, event: &Event) -> Map<String, Value> {
        let mut shown = self.identity(event);
        shown.insert("createdDateTime".into(), utc_stamp(event.created).into());
        shown.insert("lastModifiedDateTime".into(), utc_stamp(event.modified).into());
        shown.insert("changeKey".into(), ids::change_key(event.change).into());
        shown.insert("transactionId".into(), event.transaction_id.clone().into());
        let start_zone = event.shown_zone.as_deref().unwrap_or(event.start_zone.name());
        let end_zone = event.shown_zone.as_deref().unwrap_or(event.end_zone.name());
        shown.insert("originalStartTimeZone".into(), start_zone.into());
        shown.insert("originalEndTimeZone".into(), end_zone.into());
        shown.insert("iCalUId".into(), event.ical_uid.as_str().into());
        for (name, value) in &event.fields {
            shown.insert(name.clone(), value.clone());
        }
        let body = event
            .fields
            .get("body")
            .cloned()
            .unwrap_or_else(|| json!({"contentType": "text", "content": ""}));
        let body = Body::of(&body);
        shown.insert("bodyPreview".into(), body.text().chars().take(PREVIEW).collect::<String>().into());
        shown.insert("body".into(), if self.text_bodies { body.as_text() } else { body.as_html() });
        shown.insert("hasAttachments".into(), false.into());
        shown.insert("isAllDay".into(), event.all_day.into());
        shown.insert("isCancelled".into(), event.is_cancelled.into());
        shown.insert("isOrganizer".into(), event.is_organizer.into());
        shown.insert("isDraft".into(), false.into());
        shown.insert("onlineMeetingUrl".into(), Value::Null);
        shown.insert("isOnlineMeeting".into(), event.online_meeting.is_some().into());
        let provider = if event.online_meeting.is_some() { "teamsForBusiness" } else { "unknown" };
        shown.insert("onlineMeetingProvider".into(), provider.into());
        shown.insert("onlineMeeting".into(), event.online_meeting.clone().into());
        let link = format!(
            "https://outlook.office365.com/owa/?itemid={}&exvsurl=1&path=/calendar/item",
            self.id(event.key)
        );
        shown.insert("webLink".into(), link.into());
        shown.insert(
            "responseStatus".into(),
            json!({ "response": event.response.response, "time": answered(event.response.at) }),
        );
        shown
            .insert("recurrence".into(), event.recurrence.as_ref().map_or(Value::Null, |rule| rule.render()));
        shown.insert("organizer".into(), event.organizer.render());
        if let (Some(at), Some(day)) = (event.original_start, event.key.day) {
            shown.insert("originalStart".into(), super::zone::utc_second(at).into());
            let series = self.id(ItemKey::whole(event.key.event));
            shown.insert("occurrenceId".into(), format!("OID.{series}.{day}").into());
        } else {
            shown.insert("occurrenceId".into(), Value::Null);
        }
        if let Some(only) = &self.properties {
            let chosen: Vec<Value> = event
                .properties
                .iter()
                .filter(|(id, _)| only.is_empty() || only.iter().any(|only| only.eq_ignore_ascii_case(id)))
                .map(|(id, value)| json!({ "id": id, "value": value }))
                .collect();
            // Graph leaves an empty collection out.
            if !chosen.is_empty() {
                shown.insert("singleValueExtendedProperties".into(), chosen.into());
            }
        }
        shown
    }

    /// An occurrence as a delta shows it: nothing but its identity and its times.
    pub fn slim(&self, event: &Event) -> Map<String, Value> {
        self.identity(event)
    }

    fn identity(&self, event: &Event) -> Map<String, Value> {
        let mut shown = Map::new();
        shown.insert("@odata.etag".into(), ids::etag(event.change).into());
        shown.insert("id".into(), self.id(event.key).into());
        let series = event.key.day.map(|_| self.id(ItemKey::whole(event.key.event)));
        shown.insert("seriesMasterId".into(), series.into());
        shown.insert("type".into(), event.kind.name().into());
        let (start, end) = if event.all_day {
            // Whole days are at midnight in whatever zone the caller asks for, whatever instants they have.
            (floating(event.start, self.zone.name()), floating(event.end, self.zone.name()))
        } else {
            (self.zone.date_time(event.starts()), self.zone.date_time(event.ends()))
        };
        shown.insert("start".into(), start);
        shown.insert("end".into(), end);
        shown
    }
}

/// Keeps the properties a `$select` names; `id` and the annotations always stay.
pub fn select(mut shown: Map<String, Value>, select: Option<&str>) -> Map<String, Value> {
    if let Some(select) = select {
        let names: Vec<&str> = select.split(',').map(str::trim).collect();
        shown.retain(|name, _| name.starts_with('@') || name == "id" || names.contains(&name.as_str()));
    }
    shown
}

/// Whether an item is shown slim in a delta.
pub fn is_slim(event: &Event) -> bool {
    event.kind == Kind::Occurrence
}

fn answered(at: Option<Timestamp>) -> String {
    at.map_or_else(|| NEVER.to_owned(), utc_stamp)
}

/// The whole HTML document of an `itemBody`.
pub fn html_of(body: &Value) -> String {
    match Body::of(body).as_html()["content"].as_str() {
        None | Some("") => "<html><body></body></html>".to_owned(),
        Some(html) => html.to_owned(),
    }
}

/// An `itemBody`.
struct Body<'a> {
    html: bool,
    content: &'a str,
}

impl<'a> Body<'a> {
    fn of(value: &'a Value) -> Self {
        let html = value["contentType"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("html"));
        Self { html, content: value["content"].as_str().unwrap_or("") }
    }

    fn text(&self) -> String {
        if !self.html {
            return self.content.to_owned();
        }
        let mut text = String::new();
        let mut inside_tag = false;
        for letter in self.content.chars() {
            match letter {
                '<' => inside_tag = true,
                '>' if inside_tag => inside_tag = false,
                letter if !inside_tag => text.push(letter),
                _ => {}
            }
        }
        let entities =
            [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&nbsp;", " "), ("&#39;", "'"), ("&amp;", "&")];
        entities
            .into_iter()
            .fold(text, |text, (entity, letter)| text.replace(entity, letter))
            .trim()
            .to_owned()
    }

    fn as_text(&self) -> Value {
        json!({ "contentType": "text", "content": self.text() })
    }

    /// Exchange keeps every body as a whole HTML document.
    fn as_html(&self) -> Value {
        if self.html && self.content.trim_start().to_ascii_lowercase().starts_with("<html") {
            return json!({ "contentType": "html", "content": self.content });
        }
        if self.content.is_empty() {
            return json!({ "contentType": "html", "content": "" });
        }
        let inner = if self.html {
            self.content.to_owned()
        } else {
            let escaped = self.content.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            format!("<div class=\"PlainText\">{}</div>", escaped.replace('\n', "<br>\r\n"))
        };
        let head = "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">";
        json!({ "contentType": "html", "content": format!("<html><head>\r\n{head}\r\n</head><body>{inner}</body></html>") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_shown_as_html_unless_text_is_preferred() {
        let text = json!({"contentType": "text", "content": "a < b\nc"});
        let body = Body::of(&text);
        let html = body.as_html();
        assert_eq!(html["contentType"], "html");
        assert!(html["content"].as_str().unwrap().contains("a &lt; b<br>\r\nc"));
        assert_eq!(Body::of(&html).as_text()["content"].as_str().unwrap().replace("\r\n", " "), "a < b c");
        assert_eq!(body.as_text(), text);
    }

    #[test]
    fn a_selection_keeps_the_id() {
        let shown = json!({"@odata.etag": "e", "id": "i", "subject": "s", "body": {}});
        let kept = select(shown.as_object().unwrap().clone(), Some("subject, start"));
        assert_eq!(Value::Object(kept), json!({"@odata.etag": "e", "id": "i", "subject": "s"}));
    }
}
