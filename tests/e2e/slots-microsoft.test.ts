// When people of one organisation can meet: found by Microsoft where the organiser granted that, else by the worker.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type AccountKind, microsoftPersonal, microsoftWork, searchScopes } from "./support/account-kinds.ts";
import { fresh, hour, type Json, Stack } from "./support/stack.ts";

let stack: Stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

const microsoft = () => stack.at(microsoftWork);

interface Person {
  account: string;
  connectorId: string;
}

/** Two people of one workspace, of whom the first may have the provider search: busy from nine and from ten, for an hour. */
async function two(
  kind: AccountKind,
  more: Json = { scopes: searchScopes },
): Promise<{ organiser: Person; other: Person }> {
  const workspaceId = fresh("workspace");
  const organiser = await stack.at(kind).connectEmptyAccount({ workspaceId, ...more });
  const other = await stack.at(kind).connectEmptyAccount({ workspaceId });
  await stack.at(kind).addEvent(organiser.account, hour(9), hour(10));
  await stack.at(kind).addEvent(other.account, hour(10), hour(11));
  return { organiser, other };
}

const morning = { timeMin: hour(9), timeMax: hour(13), timeZone: "UTC", durationMinutes: 60 };
const fromEleven = [hour(11), "2030-05-06T11:30:00Z", hour(12)];
const fromTwelve = [hour(12)];

const searched = (person: Person) => microsoft().calls("findMeetingTimes", person.account);
const starts = (found: Json): string[] => found.slots.map((slot: { start: string }) => slot.start);

/** The same search by queue and for somebody who waits, which must come to the same. */
async function slots(organiser: Person, search: Json): Promise<Json> {
  const { connectorId } = organiser;
  const byQueue = await stack.run("find-slots", connectorId, search);
  const waited = await stack.ok("POST", "/v1/slots", { ...search, connectorId });
  assert.deepEqual({ ...waited, asOf: "" }, { ...byQueue, asOf: "" });
  return byQueue;
}

describe("slots of people of one organisation", () => {
  test("are found by Microsoft in one request, where the link asked for its search", async () => {
    const { organiser, other } = await two(microsoftWork);
    const guest = await microsoft().newAccount();
    await microsoft().addEvent(guest, hour(11), hour(12));
    const found = await slots(organiser, { ...morning, connectorIds: [other.connectorId], attendees: [guest] });
    assert.deepEqual([starts(found), found.complete, found.source], [fromTwelve, true, "provider"]);
    assert.equal(await searched(organiser), 2);
    for (const { account } of [organiser, other]) assert.equal(await microsoft().calls("getSchedule", account), 0);
  });

  test("leave out whatever is on a full calendar, over a week", async () => {
    const organiser = await microsoft().connectEmptyAccount({ scopes: searchScopes });
    const attendees = ["work@contoso.example", "colleague@contoso.example"];
    const from = new Date(Date.now() + 24 * 3600_000).toISOString();
    const until = new Date(Date.now() + 8 * 24 * 3600_000).toISOString();
    const week = { timeMin: from, timeMax: until, timeZone: "UTC", durationMinutes: 30, limit: 1000 };
    const found = await slots(organiser, { ...week, attendees });
    assert.equal(found.source, "provider");

    const busy: { start: string; end: string }[] = [];
    for (const account of attendees) {
      const query = new URLSearchParams({ account, timeMin: from, timeMax: until });
      busy.push(...(await microsoft().control("GET", `events?${query}`)).busy);
    }
    assert.ok(busy.length > 10, JSON.stringify(busy));
    assert.ok(found.slots.length > 10, JSON.stringify(found.slots));
    for (const slot of found.slots) {
      const met = busy.find(
        (each) => Date.parse(each.start) < Date.parse(slot.end) && Date.parse(each.end) > Date.parse(slot.start),
      );
      assert.equal(met, undefined, JSON.stringify({ slot, met }));
    }
  });

  test("are found by the worker where the link did not ask for it", async () => {
    const { organiser, other } = await two(microsoftWork, {});
    const found = await slots(organiser, { ...morning, connectorIds: [other.connectorId] });
    assert.deepEqual([starts(found), found.complete, found.source], [fromEleven, true, "computed"]);
    assert.equal(await searched(organiser), 0);
  });

  test("are found by the worker for personal accounts, whatever they granted", async () => {
    const { organiser, other } = await two(microsoftPersonal);
    const found = await slots(organiser, { ...morning, connectorIds: [other.connectorId] });
    assert.deepEqual([starts(found), found.complete, found.source], [fromEleven, true, "computed"]);
    assert.equal(await searched(organiser), 0);
  });

  test("are found by the worker where Microsoft refuses to search, or has nothing to suggest", async () => {
    for (const fault of [
      { status: 403 },
      { status: 200, body: { emptySuggestionsReason: "Unknown", meetingTimeSuggestions: [] } },
    ]) {
      const { organiser, other } = await two(microsoftWork);
      await microsoft().fault("findMeetingTimes", fault, { times: 2, match: { account: organiser.account } });
      const found = await slots(organiser, { ...morning, connectorIds: [other.connectorId] });
      assert.deepEqual([starts(found), found.complete, found.source], [fromEleven, true, "computed"]);
      assert.equal(await searched(organiser), 2);
    }
  });

  test("are none while somebody of another organisation is among them, whom nobody knows", async () => {
    const organiser = await microsoft().connectEmptyAccount({ scopes: searchScopes });
    const found = await slots(organiser, { ...morning, attendees: ["user@fabrikam.example"] });
    assert.deepEqual([found.slots, found.complete, found.source], [[], false, "computed"]);
    assert.equal(found.unknown[0].attendee, "user@fabrikam.example");
  });

  test("are waited for while Microsoft's search fails for a moment", async () => {
    const { organiser, other } = await two(microsoftWork);
    const search = { ...morning, connectorIds: [other.connectorId] };
    const failing = { status: 503, retryAfter: 1 };
    const match = { account: organiser.account };
    await microsoft().fault("findMeetingTimes", failing, { match });
    const told = await stack.ok("POST", "/v1/slots", { ...search, connectorId: organiser.connectorId });
    const [unknown] = told.unknown;
    assert.deepEqual([told.slots, told.complete], [[], false]);
    assert.deepEqual([unknown.code, unknown.retryable], ["provider_unavailable", true]);

    await microsoft().fault("findMeetingTimes", failing, { match });
    const id = await stack.enqueue("find-slots", organiser.connectorId, search);
    const task = await stack.ended(id, organiser.connectorId);
    assert.deepEqual([task.state, task.attempts, task.result.source], ["succeeded", 2, "provider"]);
    assert.deepEqual(starts(task.result), fromEleven);
  });
});
