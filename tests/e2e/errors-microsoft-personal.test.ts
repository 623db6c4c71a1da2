// What Microsoft answers for a person's own account, and what becomes of the task; the same words as for a work account's.

import { microsoftPersonal } from "./support/account-kinds.ts";
import { errorsBehave } from "./support/error-behaviours.ts";

errorsBehave(microsoftPersonal, {
  passing: [["429 TooManyRequests", { status: 429, reason: "TooManyRequests", retryAfter: 1 }]],
  refusals: [
    ["403 ErrorAccessDenied", "events.create", { status: 403 }, "scope_missing"],
    ["404 of an event", "events.update", { status: 404 }, "event_not_found"],
    ["412", "events.update", { status: 412 }, "event_changed"],
  ],
  revoked: [["AADSTS70000", "token", { status: 400, reason: "70000" }, "grant_revoked"]],
});
