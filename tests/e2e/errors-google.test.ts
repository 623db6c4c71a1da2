// What Google answers, and what becomes of the task.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { google } from "./support/account-kinds.ts";
import { errorsBehave } from "./support/error-behaviours.ts";
import { fresh, hour, Stack } from "./support/stack.ts";

const rapt = JSON.stringify({ error: "invalid_grant", error_subtype: "invalid_rapt" });

errorsBehave(google, {
  passing: [
    ["403 rateLimitExceeded", { status: 403, reason: "rateLimitExceeded", retryAfter: 1 }],
    ["403 userRateLimitExceeded", { status: 403, reason: "userRateLimitExceeded", retryAfter: 1 }],
    ["403 quotaExceeded", { status: 403, reason: "quotaExceeded", retryAfter: 1 }],
    ["403 calendarUsageLimitsExceeded", { status: 403, reason: "calendarUsageLimitsExceeded", retryAfter: 1 }],
    ["403 dailyLimitExceeded", { status: 403, reason: "dailyLimitExceeded", retryAfter: 1 }],
    ["403 dailyLimitExceededUnreg", { status: 403, reason: "dailyLimitExceededUnreg", retryAfter: 1 }],
    ["408", { status: 408, reason: "timeout", retryAfter: 1 }],
    ["409 conflict", { status: 409, reason: "conflict", retryAfter: 1 }],
  ],
  refusals: [
    [
      "403 insufficientPermissions",
      "events.insert",
      { status: 403, reason: "insufficientPermissions" },
      "scope_missing",
    ],
    [
      "403 accessNotConfigured",
      "events.insert",
      { status: 403, reason: "accessNotConfigured" },
      "provider_api_disabled",
    ],
    ["403 forbidden", "events.insert", { status: 403, reason: "forbidden" }, "forbidden"],
    ["403 requiredAccessLevel", "events.insert", { status: 403, reason: "requiredAccessLevel" }, "forbidden"],
    [
      "403 forbiddenForNonOrganizer",
      "events.patch",
      { status: 403, reason: "forbiddenForNonOrganizer" },
      "not_organizer",
    ],
    ["400 invalid", "events.insert", { status: 400, reason: "invalid" }, "provider_rejected"],
    ["400 parseError", "events.insert", { status: 400, reason: "parseError" }, "provider_unreadable"],
    ["400 timeRangeTooLong", "freeBusy", { status: 400, reason: "timeRangeTooLong" }, "interval_too_long"],
    ["400 timeRangeEmpty", "freeBusy", { status: 400, reason: "timeRangeEmpty" }, "empty_interval"],
    ["404 of a calendar", "events.insert", { status: 404 }, "calendar_not_found"],
    ["404 of an event", "events.patch", { status: 404 }, "event_not_found"],
    ["410 deleted", "events.patch", { status: 410, reason: "deleted" }, "event_deleted"],
    ["410 fullSyncRequired", "events.patch", { status: 410, reason: "fullSyncRequired" }, "sync_cursor_expired"],
    [
      "410 updatedMinTooLongAgo",
      "events.patch",
      { status: 410, reason: "updatedMinTooLongAgo" },
      "sync_cursor_expired",
    ],
    ["412", "events.patch", { status: 412 }, "event_changed"],
    ["an unreadable answer", "events.insert", { status: 200, body: "<html>" }, "provider_unreadable"],
    ["a status nobody expects", "events.insert", { status: 418, body: "tea" }, "provider_unreadable"],
  ],
  revoked: [
    ["invalid_grant", "token", { status: 400, reason: "invalid_grant" }, "grant_revoked"],
    ["admin_policy_enforced", "token", { status: 400, reason: "admin_policy_enforced" }, "grant_refused"],
    ["org_internal", "token", { status: 403, reason: "org_internal" }, "grant_refused"],
    ["account_disabled", "token", { status: 400, reason: "account_disabled" }, "grant_refused"],
    ["invalid_rapt", "token", { status: 400, body: rapt }, "session_expired"],
    ["401 for every token", "events.insert", { status: 401 }, "access_token_refused"],
  ],
});

let stack: Stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

describe("at Google, where the event's id is ours to choose", () => {
  test("somebody else's event under it is a conflict", async () => {
    const side = stack.at(google);
    const { connectorId, account } = await side.connectEmptyAccount();
    const id = fresh("task");
    const taken = creationKey(["event", connectorId, id]);
    await side.control("POST", "events", {
      account,
      event: { id: taken, ...google.event({ summary: "Theirs", ...times }) },
    });
    await stack.enqueue(
      "create-event",
      connectorId,
      { summary: "Demo", timeZone: "UTC", attendees: [], ...times },
      { id },
    );
    assert.equal((await stack.ended(id, connectorId)).error?.code, "event_id_taken");
  });
});

describe("Google's token endpoint", { concurrency: 4 }, () => {
  /** What becomes of an event that is to be created with an expired token, while the endpoint answers like this. */
  async function created(fault: unknown, faults: number | "forever") {
    const side = stack.at(google);
    const { connectorId, account } = await side.connectEmptyAccount();
    await side.control("POST", "tokens/expire", { account });
    await side.fault("token", fault, { match: { account }, times: faults });
    const id = await stack.enqueue("create-event", connectorId, { summary: "Demo", timeZone: "UTC", ...times });
    return { connectorId, account, task: await stack.ended(id, connectorId) };
  }

  for (const [name, fault, code] of [
    ["invalid_client", { status: 401, reason: "invalid_client" }, "client_misconfigured"],
    ["unauthorized_client", { status: 401, reason: "unauthorized_client" }, "client_misconfigured"],
    ["deleted_client", { status: 401, reason: "deleted_client" }, "client_misconfigured"],
    ["disabled_client", { status: 401, reason: "disabled_client" }, "client_misconfigured"],
    ["redirect_uri_mismatch", { status: 400, reason: "redirect_uri_mismatch" }, "redirect_uri_mismatch"],
    ["invalid_scope", { status: 400, reason: "invalid_scope" }, "invalid_scope"],
    ["an error nobody knows", { status: 400, reason: "newly_invented" }, "token_request_refused"],
    ["an unreadable answer", { status: 400, body: "<html>" }, "token_answer_unreadable"],
  ] as const) {
    test(`${name} is ${code} and costs nobody a consent`, async () => {
      const { task, connectorId } = await created(fault, "forever");
      assert.deepEqual([task.state, task.error?.code], ["failed", code], JSON.stringify(task));
      assert.equal((await stack.api("GET", `/v1/connectors/${connectorId}`)).body.status, "active");
    });
  }

  for (const [name, fault] of [
    ["slow_down", { status: 400, reason: "slow_down" }],
    ["429", { status: 429, reason: "rate_limit_exceeded", retryAfter: 1 }],
    ["temporarily_unavailable", { status: 400, reason: "temporarily_unavailable" }],
    ["503", { status: 503, retryAfter: 1 }],
    ["a cut connection", "cut"],
  ] as const) {
    test(`${name} passes`, async () => {
      const { task, account } = await created(fault, 1);
      assert.equal(task.state, "succeeded", JSON.stringify(task));
      assert.equal((await stack.at(google).events(account)).length, 1);
    });
  }
});

const times = { start: hour(9), end: hour(10) };

/** The first 16 bytes of SHA-256 over the parts, each behind its length in eight bytes, in hex. */
function creationKey(parts: string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(Buffer.byteLength(part)));
    hash.update(length).update(part);
  }
  return hash.digest("hex").slice(0, 32);
}
