// Every task through the real local queue, against the simulated provider.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fresh, hour, Stack, until } from "./support/stack.ts";

let stack: Stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

const slot = (holdId: string, from = 9) => ({ holdId, start: hour(from), end: hour(from + 1), timeZone: "UTC" });
const meeting = (from = 9) => ({
  summary: "Demo",
  start: hour(from),
  end: hour(from + 1),
  timeZone: "UTC",
  attendees: [],
});

describe("refresh-token", () => {
  test("refreshes when forced, and tells nothing of the token", async () => {
    const { connectorId } = await stack.connectEmptyAccount();
    const before = await stack.calls("token");
    const result = await stack.run("refresh-token", connectorId, { force: true });
    assert.ok(Date.parse(result.expiresAt) > Date.now());
    assert.deepEqual(Object.keys(result), ["expiresAt"]);
    assert.equal(await stack.calls("token"), before + 1);
  });

  test("does not refresh a token that lasts", async () => {
    const { connectorId } = await stack.connectEmptyAccount();
    const before = await stack.calls("token");
    await stack.run("refresh-token", connectorId, {});
    assert.equal(await stack.calls("token"), before);
  });
});

describe("check-availability", () => {
  test("merges the busy time of every calendar, in the asked zone, with the working hours", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
    for (const [start, end] of [
      [hour(7, "2030-03-30"), hour(8, "2030-03-30")],
      [hour(8, "2030-03-30"), hour(9, "2030-03-30")],
      [hour(7, "2030-04-01"), hour(8, "2030-04-01")],
    ]) {
      await stack.control("POST", "events", {
        account,
        event: { summary: "x", start: { dateTime: start }, end: { dateTime: end } },
      });
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

  test("asks about any number of calendars, fifty at a time", async () => {
    const connectorId = await stack.connect("many-calendars@example.com");
    const calendars = Array.from(
      { length: 63 },
      (_, n) => `room-${String(n).padStart(2, "0")}@group.calendar.google.com`,
    );
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const before = await stack.calls("freeBusy");
    const result = await stack.run("check-availability", connectorId, {
      timeMin: `${tomorrow}T00:00:00Z`,
      timeMax: `${tomorrow}T23:59:00Z`,
      timeZone: "UTC",
      calendars,
    });
    // Room n is busy for ten minutes from minute 10 n on: together one stretch.
    assert.deepEqual(result.busy, [{ start: `${tomorrow}T00:00:00Z`, end: `${tomorrow}T10:30:00Z` }]);
    assert.equal((await stack.calls("freeBusy")) - before, 2);
  });

  test("tells the calendars it could not hear", async () => {
    const { connectorId } = await stack.connectEmptyAccount();
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

  test("is the same through the API, over several connectors, for somebody who waits", async () => {
    const [one, two] = [await stack.connectEmptyAccount(), await stack.connectEmptyAccount()];
    await stack.control("POST", "events", {
      account: one.account,
      event: { summary: "x", start: { dateTime: hour(9) }, end: { dateTime: hour(10) } },
    });
    const answer = await stack.api("POST", "/v1/availability", {
      connectorIds: [one.connectorId, two.connectorId],
      timeMin: hour(0),
      timeMax: hour(23),
      timeZone: "UTC",
    });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const busy = answer.body.connectors.map(
      (each: { availability: { busy: unknown[] } }) => each.availability.busy.length,
    );
    assert.deepEqual(busy, [1, 0]);
  });
});

describe("create-event", () => {
  test("creates it once, with all its fields, and invites its people once", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
    const result = await stack.run("create-event", connectorId, {
      ...meeting(),
      description: "Agenda",
      location: "Room 1",
      attendees: [{ email: "guest@example.com" }, { email: "Guest@example.com" }],
      conference: true,
      reminders: [{ method: "popup", minutes: 10 }],
      visibility: "private",
    });
    const [event, ...others] = await stack.events(account);
    assert.equal(others.length, 0);
    assert.equal(event.id, result.eventId);
    assert.equal(event.summary, "Demo");
    assert.equal(event.location, "Room 1");
    assert.equal(event.visibility, "private");
    assert.equal(event.attendees.length, 1);
    assert.deepEqual(event.reminders.overrides, [{ method: "popup", minutes: 10 }]);
    const mails = (await stack.control("GET", "outbox")).mails ?? (await stack.control("GET", "outbox"));
    const invitations = mails.filter(
      (mail: { eventId: string; kind: string }) => mail.eventId === event.id && mail.kind === "invitation",
    );
    assert.equal(invitations.length, 1);
  });

  test("creates all-day and recurring events", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
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
    const events = await stack.events(account);
    const holiday = events.find((event) => event.summary === "Holiday");
    assert.deepEqual([holiday.start.date, holiday.end.date], ["2030-05-06", "2030-05-08"]);
    const weekly = events.find((event) => event.summary === "Demo");
    assert.deepEqual(weekly.recurrence, ["RRULE:FREQ=WEEKLY;COUNT=3"]);
    assert.equal(weekly.start.timeZone, "Europe/Berlin");
  });

  test("delivered twice under one id happens once", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
    const id = fresh("task");
    for (let n = 0; n < 3; n++) await stack.enqueue("create-event", connectorId, meeting(), { id });
    await stack.ended(id, connectorId);
    assert.equal((await stack.events(account)).length, 1);
  });

  test("whose answer was lost is found again, not created again", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
    await stack.fault("events.insert", "cut_after", { match: { account } });
    const result = await stack.run("create-event", connectorId, {
      ...meeting(),
      attendees: [{ email: "guest@example.com" }],
    });
    const events = await stack.events(account);
    assert.deepEqual([events.length, events[0].id], [1, result.eventId]);
  });
});

describe("holds", () => {
  test("are tentative, opaque and private, and become an event in place when confirmed", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
    const holdId = fresh("hold");
    const held = await stack.run("place-hold", connectorId, slot(holdId));
    const [event] = await stack.events(account);
    assert.equal(event.id, held.eventId);
    assert.equal(event.status, "tentative");
    assert.equal(event.visibility, "private");
    assert.notEqual(event.transparency, "transparent");
    const confirmed = await stack.run("confirm-hold", connectorId, {
      holdId,
      summary: "Booked",
      attendees: [{ email: "guest@example.com" }],
    });
    assert.equal(confirmed.eventId, held.eventId);
    const [booked, ...others] = await stack.events(account);
    assert.equal(others.length, 0);
    assert.deepEqual([booked.status, booked.summary], ["confirmed", "Booked"]);
  });

  test("refuse a busy slot, unless told otherwise", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
    await stack.run("create-event", connectorId, meeting());
    assert.equal((await stack.refused("place-hold", connectorId, slot(fresh("hold")))).code, "slot_busy");
    await stack.run("place-hold", connectorId, { ...slot(fresh("hold")), allowConflicts: true });
    assert.equal((await stack.events(account)).length, 2);
  });

  test("race for a slot, and exactly one wins", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
    const ids = await Promise.all(
      Array.from({ length: 5 }, () => stack.enqueue("place-hold", connectorId, slot(fresh("hold")))),
    );
    const tasks = await Promise.all(ids.map((id) => stack.ended(id, connectorId, 60_000)));
    assert.equal(tasks.filter((task) => task.state === "succeeded").length, 1, JSON.stringify(tasks));
    assert.equal((await stack.events(account)).length, 1);
  });

  test("leave the calendar when cancelled, and cancelling one that is gone is a success", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
    const holdId = fresh("hold");
    await stack.run("place-hold", connectorId, slot(holdId));
    assert.equal((await stack.run("cancel-hold", connectorId, { connectorId, holdId })).state, "cancelled");
    assert.deepEqual(await stack.events(account), []);
    assert.equal((await stack.run("cancel-hold", connectorId, { connectorId, holdId })).alreadyGone, true);
    assert.equal((await stack.run("cancel-hold", connectorId, { connectorId, holdId: "never-was" })).alreadyGone, true);
  });

  test("run out by cron, with a notification", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
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
    assert.deepEqual(await stack.events(account), []);
    assert.equal((await stack.refused("confirm-hold", connectorId, { holdId })).code, "hold_expired");
  });
});

describe("update-event and cancel-event", () => {
  test("change and remove an event", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
    const { eventId, etag } = await stack.run("create-event", connectorId, meeting());
    await stack.run("update-event", connectorId, {
      eventId,
      etag,
      summary: "Moved",
      start: hour(11),
      end: hour(12),
      timeZone: "UTC",
    });
    const [event] = await stack.events(account);
    assert.equal(event.summary, "Moved");
    assert.equal(Date.parse(event.start.dateTime), Date.parse(hour(11)));
    assert.equal((await stack.run("cancel-event", connectorId, { eventId })).alreadyGone, false);
    assert.deepEqual(await stack.events(account), []);
    assert.equal((await stack.run("cancel-event", connectorId, { eventId })).alreadyGone, true);
    assert.equal(
      (await stack.refused("update-event", connectorId, { eventId: "nowhere", summary: "x" })).code,
      "event_not_found",
    );
  });

  test("report a conflict when somebody else changed it, or apply on top where that is preferred", async () => {
    const { connectorId, account } = await stack.connectEmptyAccount();
    const { eventId, etag } = await stack.run("create-event", connectorId, meeting());
    await stack.control("PATCH", "events", { account, id: eventId, event: { location: "Elsewhere" } });
    const change = { eventId, etag, summary: "Ours" };
    assert.equal((await stack.refused("update-event", connectorId, change)).code, "event_changed");
    await stack.told(connectorId, (told) => told.type === "calendar.conflict.detected");
    await stack.api("PATCH", `/v1/connectors/${connectorId}`, { preferences: { onConflict: "reapply" } });
    await stack.run("update-event", connectorId, change);
    const [event] = await stack.events(account);
    assert.deepEqual([event.summary, event.location], ["Ours", "Elsewhere"]);
  });
});

describe("messages nobody can run", () => {
  test("are answered with the field that is wrong, before the queue and behind it", async () => {
    const { connectorId } = await stack.connectEmptyAccount();
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
