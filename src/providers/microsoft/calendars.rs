//! The account's calendars: <https://learn.microsoft.com/en-us/graph/api/user-list-calendars>.

use http::Method;
use serde_json::Value;

use super::{errors::Operation, pages, requests::graph};
use crate::{
    config::BaseUrl,
    domain::{
        calendar::{Calendar, CalendarAccess},
        ids::CalendarId,
    },
    providers::Pending,
};

/// So many on a page, so that nearly everybody's fit on one.
const PAGE_SIZE: &str = "100";

/// All calendars of the account, in Graph's order.
pub(super) fn list(api: &BaseUrl) -> Pending<Vec<Calendar>> {
    let request = graph(Method::GET, api, "/me/calendars").query("$top", PAGE_SIZE).build();
    pages::all(api, Operation::Calendar, request, |entries| Ok(calendars(entries)))
}

/// The account's own are those of whoever owns its main one. Graph tells no calendar's zone, and not which ones the person
/// shows: their own are taken to be, others' and feeds of holidays are not.
fn calendars(entries: &[Value]) -> Vec<Calendar> {
    let owner = |entry: &Value| entry["owner"]["address"].as_str().map(str::to_lowercase);
    let is_main = |entry: &Value| entry["isDefaultCalendar"].as_bool() == Some(true);
    let me = entries.iter().find(|entry| is_main(entry)).and_then(owner);
    let mut calendars: Vec<Calendar> = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(id) = entry["id"].as_str() else { continue };
        // A list that changes between two pages may show a calendar on both.
        if calendars.iter().any(|known| known.id.as_str() == id) {
            continue;
        }
        let access = match entry["canEdit"].as_bool() {
            Some(true) if is_main(entry) || (me.is_some() && owner(entry) == me) => CalendarAccess::Own,
            Some(true) => CalendarAccess::Write,
            _ => CalendarAccess::Read,
        };
        calendars.push(Calendar {
            id: CalendarId::new(id),
            name: entry["name"].as_str().unwrap_or(id).to_owned(),
            zone: None,
            primary: is_main(entry),
            access,
            selected: access == CalendarAccess::Own,
        });
    }
    calendars
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::providers::microsoft::fixtures::{api_url, drive, json, shown, stored};

    fn page(entries: Value, next: Option<&str>) -> crate::ports::HttpResponse {
        let mut page = json!({ "value": entries });
        if let Some(next) = next {
            page["@odata.nextLink"] = next.into();
        }
        json(page)
    }

    #[test]
    fn pages_are_followed_to_the_last_and_an_empty_one_is_not_the_end() {
        let next = "https://graph.microsoft.com/v1.0/me/calendars?$top=100&$skip=100";
        let answers = [
            stored("calendars_page_1.http"),
            page(json!([]), Some(next)),
            page(
                json!([
                    {"id": "AQMkAGR0", "name": "Team", "canEdit": true, "owner": {"address": "lead@contoso.example"}},
                    {"id": "AAMkAGRm", "name": "again"},
                ]),
                None,
            ),
        ];
        let (requests, calendars) = drive(list(&api_url()), answers);
        insta::assert_snapshot!(shown(&requests[0]), @r#"
        GET https://graph.microsoft.com/v1.0/me/calendars?%24top=100
        accept: application/json
        prefer: IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"
        "#);
        assert_eq!(requests[1].uri().query(), Some("$top=100&$skip=3"));
        assert_eq!(requests[2].uri().to_string(), next);
        let calendars =
            calendars.unwrap().iter().map(|calendar| format!("{calendar:?}\n")).collect::<String>();
        insta::assert_snapshot!(calendars, @r#"
        Calendar { id: CalendarId("AAMkAGRhMain="), name: "Kalender", zone: None, primary: true, access: Own, selected: true }
        Calendar { id: CalendarId("AAMkAGRhFam="), name: "Family", zone: None, primary: false, access: Own, selected: true }
        Calendar { id: CalendarId("AAMkAGRm"), name: "Feiertage", zone: None, primary: false, access: Read, selected: false }
        Calendar { id: CalendarId("AQMkAGR0"), name: "Team", zone: None, primary: false, access: Write, selected: false }
        "#);
    }

    #[test]
    fn a_next_page_anywhere_but_at_graph_is_not_asked_for() {
        for link in [
            "https://graph.microsoft.com.evil.example/v1.0/me/calendars",
            "https://graph.microsoft.com/v1.0evil/me/calendars",
            "https://evil.example/v1.0/me/calendars",
            "/me/calendars?$skip=1",
        ] {
            let (requests, calendars) = drive(list(&api_url()), [page(json!([]), Some(link))]);
            assert_eq!(
                (requests.len(), calendars.unwrap_err().code.as_ref()),
                (1, "provider_unreadable"),
                "{link}"
            );
        }
    }

    #[test]
    fn a_list_without_end_is_given_up() {
        let page = || page(json!([]), Some("https://graph.microsoft.com/v1.0/me/calendars?$skip=1"));
        let (requests, calendars) = drive(list(&api_url()), std::iter::repeat_with(page));
        assert_eq!(calendars.unwrap_err().code, "provider_pages_without_end");
        assert_eq!(requests.len(), 200);
    }

    #[test]
    fn a_missing_scope_is_the_persons_to_grant() {
        let (_, calendars) = drive(list(&api_url()), [stored("errors/403_error_access_denied.http")]);
        let failure = calendars.unwrap_err();
        assert_eq!(failure.code, "scope_missing");
        assert!(failure.message.contains("Calendars.ReadWrite"));
    }
}
