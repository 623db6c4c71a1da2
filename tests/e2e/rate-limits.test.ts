// How often a stranger, and the holder of an access token, may ask: the real binding in workerd.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fresh, Stack } from "./support/stack.ts";

let stack: Stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

/** The answers to so many requests at once. */
async function statuses(count: number, ask: () => Promise<{ status: number; headers: Headers }>): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: count }, ask));
  for (const { status, headers } of answers) {
    if (status === 429) assert.ok(Number(headers.get("retry-after")) > 0, "says how long to wait");
  }
  return answers.map(({ status }) => status);
}

/** A stranger's request. */
const visit = (path: string) => async () => {
  const answer = await fetch(stack.worker.url + path);
  await answer.body?.cancel();
  return answer;
};

test("a stranger's browser is turned away for a while after its requests of a minute", async () => {
  const answers = await statuses(250, visit("/connected"));
  assert.ok(answers.includes(200) && answers.includes(429), JSON.stringify(answers));
});

test("whoever asks how the worker is gets an answer at any sane rate, whatever browsers do, and a flood is turned away", async () => {
  const sane = await statuses(20, visit("/healthz"));
  assert.ok(
    sane.every((status) => status === 200),
    JSON.stringify(sane),
  );
  assert.ok((await statuses(250, visit("/healthz"))).includes(429));
  assert.equal((await stack.api("GET", "/healthz")).status, 200, "the operator's key is never turned away");
});

test("an access token is turned away too, and the operator's key never is", async () => {
  const { body } = await stack.api("POST", "/v1/access-tokens", { userId: fresh("user"), ttlSeconds: 300 });
  const list = (bearer?: string) => () => stack.api("GET", "/v1/connectors", undefined, bearer);
  const limited = await statuses(250, list(body.token));
  assert.ok(limited.includes(200) && limited.includes(429), JSON.stringify(limited));
  const operators = await statuses(250, list(stack.worker.settings.API_KEY));
  assert.ok(operators.every((status) => status === 200));
});
