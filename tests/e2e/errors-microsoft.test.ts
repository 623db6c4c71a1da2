// What Microsoft answers, and what becomes of the task.

import { microsoftWork } from "./support/account-kinds.ts";
import { errorsBehave } from "./support/error-behaviours.ts";

errorsBehave(microsoftWork, {
  passing: [
    ["429 TooManyRequests", { status: 429, reason: "TooManyRequests", retryAfter: 1 }],
    ["409", { status: 409, retryAfter: 1 }],
    ["509", { status: 509, retryAfter: 1 }],
  ],
  refusals: [
    ["403 ErrorAccessDenied", "events.create", { status: 403 }, "scope_missing"],
    ["400", "events.create", { status: 400 }, "provider_rejected"],
    ["404 of a calendar", "events.create", { status: 404 }, "calendar_not_found"],
    ["404 of an event", "events.update", { status: 404 }, "event_not_found"],
    ["412", "events.update", { status: 412 }, "event_changed"],
    ["an unreadable answer", "events.create", { status: 200, body: "<html>" }, "provider_unreadable"],
    ["a status nobody expects", "events.create", { status: 418, body: "tea" }, "provider_unreadable"],
  ],
  revoked: [
    ["AADSTS50173", "token", { status: 400, reason: "50173" }, "grant_revoked"],
    ["401 for every token", "events.create", { status: 401 }, "access_token_refused"],
  ],
});
