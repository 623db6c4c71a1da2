// Continuous access evaluation: Graph refuses a token that is still young, and says what a new one has to prove.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { microsoftWork } from "./support/account-kinds.ts";
import type { Side } from "./support/side.ts";
import { hour, type Json, Stack } from "./support/stack.ts";

let stack: Stack;
let microsoft: Side;
before(async () => {
  stack = await Stack.start();
  microsoft = stack.at(microsoftWork);
});
after(() => stack.stop());

const window = { timeMin: hour(0), timeMax: hour(23), timeZone: "UTC" };
const meeting = { summary: "x", start: hour(9), end: hour(10), timeZone: "UTC", attendees: [] };
const challenge = { status: 401, reason: "claims" };

/** Somebody with two calendars, whose busy times are asked for in one batch. */
async function person(): Promise<{ account: string; connectorId: string }> {
  const account = await microsoft.newAccount();
  await microsoft.control("POST", "calendars", { account, name: "Side" });
  return { account, connectorId: await microsoft.connect(account) };
}

/** What the simulator was sent on a route for an account, oldest first. */
async function sent(route: string, account: string): Promise<Json[]> {
  return (await microsoft.control("GET", `requests?${new URLSearchParams({ route, account })}`)).requests;
}

describe("a claims challenge", () => {
  for (const [where, route, type, payload] of [
    ["to a request", "events.create", "create-event", meeting],
    ["to a part of a batch", "calendarView", "check-availability", window],
  ] as const) {
    test(`${where} is answered at once with a token that proves the claims`, async () => {
      const { account, connectorId } = await person();
      await microsoft.fault(route, challenge, { match: { account } });
      const task = await stack.ended(await stack.enqueue(type, connectorId, payload), connectorId);
      assert.deepEqual([task.state, task.attempts], ["succeeded", 1], JSON.stringify(task));
      assert.notEqual(task.result.complete, false);
      assert.equal((await sent(route, account)).length, 2);
      const refreshes = (await sent("token", account)).slice(1);
      assert.equal(refreshes.length, 1);
      assert.match(JSON.stringify(refreshes), /1800000000/);
    });

    test(`${where} that no new token meets needs the person`, async () => {
      const { account, connectorId } = await person();
      await microsoft.fault(route, challenge, { times: "forever", match: { account } });
      assert.equal((await stack.refused(type, connectorId, payload)).code, "access_token_refused");
      assert.equal((await stack.api("GET", `/v1/connectors/${connectorId}`)).body.status, "reauth_required");
      await stack.told(connectorId, (told) => told.type === "calendar.connector.reauth_required");
      assert.equal((await sent(route, account)).length, 2);
    });
  }
});
