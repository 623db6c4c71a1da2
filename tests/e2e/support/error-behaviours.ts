// The error tables of ARCHITECTURE.md, end to end: what a provider answers, and what becomes of the task.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { AccountKind } from "./account-kinds.ts";
import { fresh, hour, Stack, until } from "./stack.ts";

const meeting = { summary: "Demo", start: hour(9), end: hour(10), timeZone: "UTC", attendees: [] };
const window = { timeMin: hour(0), timeMax: hour(23), timeZone: "UTC" };

/** What the provider does, on which route, and the code of the final failure. */
export type Refusal = [name: string, route: string, fault: unknown, code: string];

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
  ["an answer that never comes", "hang"],
];

/** What is particular to one provider. */
export interface ErrorTable {
  /** Faults that pass. */
  passing: [string, unknown][];
  /** Refusals for good. */
  refusals: Refusal[];
  /** Ways a grant ends. */
  revoked: Refusal[];
}

/** Declares the tests of one kind of account. A file of its own for each, because strangers are rate limited. */
export function errorsBehave(kind: AccountKind, { passing: own, refusals, revoked }: ErrorTable): void {
  let stack: Stack;
  before(async () => {
    stack = await Stack.start();
  });
  after(() => stack.stop());

  describe(kind.title, () => {
    describe("faults that pass are tried again and leave one event", { concurrency: 4 }, () => {
      for (const [name, fault] of [...passing, ...own]) {
        test(name, async () => {
          const side = stack.at(kind);
          const { connectorId, account } = await side.connectEmptyAccount();
          await side.fault(kind.createRoute, fault, { match: { account } });
          const id = await stack.enqueue("create-event", connectorId, meeting);
          const task = await stack.ended(id, connectorId);
          assert.equal(task.state, "succeeded", JSON.stringify(task));
          assert.equal(task.attempts, 2);
          assert.equal((await side.events(account)).length, 1);
        });
      }
    });

    test("Retry-After is waited for to the second", async () => {
      const side = stack.at(kind);
      const { connectorId, account } = await side.connectEmptyAccount();
      const began = Date.now();
      await side.fault(kind.createRoute, { status: 429, retryAfter: 5 }, { match: { account } });
      const id = await stack.enqueue("create-event", connectorId, meeting);
      const task = await stack.ended(id, connectorId);
      assert.deepEqual([task.state, task.attempts], ["succeeded", 2]);
      assert.ok(Date.now() - began >= 5_000, `done after ${Date.now() - began} ms`);
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
          if (code === "scope_missing") {
            const told = await stack.told(connectorId, ({ type }) => type === "calendar.connector.scopes_insufficient");
            assert.ok(task.error?.message.includes(told.data.missing[0]), JSON.stringify(told));
          }
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
          const codes = await Promise.all(ids.map(async (id) => (await stack.ended(id, connectorId)).error?.code));
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
        for (const id of ids) {
          const task = await stack.ended(id, connectorId, 180_000);
          assert.equal(task.state, "succeeded", JSON.stringify(task));
        }
        assert.equal((await side.calls("token", account)) - before, 1);
      });
    });
  });
}
