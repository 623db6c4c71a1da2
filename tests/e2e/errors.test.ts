// The error tables of ARCHITECTURE.md, end to end: what a provider answers, and what becomes of the task.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { type AccountKind, google, microsoftWork } from "./support/account-kinds.ts";
import { fresh, hour, Stack, until } from "./support/stack.ts";

let stack: Stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

const meeting = { summary: "Demo", start: hour(9), end: hour(10), timeZone: "UTC", attendees: [] };
const window = { timeMin: hour(0), timeMax: hour(23), timeZone: "UTC" };

/** What the provider does, on which route, and the code of the final failure. */
type Refusal = [name: string, route: string, fault: unknown, code: string];

/** Faults of every provider's servers and network that pass. */
const passing: [string, unknown][] = [
  ["429 with Retry-After", { status: 429, retryAfter: 1 }],
  ["500", { status: 500, retryAfter: 1 }],
  ["502", { status: 502, retryAfter: 1 }],
  ["503 with Retry-After", { status: 503, retryAfter: 1 }],
  ["503 although it took effect", { status: 503, after: true, retryAfter: 1 }],
  ["504", { status: 504, retryAfter: 1 }],
  ["a cut connection", "cut"],
  ["a connection cut after the effect", "cut_after"],
  ["an answer cut in the middle", "cut_body"],
];

const providers: { kind: AccountKind; passing: [string, unknown][]; refusals: Refusal[]; revoked: Refusal[] }[] = [
  {
    kind: google,
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
      ["401 for every token", "events.insert", { status: 401 }, "access_token_refused"],
    ],
  },
  {
    kind: microsoftWork,
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
  },
];

for (const { kind, passing: own, refusals, revoked } of providers) {
  describe(kind.title, () => {
    describe("faults that pass are tried again and leave one event", { concurrency: 4 }, () => {
      for (const [name, fault] of [...passing, ...own]) {
        test(name, async () => {
          const side = stack.at(kind);
          const { connectorId, account } = await side.connectEmptyAccount();
          await side.fault(kind.createRoute, fault, { match: { account } });
          const id = await stack.enqueue("create-event", connectorId, meeting);
          const task = await stack.ended(id, connectorId, 90_000);
          assert.equal(task.state, "succeeded", JSON.stringify(task));
          assert.equal(task.attempts, 2);
          assert.equal((await side.events(account)).length, 1);
        });
      }
    });

    describe("refusals are final and say what to do", { concurrency: 4 }, () => {
      for (const [name, route, fault, code] of refusals) {
        test(`${name} is ${code}`, async () => {
          const side = stack.at(kind);
          const { connectorId, account } = await side.connectEmptyAccount();
          const isWrite = route === kind.createRoute;
          const { eventId, etag } = isWrite ? {} : await stack.run("create-event", connectorId, meeting);
          await side.fault(route, fault, { match: { account }, times: "forever" });
          const [type, payload] = isWrite
            ? ["create-event", meeting]
            : route === "freeBusy"
              ? ["check-availability", window]
              : ["update-event", { eventId, etag, summary: "Other" }];
          const task = await stack.ended(await stack.enqueue(type, connectorId, payload), connectorId);
          assert.equal(task.state, "failed", JSON.stringify(task));
          assert.equal(task.attempts, 1);
          assert.deepEqual([task.error?.code, task.error?.retryable], [code, false], JSON.stringify(task.error));
        });
      }
    });

    describe("a grant that is gone stops the connector and is told once", { concurrency: 4 }, () => {
      for (const [name, route, fault, code] of revoked) {
        test(`${name} is ${code}`, async () => {
          const side = stack.at(kind);
          const { connectorId, account } = await side.connectEmptyAccount();
          await side.control("POST", "tokens/expire", { account });
          await side.fault(route, fault, { match: { account }, times: "forever" });
          const ids = await Promise.all([1, 2, 3].map(() => stack.enqueue("create-event", connectorId, meeting)));
          const codes = await Promise.all(
            ids.map(async (id) => (await stack.ended(id, connectorId, 60_000)).error?.code),
          );
          assert.ok(codes.includes(code), JSON.stringify(codes));
          const isReauth = (told: { type: string }) => told.type === "calendar.connector.reauth_required";
          await stack.told(connectorId, isReauth);
          assert.equal((await stack.notifications(connectorId)).filter(isReauth).length, 1);
          assert.equal((await stack.api("GET", `/v1/connectors/${connectorId}`)).body.status, "reauth_required");
        });
      }
    });

    describe("tokens and grants", () => {
      test("an expired access token is refreshed once and the call repeated", async () => {
        const side = stack.at(kind);
        const { connectorId, account } = await side.connectEmptyAccount();
        await side.control("POST", "tokens/expire", { account });
        const before = await side.calls("token", account);
        const task = await stack.ended(await stack.enqueue("create-event", connectorId, meeting), connectorId);
        assert.deepEqual([task.state, task.attempts], ["succeeded", 1]);
        assert.equal((await side.calls("token", account)) - before, 1);
      });

      test("a revoked grant is resumed by connecting again, and its tasks by a replay", async () => {
        const side = stack.at(kind);
        const userId = fresh("user");
        const { connectorId, account } = await side.connectEmptyAccount({ userId });
        await side.control("POST", "tokens/expire", { account });
        await side.control("POST", "grants/revoke", { account });
        const id = await stack.enqueue("create-event", connectorId, meeting);
        assert.equal((await stack.ended(id, connectorId)).state, "failed");
        assert.equal(await side.connect(account, { userId }), connectorId);
        const replay = await stack.api("POST", `/v1/tasks/${id}/replay?connectorId=${connectorId}`);
        assert.equal(replay.status, 202, JSON.stringify(replay.body));
        const task = await until(
          () => stack.ended(id, connectorId),
          (each) => each.state === "succeeded",
        );
        assert.ok(task.result.eventId);
        assert.equal((await side.events(account)).length, 1);
      });

      test("a hundred tasks on one connector with an expired token refresh it once", async () => {
        const side = stack.at(kind);
        const { connectorId, account } = await side.connectEmptyAccount();
        await side.control("POST", "tokens/expire", { account });
        const before = await side.calls("token", account);
        const ids = await Promise.all(
          Array.from({ length: 100 }, () => stack.enqueue("check-availability", connectorId, window)),
        );
        for (const id of ids) assert.equal((await stack.ended(id, connectorId, 180_000)).state, "succeeded");
        assert.equal((await side.calls("token", account)) - before, 1);
      });
    });
  });
}

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
    await stack.enqueue("create-event", connectorId, meeting, { id });
    assert.equal((await stack.ended(id, connectorId)).error?.code, "event_id_taken");
  });
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
