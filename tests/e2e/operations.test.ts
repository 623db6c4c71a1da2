// What an operator and a backend rely on: keys and tokens, isolation, dead letters, rotation, health, metrics, the document.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startLocalWorker } from "../../scripts/dev/local-worker.ts";
import { google as googleAccount, microsoftWork } from "./support/account-kinds.ts";
import { assertPublished } from "./support/contract.ts";
import type { Side } from "./support/side.ts";
import { fresh, hour, Stack, until } from "./support/stack.ts";

let stack: Stack;
let google: Side;
before(async () => {
  stack = await Stack.start();
  google = stack.at(googleAccount);
});
after(() => stack.stop());

const meeting = { summary: "Demo", start: hour(9), end: hour(10), timeZone: "UTC", attendees: [] };

describe("who may do what", () => {
  test("nobody without a key", async () => {
    for (const bearer of [undefined, "wrong", `${stack.worker.settings.API_KEY}x`]) {
      const answer = await fetch(
        `${stack.worker.url}/v1/connectors`,
        bearer === undefined ? {} : { headers: { authorization: `Bearer ${bearer}` } },
      );
      assert.equal(answer.status, 401);
      assert.match(answer.headers.get("content-type") ?? "", /application\/problem\+json/);
    }
  });

  test("an access token reaches its own user's connectors and tasks, and no others", async () => {
    const [mine, theirs] = [fresh("user"), fresh("user")];
    const own = await google.connectEmptyAccount({ userId: mine });
    const other = await google.connectEmptyAccount({ userId: theirs });
    const { body } = await stack.api("POST", "/v1/access-tokens", { userId: mine, ttlSeconds: 300 });
    const token = body.token;
    assert.equal((await stack.api("GET", `/v1/connectors/${own.connectorId}`, undefined, token)).status, 200);
    assert.equal((await stack.api("GET", `/v1/connectors/${other.connectorId}`, undefined, token)).status, 404);
    const list = (await stack.api("GET", "/v1/connectors", undefined, token)).body.connectors;
    assert.deepEqual(
      list.map((each: { id: string }) => each.id),
      [own.connectorId],
    );
    const foreign = await stack.api(
      "POST",
      "/v1/tasks",
      { type: "refresh-token", connectorId: other.connectorId, payload: {} },
      token,
    );
    assert.equal(foreign.status, 404);
    assert.equal((await stack.api("DELETE", `/v1/connectors/${other.connectorId}`, undefined, token)).status, 404);
  });

  test("bodies are capped, and bad JSON is answered", async () => {
    const huge = await stack.api("POST", "/v1/tasks", {
      type: "create-event",
      payload: { summary: "x".repeat(300_000) },
    });
    assert.equal(huge.status, 413);
    const bad = await stack.api("POST", "/v1/tasks", "{");
    assert.equal(bad.status, 400);
  });
});

describe("numbers", () => {
  test("are the same task's however they are written, and refused where JavaScript would change them", async () => {
    const { connectorId } = await google.connectEmptyAccount();
    const id = fresh("task");
    const body = (more: string) =>
      `{"type": "find-slots", "connectorId": "${connectorId}", "id": "${id}", "payload": {"timeMin": "${hour(9)}",
        "timeMax": "${hour(12)}", "timeZone": "UTC", "durationMinutes": 60.0, "fraction": 0.1${more}}}`;
    const refusal = await stack.api("POST", "/v1/tasks", body(`, "seen": [9007199254740993]`));
    assert.deepEqual([refusal.status, refusal.body.code, refusal.body.field], [422, "out_of_range", "payload.seen[0]"]);
    assert.equal((await stack.api("POST", "/v1/tasks", body(""))).status, 202);
    assert.equal((await stack.ended(id, connectorId)).state, "succeeded");
    // Written without a fraction it is no other payload.
    assert.equal((await stack.api("POST", "/v1/tasks", body("").replace("60.0", "60"))).status, 202);
  });
});

describe("dead letters", () => {
  test("a task given up is recorded, told, and replayed safely", async () => {
    const { connectorId, account } = await google.connectEmptyAccount();
    await google.fault("events.insert", { status: 503, after: true, retryAfter: 1 }, { match: { account }, times: 1 });
    await google.fault("events.*", { status: 503, retryAfter: 1 }, { match: { account }, times: "forever" });
    const id = await stack.enqueue("create-event", connectorId, meeting);
    const dead = await stack.ended(id, connectorId);
    assert.deepEqual([dead.state, dead.attempts], ["dead", 5], JSON.stringify(dead));
    await stack.told(connectorId, (told) => told.type === "calendar.task.failed" && told.data.taskId === id);
    await google.control("DELETE", "faults");

    // The breaker gives a connector that failed five times in a row a rest; the replayed task waits it out.
    await stack.api("POST", `/v1/tasks/${id}/replay?connectorId=${connectorId}`);
    const task = await until(
      () => stack.ended(id, connectorId, 120_000),
      (each) => each.state === "succeeded",
      120_000,
    );
    assert.ok(task.result.eventId);
    assert.equal((await google.events(account)).length, 1);
  });
});

describe("pausing", () => {
  test("keeps tasks off the calendar until it ends, and then they go on at once", async () => {
    const { connectorId, account } = await google.connectEmptyAccount();
    assert.equal((await stack.api("POST", `/v1/connectors/${connectorId}/pause`)).body.status, "paused");
    const id = await stack.enqueue("create-event", connectorId, meeting);
    await until(
      async () => (await stack.api("GET", `/v1/tasks/${id}?connectorId=${connectorId}`)).body,
      (task) => task.error?.code === "connector_paused",
    );
    assert.deepEqual(await google.events(account), []);
    assert.equal((await stack.api("POST", `/v1/connectors/${connectorId}/resume`)).body.status, "active");
    // Long before the sweep, which leaves a task alone for two minutes.
    assert.equal((await stack.ended(id, connectorId, 30_000)).state, "succeeded");
    assert.equal((await google.events(account)).length, 1);
  });
});

describe("what the worker says of itself", () => {
  test("/healthz is well, and names what is missing", async () => {
    assert.equal((await stack.api("GET", "/healthz")).status, 200);
    const broken = await startLocalWorker({ settings: { API_KEY: "", OAUTH_ENC_KEY: "c2hvcnQ=" } });
    try {
      const answer = await fetch(`${broken.url}/healthz`);
      assert.equal(answer.status, 503);
      const text = await answer.text();
      assertPublished("GET", "/healthz", { status: 503, headers: answer.headers, body: JSON.parse(text) });
      assert.match(text, /API_KEY/);
      assert.match(text, /OAUTH_ENC_KEY/);
      assert.doesNotMatch(text, /c2hvcnQ/);
    } finally {
      await broken.stop();
    }
  });

  test("/metrics counts tasks for Prometheus", async () => {
    const { connectorId } = await google.connectEmptyAccount();
    await stack.run("refresh-token", connectorId, {});
    const answer = await stack.api("GET", "/metrics");
    assert.equal(answer.status, 200);
    assert.match(String(answer.body), /huddle_tasks\{[^}]*type="refresh-token"[^}]*\} \d+/);
  });

  test("/openapi.json describes every route that is there, and what it answers", async () => {
    type Responses = Record<string, { content?: Record<string, unknown> }>;
    type Operations = Record<string, { responses: Responses; requestBody?: unknown }>;
    const { body } = await stack.api("GET", "/openapi.json");
    const { connectorId } = await google.connectEmptyAccount();
    let described = 0;
    for (const [path, operations] of Object.entries(body.paths as Record<string, Operations>)) {
      // What changes something is told of a connector that is not there.
      for (const [method, { responses }] of Object.entries(operations)) {
        const id = method === "get" ? connectorId : "unknown";
        const answer = await stack.api(method.toUpperCase(), path.replace(/\{[^}]+\}/g, id));
        const what = `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`;
        const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
        if (answer.status < 400) {
          const documented = responses[answer.status];
          assert.ok(documented !== undefined, what);
          assert.ok(documented.content === undefined || type in documented.content, `${type} of ${what}`);
          described += 1;
        } else {
          assert.ok([400, 401, 404, 415, 422].includes(answer.status), what);
          assert.ok(["application/problem+json", "text/html"].includes(type), `${type} of ${what}`);
        }
      }
    }
    assert.ok(described >= 7, `only ${described} answers were compared`);
  });

  test("nothing in its log is a secret", async () => {
    const { connectorId } = await google.connectEmptyAccount();
    await stack.run("create-event", connectorId, meeting);
    await stack.at(microsoftWork).connectEmptyAccount();
    const link = await google.connectLink();
    const { provider, cookie } = await stack.depart(link);
    const log = stack.worker.logs();
    for (const name of [
      "API_KEY",
      "WEBHOOK_SECRET",
      "OAUTH_ENC_KEY",
      "GOOGLE_CLIENT_SECRET",
      "MICROSOFT_CLIENT_SECRET",
    ]) {
      assert.ok(!log.includes(stack.worker.settings[name] ?? "?"), name);
    }
    assert.doesNotMatch(log, /ya29\.|1\/\/sim|refresh_token|code_verifier|[?&](code|state|link)=/);
    const seen = [cookie.split("=")[1], provider.searchParams.get("state"), new URL(link).searchParams.get("link")];
    for (const secret of seen) assert.ok(secret && !log.includes(secret), `${secret}`);
  });
});
