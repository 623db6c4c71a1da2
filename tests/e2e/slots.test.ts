// When people can meet: by queue and for somebody who waits, against the simulated provider.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { google } from "./support/account-kinds.ts";
import { fresh, hour, type Json, Stack } from "./support/stack.ts";

let stack: Stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

/** Somebody in a zone, working nine to five there, with these busy hours. */
async function person(timeZone: string, workspaceId: string, busy: [string, string][] = []) {
  const account = `${fresh("person")}@example.com`;
  await stack.at(google).control("POST", "accounts", { email: account, timeZone });
  for (const [start, end] of busy) {
    const event = { summary: "x", start: { dateTime: start }, end: { dateTime: end } };
    await stack.at(google).control("POST", "events", { account, event });
  }
  return { account, connectorId: await stack.at(google).connect(account, { workspaceId }) };
}

const day = { timeMin: hour(9), timeMax: hour(12), timeZone: "UTC", durationMinutes: 60 };

async function slots(body: Json): Promise<Json> {
  return await stack.ok("POST", "/v1/slots", { ...day, ...body });
}

const starts = (found: Json): string[] => found.slots.map((slot: { start: string }) => slot.start);

describe("slots", () => {
  test("of people in several zones lie in the hours they share, before and after clocks change", async () => {
    const workspace = fresh("workspace");
    const berlin = await person("Europe/Berlin", workspace);
    const newYork = await person("America/New_York", workspace, [[hour(13, "2030-03-29"), hour(14, "2030-03-29")]]);
    const london = await person("Europe/London", workspace);
    // Europe's clocks go forward on Sunday, 2030-03-31; New York's did three weeks before.
    const question = {
      connectorIds: [newYork.connectorId, london.connectorId],
      timeMin: "2030-03-29",
      timeMax: "2030-04-02",
      timeZone: "Europe/Berlin",
      durationMinutes: 60,
      stepMinutes: 60,
    };
    const byQueue = await stack.run("find-slots", berlin.connectorId, question);
    assert.deepEqual(byQueue.slots, [
      { start: "2030-03-29T15:00:00+01:00", end: "2030-03-29T16:00:00+01:00" },
      { start: "2030-03-29T16:00:00+01:00", end: "2030-03-29T17:00:00+01:00" },
      { start: "2030-04-01T15:00:00+02:00", end: "2030-04-01T16:00:00+02:00" },
      { start: "2030-04-01T16:00:00+02:00", end: "2030-04-01T17:00:00+02:00" },
    ]);
    assert.deepEqual([byQueue.complete, byQueue.unknown, byQueue.source], [true, [], "computed"]);

    const waited = await slots({ ...question, connectorId: berlin.connectorId });
    assert.deepEqual({ ...waited, asOf: "" }, { ...byQueue, asOf: "" });
    const night = await slots({ ...question, connectorId: berlin.connectorId, ignoreWorkingHours: true, limit: 2 });
    assert.deepEqual(starts(night), ["2030-03-29T00:00:00+01:00", "2030-03-29T01:00:00+01:00"]);
  });

  test("keep their distance from what is busy, and start when the clock says", async () => {
    const { connectorId } = await person("UTC", fresh("workspace"), [[hour(10), "2030-05-06T10:10:00Z"]]);
    const asked = {
      connectorId,
      durationMinutes: 30,
      stepMinutes: 15,
      bufferBeforeMinutes: 20,
      bufferAfterMinutes: 10,
    };
    assert.deepEqual(starts(await slots(asked)), [
      "2030-05-06T09:00:00Z",
      "2030-05-06T09:15:00Z",
      "2030-05-06T10:30:00Z",
      "2030-05-06T10:45:00Z",
      "2030-05-06T11:00:00Z",
      "2030-05-06T11:15:00Z",
      "2030-05-06T11:30:00Z",
    ]);
  });

  test("heed people who have no connector, as long as the organiser may see when they are busy", async () => {
    const { connectorId, account } = await person("UTC", fresh("workspace"));
    const colleague = `${fresh("colleague")}@example.com`;
    await stack.at(google).control("POST", "accounts", { email: colleague, timeZone: "UTC" });
    const event = { summary: "x", start: { dateTime: hour(9) }, end: { dateTime: hour(11) } };
    await stack.at(google).control("POST", "events", { account: colleague, event });

    const unseen = await slots({ connectorId, attendees: [colleague] });
    assert.deepEqual([unseen.slots, unseen.complete], [[], false]);
    assert.deepEqual([unseen.unknown[0].attendee, unseen.unknown[0].code], [colleague, "notFound"]);

    await stack.at(google).control("POST", "access", { account, calendar: colleague, role: "freeBusyReader" });
    const before = await stack.at(google).calls("freeBusy", account);
    const seen = await slots({ connectorId, attendees: [colleague] });
    assert.deepEqual([starts(seen), seen.complete], [["2030-05-06T11:00:00Z"], true]);
    assert.equal((await stack.at(google).calls("freeBusy", account)) - before, 1);
  });

  test("are not offered while somebody could not be asked", async () => {
    const workspace = fresh("workspace");
    const [one, two] = [await person("UTC", workspace), await person("UTC", workspace)];
    await stack.at(google).fault("freeBusy", { status: 503 }, { match: { account: two.account } });
    const connectorIds = [one.connectorId, two.connectorId];
    const found = await slots({ connectorIds });
    assert.deepEqual([found.slots, found.complete], [[], false]);
    assert.equal(found.unknown.length, 1);
    assert.deepEqual(
      [found.unknown[0].connectorId, found.unknown[0].code, found.unknown[0].retryable],
      [two.connectorId, "provider_unavailable", true],
    );
    assert.equal((await slots({ connectorIds })).complete, true);
  });

  test("tell nothing of the connectors of others", async () => {
    const [own, foreign] = [await person("UTC", fresh("workspace")), await person("UTC", fresh("workspace"))];
    const found = await stack.run("find-slots", own.connectorId, { ...day, connectorIds: [foreign.connectorId] });
    assert.deepEqual([found.slots, found.unknown[0].code], [[], "connector_not_found"]);
    assert.equal(await stack.at(google).calls("freeBusy", foreign.account), 0);
  });
});
