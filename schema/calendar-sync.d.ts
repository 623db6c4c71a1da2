// Made from the JSON Schemas beside this file by `npm run schema`.

/**
 * A message of the queue calendar-tasks, and the body of POST /v1/tasks. Unknown fields are ignored.
 */
export type CalendarTask = (RefreshTokenTask | CheckAvailabilityTask | FindSlotsTask | CreateEventTask | UpdateEventTask | CancelEventTask | PlaceHoldTask | ConfirmHoldTask | CancelHoldTask | DisconnectTask)
/**
 * What a producer writes.
 */
export type CreateEventPayload = (EventFields & {
/**
 * Whether `start` and `end` are days.
 */
allDay?: boolean
/**
 * Where; none given: the connector's booking calendar.
 */
calendarId?: (string | null)
/**
 * First instant after it, or the day after its last.
 */
end: string
/**
 * First instant (RFC 3339, or local in `timeZone`), or first day of an all-day event.
 */
start: string
/**
 * Title.
 */
summary: string
/**
 * IANA or Windows name of the zone it is shown and recurs in.
 */
timeZone: string
})
/**
 * What a producer writes. Fields that are missing stay as they are.
 */
export type UpdateEventPayload = (EventFields1 & {
/**
 * Whether the new times are days.
 */
allDay?: boolean
/**
 * In which calendar; none given: the connector's booking calendar.
 */
calendarId?: (string | null)
/**
 * New end.
 */
end?: (string | null)
/**
 * Change only this version of it.
 */
etag?: (string | null)
/**
 * Which event.
 */
eventId: string
/**
 * New start; `start`, `end` and `timeZone` go together.
 */
start?: (string | null)
/**
 * New title.
 */
summary?: (string | null)
/**
 * The zone of the new times.
 */
timeZone?: (string | null)
})
/**
 * What a producer writes.
 */
export type ConfirmHoldPayload = (EventFields2 & {
/**
 * Which hold.
 */
holdId: string
/**
 * The event's title; none given: the hold's.
 */
summary?: (string | null)
})

export interface RefreshTokenTask {
/**
 * Of which connector.
 */
connectorId: string
/**
 * Echoed in the result.
 */
correlationId?: string
/**
 * Idempotency key, unique per connector; without one the queue message's id serves.
 */
id?: string
payload: RefreshTokenPayload
/**
 * Informative; attempts are counted by the worker.
 */
retryCount?: number
type: "refresh-token"
}
/**
 * What a producer writes.
 */
export interface RefreshTokenPayload {
/**
 * Refresh even a token that is still good.
 */
force?: boolean
/**
 * Set by our own schedule: succeed without telling anybody.
 */
scheduled?: boolean
}
export interface CheckAvailabilityTask {
/**
 * Of which connector.
 */
connectorId: string
/**
 * Echoed in the result.
 */
correlationId?: string
/**
 * Idempotency key, unique per connector; without one the queue message's id serves.
 */
id?: string
payload: CheckAvailabilityPayload
/**
 * Informative; attempts are counted by the worker.
 */
retryCount?: number
type: "check-availability"
}
/**
 * What a producer writes.
 */
export interface CheckAvailabilityPayload {
/**
 * The calendars to look at; none given: those the connector's preferences name.
 */
calendars?: (string[] | null)
/**
 * End of the window, not included.
 */
timeMax: string
/**
 * Start of the window: RFC 3339, or local in `timeZone`.
 */
timeMin: string
/**
 * The zone the answer is written in.
 */
timeZone: string
}
export interface FindSlotsTask {
/**
 * Of which connector.
 */
connectorId: string
/**
 * Echoed in the result.
 */
correlationId?: string
/**
 * Idempotency key, unique per connector; without one the queue message's id serves.
 */
id?: string
payload: FindSlotsPayload
/**
 * Informative; attempts are counted by the worker.
 */
retryCount?: number
type: "find-slots"
}
/**
 * When can these people meet?
 */
export interface FindSlotsPayload {
/**
 * Addresses of people without a connector, at most 50: their busy time is asked for on the organiser's behalf.
 */
attendees?: (string[] | null)
/**
 * How long everybody must be free after a slot; default 0.
 */
bufferAfterMinutes?: (number | null)
/**
 * How long everybody must be free before a slot; default 0.
 */
bufferBeforeMinutes?: (number | null)
/**
 * The organiser's calendars to look at; none given, and for everybody else: those the connector's preferences name.
 */
calendars?: (string[] | null)
/**
 * The organiser's connector; none given: in a task its own, over HTTP the first of `connectorIds`.
 */
connectorId?: (string | null)
/**
 * The connectors of everybody who must be there, at most 50. A task's own need not be among them.
 */
connectorIds?: (string[] | null)
/**
 * How long a slot is.
 */
durationMinutes: number
/**
 * Whether nights and weekends are as good as working hours; default no.
 */
ignoreWorkingHours?: (boolean | null)
/**
 * How many slots are wanted at most, the earliest first: 1 to 1000, default 20.
 */
limit?: (number | null)
/**
 * No slot starts sooner than this from now; default 0.
 */
minimumNoticeMinutes?: (number | null)
/**
 * How far apart slots start, counted from midnight; default 30.
 */
stepMinutes?: (number | null)
/**
 * End of the window, not included; at most 366 days after its start.
 */
timeMax: string
/**
 * Start of the window: RFC 3339, or local in `timeZone`.
 */
timeMin: string
/**
 * The zone on whose clocks slots start, and that the answer is written in.
 */
timeZone: string
}
export interface CreateEventTask {
/**
 * Of which connector.
 */
connectorId: string
/**
 * Echoed in the result.
 */
correlationId?: string
/**
 * Idempotency key, unique per connector; without one the queue message's id serves.
 */
id?: string
payload: CreateEventPayload
/**
 * Informative; attempts are counted by the worker.
 */
retryCount?: number
type: "create-event"
}
/**
 * Everything else.
 */
export interface EventFields {
/**
 * Who is invited; in an update, the whole new list.
 */
attendees?: (Attendee[] | null)
/**
 * Whether to make a video conference.
 */
conference?: (boolean | null)
/**
 * Body text.
 */
description?: (string | null)
/**
 * Place.
 */
location?: (string | null)
/**
 * RFC 5545 `RRULE:`, `RDATE:`, `EXDATE:` lines.
 */
recurrence?: (string[] | null)
/**
 * Reminders instead of the calendar's default ones.
 */
reminders?: (Reminder[] | null)
transparency?: (("opaque" | "transparent") | null)
visibility?: (("default" | "public" | "private") | null)
}
/**
 * Somebody invited.
 */
export interface Attendee {
/**
 * Their name.
 */
displayName?: (string | null)
/**
 * Their address.
 */
email: string
/**
 * Whether the event can do without them.
 */
optional?: boolean
}
/**
 * A reminder before an event.
 */
export interface Reminder {
/**
 * How.
 */
method: ("email" | "popup")
/**
 * How many minutes before the start, 0 to 40320 (four weeks).
 */
minutes: number
}
export interface UpdateEventTask {
/**
 * Of which connector.
 */
connectorId: string
/**
 * Echoed in the result.
 */
correlationId?: string
/**
 * Idempotency key, unique per connector; without one the queue message's id serves.
 */
id?: string
payload: UpdateEventPayload
/**
 * Informative; attempts are counted by the worker.
 */
retryCount?: number
type: "update-event"
}
/**
 * Everything else.
 */
export interface EventFields1 {
/**
 * Who is invited; in an update, the whole new list.
 */
attendees?: (Attendee[] | null)
/**
 * Whether to make a video conference.
 */
conference?: (boolean | null)
/**
 * Body text.
 */
description?: (string | null)
/**
 * Place.
 */
location?: (string | null)
/**
 * RFC 5545 `RRULE:`, `RDATE:`, `EXDATE:` lines.
 */
recurrence?: (string[] | null)
/**
 * Reminders instead of the calendar's default ones.
 */
reminders?: (Reminder[] | null)
transparency?: (("opaque" | "transparent") | null)
visibility?: (("default" | "public" | "private") | null)
}
export interface CancelEventTask {
/**
 * Of which connector.
 */
connectorId: string
/**
 * Echoed in the result.
 */
correlationId?: string
/**
 * Idempotency key, unique per connector; without one the queue message's id serves.
 */
id?: string
payload: CancelEventPayload
/**
 * Informative; attempts are counted by the worker.
 */
retryCount?: number
type: "cancel-event"
}
/**
 * What a producer writes.
 */
export interface CancelEventPayload {
/**
 * In which calendar; none given: the connector's booking calendar.
 */
calendarId?: (string | null)
/**
 * Cancel only this version of it.
 */
etag?: (string | null)
/**
 * Which event.
 */
eventId: string
}
export interface PlaceHoldTask {
/**
 * Of which connector.
 */
connectorId: string
/**
 * Echoed in the result.
 */
correlationId?: string
/**
 * Idempotency key, unique per connector; without one the queue message's id serves.
 */
id?: string
payload: PlaceHoldPayload
/**
 * Informative; attempts are counted by the worker.
 */
retryCount?: number
type: "place-hold"
}
/**
 * What a producer writes.
 */
export interface PlaceHoldPayload {
/**
 * Place it even on a slot that is busy or held.
 */
allowConflicts?: boolean
/**
 * Where; none given: the connector's booking calendar.
 */
calendarId?: (string | null)
/**
 * First instant after it.
 */
end: string
/**
 * When the hold runs out; none given: 15 minutes from now.
 */
expiresAt?: (string | null)
/**
 * The producer's id of the hold.
 */
holdId: string
/**
 * First instant of the slot: RFC 3339, or local in `timeZone`.
 */
start: string
/**
 * The zone the event is shown in.
 */
timeZone: string
/**
 * What the event is called.
 */
title?: (string | null)
}
export interface ConfirmHoldTask {
/**
 * Of which connector.
 */
connectorId: string
/**
 * Echoed in the result.
 */
correlationId?: string
/**
 * Idempotency key, unique per connector; without one the queue message's id serves.
 */
id?: string
payload: ConfirmHoldPayload
/**
 * Informative; attempts are counted by the worker.
 */
retryCount?: number
type: "confirm-hold"
}
/**
 * Everything else.
 */
export interface EventFields2 {
/**
 * Who is invited; in an update, the whole new list.
 */
attendees?: (Attendee[] | null)
/**
 * Whether to make a video conference.
 */
conference?: (boolean | null)
/**
 * Body text.
 */
description?: (string | null)
/**
 * Place.
 */
location?: (string | null)
/**
 * RFC 5545 `RRULE:`, `RDATE:`, `EXDATE:` lines.
 */
recurrence?: (string[] | null)
/**
 * Reminders instead of the calendar's default ones.
 */
reminders?: (Reminder[] | null)
transparency?: (("opaque" | "transparent") | null)
visibility?: (("default" | "public" | "private") | null)
}
export interface CancelHoldTask {
/**
 * Of which connector.
 */
connectorId: string
/**
 * Echoed in the result.
 */
correlationId?: string
/**
 * Idempotency key, unique per connector; without one the queue message's id serves.
 */
id?: string
payload: CancelHoldPayload
/**
 * Informative; attempts are counted by the worker.
 */
retryCount?: number
type: "cancel-hold"
}
/**
 * What a producer writes.
 */
export interface CancelHoldPayload {
/**
 * Which hold.
 */
holdId: string
/**
 * Why.
 */
reason?: ("cancelled" | "expired")
}
export interface DisconnectTask {
/**
 * Of which connector.
 */
connectorId: string
/**
 * Echoed in the result.
 */
correlationId?: string
/**
 * Idempotency key, unique per connector; without one the queue message's id serves.
 */
id?: string
payload: DisconnectPayload
/**
 * Informative; attempts are counted by the worker.
 */
retryCount?: number
type: "disconnect"
}
/**
 * What a producer writes: nothing.
 */
export interface DisconnectPayload {

}

/**
 * One notification, a CloudEvent.
 */
export type Notification = (TaskSucceededNotification | TaskFailedNotification | ConnectorConnectedNotification | ReauthRequiredNotification | ConnectorDisconnectedNotification | ScopesInsufficientNotification | HoldExpiredNotification | ConflictDetectedNotification)
/**
 * A task did what it was asked.
 */
export type TaskSucceeded = (RefreshTokenTaskSucceeded | CheckAvailabilityTaskSucceeded | FindSlotsTaskSucceeded | CreateEventTaskSucceeded | UpdateEventTaskSucceeded | CancelEventTaskSucceeded | PlaceHoldTaskSucceeded | ConfirmHoldTaskSucceeded | CancelHoldTaskSucceeded | DisconnectTaskSucceeded)
/**
 * The provider's id of a calendar.
 */
export type CalendarId = string
/**
 * The provider's id of an event in a calendar.
 */
export type EventId = string
/**
 * Whether an event is certain.
 */
export type EventStatus = ("confirmed" | "tentative" | "cancelled")
/**
 * The producer's id of a hold; unique per connector.
 */
export type HoldId = string
/**
 * What came of it.
 */
export type ConfirmHoldResult = (EventResult1 & {
holdId: HoldId
/**
 * `confirmed`.
 */
state: string
})

export interface TaskSucceededNotification {
data: TaskSucceeded
/**
 * Always `application/json`.
 */
datacontenttype: string
/**
 * The same on every redelivery: receivers drop what they have seen.
 */
id: string
/**
 * Who speaks: this worker.
 */
source: string
/**
 * Always `1.0`.
 */
specversion: string
/**
 * The connector it is about.
 */
subject: string
/**
 * When, RFC 3339 in UTC.
 */
time: string
type: "calendar.task.succeeded"
}
export interface RefreshTokenTaskSucceeded {
correlationId?: (string | null)
result?: RefreshTokenResult
/**
 * In place of a result too large for the queue: where to read it, `GET /v1/tasks/{id}`.
 */
resultUrl?: string
/**
 * The task's id.
 */
taskId: string
type: "refresh-token"
}
/**
 * What came of it.
 */
export interface RefreshTokenResult {
/**
 * Until when the access token at hand works, RFC 3339 in UTC.
 */
expiresAt: string
}
export interface CheckAvailabilityTaskSucceeded {
correlationId?: (string | null)
result?: Availability
/**
 * In place of a result too large for the queue: where to read it, `GET /v1/tasks/{id}`.
 */
resultUrl?: string
/**
 * The task's id.
 */
taskId: string
type: "check-availability"
}
/**
 * When an account is busy.
 */
export interface Availability {
/**
 * When the provider was asked, RFC 3339 in UTC.
 */
asOf: string
/**
 * Busy time over all calendars: in order, apart from each other, inside the window.
 */
busy: Span[]
/**
 * The calendars that could not be heard.
 */
calendarErrors: CalendarError[]
/**
 * Whether every calendar asked about was heard. If not, time that is not in `busy` may still be busy.
 */
complete: boolean
/**
 * The zone `busy` is written in.
 */
timeZone: string
/**
 * The week's working hours, local to `workingHoursTimeZone`.
 */
workingHours?: (WorkingHours[] | null)
/**
 * The zone of the working hours.
 */
workingHoursTimeZone?: (string | null)
}
/**
 * A stretch of time, half-open, RFC 3339 with the offset of the asked zone at that instant.
 */
export interface Span {
/**
 * The first instant after it.
 */
end: string
/**
 * Its first instant.
 */
start: string
}
/**
 * A calendar whose busy time is not known.
 */
export interface CalendarError {
/**
 * Which one.
 */
calendarId: string
/**
 * The provider's reason.
 */
code: string
/**
 * For a human.
 */
message: string
}
/**
 * One stretch of work on one day of the week, `start` inclusive and `end` exclusive, both local `HH:MM`.
 */
export interface WorkingHours {
/**
 * The day.
 */
day: ("monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday")
/**
 * When it ends, `HH:MM`; `24:00` is the end of the day.
 */
end: string
/**
 * When work starts, `HH:MM`.
 */
start: string
}
export interface FindSlotsTaskSucceeded {
correlationId?: (string | null)
result?: Slots
/**
 * In place of a result too large for the queue: where to read it, `GET /v1/tasks/{id}`.
 */
resultUrl?: string
/**
 * The task's id.
 */
taskId: string
type: "find-slots"
}
/**
 * When people can meet.
 */
export interface Slots {
/**
 * When the providers were asked, RFC 3339 in UTC.
 */
asOf: string
/**
 * Whether everybody's time is known.
 */
complete: boolean
/**
 * The slots, earliest first. They may overlap: each is an offer of its own. Empty as long as anybody is unknown.
 */
slots: Span[]
/**
 * Who found the slots.
 */
source: ("provider" | "computed")
/**
 * The zone `slots` are written in.
 */
timeZone: string
/**
 * Whose time is not known.
 */
unknown: Unknown[]
}
/**
 * Somebody whose time is not known: a connector as a whole, one of its calendars, or an attendee asked about through it.
 */
export interface Unknown {
/**
 * The attendee it is about.
 */
attendee?: (string | null)
/**
 * The calendar it is about.
 */
calendarId?: (string | null)
/**
 * A stable name of the reason, or the provider's.
 */
code: string
/**
 * The connector that was asked.
 */
connectorId: string
/**
 * For a human.
 */
message: string
/**
 * Whether asking again later may help, where that is known.
 */
retryable?: (boolean | null)
}
export interface CreateEventTaskSucceeded {
correlationId?: (string | null)
result?: EventResult
/**
 * In place of a result too large for the queue: where to read it, `GET /v1/tasks/{id}`.
 */
resultUrl?: string
/**
 * The task's id.
 */
taskId: string
type: "create-event"
}
/**
 * An event as results show it.
 */
export interface EventResult {
calendarId: CalendarId
/**
 * Where to join the video conference.
 */
conferenceUrl?: (string | null)
etag?: (string | null)
eventId: EventId
/**
 * The page that shows it.
 */
htmlLink?: (string | null)
/**
 * RFC 5545 UID.
 */
iCalUid?: (string | null)
/**
 * How it repeats, in RFC 5545 lines; absent for what is not a series.
 */
recurrence?: string[]
status: EventStatus
}
export interface UpdateEventTaskSucceeded {
correlationId?: (string | null)
result?: EventResult
/**
 * In place of a result too large for the queue: where to read it, `GET /v1/tasks/{id}`.
 */
resultUrl?: string
/**
 * The task's id.
 */
taskId: string
type: "update-event"
}
export interface CancelEventTaskSucceeded {
correlationId?: (string | null)
result?: CancelEventResult
/**
 * In place of a result too large for the queue: where to read it, `GET /v1/tasks/{id}`.
 */
resultUrl?: string
/**
 * The task's id.
 */
taskId: string
type: "cancel-event"
}
/**
 * What came of it.
 */
export interface CancelEventResult {
/**
 * Whether it was off the calendar before.
 */
alreadyGone: boolean
calendarId: CalendarId
eventId: EventId
}
export interface PlaceHoldTaskSucceeded {
correlationId?: (string | null)
result?: PlaceHoldResult
/**
 * In place of a result too large for the queue: where to read it, `GET /v1/tasks/{id}`.
 */
resultUrl?: string
/**
 * The task's id.
 */
taskId: string
type: "place-hold"
}
/**
 * What came of it.
 */
export interface PlaceHoldResult {
calendarId: CalendarId
/**
 * First instant after it.
 */
end: string
eventId?: (EventId | null)
/**
 * When the hold runs out.
 */
expiresAt: string
holdId: HoldId
/**
 * First instant of the slot, RFC 3339 in UTC.
 */
start: string
/**
 * `held`.
 */
state: string
}
export interface ConfirmHoldTaskSucceeded {
correlationId?: (string | null)
result?: ConfirmHoldResult
/**
 * In place of a result too large for the queue: where to read it, `GET /v1/tasks/{id}`.
 */
resultUrl?: string
/**
 * The task's id.
 */
taskId: string
type: "confirm-hold"
}
/**
 * The event it has become.
 */
export interface EventResult1 {
calendarId: CalendarId
/**
 * Where to join the video conference.
 */
conferenceUrl?: (string | null)
etag?: (string | null)
eventId: EventId
/**
 * The page that shows it.
 */
htmlLink?: (string | null)
/**
 * RFC 5545 UID.
 */
iCalUid?: (string | null)
/**
 * How it repeats, in RFC 5545 lines; absent for what is not a series.
 */
recurrence?: string[]
status: EventStatus
}
export interface CancelHoldTaskSucceeded {
correlationId?: (string | null)
result?: CancelHoldResult
/**
 * In place of a result too large for the queue: where to read it, `GET /v1/tasks/{id}`.
 */
resultUrl?: string
/**
 * The task's id.
 */
taskId: string
type: "cancel-hold"
}
/**
 * What came of it.
 */
export interface CancelHoldResult {
/**
 * Whether there was nothing left to take off the calendar.
 */
alreadyGone: boolean
holdId: HoldId
/**
 * Where the hold stands: `cancelled`, or how it had ended before; `unknown` where there is no such hold.
 */
state: string
}
export interface DisconnectTaskSucceeded {
correlationId?: (string | null)
result?: Disconnection
/**
 * In place of a result too large for the queue: where to read it, `GET /v1/tasks/{id}`.
 */
resultUrl?: string
/**
 * The task's id.
 */
taskId: string
type: "disconnect"
}
/**
 * What was done for a connector that goes.
 */
export interface Disconnection {
/**
 * Tentative events of holds that could not be taken off, and stay until somebody deletes them.
 */
holdsLeft: number
/**
 * Tentative events of holds that were taken off the calendar.
 */
holdsReleased: number
/**
 * Whether a grant was ended at the provider; `false` where none was held any more, or the provider has no way to.
 */
revoked: boolean
}
export interface TaskFailedNotification {
data: TaskFailed
/**
 * Always `application/json`.
 */
datacontenttype: string
/**
 * The same on every redelivery: receivers drop what they have seen.
 */
id: string
/**
 * Who speaks: this worker.
 */
source: string
/**
 * Always `1.0`.
 */
specversion: string
/**
 * The connector it is about.
 */
subject: string
/**
 * When, RFC 3339 in UTC.
 */
time: string
type: "calendar.task.failed"
}
/**
 * A task will not be done.
 */
export interface TaskFailed {
correlationId?: (string | null)
error: TaskError
/**
 * The task's id.
 */
taskId: string
/**
 * What was asked for, as the message had it: no type there is, where that is what is wrong.
 */
type: string
}
/**
 * What is wrong.
 */
export interface TaskError {
/**
 * A stable name in snake_case.
 */
code: string
/**
 * Path of the offending field, such as `payload.attendees[0].email`.
 */
field?: (string | null)
/**
 * For a human.
 */
message: string
/**
 * Whether the same task may succeed later without anybody changing it.
 */
retryable: boolean
}
export interface ConnectorConnectedNotification {
data: ConnectorConnected
/**
 * Always `application/json`.
 */
datacontenttype: string
/**
 * The same on every redelivery: receivers drop what they have seen.
 */
id: string
/**
 * Who speaks: this worker.
 */
source: string
/**
 * Always `1.0`.
 */
specversion: string
/**
 * The connector it is about.
 */
subject: string
/**
 * When, RFC 3339 in UTC.
 */
time: string
type: "calendar.connector.connected"
}
/**
 * An account was connected, or connected again.
 */
export interface ConnectorConnected {
/**
 * The account's address.
 */
accountEmail?: (string | null)
/**
 * Who serves it.
 */
provider: ("google" | "microsoft")
/**
 * The scopes granted.
 */
scopes: string[]
/**
 * Whose it is.
 */
userId: string
workspaceId?: (string | null)
}
export interface ReauthRequiredNotification {
data: ReauthRequired
/**
 * Always `application/json`.
 */
datacontenttype: string
/**
 * The same on every redelivery: receivers drop what they have seen.
 */
id: string
/**
 * Who speaks: this worker.
 */
source: string
/**
 * Always `1.0`.
 */
specversion: string
/**
 * The connector it is about.
 */
subject: string
/**
 * When, RFC 3339 in UTC.
 */
time: string
type: "calendar.connector.reauth_required"
}
/**
 * A grant is gone; the person must connect again.
 */
export interface ReauthRequired {
/**
 * The account's address.
 */
accountEmail?: (string | null)
/**
 * Who serves it.
 */
provider: ("google" | "microsoft")
reason: ReauthReason
}
/**
 * How the provider put it.
 */
export interface ReauthReason {
/**
 * A stable name in snake_case.
 */
code: string
/**
 * For a human.
 */
message: string
}
export interface ConnectorDisconnectedNotification {
data: ConnectorDisconnected
/**
 * Always `application/json`.
 */
datacontenttype: string
/**
 * The same on every redelivery: receivers drop what they have seen.
 */
id: string
/**
 * Who speaks: this worker.
 */
source: string
/**
 * Always `1.0`.
 */
specversion: string
/**
 * The connector it is about.
 */
subject: string
/**
 * When, RFC 3339 in UTC.
 */
time: string
type: "calendar.connector.disconnected"
}
/**
 * An account was disconnected and its rows purged.
 */
export interface ConnectorDisconnected {
/**
 * The account's address.
 */
accountEmail?: (string | null)
/**
 * Tentative events of holds that could not be taken off, and stay until somebody deletes them.
 */
holdsLeft: number
/**
 * Tentative events of holds that were taken off the calendar.
 */
holdsReleased: number
/**
 * Who served it.
 */
provider: ("google" | "microsoft")
/**
 * Whether a grant was ended at the provider; `false` where none was held any more, or the provider has no way to.
 */
revoked: boolean
/**
 * Whose it was.
 */
userId: string
workspaceId?: (string | null)
}
export interface ScopesInsufficientNotification {
data: ScopesInsufficient
/**
 * Always `application/json`.
 */
datacontenttype: string
/**
 * The same on every redelivery: receivers drop what they have seen.
 */
id: string
/**
 * Who speaks: this worker.
 */
source: string
/**
 * Always `1.0`.
 */
specversion: string
/**
 * The connector it is about.
 */
subject: string
/**
 * When, RFC 3339 in UTC.
 */
time: string
type: "calendar.connector.scopes_insufficient"
}
/**
 * The person granted less than is needed.
 */
export interface ScopesInsufficient {
/**
 * The account's address.
 */
accountEmail?: (string | null)
/**
 * Those that were.
 */
granted: string[]
/**
 * The scopes that are needed and were not granted, as the provider names them.
 */
missing: string[]
/**
 * Who serves the account.
 */
provider: ("google" | "microsoft")
}
export interface HoldExpiredNotification {
data: HoldExpired
/**
 * Always `application/json`.
 */
datacontenttype: string
/**
 * The same on every redelivery: receivers drop what they have seen.
 */
id: string
/**
 * Who speaks: this worker.
 */
source: string
/**
 * Always `1.0`.
 */
specversion: string
/**
 * The connector it is about.
 */
subject: string
/**
 * When, RFC 3339 in UTC.
 */
time: string
type: "calendar.hold.expired"
}
/**
 * A hold ran out and was taken off the calendar.
 */
export interface HoldExpired {
/**
 * The provider's id of a calendar.
 */
calendarId: string
/**
 * First instant after it.
 */
end: string
/**
 * The provider's id of an event in a calendar.
 */
eventId: string
/**
 * When it ran out.
 */
expiredAt: string
/**
 * The producer's id of a hold; unique per connector.
 */
holdId: string
/**
 * First instant of its slot, RFC 3339 in UTC.
 */
start: string
}
export interface ConflictDetectedNotification {
data: ConflictDetected
/**
 * Always `application/json`.
 */
datacontenttype: string
/**
 * The same on every redelivery: receivers drop what they have seen.
 */
id: string
/**
 * Who speaks: this worker.
 */
source: string
/**
 * Always `1.0`.
 */
specversion: string
/**
 * The connector it is about.
 */
subject: string
/**
 * When, RFC 3339 in UTC.
 */
time: string
type: "calendar.conflict.detected"
}
/**
 * An event had been changed by somebody else.
 */
export interface ConflictDetected {
/**
 * The provider's id of a calendar.
 */
calendarId: string
etag?: (string | null)
/**
 * The provider's id of an event in a calendar.
 */
eventId: string
/**
 * The task that would have changed or cancelled it.
 */
taskId: string
}
