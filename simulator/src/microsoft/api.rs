//! One authorised call of Graph, and the table from operation to code.

use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::calendars;
use super::errors::{ApiError, Stamp};
use super::event_view::View;
use super::ids::IdForm;
use super::mailbox::{Calendar, Mailbox};
use super::operation::{Kind, Operation};
use super::wire::{self, Params, Preferences};
use super::world::{Account, World};
use super::zone::Zone;
use super::{
    calendar_view, delta, events, mailbox_settings, meeting_times, responses, schedule, subscriptions,
};
use crate::control::Control;
use crate::control::provider::{Request, Response};

/// The most items on one page.
const LARGEST_PAGE: usize = 1_000;
/// Items on a page when nothing else is asked for.
const USUAL_PAGE: usize = 10;

/// One authorised call.
pub struct Call<'a> {
    /// The simulated Microsoft.
    pub world: &'a mut World,
    /// Outbox and clock.
    pub control: &'a Control,
    /// Whose mailbox it is about.
    pub account: String,
    /// Which client's token it was.
    pub client_id: String,
    /// The query.
    pub params: Params,
    /// What `Prefer` asks for.
    pub prefer: Preferences,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, not yet read.
    pub body: &'a [u8],
    /// The simulated time.
    pub now: Timestamp,
    /// The zone of the answer's times.
    pub zone: Zone,
    /// Scheme, host and port the caller reached us at.
    pub origin: String,
    /// The path as it was asked for.
    pub path: String,
}

/// What an operation answers when all is well.
pub enum Answer {
    /// 200 with JSON.
    Json(Value),
    /// 201 with JSON.
    Created(Value),
    /// 202.
    Accepted,
    /// 204.
    NoContent,
}

impl Call<'_> {
    /// The body as a JSON object.
    pub fn json(&self) -> Result<Map<String, Value>, ApiError> {
        wire::json_object(self.body)
    }

    /// The account.
    pub fn account(&self) -> Result<&Account, ApiError> {
        self.world.accounts.get(&self.account).ok_or_else(|| {
            ApiError::new(
                404,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            )
        })
    }

    /// The mailbox.
    pub fn mailbox(&self) -> Result<&Mailbox, ApiError> {
        self.account().map(|account| &account.mailbox)
    }

    /// The calendar with this id, the default one without.
    pub fn calendar(&self, id: Option<&str>) -> Result<&Calendar, ApiError> {
        let mailbox = self.mailbox()?;
        match id {
            Some(id) => mailbox.calendar_by_id(id),
            None => mailbox.calendars.get(&mailbox.default_calendar).ok_or_else(ApiError::item_not_found),
        }
    }

    /// How this caller wants to see events of a calendar.
    pub fn view(&self, calendar: u32) -> Result<View, ApiError> {
        let mailbox = self.mailbox()?;
        Ok(View {
            zone: self.zone.clone(),
            form: if self.prefer.immutable_ids { IdForm::Immutable } else { IdForm::Regular },
            mailbox: mailbox.number,
            calendar,
            text_bodies: self.prefer.text_bodies,
            properties: super::query::expanded_properties(&self.params)?,
        })
    }

    /// `@odata.context` for something of this account.
    pub fn context(&self, what: &str) -> String {
        let id = self.account().map(|account| account.object_id.clone()).unwrap_or_default();
        format!("{}/v1.0/$metadata#users('{id}')/{what}", self.origin)
    }

    /// A collection's page: `$top`, `$skip`, `odata.maxpagesize`, with a link to the next.
    pub fn page(&self, what: &str, items: Vec<Map<String, Value>>) -> Result<Answer, ApiError> {
        let skip = self.params.number("$skip")?.unwrap_or(0);
        let top = self.params.number("$top")?;
        if top.is_some_and(|top| top == 0 || top > LARGEST_PAGE) {
            return Err(ApiError::invalid_query(format!(
                "Invalid value for $top query option found. The value must be between 1 and {LARGEST_PAGE}."
            )));
        }
        let size = self.page_size(top.or(self.prefer.page_size).unwrap_or(USUAL_PAGE));
        let total = items.len();
        let select = self.params.get("$select");
        let page: Vec<Value> = items
            .into_iter()
            .skip(skip)
            .take(size)
            .map(|item| Value::Object(super::event_view::select(item, select)))
            .collect();
        let mut answer = json!({ "@odata.context": self.context(what) });
        if self.params.get("$count") == Some("true") {
            answer["@odata.count"] = total.into();
        }
        answer["value"] = page.into();
        let next = skip.saturating_add(size);
        if next < total {
            let query = self.params.with("$skip", &next.to_string());
            answer["@odata.nextLink"] = format!("{}{}?{query}", self.origin, self.path).into();
        }
        Ok(Answer::Json(answer))
    }

    /// A page's size under the limits in force.
    pub fn page_size(&self, wanted: usize) -> usize {
        wanted.min(self.world.behaviour.page_size_limit.unwrap_or(usize::MAX)).clamp(1, LARGEST_PAGE)
    }
}

/// Lets a request in, or throttles it; to be asked once, when it arrives.
pub fn admit(
    world: &mut World,
    control: &Control,
    operation: &Operation,
    request: &Request,
    now: Timestamp,
) -> Result<(), ApiError> {
    let (account, client_id) = authorise(world, operation, request, now)?;
    if operation.kind.is_of_mailbox() {
        let open = control.counters().open(&account);
        world.throttle.admit(&client_id, &account, open, now)?;
    }
    Ok(())
}

/// Answers a request to Graph; batches and new subscriptions are answered elsewhere.
pub fn answer(
    world: &mut World,
    control: &Control,
    operation: &Operation,
    request: &Request,
    now: Timestamp,
) -> Response {
    let stamp = Stamp::of(request, now);
    let applied = Preferences::of(request.headers()).applied();
    match authorised(world, control, operation, request, now)
        .and_then(|mut call| perform(&mut call, operation))
    {
        Ok(answer) => stamp.onto(write(answer, &applied)),
        Err(error) => error.into_response(&stamp),
    }
}

/// The call that a request makes, once it is known that it may.
pub fn authorised<'a>(
    world: &'a mut World,
    control: &'a Control,
    operation: &Operation,
    request: &'a Request,
    now: Timestamp,
) -> Result<Call<'a>, ApiError> {
    let (account, client_id) = authorise(world, operation, request, now)?;
    let prefer = Preferences::of(request.headers());
    let zone = match &prefer.time_zone {
        Some(name) => Zone::checked(name)?,
        None => Zone::utc(),
    };
    Ok(Call {
        world,
        control,
        account,
        client_id,
        params: Params::of_query(request),
        prefer,
        headers: request.headers(),
        body: request.body(),
        now,
        zone,
        origin: wire::origin(request),
        path: request.uri().path().to_owned(),
    })
}

fn authorise(
    world: &World,
    operation: &Operation,
    request: &Request,
    now: Timestamp,
) -> Result<(String, String), ApiError> {
    let text = wire::bearer_token(request.headers()).ok_or_else(ApiError::token_missing)?;
    let token = world.grants.access(text).ok_or_else(ApiError::token_invalid)?;
    if token.expires_at <= now {
        return Err(ApiError::token_expired());
    }
    if token.challenged {
        return Err(ApiError::claims_challenge(&format!(
            r#"{{"access_token":{{"nbf":{{"essential":true,"value":"{}"}}}}}}"#,
            now.as_second()
        )));
    }
    operation.kind.check_scopes(&token.scopes)?;
    let account = token.party.account.clone();
    if let Some(user) = &operation.user {
        match world.resolve_user(user) {
            Some(found) if found == account => {}
            Some(_) => return Err(ApiError::access_denied()),
            None => {
                let message = format!("The requested user '{user}' is invalid.");
                return Err(ApiError::new(404, "ErrorInvalidUser", message));
            }
        }
    }
    Ok((account, token.party.client_id.clone()))
}

fn write(answer: Answer, applied: &str) -> Response {
    let mut response = match answer {
        Answer::Json(value) => wire::json(StatusCode::OK, &value),
        Answer::Created(value) => wire::json(StatusCode::CREATED, &value),
        Answer::Accepted => wire::empty(StatusCode::ACCEPTED),
        Answer::NoContent => wire::empty(StatusCode::NO_CONTENT),
    };
    if let (false, Ok(applied)) = (applied.is_empty(), HeaderValue::from_str(applied)) {
        response.headers_mut().insert("preference-applied", applied);
    }
    response
}

fn perform(call: &mut Call<'_>, operation: &Operation) -> Result<Answer, ApiError> {
    let calendar = operation.calendar.as_deref();
    let item = operation.item.as_deref().unwrap_or_default();
    match operation.kind {
        Kind::Me => calendars::me(call),
        Kind::CalendarsList => calendars::list(call),
        Kind::CalendarsCreate => calendars::create(call),
        Kind::CalendarsGet => calendars::get(call, calendar),
        Kind::CalendarsDelete => calendars::delete(call, calendar.unwrap_or_default()),
        Kind::EventsList => events::list(call, calendar),
        Kind::EventsCreate => events::create(call, calendar),
        Kind::EventsGet => events::get(call, item),
        Kind::EventsUpdate => events::update(call, item),
        Kind::EventsDelete => events::delete(call, item),
        Kind::EventsCancel => events::cancel(call, item),
        Kind::EventsAccept => responses::respond(call, item, "accepted"),
        Kind::EventsTentativelyAccept => responses::respond(call, item, "tentativelyAccepted"),
        Kind::EventsDecline => responses::respond(call, item, "declined"),
        Kind::EventsInstances => calendar_view::instances(call, item),
        Kind::CalendarView => calendar_view::list(call, calendar),
        Kind::CalendarViewDelta => delta::delta(call, calendar),
        Kind::GetSchedule => schedule::get_schedule(call),
        Kind::FindMeetingTimes => meeting_times::find(call),
        Kind::MailboxSettings => mailbox_settings::get(call, operation.item.as_deref()),
        Kind::SubscriptionsList => subscriptions::list(call),
        Kind::SubscriptionsGet => subscriptions::get(call, item),
        Kind::SubscriptionsUpdate => subscriptions::update(call, item),
        Kind::SubscriptionsDelete => subscriptions::delete(call, item),
        Kind::SubscriptionsReauthorize => subscriptions::reauthorize(call, item),
        // These two wait for others and are answered without the world in hand.
        Kind::Batch | Kind::SubscriptionsCreate => Err(ApiError::method_not_allowed()),
    }
}
