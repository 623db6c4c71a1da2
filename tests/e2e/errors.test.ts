// The error table of the design, end to end: what the provider answers, and what becomes of the task.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fresh, hour, Stack, until } from "./support/stack.ts";

let stack: Stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

const meeting = { summary: "Demo", start: hour(9), end: hour(10), timeZone: "UTC", attendees: [] };

describe("faults that pass are tried again and leave one event", () => {
  const faults: [string, unknown][] = [
    ["429 with Retry-After", { status: 429, retryAfter: 1 }],
    ["403 rateLimitExceeded", { status: 403, reason: "rateLimitExceeded", retryAfter: 1 }],
    ["403 userRateLimitExceeded", { status: 403, reason: "userRateLimitExceeded", retryAfter: 1 }],
    ["500", { status: 500, retryAfter: 1 }],
    ["503 with Retry-After", { status: 503, retryAfter: 1 }],
    ["503 although it took effect", { status: 503, after: true, retryAfter: 1 }],
    ["a cut connection", "cut"],
    ["a connection cut after the effect", "cut_after"],
  ];
  for (const [name, fault] of faults) {
    test(name, async () => {
      const { connectorId, account } = await stack.connectEmptyAccount();
      await stack.fault("events.insert", fault, { match: { account } });
      const id = await stack.enqueue("create-event", connectorId, meeting);
      const task = await stack.ended(id, connectorId, 60_000);
      assert.equal(task.state, "succeeded", JSON.stringify(task));
      assert.equal(task.attempts, 2);
      assert.equal((await stack.events(account)).length, 1);
    });
  }
});

describe("refusals are final and say what to do", () => {
  const faults: [string, unknown, string][] = [
    ["403 insufficientPermissions", { status: 403, reason: "insufficientPermissions" }, "scope_missing"],
    ["403 forbidden", { status: 403, reason: "forbidden" }, "forbidden"],
    ["400", { status: 400, reason: "invalid" }, "provider_rejected"],
    ["404", { status: 404, reason: "notFound" }, "not_found"],
    ["an unreadable answer", { status: 200, body: "<html>" }, "answer_unreadable"],
  ];
  for (const [name, fault] of faults) {
    test(name, async () => {
      const { connectorId, account } = await stack.connectEmptyAccount();
      await stack.fault("events.insert", fault, { match: { account }, times: "forever" });
      const task = await stack.ended(await stack.enqueue("create-event", connectorId, meeting), connectorId);
      await stack.control("DELETE", "faults");
      assert.equal(task.state, "failed", JSON.stringify(task));
      assert.equal(task.attempts, 1);
      assert.equal(task.error?.retryable, false);
    });
  }
});

describe("tokens and grants", () => {
  test("an expired access token is refreshed once and the call repeated", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
    await stack.control("POST", "tokens/expire", { account });
    const before = await stack.calls("token");
    const task = await stack.ended(await stack.enqueue("create-event", connectorId, meeting), connectorId);
    assert.deepEqual([task.state, task.attempts], ["succeeded", 1]);
    assert.equal((await stack.calls("token")) - before, 1);
  });

  test("a revoked grant stops the connector, is told once, and reconnecting resumes", async () => {
    const userId = fresh("user");
    const { connectorId, account } = await stack.connectEmptyAccount({ userId });
    await stack.control("POST", "grants/revoke", { account });
    const ids = await Promise.all([1, 2, 3].map(() => stack.enqueue("create-event", connectorId, meeting)));
    for (const id of ids) {
      const task = await stack.ended(id, connectorId);
      assert.equal(task.state, "failed", JSON.stringify(task));
    }
    const isReauth = (told: { type: string }) => told.type === "calendar.connector.reauth_required";
    await stack.told(connectorId, isReauth);
    assert.equal((await stack.notifications(connectorId)).filter(isReauth).length, 1);
    assert.equal((await stack.api("GET", `/v1/connectors/${connectorId}`)).body.status, "reauth_required");

    assert.equal(await stack.connect(account, { userId }), connectorId);
    const replay = await stack.api("POST", `/v1/tasks/${ids[0]}/replay?connectorId=${connectorId}`);
    assert.equal(replay.status, 202, JSON.stringify(replay.body));
    const task = await until(
      () => stack.ended(ids[0] ?? "", connectorId),
      (each) => each.state === "succeeded",
    );
    assert.ok(task.result.eventId);
    assert.equal((await stack.events(account)).length, 1);
  });

  test("a hundred tasks on one connector with an expired token refresh it once", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
    await stack.control("POST", "tokens/expire", { account });
    const before = await stack.calls("token");
    const window = { timeMin: hour(0), timeMax: hour(23), timeZone: "UTC" };
    const ids = await Promise.all(
      Array.from({ length: 100 }, () => stack.enqueue("check-availability", connectorId, window)),
    );
    for (const id of ids) assert.equal((await stack.ended(id, connectorId, 120_000)).state, "succeeded");
    assert.equal((await stack.calls("token")) - before, 1);
  });
});
