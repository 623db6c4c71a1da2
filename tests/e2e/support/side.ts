// One kind of account at its simulated provider, beside the worker: connecting such accounts, looking at what is truly on
// their calendars, and making their provider misbehave.

import assert from "node:assert/strict";
import type { LocalSimulator } from "../../../scripts/dev/local-simulator.ts";
import type { AccountKind, SeenEvent } from "./account-kinds.ts";
import { fresh, type Json, type Stack } from "./stack.ts";

export class Side {
  readonly kind: AccountKind;
  readonly simulator: LocalSimulator;
  readonly stack: Stack;

  constructor(stack: Stack, kind: AccountKind) {
    this.stack = stack;
    this.kind = kind;
    this.simulator = stack.simulators[kind.provider];
  }

  /** Calls the simulator's control API. */
  async control(method: string, path: string, body?: unknown): Promise<Json> {
    const answer = await fetch(`${this.simulator.url}/control/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} /control/${path}: ${answer.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** Scripts a fault of the provider. */
  async fault(route: string, fault: unknown, more: Record<string, unknown> = {}): Promise<void> {
    await this.control("POST", "faults", { route, fault, ...more });
  }

  /** A connect link for somebody with such an account. */
  async connectLink(more: Record<string, unknown> = {}): Promise<string> {
    return await this.stack.connectLink({ provider: this.kind.provider, ...more });
  }

  /** Connects an account of the simulator through the whole flow, and gives the connector's id. */
  async connect(
    account: string,
    more: Record<string, unknown> = {},
    consent: Record<string, string> = {},
  ): Promise<string> {
    const { provider, cookie } = await this.stack.depart(await this.connectLink(more));
    const callback = await this.stack.consent(provider, { auto: "approve", account, ...consent });
    const arrival = await this.stack.arrive(callback, cookie);
    const connector = arrival.location?.searchParams.get("connector_id");
    assert.ok(connector, `not connected: ${arrival.status} ${arrival.location} ${arrival.page}`);
    return connector;
  }

  /** An account of its own at the simulator, with nothing on its calendar. */
  async newAccount(): Promise<string> {
    const { path, body, email } = this.kind.newAccount(fresh("account"));
    await this.control("POST", path, body);
    return email;
  }

  /** The same, connected. */
  async connectEmptyAccount(more: Record<string, unknown> = {}): Promise<{ connectorId: string; account: string }> {
    const account = await this.newAccount();
    return { connectorId: await this.connect(account, more), account };
  }

  /** Puts an event on an account's main calendar as somebody else would; times are RFC 3339 in UTC. */
  async addEvent(account: string, start: string, end: string, summary = "Elsewhere"): Promise<void> {
    await this.control("POST", "events", { account, event: this.kind.event({ summary, start, end }) });
  }

  /** Moves an event to another place as somebody else would. */
  async changePlace(account: string, id: string, place: string): Promise<void> {
    await this.control("PATCH", "events", { account, id, event: this.kind.place(place) });
  }

  /** The events that are truly on an account's main calendar. */
  async events(account: string): Promise<SeenEvent[]> {
    return (await this.rawEvents(account)).map((event) => this.kind.seen(event));
  }

  /** The same, as the provider shows them. */
  async rawEvents(account: string): Promise<Json[]> {
    return (await this.control("GET", `events?account=${account}`)).events;
  }

  /** The mails that attendees got about an event, by kind. */
  async mails(eventId: string, kind: "invitation" | "update" | "cancellation"): Promise<Json[]> {
    const outbox = await this.control("GET", "outbox");
    const mails: Json[] = outbox.mails ?? outbox;
    return mails.filter((mail) => mail.eventId === eventId && mail.kind === kind);
  }

  /** How often the provider was called on a route for an account since the last reset of the counters. */
  async calls(route: string, account?: string): Promise<number> {
    const counters = (await this.control("GET", "counters")).routes[route];
    return account === undefined ? (counters?.total ?? 0) : (counters?.byAccount?.[account] ?? 0);
  }
}
