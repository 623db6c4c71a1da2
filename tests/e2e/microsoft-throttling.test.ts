// What Outlook lets an application do to one mailbox, and that the worker keeps within it: four requests at a time, so many
// in ten minutes, and a rest as long as `Retry-After` says.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { microsoftWork } from "./support/account-kinds.ts";
import type { Side } from "./support/side.ts";
import { hour, Stack } from "./support/stack.ts";

let stack: Stack;
let microsoft: Side;
before(async () => {
  stack = await Stack.start();
  microsoft = stack.at(microsoftWork);
});
after(() => stack.stop());

const window = { timeMin: hour(0), timeMax: hour(23), timeZone: "UTC" };

describe("one mailbox", () => {
  test("is never asked more than four things at once, whoever asks", async () => {
    const { connectorId, account } = await microsoft.connectEmptyAccount();
    // The same mailbox, connected for somebody else too: its limit is one.
    const other = await microsoft.connect(account);
    await microsoft.control("POST", "behaviour", { latencyMs: 150 });
    await microsoft.control("DELETE", "counters");
    const ask = (connectorIds: string[]) => stack.api("POST", "/v1/availability", { ...window, connectorIds });
    const waiting = Array.from({ length: 12 }, (_, n) => ask([n % 2 === 0 ? connectorId : other]));
    const ids = await Promise.all(
      Array.from({ length: 12 }, () => stack.enqueue("check-availability", connectorId, window)),
    );
    await Promise.all(waiting);
    for (const id of ids) assert.equal((await stack.ended(id, connectorId)).state, "succeeded");
    await microsoft.control("POST", "behaviour", { latencyMs: 0 });
    const counters = await microsoft.control("GET", "counters");
    assert.ok(counters.maxInFlight[account] <= 4, JSON.stringify(counters.maxInFlight));
    for (const [route, { byStatus }] of Object.entries<{ byStatus: Record<string, number> }>(counters.routes)) {
      assert.equal(byStatus["429"], undefined, route);
    }
  });

  test("is left alone for as long as Retry-After says", async () => {
    const { connectorId, account } = await microsoft.connectEmptyAccount();
    await microsoft.fault("getSchedule", { status: 429, retryAfter: 4 }, { match: { account } });
    const first = await stack.enqueue("check-availability", connectorId, window);
    const task = await stack.ended(first, connectorId);
    assert.deepEqual([task.state, task.attempts], ["succeeded", 2]);
    const calls = (await microsoft.control("GET", `requests?route=getSchedule&account=${account}`)).requests;
    const [refused, repeated] = calls.map((call: { at: string }) => Date.parse(call.at));
    assert.equal(calls.length, 2, JSON.stringify(calls));
    assert.ok(repeated - refused >= 4_000, `${repeated - refused} ms`);
  });
});
