// Messages that reach the consumer straight from the queue, from a Worker of somebody else's: good ones and any others.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { google as googleAccount } from "./support/account-kinds.ts";
import { type Message, type Producer, startProducer } from "./support/producer/producer.ts";
import type { Side } from "./support/side.ts";
import { fresh, hour, type Json, Stack, until } from "./support/stack.ts";

let stack: Stack;
let google: Side;
let producer: Producer;
before(async () => {
  stack = await Stack.start();
  google = stack.at(googleAccount);
  producer = await startProducer(stack.worker);
});
after(async () => {
  await producer?.stop();
  await stack.stop();
});

const json = (body: unknown): Message => ({ body, contentType: "json" });
const text = (body: string): Message => ({ body, contentType: "text" });

/** Arrays in each other. */
function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

test("good tasks of a batch are done and all others answered, each by itself", async () => {
  const { connectorId, account } = await google.connectEmptyAccount();
  const event = { summary: "Demo", start: hour(9), end: hour(10), timeZone: "UTC", attendees: [] };
  const create = (id: string, payload: unknown = event) => ({ type: "create-event", connectorId, id, payload });
  const [good, written] = [fresh("good"), fresh("written")];
  const refresh = { type: "refresh-token", connectorId };
  await producer.send([
    text("nonsense"),
    json(null),
    json({ type: { nested: ["refresh-token"] }, connectorId, payload: {} }),
    json({ ...refresh, payload: nested(200) }),
    json({ type: "fly-away", connectorId, payload: {} }),
    json({ ...refresh, payload: { of: 2 ** 60 } }),
    json({ ...refresh, payload: { of: "x".repeat(122_000) } }),
    json(create(good)),
    text(JSON.stringify(create(written))),
    json({ ...refresh, payload: {} }),
  ]);

  for (const id of [good, written]) {
    const task = await until(
      async () => (await stack.api("GET", `/v1/tasks/${id}?connectorId=${connectorId}`)).body,
      (each) => each.state === "succeeded",
    );
    assert.equal(task.attempts, 1);
  }
  assert.equal((await google.events(account)).length, 2);

  const told: Json[] = await until(
    () => stack.notifications(),
    (list) => list.filter((each: Json) => each.type.startsWith("calendar.task.")).length >= 10,
  );
  const outcomes = told
    .filter((each) => each.type.startsWith("calendar.task."))
    .map((each) => [each.subject === connectorId, each.data.error?.code ?? each.data.type, each.data.error?.field]);
  assert.deepEqual(outcomes.map(String).sort(), [
    "false,not_an_object,",
    "false,not_an_object,",
    "false,not_an_object,",
    "true,create-event,",
    "true,create-event,",
    "true,out_of_range,payload.of",
    "true,refresh-token,",
    "true,task_too_large,payload",
    "true,unknown_task_type,type",
    "true,wrong_type,type",
  ]);
});
