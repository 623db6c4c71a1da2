//! `calendarList.list`, page by page.

use http::Method;

use super::{
    errors::{Operation, read},
    wire::CalendarListPage,
};
use crate::{
    config::BaseUrl,
    domain::{calendar::Calendar, failure::Failure},
    ports::{HttpRequest, HttpResponse},
    providers::{Exchange, Pending, Step, requests::ApiCall},
};

/// The most calendars Google puts on a page.
const PAGE_SIZE: &str = "250";
/// Nobody has 50,000 calendars: a provider that never comes to an end must not keep us.
const MOST_PAGES: usize = 200;

/// All calendars of the account, in Google's order.
pub(super) fn list(api: &BaseUrl) -> Pending<Vec<Calendar>> {
    Box::new(ListCalendars { api: api.clone(), calendars: Vec::new(), pages: 0 })
}

struct ListCalendars {
    api: BaseUrl,
    calendars: Vec<Calendar>,
    pages: usize,
}

impl ListCalendars {
    fn request(&self, page_token: Option<String>) -> Result<HttpRequest, Failure> {
        let call = ApiCall::new(Method::GET, &self.api, "/calendar/v3/users/me/calendarList")
            .query("maxResults", PAGE_SIZE);
        match page_token {
            Some(token) => call.query("pageToken", token),
            None => call,
        }
        .build()
    }
}

impl Exchange for ListCalendars {
    type Output = Vec<Calendar>;

    fn step(&mut self, answer: Option<HttpResponse>) -> Result<Step<Self::Output>, Failure> {
        let Some(answer) = answer else {
            return self.request(None).map(Step::Send);
        };
        let page: CalendarListPage = read(Operation::ListCalendars, &answer)?;
        for calendar in page.items.into_iter().filter_map(|entry| entry.into_calendar()) {
            // A list that changes between two pages may show a calendar on both.
            if self.calendars.iter().all(|known| known.id != calendar.id) {
                self.calendars.push(calendar);
            }
        }
        self.pages += 1;
        match page.next_page_token.filter(|token| !token.is_empty()) {
            Some(_) if self.pages >= MOST_PAGES => Err(Failure::fatal(
                "provider_pages_without_end",
                "Google's calendar list does not come to an end",
            )),
            Some(token) => self.request(Some(token)).map(Step::Send),
            None => Ok(Step::Done(std::mem::take(&mut self.calendars))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::providers::google::fixtures::{api_url, drive, json, shown, stored};

    #[test]
    fn pages_are_followed_to_the_last_and_an_empty_one_is_not_the_end() {
        let (requests, calendars) = drive(
            list(&api_url()),
            [
                stored("calendar_list_page_1.http"),
                json(json!({"nextPageToken": "third/page"})),
                json(json!({"items": [
                    {"id": "team@group.calendar.google.com", "summary": "Team", "accessRole": "reader"},
                    {"id": "holidays@group.v.calendar.google.com", "summary": "Holidays", "accessRole": "freeBusyReader", "hidden": true}
                ]})),
            ],
        );
        let requests: Vec<String> = requests.iter().map(shown).collect();
        insta::assert_snapshot!(requests.join("\n\n"), @r#"
        GET https://www.googleapis.com/calendar/v3/users/me/calendarList?maxResults=250
        accept: application/json

        GET https://www.googleapis.com/calendar/v3/users/me/calendarList?maxResults=250&pageToken=EigKGmFkYUBleGFtcGxlLmNvbRgB%3D%26
        accept: application/json

        GET https://www.googleapis.com/calendar/v3/users/me/calendarList?maxResults=250&pageToken=third%2Fpage
        accept: application/json
        "#);
        let calendars: Vec<String> =
            calendars.unwrap().iter().map(|calendar| format!("{calendar:?}")).collect();
        insta::assert_snapshot!(calendars.join("\n"), @r#"
        Calendar { id: CalendarId("ada@example.com"), name: "Ada", zone: Some(Zone(Europe/Berlin)), primary: true, access: Own, selected: true }
        Calendar { id: CalendarId("team@group.calendar.google.com"), name: "Team", zone: Some(Zone(America/New_York)), primary: false, access: Write, selected: true }
        Calendar { id: CalendarId("holidays@group.v.calendar.google.com"), name: "Holidays", zone: None, primary: false, access: FreeBusy, selected: false }
        "#);
    }

    #[test]
    fn a_list_without_end_is_given_up() {
        let page = || json(json!({"nextPageToken": "again"}));
        let (requests, calendars) = drive(list(&api_url()), std::iter::repeat_with(page));
        assert_eq!(calendars.unwrap_err().code, "provider_pages_without_end");
        assert_eq!(requests.len(), MOST_PAGES);
    }

    #[test]
    fn a_missing_scope_is_the_persons_to_grant() {
        let (_, calendars) = drive(list(&api_url()), [stored("errors/403_insufficient_permissions.http")]);
        let failure = calendars.unwrap_err();
        assert_eq!(failure.code, "scope_missing");
        assert!(failure.message.contains("auth/calendar.calendarlist.readonly"));
    }
}
