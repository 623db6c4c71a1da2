// The budgets of the design, counted in workerd: provider calls by the simulator, round trips by the worker itself.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { google, microsoftPersonal, microsoftWork } from "./support/account-kinds.ts";
import { type Cost, costOf } from "./support/costs.ts";
import { fresh, hour, Stack } from "./support/stack.ts";

let stack: Stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

const window = { timeMin: hour(0), timeMax: hour(23), timeZone: "UTC" };
const meeting = { summary: "x", start: hour(9), end: hour(10), timeZone: "UTC", attendees: [] };

/** What a task cost that ran alone in its batch. */
async function cost(type: string, connectorId: string, payload: unknown): Promise<Cost> {
  return await costOf(stack, async () => {
    await stack.run(type, connectorId, payload);
  });
}

function assertWithin(spent: Cost, providerCalls: number, d1: number): void {
  assert.equal(spent.providerCalls, providerCalls, JSON.stringify(spent));
  assert.ok(spent.d1 <= d1, JSON.stringify(spent));
}

for (const kind of [google, microsoftWork, microsoftPersonal]) {
  describe(`${kind.title}, token cached`, () => {
    test("check-availability: one call, three round trips", async () => {
      const { connectorId } = await stack.at(kind).connectEmptyAccount();
      assertWithin(await cost("check-availability", connectorId, window), 1, 3);
    });

    test("find-slots of two people: one call each, three round trips", async () => {
      const workspaceId = fresh("workspace");
      const one = await stack.at(kind).connectEmptyAccount({ workspaceId });
      const two = await stack.at(kind).connectEmptyAccount({ workspaceId });
      // Buffers are nothing a provider's own search knows, so that everybody is asked.
      const search = { ...window, durationMinutes: 30, bufferAfterMinutes: 5, connectorIds: [two.connectorId] };
      assertWithin(await cost("find-slots", one.connectorId, search), 2, 3);
    });

    test("create-event: one call, three round trips", async () => {
      const { connectorId } = await stack.at(kind).connectEmptyAccount();
      assertWithin(await cost("create-event", connectorId, meeting), 1, 3);
    });

    test("place-hold: two calls, three round trips", async () => {
      const { connectorId } = await stack.at(kind).connectEmptyAccount();
      const hold = { holdId: fresh("hold"), start: hour(9), end: hour(10), timeZone: "UTC" };
      assertWithin(await cost("place-hold", connectorId, hold), 2, 3);
    });

    test("availability of three connectors for somebody who waits: one call each, one round trip in all", async () => {
      const connectorIds: string[] = [];
      for (let n = 0; n < 3; n++) connectorIds.push((await stack.at(kind).connectEmptyAccount()).connectorId);
      const spent = await costOf(stack, async () => {
        assert.equal((await stack.api("POST", "/v1/availability", { ...window, connectorIds })).status, 200);
      });
      assertWithin(spent, 3, 1);
    });

    test("slots of three connectors for somebody who waits: one call each, one round trip in all", async () => {
      const connectorIds: string[] = [];
      for (let n = 0; n < 3; n++) connectorIds.push((await stack.at(kind).connectEmptyAccount()).connectorId);
      const search = { ...window, durationMinutes: 30, bufferAfterMinutes: 5, connectorIds };
      const spent = await costOf(stack, async () => {
        assert.equal((await stack.api("POST", "/v1/slots", search)).status, 200);
      });
      assertWithin(spent, 3, 1);
    });

    test("the way to the provider: no call, one round trip", async () => {
      const link = await stack.at(kind).connectLink();
      const spent = await costOf(stack, async () => {
        await stack.depart(link);
      });
      assertWithin(spent, 0, 1);
    });
  });
}

describe("many calendars", () => {
  test("fifty at Google: one call", async () => {
    const connectorId = await stack.at(google).connect("many-calendars@example.com");
    const room = (_: unknown, n: number) => `room-${String(n).padStart(2, "0")}@group.calendar.google.com`;
    const calendars = Array.from({ length: 50 }, room);
    assertWithin(await cost("check-availability", connectorId, { ...window, calendars }), 1, 3);
  });

  test("fourteen at Microsoft: one batch", async () => {
    const connectorId = await stack.at(microsoftWork).connect("many-calendars@contoso.example");
    const known = (await stack.api("GET", `/v1/connectors/${connectorId}/calendars`)).body.calendars;
    const calendars = known.map((calendar: { id: string }) => calendar.id);
    assert.equal(calendars.length, 14);
    assertWithin(await cost("check-availability", connectorId, { ...window, calendars }), 1, 3);
  });
});
