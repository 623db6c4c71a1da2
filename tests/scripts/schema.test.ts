// The published TypeScript types are those of the published schemas, and the compiler takes them. Tests that hold the worker against
// what is published notice what deviates.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { CalendarTask, Notification } from "../../schema/calendar-sync.d.ts";
import { typeScriptTypes, typesFile } from "../../scripts/schema/typescript-types.ts";
import { projectRoot } from "../../scripts/setup/locations.mjs";
import { assertPublished, assertPublishedNotification } from "../e2e/support/contract.ts";

test("the published TypeScript types are current", async () => {
  assert.equal(readFileSync(typesFile, "utf8"), await typeScriptTypes(), "run `npm run schema`");
});

test("a task of the README has the published type", () => {
  const task: CalendarTask = {
    type: "place-hold",
    connectorId: "con_1",
    id: "hold-7",
    payload: { holdId: "7", start: "2030-05-06T09:00:00Z", end: "2030-05-06T10:00:00Z", timeZone: "Europe/Berlin" },
  };
  assert.equal(task.type, "place-hold");
});

const notification = {
  specversion: "1.0",
  id: "task:con_1:hold-7:1",
  source: "/huddle-calendar-sync",
  type: "calendar.task.succeeded",
  subject: "con_1",
  time: "2026-11-21T03:26:16.928Z",
  datacontenttype: "application/json",
  data: { taskId: "7", type: "cancel-hold", result: { holdId: "7", state: "cancelled", alreadyGone: false } },
} as const satisfies Notification;

test("a notification's data and a task's result are told apart by their types", () => {
  const told: Notification = notification;
  const what = told.type === "calendar.task.succeeded" && told.data.type === "cancel-hold" && told.data.result?.holdId;
  assert.equal(what, "7");
});

test("the notification of README has the published shape, and one that deviates is noticed", () => {
  const readme = readFileSync(join(projectRoot, "README.md"), "utf8");
  assertPublishedNotification(JSON.parse(readme.match(/^\{"specversion"[\s\S]*?\}$/m)?.[0] ?? ""));
  assertPublishedNotification(notification);
  const { data } = notification;
  for (const [deviation, problem] of [
    [{ ...notification, type: "calendar.task.done" }, /"calendar.task.done"/],
    [{ ...notification, type: "calendar.task.failed" }, /\/data .*"error"/],
    [{ ...notification, more: 1 }, /the whole .*"more"/],
    [{ ...notification, data: { ...data, result: undefined } }, /\/data .*"result"/],
    [
      { ...notification, data: { ...data, result: { ...data.result, alreadyGone: "no" } } },
      /alreadyGone must be boolean/,
    ],
    [{ ...notification, data: { ...data, result: { ...data.result, more: 1 } } }, /\/data\/result .*"more"/],
  ] as const) {
    assert.throws(() => assertPublishedNotification(JSON.parse(JSON.stringify(deviation))), problem);
  }
});

test("an answer that openapi.json does not describe is noticed", () => {
  const problem = { type: "about:blank", title: "Conflict", status: 409, code: "a", detail: "b", retryable: false };
  const answer = (status: number, type: string, body: unknown) => () =>
    assertPublished("POST", "/v1/tasks", { status, headers: new Headers({ "content-type": type }), body });
  answer(409, "application/problem+json", problem)();
  assert.throws(answer(409, "application/json", problem), /409 as application\/json is not described/);
  assert.throws(answer(409, "application/problem+json", { ...problem, code: undefined }), /'code'/);
  assert.throws(answer(201, "application/json", {}), /201 as application\/json is not described/);
  assert.throws(answer(202, "application/json", {}), /must have required property/);
});
