// The worker in real workerd beside the simulated providers, and the few things every end-to-end test does with them.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type LocalSimulator,
  type SimulatedProvider,
  startLocalSimulator,
} from "../../../scripts/dev/local-simulator.ts";
import { type LocalWorker, startLocalWorker } from "../../../scripts/dev/local-worker.ts";
import type { Settings } from "../../../scripts/dev/settings-file.ts";
import type { AccountKind } from "./account-kinds.ts";
import { assertPublished, assertPublishedNotification } from "./contract.ts";
import { Side } from "./side.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely, and asserted
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
}

/** A task as `GET /v1/tasks/{id}` tells it. */
export interface Task {
  taskId: string;
  state: "queued" | "running" | "succeeded" | "failed" | "dead";
  attempts: number;
  result?: Json;
  error?: { code: string; message: string; field?: string; retryable: boolean };
}

/** A machine that runs many tests at once takes its time; what never comes is waited for no longer than this. */
export const PATIENCE_MS = 90_000;

let lastId = 0;

/** An id nobody used before. */
export function fresh(prefix: string): string {
  lastId += 1;
  return `${prefix}-${process.pid}-${lastId}`;
}

/** The settings that point a worker at simulated providers. */
export function simulatedAt(google: string, microsoft: string): Settings {
  return {
    GOOGLE_AUTH_URL: `${google}/o/oauth2/v2/auth`,
    GOOGLE_TOKEN_URL: `${google}/token`,
    GOOGLE_REVOKE_URL: `${google}/revoke`,
    GOOGLE_API_URL: google,
    MICROSOFT_LOGIN_URL: microsoft,
    GRAPH_API_URL: `${microsoft}/v1.0`,
  };
}

export class Stack {
  worker: LocalWorker;
  readonly simulators: Record<SimulatedProvider, LocalSimulator>;
  private readonly stateFolder: string;

  private constructor(worker: LocalWorker, simulators: Record<SimulatedProvider, LocalSimulator>, stateFolder: string) {
    this.worker = worker;
    this.simulators = simulators;
    this.stateFolder = stateFolder;
  }

  /** Starts them all; `settings` win over those that point the worker at the simulators. */
  static async start(settings: Settings = {}): Promise<Stack> {
    const [google, microsoft] = await Promise.all([startLocalSimulator("google"), startLocalSimulator("microsoft")]);
    const stateFolder = mkdtempSync(join(tmpdir(), "stack-"));
    try {
      const worker = await startLocalWorker({
        stateFolder,
        settings: { ...simulatedAt(google.url, microsoft.url), ...settings },
      });
      return new Stack(worker, { google, microsoft }, stateFolder);
    } catch (error) {
      await Promise.all([google.stop(), microsoft.stop()]);
      rmSync(stateFolder, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.worker.stop(), ...Object.values(this.simulators).map((simulator) => simulator.stop())]);
    rmSync(this.stateFolder, { recursive: true, force: true });
  }

  /** Accounts of one kind, and their provider. */
  at(kind: AccountKind): Side {
    return new Side(this, kind);
  }

  /** Stops the worker and starts it again on the same state, with some settings changed. */
  async restart(changed: Settings): Promise<void> {
    const settings = { ...this.worker.settings, ...changed };
    await this.worker.stop();
    this.worker = await startLocalWorker({
      settings,
      stateFolder: this.stateFolder,
      port: Number(new URL(this.worker.url).port),
    });
  }

  /** Calls the worker's API with the API key, or with another bearer. An answer in JSON must be as openapi.json has it. */
  async api(method: string, path: string, body?: unknown, bearer = this.worker.settings.API_KEY): Promise<Answer> {
    const answer = await fetch(`${this.worker.url}${path}`, {
      method,
      redirect: "manual",
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get("content-type") ?? "");
    const read = { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
    if (isJson) assertPublished(method, path, read);
    return read;
  }

  /** Calls the worker's API, which must answer well, and gives the answer. */
  async ok(method: string, path: string, body?: unknown): Promise<Json> {
    const answer = await this.api(method, path, body);
    assert.equal(answer.status, 200, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** A connect link for somebody, at the provider that `more` names. */
  async connectLink(more: Record<string, unknown>): Promise<string> {
    const answer = await this.api("POST", "/v1/connect-links", {
      userId: fresh("user"),
      redirectUri: `${this.worker.url}/done`,
      ...more,
    });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body.url;
  }

  /** Goes to the provider with a connect link; where the browser is sent, and the cookie it got. */
  async depart(link: string): Promise<{ provider: URL; cookie: string }> {
    const answer = await fetch(link, { redirect: "manual" });
    assert.ok([302, 303].includes(answer.status), `${answer.status} ${await answer.text()}`);
    const cookie = (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    return { provider: new URL(answer.headers.get("location") ?? ""), cookie };
  }

  /** Lets the provider answer without a click; the callback it sends the browser to. */
  async consent(provider: URL, parameters: Record<string, string>): Promise<URL> {
    const url = new URL(provider);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const answer = await fetch(url, { redirect: "manual" });
    assert.equal(answer.status, 302, await answer.text());
    return new URL(answer.headers.get("location") ?? "");
  }

  /** Comes back from the provider; what the browser is shown. */
  async arrive(
    callback: URL,
    cookie: string,
  ): Promise<{ status: number; location: URL | null; page: string; setCookie: string }> {
    const answer = await fetch(callback, { redirect: "manual", headers: { cookie } });
    const location = answer.headers.get("location");
    return {
      status: answer.status,
      location: location === null ? null : new URL(location, this.worker.url),
      page: await answer.text(),
      setCookie: answer.headers.get("set-cookie") ?? "",
    };
  }

  /** Puts a task on the queue and gives its id. */
  async enqueue(
    type: string,
    connectorId: string,
    payload: unknown,
    more: Record<string, unknown> = {},
  ): Promise<string> {
    const id = fresh("task");
    const answer = await this.api("POST", "/v1/tasks", { type, connectorId, payload, id, ...more });
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    return answer.body.taskId;
  }

  /** Waits until a task has ended. */
  async ended(taskId: string, connectorId: string, withinMs = PATIENCE_MS): Promise<Task> {
    const path = `/v1/tasks/${encodeURIComponent(taskId)}?connectorId=${encodeURIComponent(connectorId)}`;
    return await until(
      async () => (await this.api("GET", path)).body as Task,
      (task) => ["succeeded", "failed", "dead"].includes(task.state),
      withinMs,
    );
  }

  /** Runs a task through the queue that must succeed, and gives its result. */
  async run(type: string, connectorId: string, payload: unknown, more: Record<string, unknown> = {}): Promise<Json> {
    const task = await this.ended(await this.enqueue(type, connectorId, payload, more), connectorId);
    assert.equal(task.state, "succeeded", JSON.stringify(task));
    return task.result;
  }

  /** Runs a task through the queue that must be refused, and gives its error. */
  async refused(type: string, connectorId: string, payload: unknown): Promise<NonNullable<Task["error"]>> {
    const task = await this.ended(await this.enqueue(type, connectorId, payload), connectorId);
    assert.equal(task.state, "failed", JSON.stringify(task));
    assert.ok(task.error);
    return task.error;
  }

  /** Waits until something is told about a connector. */
  async told(connectorId: string, wanted: (notification: Json) => boolean): Promise<Json> {
    const notifications = await until(
      () => this.notifications(connectorId),
      (list) => list.some(wanted),
    );
    return notifications.find(wanted);
  }

  /** What was told so far, about a connector or about all, oldest first. Each must be as its schema has it. */
  async notifications(connectorId?: string): Promise<Json[]> {
    const query = connectorId === undefined ? "" : `?connectorId=${encodeURIComponent(connectorId)}`;
    const { notifications } = await this.ok("GET", `/v1/notifications${query}`);
    notifications.forEach(assertPublishedNotification);
    return notifications;
  }
}

/** Asks again and again until the answer is right; fails with the last answer. */
export async function until<T>(
  ask: () => Promise<T>,
  right: (answer: T) => boolean,
  withinMs = PATIENCE_MS,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (right(answer)) return answer;
    if (Date.now() > deadline) assert.fail(`not within ${withinMs} ms: ${JSON.stringify(answer)}`);
    await sleep(250);
  }
}

/** An hour on a day far enough ahead, RFC 3339 in UTC: `hour(9)` is nine o'clock. */
export function hour(of: number, day = "2030-05-06"): string {
  return `${day}T${String(of).padStart(2, "0")}:00:00Z`;
}
