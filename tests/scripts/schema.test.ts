// The published TypeScript types are those of the published schemas, and the compiler takes them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { CalendarTask } from "../../schema/calendar-sync.d.ts";
import { typeScriptTypes, typesFile } from "../../scripts/schema/typescript-types.ts";

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
