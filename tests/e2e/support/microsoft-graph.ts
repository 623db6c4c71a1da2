// Microsoft's own JavaScript Graph client, pointed at a simulator.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, beforeEach } from "node:test";
import {
  Client,
  type Context,
  GraphError,
  HTTPMessageHandler,
  type Middleware,
  RetryHandler,
  RetryHandlerOptions,
} from "@microsoft/microsoft-graph-client";
import type { Event } from "@microsoft/microsoft-graph-types";
import { type LocalSimulator, startLocalSimulator } from "../../../scripts/dev/local-simulator.ts";

export const REDIRECT = "http://127.0.0.1:9/callback";
const SCOPES =
  "openid profile email offline_access User.Read Calendars.ReadWrite Calendars.Read.Shared MailboxSettings.Read";
export const WORK = "work@contoso.example";
export const EMPTY = "empty@contoso.example";
export const PERSONAL = "personal@outlook.example";
export const EMPTY_PERSONAL = "empty@outlook.example";
export const CONTOSO = "c0a7050a-1111-4000-8000-0000000000c0";
export const PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad";

/** Where the simulator of this test file answers, without a slash at the end. */
export let origin = "";

/** Starts a simulator for the tests of one file; before each of them it is as new, on a Monday at 8:00 UTC. */
export function useSimulatedMicrosoft(): void {
  let simulator: LocalSimulator | undefined;
  before(async () => {
    simulator = await startLocalSimulator("microsoft");
    origin = simulator.url;
  });
  after(() => simulator?.stop());
  beforeEach(() => control("POST", "reset", { now: "2026-03-02T08:00:00Z" }));
}

/** Calls the control API. */
// biome-ignore lint/suspicious/noExplicitAny: control answers are looked into freely
export async function control(method: string, path: string, body?: unknown): Promise<any> {
  const answer = await fetch(`${origin}/control/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} /control/${path}: ${answer.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

/** Who consents to what. */
export interface Ask {
  account?: string;
  tenant?: string;
  scope?: string;
  auto?: "approve" | "deny";
  client?: string;
  more?: Record<string, string>;
}

/** Sends somebody through the consent and gives the parameters of the way back, and the PKCE verifier. */
export async function consent(ask: Ask = {}): Promise<{ back: URLSearchParams; verifier: string }> {
  const verifier = randomBytes(32).toString("base64url");
  const url = new URL(`${origin}/${ask.tenant ?? "common"}/oauth2/v2.0/authorize`);
  url.search = new URLSearchParams({
    client_id: ask.client ?? "sim-microsoft-client",
    response_type: "code",
    redirect_uri: REDIRECT,
    scope: ask.scope ?? SCOPES,
    state: "xyz",
    nonce: "n-1",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    auto: ask.auto ?? "approve",
    account: ask.account ?? EMPTY,
    ...ask.more,
  }).toString();
  const answer = await fetch(url, { redirect: "manual" });
  assert.equal(answer.status, 302, await answer.text());
  const location = new URL(answer.headers.get("location") ?? "");
  assert.equal(location.origin + location.pathname, REDIRECT);
  assert.equal(location.searchParams.get("state"), "xyz");
  return { back: location.searchParams, verifier };
}

/** Posts to the token endpoint. */
export async function token(
  fields: Record<string, string>,
  { tenant = "common", secret = "sim-microsoft-secret" } = {},
  // biome-ignore lint/suspicious/noExplicitAny: token answers are looked into freely
): Promise<{ status: number; body: any }> {
  const form = { client_id: "sim-microsoft-client", client_secret: secret, ...fields };
  const answer = await fetch(`${origin}/${tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams(form),
  });
  return { status: answer.status, body: await answer.json() };
}

/** Somebody's tokens. */
export async function redeem(ask: Ask = {}): Promise<Record<string, string>> {
  const { back, verifier } = await consent(ask);
  const code = back.get("code") ?? "";
  const { status, body } = await token({
    grant_type: "authorization_code",
    code,
    redirect_uri: REDIRECT,
    code_verifier: verifier,
  });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/**
 * Adds the token, which Microsoft's own handler does for hosts of Microsoft alone. The client follows links by HTTPS only;
 * this stands for a proxy that takes the encryption off in front of the simulator.
 */
class BearerHandler implements Middleware {
  private next: Middleware | undefined;
  private readonly token: string;
  constructor(token: string) {
    this.token = token;
  }
  setNext(next: Middleware): void {
    this.next = next;
  }
  async execute(context: Context): Promise<void> {
    const headers = new Headers(context.options?.headers as HeadersInit);
    headers.set("Authorization", `Bearer ${this.token}`);
    headers.set("X-Forwarded-Proto", "https");
    context.request = String(context.request).replace(/^https:/, "http:");
    context.options = { ...context.options, headers };
    await this.next?.execute(context);
  }
}

/** A Graph client with a token; without `retry` it shows each fault. */
export function clientWith(accessToken: string, { retry = false } = {}): Client {
  const handlers: Middleware[] = [new BearerHandler(accessToken)];
  if (retry) handlers.push(new RetryHandler(new RetryHandlerOptions(1, 3)));
  handlers.push(new HTTPMessageHandler());
  handlers.forEach((handler, index) => {
    const next = handlers[index + 1];
    if (next !== undefined) handler.setNext?.(next);
  });
  const first = handlers[0];
  assert.ok(first);
  return Client.initWithMiddleware({
    baseUrl: `${origin.replace(/^http:/, "https:")}/`,
    defaultVersion: "v1.0",
    middleware: first,
  });
}

/** A Graph client for an account that has just agreed. */
export async function graphOf(account = EMPTY, ask: Ask = {}): Promise<Client> {
  const tokens = await redeem({ ...ask, account });
  return clientWith(tokens.access_token ?? "");
}

/** What a call that must fail fails with. */
export async function failure(
  call: Promise<unknown>,
): Promise<{ status: number; code: string | null; message: string; body: string; headers: Headers }> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof GraphError, String(error));
    return {
      status: error.statusCode,
      code: error.code,
      message: error.message,
      body: String(error.body),
      headers: error.headers ?? new Headers(),
    };
  }
  throw new assert.AssertionError({ message: "the call should have failed" });
}

/** An hour-long event. */
export function hour(start: string, more: Event & Record<string, unknown> = {}): Event {
  const end = new Date(Date.parse(`${start}Z`) + 3_600_000).toISOString().slice(0, 19);
  return {
    subject: "Planning",
    start: { dateTime: start, timeZone: "UTC" },
    end: { dateTime: end, timeZone: "UTC" },
    ...more,
  };
}
