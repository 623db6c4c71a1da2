// What every task does through the real local queue, whoever serves the account: the tests of one kind of account.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { AccountKind } from "./account-kinds.ts";
import type { Side } from "./side.ts";
import { fresh, hour, Stack, until } from "./stack.ts";

const slot = (holdId: string, from = 9) => ({ holdId, start: hour(from), end: hour(from + 1), timeZone: "UTC" });
const meeting = (from = 9) => ({
  summary: "Demo",
  start: hour(from),
  end: hour(from + 1),
  timeZone: "UTC",
  attendees: [],
});

/** Declares the tests. */
export function tasksBehave(kind: AccountKind): void {
  let stack: Stack;
  let side: Side;
  before(async () => {
    stack = await Stack.start();
    side = stack.at(kind);
  });
  after(() => stack.stop());

  describe("refresh-token", () => {
    test("refreshes when forced, and tells nothing of the token", async () => {
      const { connectorId } = await side.connectEmptyAccount();
      const before = await side.calls("token");
      const result = await stack.run("refresh-token", connectorId, { force: true });
      assert.ok(Date.parse(result.expiresAt) > Date.now());
      assert.deepEqual(Object.keys(result), ["expiresAt"]);
      assert.equal(await side.calls("token"), before + 1);
    });

    test("does not refresh a token that lasts", async () => {
      const { connectorId } = await side.connectEmptyAccount();
      const before = await side.calls("token");
      await stack.run("refresh-token", connectorId, {});
      assert.equal(await side.calls("token"), before);
    });
  });

  describe("check-availability", () => {
    test("merges the busy time of every calendar, in the asked zone, with the working hours", async () => {
      const { connectorId, account } = await side.connectEmptyAccount();
      for (const [start, end] of [
        [hour(7, "2030-03-30"), hour(8, "2030-03-30")],
        [hour(8, "2030-03-30"), hour(9, "2030-03-30")],
        [hour(7, "2030-04-01"), hour(8, "2030-04-01")],
      ] as const) {
        await side.addEvent(account, start, end);
      }
      const result = await stack.run("check-availability", connectorId, {
        connectorId,
        timeMin: "2030-03-30T00:00:00",
        timeMax: "2030-04-02T00:00:00",
        timeZone: "Europe/Berlin",
      });
      assert.deepEqual(result.busy, [
        { start: "2030-03-30T08:00:00+01:00", end: "2030-03-30T10:00:00+01:00" },
        { start: "2030-04-01T09:00:00+02:00", end: "2030-04-01T10:00:00+02:00" },
      ]);
      assert.equal(result.complete, true);
      assert.ok(result.workingHours.length > 0);
    });

    test("is the same through the API, over several connectors, for somebody who waits", async () => {
      const [one, two] = [await side.connectEmptyAccount(), await side.connectEmptyAccount()];
      await side.addEvent(one.account, hour(9), hour(10));
      const answer = await stack.ok("POST", "/v1/availability", {
        connectorIds: [one.connectorId, two.connectorId],
        timeMin: hour(0),
        timeMax: hour(23),
        timeZone: "UTC",
      });
      const busy = answer.connectors.map(
        (each: { availability: { busy: unknown[] } }) => each.availability.busy.length,
      );
      assert.deepEqual(busy, [1, 0]);
    });
  });

  describe("create-event", () => {
    test("creates it once, with all its fields, and invites its people once", async () => {
      const { connectorId, account } = await side.connectEmptyAccount();
      const result = await stack.run("create-event", connectorId, {
        ...meeting(),
        description: "Agenda",
        location: "Room 1",
        attendees: [{ email: "guest@example.com" }, { email: "Guest@example.com" }],
        conference: kind.conferences,
        reminders: [{ method: "popup", minutes: 10 }],
        visibility: "private",
      });
      assert.deepEqual(await side.events(account), [
        {
          id: result.eventId,
          summary: "Demo",
          location: "Room 1",
          description: "Agenda",
          start: Date.parse(hour(9)),
          end: Date.parse(hour(10)),
          timeZone: "UTC",
          tentative: false,
          private: true,
          free: false,
          attendees: ["guest@example.com"],
          reminderMinutes: [10],
          conference: kind.conferences,
          recurring: false,
        },
      ]);
      assert.equal((await side.mails(result.eventId, "invitation")).length, 1);
    });

    test("creates all-day and recurring events", async () => {
      const { connectorId, account } = await side.connectEmptyAccount();
      await stack.run("create-event", connectorId, {
        summary: "Holiday",
        start: "2030-05-06",
        end: "2030-05-08",
        allDay: true,
        timeZone: "Europe/Berlin",
        attendees: [],
      });
      await stack.run("create-event", connectorId, {
        ...meeting(),
        timeZone: "Europe/Berlin",
        recurrence: ["RRULE:FREQ=WEEKLY;COUNT=3"],
      });
      const events = await side.events(account);
      const holiday = events.find((event) => event.summary === "Holiday");
      assert.deepEqual([holiday?.start, holiday?.end], ["2030-05-06", "2030-05-08"]);
      const weekly = events.find((event) => event.summary === "Demo");
      assert.equal(weekly?.recurring, true);
      assert.equal(Date.parse(hour(9)), weekly?.start);
      // The series is what its rule says, whatever shape the provider keeps it in.
      const window = { timeMin: "2030-05-06", timeMax: "2030-06-06", timeZone: "UTC" };
      const { busy } = await stack.run("check-availability", connectorId, window);
      const meetings = busy.filter((each: { start: string }) => each.start.includes("T09:00:00"));
      assert.deepEqual(
        meetings.map((each: { start: string }) => each.start),
        ["2030-05-13T09:00:00Z", "2030-05-20T09:00:00Z"],
      );
    });

    test("makes a person busy for whole days by their own clocks", async () => {
      const { connectorId } = await side.connectEmptyAccount();
      const { timeZone } = kind;
      const days = { allDay: true, timeZone };
      const holiday = { summary: "Holiday", start: "2030-05-06", end: "2030-05-08", attendees: [], ...days };
      const { eventId } = await stack.run("create-event", connectorId, holiday);
      const taken = async () => {
        const window = { timeMin: "2030-05-01T00:00:00", timeMax: "2030-05-20T00:00:00", timeZone };
        const { busy } = await stack.run("check-availability", connectorId, window);
        return busy.map(({ start, end }: { start: string; end: string }) => [start.slice(0, 19), end.slice(0, 19)]);
      };
      assert.deepEqual(await taken(), [["2030-05-06T00:00:00", "2030-05-08T00:00:00"]]);
      await stack.run("update-event", connectorId, { eventId, start: "2030-05-13", end: "2030-05-14", ...days });
      assert.deepEqual(await taken(), [["2030-05-13T00:00:00", "2030-05-14T00:00:00"]]);
    });

    test("delivered twice under one id happens once", async () => {
      const { connectorId, account } = await side.connectEmptyAccount();
      const id = fresh("task");
      for (let n = 0; n < 3; n++) await stack.enqueue("create-event", connectorId, meeting(), { id });
      await stack.ended(id, connectorId);
      assert.equal((await side.events(account)).length, 1);
    });

    test("whose answer was lost is found again, not created again", async () => {
      const { connectorId, account } = await side.connectEmptyAccount();
      await side.fault(kind.createRoute, "cut_after", { match: { account } });
      const result = await stack.run("create-event", connectorId, {
        ...meeting(),
        attendees: [{ email: "guest@example.com" }],
      });
      const events = await side.events(account);
      assert.deepEqual(
        events.map((event) => event.id),
        [result.eventId],
      );
      assert.equal((await side.mails(result.eventId, "invitation")).length, 1);
    });
  });

  describe("holds", () => {
    test("are tentative, opaque and private, and become an event in place when confirmed", async () => {
      const { connectorId, account } = await side.connectEmptyAccount();
      const holdId = fresh("hold");
      const held = await stack.run("place-hold", connectorId, slot(holdId));
      const [event] = await side.events(account);
      assert.ok(event);
      const { id, tentative, free } = event;
      assert.deepEqual(
        { id, tentative, free, private: event.private },
        { id: held.eventId, tentative: true, free: false, private: true },
      );
      const confirmed = await stack.run("confirm-hold", connectorId, {
        holdId,
        summary: "Booked",
        attendees: [{ email: "guest@example.com" }],
      });
      assert.equal(confirmed.eventId, held.eventId);
      const [booked, ...others] = await side.events(account);
      assert.equal(others.length, 0);
      assert.deepEqual([booked?.tentative, booked?.private, booked?.summary], [false, false, "Booked"]);
      assert.deepEqual(booked?.attendees, ["guest@example.com"]);
      assert.equal((await side.mails(held.eventId, "invitation")).length, 1);
    });

    test("refuse a busy slot, unless told otherwise", async () => {
      const { connectorId, account } = await side.connectEmptyAccount();
      await stack.run("create-event", connectorId, meeting());
      assert.equal((await stack.refused("place-hold", connectorId, slot(fresh("hold")))).code, "slot_busy");
      await stack.run("place-hold", connectorId, { ...slot(fresh("hold")), allowConflicts: true });
      assert.equal((await side.events(account)).length, 2);
    });

    test("race for a slot, and exactly one wins", async () => {
      const { connectorId, account } = await side.connectEmptyAccount();
      const ids = await Promise.all(
        Array.from({ length: 5 }, () => stack.enqueue("place-hold", connectorId, slot(fresh("hold")))),
      );
      const tasks = await Promise.all(ids.map((id) => stack.ended(id, connectorId)));
      assert.equal(tasks.filter((task) => task.state === "succeeded").length, 1, JSON.stringify(tasks));
      assert.equal((await side.events(account)).length, 1);
    });

    test("leave the calendar when cancelled, and cancelling one that is gone is a success", async () => {
      const { connectorId, account } = await side.connectEmptyAccount();
      const holdId = fresh("hold");
      await stack.run("place-hold", connectorId, slot(holdId));
      assert.equal((await stack.run("cancel-hold", connectorId, { connectorId, holdId })).state, "cancelled");
      assert.deepEqual(await side.events(account), []);
      assert.equal((await stack.run("cancel-hold", connectorId, { connectorId, holdId })).alreadyGone, true);
      assert.equal(
        (await stack.run("cancel-hold", connectorId, { connectorId, holdId: "never-was" })).alreadyGone,
        true,
      );
    });

    test("run out by cron, with a notification", async () => {
      const { connectorId, account } = await side.connectEmptyAccount();
      const holdId = fresh("hold");
      const expiresAt = new Date(Date.now() + 3_000).toISOString();
      await stack.run("place-hold", connectorId, { ...slot(holdId), expiresAt });
      await until(
        async () => Date.now(),
        (now) => now > Date.parse(expiresAt),
      );
      await stack.worker.runCron();
      const told = await stack.told(connectorId, (notification) => notification.type === "calendar.hold.expired");
      assert.equal(told.data.holdId, holdId);
      assert.deepEqual(await side.events(account), []);
      assert.equal((await stack.refused("confirm-hold", connectorId, { holdId })).code, "hold_expired");
    });
  });

  describe("update-event and cancel-event", () => {
    test("change and remove an event", async () => {
      const { connectorId, account } = await side.connectEmptyAccount();
      const { eventId, etag } = await stack.run("create-event", connectorId, meeting());
      await stack.run("update-event", connectorId, {
        eventId,
        etag,
        summary: "Moved",
        start: hour(11),
        end: hour(12),
        timeZone: "UTC",
      });
      const [event] = await side.events(account);
      assert.deepEqual(
        [event?.summary, event?.start, event?.end],
        ["Moved", Date.parse(hour(11)), Date.parse(hour(12))],
      );
      assert.equal((await stack.run("cancel-event", connectorId, { eventId })).alreadyGone, false);
      assert.deepEqual(await side.events(account), []);
      assert.equal((await stack.run("cancel-event", connectorId, { eventId })).alreadyGone, true);
      assert.equal(
        (await stack.refused("update-event", connectorId, { eventId: "nowhere", summary: "x" })).code,
        "event_not_found",
      );
    });

    test("report a conflict when somebody else changed it, or apply on top where that is preferred", async () => {
      const { connectorId, account } = await side.connectEmptyAccount();
      const { eventId, etag } = await stack.run("create-event", connectorId, meeting());
      await side.changePlace(account, eventId, "Elsewhere");
      const change = { eventId, etag, summary: "Ours" };
      assert.equal((await stack.refused("update-event", connectorId, change)).code, "event_changed");
      await stack.told(connectorId, (told) => told.type === "calendar.conflict.detected");
      await stack.api("PATCH", `/v1/connectors/${connectorId}`, { preferences: { onConflict: "reapply" } });
      await stack.run("update-event", connectorId, change);
      const [event] = await side.events(account);
      assert.deepEqual([event?.summary, event?.location], ["Ours", "Elsewhere"]);
    });
  });

  describe("disconnecting", () => {
    test("takes holds off the calendar, purges the rows and says so; connecting again starts anew", async () => {
      const userId = fresh("user");
      const { connectorId, account } = await side.connectEmptyAccount({ userId });
      await stack.run("place-hold", connectorId, slot(fresh("hold")));
      const { holdsReleased } = await stack.run("disconnect", connectorId, {});
      assert.equal(holdsReleased, 1);
      assert.deepEqual(await side.events(account), []);
      assert.equal((await stack.api("GET", `/v1/connectors/${connectorId}`)).status, 404);
      await stack.told(connectorId, (told) => told.type === "calendar.connector.disconnected");
      assert.equal(await side.connect(account, { userId }), connectorId);
      await stack.run("create-event", connectorId, meeting());
      assert.equal((await side.events(account)).length, 1);
    });
  });
}
