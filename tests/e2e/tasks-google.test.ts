// Every task through the real local queue, for a Google account; and what is the same for every provider.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { google as googleAccount } from "./support/account-kinds.ts";
import type { Side } from "./support/side.ts";
import { hour, Stack } from "./support/stack.ts";
import { tasksBehave } from "./support/task-behaviours.ts";

tasksBehave(googleAccount);

let stack: Stack;
let google: Side;
before(async () => {
  stack = await Stack.start();
  google = stack.at(googleAccount);
});
after(() => stack.stop());

describe("check-availability at Google", () => {
  test("asks about any number of calendars, fifty at a time", async () => {
    const connectorId = await google.connect("many-calendars@example.com");
    const calendars = Array.from(
      { length: 63 },
      (_, n) => `room-${String(n).padStart(2, "0")}@group.calendar.google.com`,
    );
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const before = await google.calls("freeBusy");
    const result = await stack.run("check-availability", connectorId, {
      timeMin: `${tomorrow}T00:00:00Z`,
      timeMax: `${tomorrow}T23:59:00Z`,
      timeZone: "UTC",
      calendars,
    });
    // Room n is busy for ten minutes from minute 10 n on: together one stretch.
    assert.deepEqual(result.busy, [{ start: `${tomorrow}T00:00:00Z`, end: `${tomorrow}T10:30:00Z` }]);
    assert.equal((await google.calls("freeBusy")) - before, 2);
  });

  test("tells the calendars it could not hear", async () => {
    const { connectorId } = await google.connectEmptyAccount();
    const result = await stack.run("check-availability", connectorId, {
      timeMin: hour(0),
      timeMax: hour(23),
      timeZone: "UTC",
      calendars: ["primary", "nowhere@group.calendar.google.com"],
    });
    assert.equal(result.complete, false);
    assert.equal(result.calendarErrors[0].calendarId, "nowhere@group.calendar.google.com");
    assert.equal(result.calendarErrors[0].code, "notFound");
  });
});

describe("messages nobody can run", () => {
  test("are answered with the field that is wrong, before the queue and behind it", async () => {
    const { connectorId } = await google.connectEmptyAccount();
    const refusal = await stack.api("POST", "/v1/tasks", {
      type: "place-hold",
      connectorId,
      payload: { holdId: "h", start: "soon" },
    });
    assert.ok([400, 422].includes(refusal.status), JSON.stringify(refusal.body));
    assert.match(refusal.body.field, /^payload\./);
    const unknown = await stack.api("POST", "/v1/tasks", { type: "fly", connectorId, payload: {} });
    assert.equal(unknown.body.field, "type");
  });
});
