// The budgets of the design, counted in workerd: provider calls by the simulator, round trips by the worker itself.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Cost, costOf } from "./support/costs.ts";
import { fresh, hour, Stack } from "./support/stack.ts";

let stack: Stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

const window = { timeMin: hour(0), timeMax: hour(23), timeZone: "UTC" };

/** What a task cost that ran alone in its batch. */
async function cost(type: string, connectorId: string, payload: unknown): Promise<Cost> {
  return await costOf(stack, async () => {
    await stack.run(type, connectorId, payload);
  });
}

describe("a task from the queue, token cached", () => {
  test("check-availability of fifty calendars: one call, three round trips", async () => {
    const connectorId = await stack.connect("many-calendars@example.com");
    const calendars = Array.from(
      { length: 50 },
      (_, n) => `room-${String(n).padStart(2, "0")}@group.calendar.google.com`,
    );
    const spent = await cost("check-availability", connectorId, { ...window, calendars });
    assert.equal(spent.providerCalls, 1);
    assert.ok(spent.d1 <= 3, JSON.stringify(spent));
  });

  test("find-slots of two people: one call each, three round trips", async () => {
    const workspaceId = fresh("workspace");
    const one = await stack.connectEmptyAccount({ workspaceId });
    const two = await stack.connectEmptyAccount({ workspaceId });
    const payload = { ...window, durationMinutes: 30, connectorIds: [two.connectorId] };
    const spent = await cost("find-slots", one.connectorId, payload);
    assert.equal(spent.providerCalls, 2);
    assert.ok(spent.d1 <= 3, JSON.stringify(spent));
  });

  test("create-event: one call, three round trips", async () => {
    const { connectorId } = await stack.connectEmptyAccount();
    const spent = await cost("create-event", connectorId, {
      summary: "x",
      start: hour(9),
      end: hour(10),
      timeZone: "UTC",
      attendees: [],
    });
    assert.equal(spent.providerCalls, 1);
    assert.ok(spent.d1 <= 3, JSON.stringify(spent));
  });

  test("place-hold: two calls, three round trips", async () => {
    const { connectorId } = await stack.connectEmptyAccount();
    const spent = await cost("place-hold", connectorId, {
      holdId: fresh("hold"),
      start: hour(9),
      end: hour(10),
      timeZone: "UTC",
    });
    assert.equal(spent.providerCalls, 2);
    assert.ok(spent.d1 <= 3, JSON.stringify(spent));
  });
});

describe("for somebody who waits", () => {
  test("availability of three connectors: one call each, one round trip in all", async () => {
    const connectorIds: string[] = [];
    for (let n = 0; n < 3; n++) connectorIds.push((await stack.connectEmptyAccount()).connectorId);
    const spent = await costOf(stack, async () => {
      assert.equal((await stack.api("POST", "/v1/availability", { ...window, connectorIds })).status, 200);
    });
    assert.equal(spent.providerCalls, 3);
    assert.equal(spent.d1, 1);
  });

  test("slots of three connectors: one call each, one round trip in all", async () => {
    const connectorIds: string[] = [];
    for (let n = 0; n < 3; n++) connectorIds.push((await stack.connectEmptyAccount()).connectorId);
    const spent = await costOf(stack, async () => {
      const body = { ...window, durationMinutes: 30, connectorIds };
      assert.equal((await stack.api("POST", "/v1/slots", body)).status, 200);
    });
    assert.equal(spent.providerCalls, 3);
    assert.equal(spent.d1, 1);
  });

  test("the way to the provider: no call, one round trip", async () => {
    const link = await stack.connectLink();
    const spent = await costOf(stack, async () => {
      await stack.depart(link);
    });
    assert.deepEqual([spent.providerCalls, spent.d1], [0, 1]);
  });
});
