// Rotating the encryption key: in batches, while everything goes on working, and then without the old key.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { google } from "./support/account-kinds.ts";
import { hour, type Json, Stack } from "./support/stack.ts";

let stack: Stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

const meeting = { summary: "Demo", start: hour(9), end: hour(10), timeZone: "UTC", attendees: [] };

/** The keys under which refresh tokens are sealed now. */
function keys(): unknown[] {
  const database = new DatabaseSync(stack.worker.databaseFile(), { readOnly: true });
  const sql = "SELECT DISTINCT substr(refresh_token, 1, 11) AS key FROM connectors WHERE refresh_token IS NOT NULL";
  const rows = database
    .prepare(sql)
    .all()
    .map((row) => row.key);
  database.close();
  return rows;
}

async function rotate(limit: number, from: string | null): Promise<Json> {
  const answer = await stack.api("POST", "/v1/admin/rotate-key", { limit, after: from });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

test("the key is rotated and the old one can go", async () => {
  const connectors: string[] = [];
  for (let n = 0; n < 3; n++) connectors.push((await stack.at(google).connectEmptyAccount()).connectorId);
  const [oldKey] = keys();
  const newKey = randomBytes(32).toString("base64");

  await stack.restart({ OAUTH_ENC_KEY: newKey, OAUTH_ENC_KEYS_PREVIOUS: stack.worker.settings.OAUTH_ENC_KEY ?? "" });
  await stack.run("create-event", connectors[0] ?? "", meeting);
  assert.ok(keys().includes(oldKey), "nothing is sealed anew before it is written or rotated");
  let step = await rotate(2, null);
  assert.equal(step.rotated, 2);
  while (step.after) step = await rotate(2, step.after);
  assert.equal(step.remaining, 0);
  assert.equal(keys().length, 1);
  assert.notEqual(keys()[0], oldKey);

  await stack.restart({ OAUTH_ENC_KEYS_PREVIOUS: "" });
  for (const connector of connectors) await stack.run("refresh-token", connector, { force: true });
});
