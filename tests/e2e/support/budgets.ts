// What may be asked of each provider and of D1, operation by operation: asserted by the tests, shown by
// the benchmark.

import { type AccountKind, google, microsoftPersonal, microsoftWork, searchScopes } from "./account-kinds.ts";
import type { Side } from "./side.ts";
import { fresh, hour, type Json } from "./stack.ts";

/** An operation with the token cached, and what it costs. */
export interface Operation {
  name: string;
  /** Requests to the provider, exactly. */
  providerCalls: number;
  /** Round trips to D1, at most. */
  d1: number;
  /** Sets the scene for such an account; what it gives is the operation, to be run alone. */
  prepare(side: Side): Promise<() => Promise<unknown>>;
}

const window = { timeMin: hour(0), timeMax: hour(23), timeZone: "UTC" };
const meeting = { summary: "x", start: hour(9), end: hour(10), timeZone: "UTC", attendees: [] };
// Buffers are nothing a provider's own search knows, so that everybody is asked.
const buffered = { ...window, durationMinutes: 30, bufferAfterMinutes: 5 };
const slot = () => ({ holdId: fresh("hold"), start: hour(9), end: hour(10), timeZone: "UTC" });

/** A task that runs alone in its batch. */
function task(type: string, payload: unknown): Operation["prepare"] {
  return async (side) => {
    const { connectorId } = await side.connectEmptyAccount();
    return () => side.stack.run(type, connectorId, payload);
  };
}

/** A request of somebody who waits, about so many people. */
function request(path: string, search: Json, people: number): Operation["prepare"] {
  return async (side) => {
    const connectorIds: string[] = [];
    for (let n = 0; n < people; n++) connectorIds.push((await side.connectEmptyAccount()).connectorId);
    return () => side.stack.ok("POST", path, { ...search, connectorIds });
  };
}

/** Two people of one workspace, for a task of the first. */
async function pair(side: Side, more: Json = {}): Promise<[string, string]> {
  const workspaceId = fresh("workspace");
  const one = await side.connectEmptyAccount({ workspaceId, ...more });
  const two = await side.connectEmptyAccount({ workspaceId });
  return [one.connectorId, two.connectorId];
}

const everywhere: Operation[] = [
  { name: "check-availability", providerCalls: 1, d1: 3, prepare: task("check-availability", window) },
  {
    name: "find-slots of two people",
    providerCalls: 2,
    d1: 3,
    prepare: async (side) => {
      const [one, two] = await pair(side);
      return () => side.stack.run("find-slots", one, { ...buffered, connectorIds: [two] });
    },
  },
  { name: "create-event", providerCalls: 1, d1: 3, prepare: task("create-event", meeting) },
  {
    name: "place-hold, after a look whether the slot is busy",
    providerCalls: 2,
    d1: 3,
    prepare: async (side) => {
      const { connectorId } = await side.connectEmptyAccount();
      return () => side.stack.run("place-hold", connectorId, slot());
    },
  },
  {
    name: "confirm-hold, after a reading of the event",
    providerCalls: 2,
    d1: 3,
    prepare: async (side) => {
      const { connectorId } = await side.connectEmptyAccount();
      const { holdId } = await side.stack.run("place-hold", connectorId, slot());
      return () => side.stack.run("confirm-hold", connectorId, { holdId });
    },
  },
  { name: "refresh-token, still good", providerCalls: 0, d1: 3, prepare: task("refresh-token", {}) },
  {
    name: "POST /v1/availability of three people",
    providerCalls: 3,
    d1: 1,
    prepare: request("/v1/availability", window, 3),
  },
  { name: "POST /v1/slots of three people", providerCalls: 3, d1: 1, prepare: request("/v1/slots", buffered, 3) },
  {
    name: "the way to the provider",
    providerCalls: 0,
    d1: 1,
    prepare: async (side) => {
      const link = await side.connectLink();
      return () => side.stack.depart(link);
    },
  },
];

/** So many calendars of one account at Microsoft. */
function calendars(count: number, providerCalls: number): Operation {
  return {
    name: `check-availability of ${count} calendars`,
    providerCalls,
    d1: 3,
    prepare: async (side) => {
      const account = await side.newAccount();
      for (let n = 1; n < count; n++) {
        await side.control("POST", "calendars", { account, name: `Project ${n}` });
      }
      const connectorId = await side.connect(account);
      const known = await side.stack.ok("GET", `/v1/connectors/${connectorId}/calendars`);
      const ids = known.calendars.map((calendar: { id: string }) => calendar.id);
      if (ids.length !== count) throw new Error(`${ids.length} calendars instead of ${count}`);
      return () => side.stack.run("check-availability", connectorId, { ...window, calendars: ids });
    },
  };
}

const ofGoogle: Operation[] = [
  {
    name: "check-availability of 50 calendars",
    providerCalls: 1,
    d1: 3,
    prepare: async (side) => {
      const connectorId = await side.connect("many-calendars@example.com");
      const room = (_: unknown, n: number) => `room-${String(n).padStart(2, "0")}@group.calendar.google.com`;
      const ids = Array.from({ length: 50 }, room);
      return () => side.stack.run("check-availability", connectorId, { ...window, calendars: ids });
    },
  },
];

const searched = { ...window, durationMinutes: 30 };

/** Twenty calls are one request, and a schedule brings the working hours along. */
const ofMicrosoftWork: Operation[] = [
  calendars(20, 1),
  calendars(50, 3),
  {
    name: "find-slots of two people, searched by Microsoft",
    providerCalls: 1,
    d1: 3,
    prepare: async (side) => {
      const [one, two] = await pair(side, { scopes: searchScopes });
      return () => side.stack.run("find-slots", one, { ...searched, connectorIds: [two] });
    },
  },
  {
    name: "POST /v1/slots of two people, searched by Microsoft",
    providerCalls: 1,
    d1: 1,
    prepare: async (side) => {
      const connectorIds = await pair(side, { scopes: searchScopes });
      return () => side.stack.ok("POST", "/v1/slots", { ...searched, connectorIds });
    },
  },
];

/** Without schedules, working hours are a call of their own. */
const ofMicrosoftPersonal: Operation[] = [calendars(19, 1), calendars(20, 2), calendars(50, 3)];

/** The kinds of accounts there are budgets for, with the operations of each. */
export const budgets: [AccountKind, Operation[]][] = [
  [google, [...everywhere, ...ofGoogle]],
  [microsoftWork, [...everywhere, ...ofMicrosoftWork]],
  [microsoftPersonal, [...everywhere, ...ofMicrosoftPersonal]],
];
