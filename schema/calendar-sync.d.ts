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
export interface Notification {
/**
 * What there is to say, by type. Where a task's `result` would be too large for the queue, `resultUrl` says where to read it:
 * `GET /v1/tasks/{id}`.
 */
data: {
[k: string]: unknown
}
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
/**
 * What happened.
 */
type: ("calendar.task.succeeded" | "calendar.task.failed" | "calendar.connector.connected" | "calendar.connector.reauth_required" | "calendar.connector.disconnected" | "calendar.connector.scopes_insufficient" | "calendar.hold.expired" | "calendar.conflict.detected")
}
