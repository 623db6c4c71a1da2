// The Microsoft simulator speaks the real protocol: Microsoft's own JavaScript Graph client drives it.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  BatchRequestContent,
  BatchResponseContent,
  Client,
  type Context,
  GraphError,
  HTTPMessageHandler,
  type Middleware,
  PageIterator,
  RetryHandler,
  RetryHandlerOptions,
} from "@microsoft/microsoft-graph-client";
import type { Calendar, Event, ScheduleInformation, Subscription } from "@microsoft/microsoft-graph-types";
import { type LocalSimulator, startLocalSimulator } from "../../scripts/dev/local-simulator.ts";

const REDIRECT = "http://127.0.0.1:9/callback";
const SCOPES =
  "openid profile email offline_access User.Read Calendars.ReadWrite Calendars.Read.Shared MailboxSettings.Read";
const WORK = "work@contoso.example";
const EMPTY = "empty@contoso.example";
const PERSONAL = "personal@outlook.example";
const EMPTY_PERSONAL = "empty@outlook.example";
const CONTOSO = "c0a7050a-1111-4000-8000-0000000000c0";
const PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad";

let simulator: LocalSimulator;
before(async () => {
  simulator = await startLocalSimulator("microsoft");
});
after(() => simulator.stop());
beforeEach(() => control("POST", "reset", { now: "2026-03-02T08:00:00Z" }));

/** Calls the control API. */
// biome-ignore lint/suspicious/noExplicitAny: control answers are looked into freely
async function control(method: string, path: string, body?: unknown): Promise<any> {
  const answer = await fetch(`${simulator.url}/control/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} /control/${path}: ${answer.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

interface Ask {
  account?: string;
  tenant?: string;
  scope?: string;
  auto?: "approve" | "deny";
  client?: string;
  more?: Record<string, string>;
}

/** Sends somebody through the consent and gives the parameters of the way back, and the PKCE verifier. */
async function consent(ask: Ask = {}): Promise<{ back: URLSearchParams; verifier: string }> {
  const verifier = randomBytes(32).toString("base64url");
  const url = new URL(`${simulator.url}/${ask.tenant ?? "common"}/oauth2/v2.0/authorize`);
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
async function token(
  fields: Record<string, string>,
  { tenant = "common", secret = "sim-microsoft-secret" } = {},
  // biome-ignore lint/suspicious/noExplicitAny: token answers are looked into freely
): Promise<{ status: number; body: any }> {
  const form = { client_id: "sim-microsoft-client", client_secret: secret, ...fields };
  const answer = await fetch(`${simulator.url}/${tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams(form),
  });
  return { status: answer.status, body: await answer.json() };
}

async function redeem(ask: Ask = {}): Promise<Record<string, string>> {
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

function clientWith(accessToken: string, { retry = false } = {}): Client {
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
    baseUrl: `${simulator.url.replace(/^http:/, "https:")}/`,
    defaultVersion: "v1.0",
    middleware: first,
  });
}

async function graphOf(account = EMPTY, ask: Ask = {}): Promise<Client> {
  const tokens = await redeem({ ...ask, account });
  return clientWith(tokens.access_token ?? "");
}

/** What a call that must fail fails with. */
async function failure(
  call: Promise<unknown>,
): Promise<{ status: number; code: string | null; message: string; headers: Headers }> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof GraphError, String(error));
    return {
      status: error.statusCode,
      code: error.code,
      message: error.message,
      headers: error.headers ?? new Headers(),
    };
  }
  throw new assert.AssertionError({ message: "the call should have failed" });
}

/** An hour-long event. */
function hour(start: string, more: Event & Record<string, unknown> = {}): Event {
  const end = new Date(Date.parse(`${start}Z`) + 3_600_000).toISOString().slice(0, 19);
  return {
    subject: "Planning",
    start: { dateTime: start, timeZone: "UTC" },
    end: { dateTime: end, timeZone: "UTC" },
    ...more,
  };
}

describe("identity platform", () => {
  test("a code is exchanged once, with its verifier, for tokens that tell who it is", async () => {
    for (const [account, tenant] of [
      [EMPTY, CONTOSO],
      [EMPTY_PERSONAL, PERSONAL_TENANT],
    ] as const) {
      const { back, verifier } = await consent({ account });
      const exchange = (code_verifier: string) =>
        token({
          grant_type: "authorization_code",
          code: back.get("code") ?? "",
          redirect_uri: REDIRECT,
          code_verifier,
        });
      assert.deepEqual((await exchange("x".repeat(43))).body.error_codes, [501481]);
      const { status, body } = await exchange(verifier);
      assert.equal(status, 200);
      const claims = JSON.parse(Buffer.from(body.id_token.split(".")[1], "base64url").toString());
      assert.equal(claims.tid, tenant);
      assert.equal(claims.iss, `https://login.microsoftonline.com/${tenant}/v2.0`);
      assert.deepEqual([claims.aud, claims.preferred_username, claims.nonce], ["sim-microsoft-client", account, "n-1"]);
      const me = await clientWith(body.access_token).api("/me").get();
      assert.equal(claims.oid, me.id);
      assert.ok(!body.scope.includes("offline_access"));
      const again = await exchange(verifier);
      assert.deepEqual([again.status, again.body.error, again.body.error_codes], [400, "invalid_grant", [54005]]);
      assert.match(again.body.error_description, /^AADSTS54005: /);
    }
  });

  test("refresh tokens rotate, the old one lives on, and every way of dying has its number", async () => {
    const first = await redeem({ account: WORK });
    const refresh = (refresh_token?: string) =>
      token({ grant_type: "refresh_token", refresh_token: refresh_token ?? "" });
    const second = await refresh(first.refresh_token);
    assert.equal(second.status, 200);
    assert.notEqual(second.body.refresh_token, first.refresh_token);
    assert.equal((await refresh(first.refresh_token)).status, 200);

    await control("POST", "grants/revoke", { account: WORK });
    const withdrawn = await refresh(first.refresh_token);
    assert.deepEqual([withdrawn.body.error_codes, withdrawn.body.suberror], [[65001], "consent_required"]);

    const again = await redeem({ account: WORK });
    await control("POST", "revoke", { account: WORK });
    assert.deepEqual((await refresh(again.refresh_token)).body.error_codes, [50173]);

    await sleep(5);
    const idle = await redeem({ account: WORK });
    await control("POST", "clock/advance", { seconds: 91 * 86_400 });
    assert.deepEqual((await refresh(idle.refresh_token)).body.error_codes, [700082]);

    const wrong = await token({ grant_type: "refresh_token", refresh_token: "x" }, { secret: "wrong" });
    assert.deepEqual([wrong.status, wrong.body.error, wrong.body.error_codes], [401, "invalid_client", [7000215]]);
  });

  test("faults script what only a tenant's policy can bring about", async () => {
    const { refresh_token = "" } = await redeem();
    await control("POST", "faults", {
      route: "token",
      match: { account: EMPTY },
      fault: { reason: "50076", status: 400 },
    });
    const { status, body } = await token({ grant_type: "refresh_token", refresh_token });
    assert.deepEqual([status, body.error, body.error_codes], [400, "interaction_required", [50076]]);
    assert.ok(JSON.parse(body.claims).access_token);
    assert.equal((await token({ grant_type: "refresh_token", refresh_token })).status, 200);
  });

  test("no refresh token without offline_access, no id token without openid", async () => {
    const tokens = await redeem({ scope: "https://graph.microsoft.com/Calendars.Read" });
    assert.ok(tokens.access_token && tokens.refresh_token === undefined && tokens.id_token === undefined);
  });

  test("tenants let in their own accounts, and a refusal comes back to the redirect URI", async () => {
    const error = async (ask: Ask) => {
      const { back } = await consent(ask);
      return `${back.get("error")} ${back.get("error_description")?.split(":")[0]}`;
    };
    assert.equal(await error({ auto: "deny" }), "access_denied AADSTS65004");
    assert.equal(await error({ tenant: "organizations", account: PERSONAL }), "invalid_request AADSTS500200");
    assert.equal(await error({ tenant: "consumers", account: WORK }), "invalid_request AADSTS500208");
    assert.equal(await error({ client: "sim-microsoft-single-tenant" }), "invalid_request AADSTS50194");
    assert.equal(await error({ scope: "openid Everything.Burn" }), "invalid_scope AADSTS70011");
    assert.equal((await consent({ tenant: CONTOSO, client: "sim-microsoft-single-tenant" })).back.has("code"), true);
  });

  test("an organisation that demands approval gets it from its administrator, whose refusals look alike", async () => {
    const account = "user@fabrikam.example";
    const { back } = await consent({ account });
    assert.equal(back.get("error"), "access_denied");
    assert.match(back.get("error_description") ?? "", /^AADSTS90094: An administrator of Fabrikam/);

    const ask = async (more: Record<string, string>, tenant = "organizations") => {
      const url = new URL(`${simulator.url}/${tenant}/v2.0/adminconsent`);
      const scope = "https://graph.microsoft.com/Calendars.ReadWrite https://graph.microsoft.com/User.Read";
      const fields = { client_id: "sim-microsoft-client", redirect_uri: REDIRECT, state: "s", scope, ...more };
      url.search = new URLSearchParams(fields).toString();
      const answer = await fetch(url, { redirect: "manual" });
      return new URL(answer.headers.get("location") ?? "http://none/").searchParams;
    };
    const denied = await ask({ auto: "deny" });
    assert.deepEqual([denied.get("admin_consent"), denied.get("error")], ["True", "consent_required"]);
    const mere = await ask({ auto: "approve", account });
    assert.deepEqual([mere.get("admin_consent"), mere.get("error")], ["True", "access_denied"]);
    const granted = await ask({ auto: "approve", account: "admin@fabrikam.example" });
    assert.deepEqual([granted.get("admin_consent"), granted.get("error")], ["True", null]);
    assert.equal(granted.get("tenant"), "fab21ca0-2222-4000-8000-0000000000fa");

    assert.ok(
      (await consent({ account, scope: "openid offline_access Calendars.ReadWrite User.Read" })).back.has("code"),
    );
    assert.equal((await consent({ account })).back.get("error"), "access_denied", "more than was granted");
    const common = await fetch(
      `${simulator.url}/common/v2.0/adminconsent?client_id=sim-microsoft-client&redirect_uri=${REDIRECT}&scope=User.Read`,
    );
    assert.match(await common.text(), /AADSTS90130/);
  });

  test("people see a page to choose, to agree, or to ask their administrator", async () => {
    const query = `client_id=sim-microsoft-client&response_type=code&redirect_uri=${REDIRECT}&scope=openid%20Calendars.Read`;
    const page = await fetch(`${simulator.url}/common/oauth2/v2.0/authorize?${query}&state=p`);
    const html = await page.text();
    assert.ok(html.includes("Permissions requested") && html.includes(WORK) && html.includes("Read your calendars"));
    const submit = (account: string) =>
      fetch(`${simulator.url}/common/oauth2/v2.0/authorize`, {
        method: "POST",
        redirect: "manual",
        body: new URLSearchParams({ request: `${query}&state=p`, account, decision: "allow" }),
      });
    assert.match((await submit(WORK)).headers.get("location") ?? "", /[?&]code=.*&state=p$/);
    const approval = await (await submit("user@fabrikam.example")).text();
    assert.ok(approval.includes("Need admin approval") && approval.includes("AADSTS90094"));
    const elsewhere = await fetch(
      `${simulator.url}/common/oauth2/v2.0/authorize?client_id=sim-microsoft-client&redirect_uri=https://evil.example/`,
    );
    assert.deepEqual([elsewhere.status, (await elsewhere.text()).includes("AADSTS50011")], [400, true]);
  });
});

describe("calendars and events", () => {
  test("calendars come in pages that the client's iterator follows", async () => {
    const graph = await graphOf("many-calendars@contoso.example");
    const first = await graph.api("/me/calendars").top(4).select("name,isDefaultCalendar").get();
    assert.equal(first.value.length, 4);
    assert.match(first["@odata.nextLink"], /\$skip=4/);
    const names: string[] = [];
    const iterator = new PageIterator(graph, first, (calendar: Calendar) => {
      names.push(calendar.name ?? "");
      return true;
    });
    await iterator.iterate();
    assert.equal(names.length, 14);
    assert.equal(new Set(names).size, 14);
    const standard: Calendar = await graph.api("/me/calendar").get();
    assert.deepEqual([standard.name, standard.isDefaultCalendar], ["Calendar", true]);
    assert.equal((await graph.api(`/me/calendars/${standard.id}`).get()).id, standard.id);
  });

  test("an event is created, read in the caller's zone, changed under its etag and deleted once", async () => {
    const graph = await graphOf();
    const created: Event = await graph.api("/me/events").post(
      hour("2026-03-29T00:30:00", {
        body: { contentType: "text", content: "Bring <snacks>" },
        location: { displayName: "Harbour house" },
        showAs: "tentative",
        isOnlineMeeting: true,
      }),
    );
    assert.ok(created.id);
    assert.deepEqual([created.type, created.showAs, created.isOrganizer], ["singleInstance", "tentative", true]);
    assert.match(created.onlineMeeting?.joinUrl ?? "", /^https:\/\/teams\.microsoft\.com\//);
    assert.deepEqual(created.start, { dateTime: "2026-03-29T00:30:00.0000000", timeZone: "UTC" });

    const read: Event = await graph
      .api(`/me/events/${created.id}`)
      .header("Prefer", 'outlook.timezone="W. Europe Standard Time", outlook.body-content-type="text"')
      .get();
    assert.deepEqual(read.start, { dateTime: "2026-03-29T01:30:00.0000000", timeZone: "W. Europe Standard Time" });
    assert.deepEqual(read.end, { dateTime: "2026-03-29T03:30:00.0000000", timeZone: "W. Europe Standard Time" });
    assert.deepEqual(read.body, { contentType: "text", content: "Bring <snacks>" });

    const etag = (created as Record<string, string>)["@odata.etag"] ?? "";
    const changed: Event = await graph
      .api(`/me/events/${created.id}`)
      .header("If-Match", etag)
      .patch({ showAs: "busy" });
    assert.equal(changed.showAs, "busy");
    const stale = await failure(graph.api(`/me/events/${created.id}`).header("If-Match", etag).patch({ subject: "x" }));
    assert.deepEqual([stale.status, stale.code], [412, "ErrorIrresolvableConflict"]);
    assert.ok(stale.headers.get("request-id"));

    assert.equal(await graph.api(`/me/events/${created.id}`).delete(), undefined);
    const gone = await failure(graph.api(`/me/events/${created.id}`).delete());
    assert.deepEqual([gone.status, gone.code], [404, "ErrorItemNotFound"]);
  });

  test("a repeated transactionId gives the old event, and an extended property finds it", async () => {
    const graph = await graphOf(EMPTY_PERSONAL);
    const id = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name task";
    const event = hour("2026-03-03T10:00:00", {
      transactionId: "t-1",
      singleValueExtendedProperties: [{ id, value: "it's 1" }],
    });
    const first: Event = await graph.api("/me/events").post(event);
    const second: Event = await graph.api("/me/events").post({ ...event, subject: "Again" });
    assert.deepEqual([second.id, second.subject, second.transactionId], [first.id, "Planning", "t-1"]);

    const filter = `singleValueExtendedProperties/Any(ep: ep/id eq '${id}' and ep/value eq 'it''s 1')`;
    const found = await graph
      .api("/me/events")
      .filter(filter)
      .expand(`singleValueExtendedProperties($filter=id eq '${id}')`)
      .get();
    assert.deepEqual(
      found.value.map((event: Event) => event.id),
      [first.id],
    );
    assert.deepEqual(found.value[0].singleValueExtendedProperties, [{ id, value: "it's 1" }]);
    const refused = await failure(graph.api("/me/events").filter("transactionId eq 't-1'").get());
    assert.deepEqual([refused.status, refused.code], [400, "ErrorInvalidProperty"]);
  });

  test("ids are regular or immutable, and a move changes only the regular one", async () => {
    const graph = await graphOf(WORK);
    const created: Event = await graph.api("/me/events").post(hour("2026-03-03T10:00:00"));
    const immutable: Event = await graph.api(`/me/events/${created.id}`).header("Prefer", 'IdType="ImmutableId"').get();
    assert.notEqual(immutable.id, created.id);
    const moved = await control("POST", "events/move", { account: WORK, id: created.id, to: "Family" });
    assert.deepEqual([moved.immutableId, moved.id === created.id], [immutable.id, false]);
    assert.equal((await failure(graph.api(`/me/events/${created.id}`).get())).code, "ErrorItemNotFound");
    assert.equal((await graph.api(`/me/events/${immutable.id}`).get()).subject, "Planning");
    const lower = await failure(graph.api(`/me/events/${immutable.id?.toLowerCase()}`).get());
    assert.deepEqual([lower.status, lower.code], [400, "ErrorInvalidIdMalformed"]);
  });

  test("all-day events last from midnight to midnight, wherever one looks at them", async () => {
    const graph = await graphOf();
    const days = (start: string, end: string, more: Event = {}) => ({
      subject: "Away",
      isAllDay: true,
      start: { dateTime: start, timeZone: "Europe/Berlin" },
      end: { dateTime: end, timeZone: "Europe/Berlin" },
      ...more,
    });
    const created: Event = await graph.api("/me/events").post(days("2026-03-10T00:00:00", "2026-03-12T00:00:00"));
    const tokyo: Event = await graph
      .api(`/me/events/${created.id}`)
      .header("Prefer", 'outlook.timezone="Tokyo Standard Time"')
      .get();
    assert.deepEqual(tokyo.start, { dateTime: "2026-03-10T00:00:00.0000000", timeZone: "Tokyo Standard Time" });
    assert.equal(tokyo.originalStartTimeZone, "Europe/Berlin");
    for (const wrong of [
      days("2026-03-10T09:00:00", "2026-03-11T00:00:00"),
      days("2026-03-10T00:00:00", "2026-03-10T00:00:00"),
      days("2026-03-10T00:00:00", "2026-03-11T00:00:00", { end: { dateTime: "2026-03-11T00:00:00", timeZone: "UTC" } }),
    ]) {
      assert.equal((await failure(graph.api("/me/events").post(wrong))).status, 400, JSON.stringify(wrong));
    }
  });

  test("a series has a master, occurrences, exceptions and gaps, and keeps its time of day", async () => {
    const graph = await graphOf();
    const series: Event = await graph.api("/me/events").post({
      subject: "Weekly",
      start: { dateTime: "2026-03-18T09:00:00", timeZone: "W. Europe Standard Time" },
      end: { dateTime: "2026-03-18T09:30:00", timeZone: "W. Europe Standard Time" },
      recurrence: {
        pattern: { type: "weekly", interval: 1, daysOfWeek: ["wednesday"], firstDayOfWeek: "monday" },
        range: { type: "numbered", startDate: "2026-03-18", numberOfOccurrences: 4 },
      },
    });
    assert.equal(series.type, "seriesMaster");
    const span = "startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-05-01T00:00:00Z";
    const instances = async (): Promise<Event[]> =>
      (await graph.api(`/me/events/${series.id}/instances?${span}`).get()).value;
    const before = await instances();
    assert.deepEqual(
      before.map((event) => event.start?.dateTime),
      ["2026-03-18T08", "2026-03-25T08", "2026-04-01T07", "2026-04-08T07"].map((at) => `${at}:00:00.0000000`),
    );
    assert.equal(new Set(before.map((event) => event.iCalUId)).size, 4);
    const [first, second, third] = before;
    await graph.api(`/me/events/${second?.id}`).patch({
      subject: "Moved",
      start: { dateTime: "2026-03-26T08:00:00", timeZone: "UTC" },
      end: { dateTime: "2026-03-26T08:30:00", timeZone: "UTC" },
    });
    await graph.api(`/me/events/${third?.id}`).delete();
    const later = await instances();
    assert.deepEqual(
      later.map((event) => [event.type, event.subject]),
      [
        ["occurrence", "Weekly"],
        ["exception", "Moved"],
        ["occurrence", "Weekly"],
      ],
    );
    assert.deepEqual([later[1]?.id, later[1]?.originalStart], [second?.id, "2026-03-25T08:00:00Z"]);
    assert.equal(first?.seriesMasterId, series.id);
    const view = await graph.api(`/me/calendarView?${span}`).select("subject,start").get();
    assert.equal(view.value.length, 3);
    assert.equal((await failure(graph.api(`/me/events/${third?.id}`).get())).status, 404);
  });

  test("attendees are invited whether one wants it or not, and hear of changes and cancellations", async () => {
    const graph = await graphOf();
    const attendees: NonNullable<Event["attendees"]> = [
      { type: "required", emailAddress: { address: "guest@example.org" } },
      { type: "optional", emailAddress: { address: WORK, name: "Wanda" } },
    ];
    const meeting: Event = await graph.api("/me/events").post(hour("2026-03-04T10:00:00", { attendees }));
    await graph.api(`/me/events/${meeting.id}`).patch({ categories: ["Blue"] });
    await graph.api(`/me/events/${meeting.id}`).patch({ subject: "Planning, really" });

    const guest = await graphOf(WORK);
    const view = await guest
      .api("/me/calendarView?startDateTime=2026-03-04T10:00:00Z&endDateTime=2026-03-04T10:30:00Z")
      .get();
    const copy: Event | undefined = view.value.find((event: Event) => event.iCalUId === meeting.iCalUId);
    assert.deepEqual(
      [copy?.subject, copy?.showAs, copy?.isOrganizer, copy?.responseStatus?.response],
      ["Planning, really", "tentative", false, "notResponded"],
    );
    const refused = await failure(guest.api(`/me/events/${copy?.id}/cancel`).post({ comment: "no" }));
    assert.deepEqual([refused.status, /organizer/.test(refused.message)], [400, true]);
    await guest.api(`/me/events/${copy?.id}/accept`).post({ sendResponse: true });
    assert.equal((await guest.api(`/me/events/${copy?.id}`).get()).responseStatus.response, "accepted");
    const answered: Event = await graph.api(`/me/events/${meeting.id}`).get();
    assert.deepEqual(
      answered.attendees?.map((attendee) => attendee.status?.response),
      ["none", "accepted"],
    );

    await graph.api(`/me/events/${meeting.id}/cancel`).post({ comment: "Sorry" });
    const cancelled: Event = await guest.api(`/me/events/${copy?.id}`).get();
    assert.deepEqual([cancelled.isCancelled, cancelled.showAs], [true, "free"]);
    const { mails } = await control("GET", "outbox");
    assert.deepEqual(
      mails.map((mail: { kind: string; to: string }) => `${mail.kind} ${mail.to}`),
      ["invitation", "update", "cancellation"].flatMap((kind) => [`${kind} guest@example.org`, `${kind} ${WORK}`]),
    );
  });

  test("what makes no sense is refused with Graph's codes", async () => {
    const graph = await graphOf();
    for (const [event, code] of [
      [{ subject: "No time" }, "ErrorPropertyValidationFailure"],
      [
        hour("2026-03-04T10:00:00", { end: { dateTime: "2026-03-04T09:00:00", timeZone: "UTC" } }),
        "ErrorCalendarEndDateIsEarlierThanStartDate",
      ],
      [
        hour("2026-03-04T10:00:00", { start: { dateTime: "2026-03-04T10:00:00", timeZone: "Mars Standard Time" } }),
        "TimeZoneNotSupportedException",
      ],
      [hour("2026-03-04T10:00:00", { colour: "blue" }), "RequestBodyRead"],
    ] as const) {
      const refused = await failure(graph.api("/me/events").post(event));
      assert.deepEqual([refused.status, refused.code], [400, code]);
    }
    assert.equal((await failure(graph.api("/me/messages").get())).code, "BadRequest");
    assert.equal((await failure(graph.api("/me/calendarView").get())).code, "ErrorInvalidParameter");
    const holidays = (await (await graphOf(WORK)).api("/me/calendars").get()).value.find(
      (one: Calendar) => one.canEdit === false,
    );
    const foreign = await failure(
      (await graphOf(WORK)).api(`/me/calendars/${holidays.id}/events`).post(hour("2026-03-04T10:00:00")),
    );
    assert.deepEqual([foreign.status, foreign.code], [403, "ErrorAccessDenied"]);
  });
});

describe("delta", () => {
  const SPAN = "startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z";

  interface Round {
    items: (Event & { "@removed"?: { reason: string } })[];
    link: string;
    pages: number;
  }

  async function round(graph: Client, from: string, size = 100): Promise<Round> {
    const found: Round = { items: [], link: from, pages: 0 };
    for (;;) {
      const page = await graph.api(found.link).header("Prefer", `odata.maxpagesize=${size}`).get();
      found.items.push(...page.value);
      found.pages += 1;
      found.link = page["@odata.nextLink"] ?? page["@odata.deltaLink"];
      if (page["@odata.deltaLink"] !== undefined) return found;
    }
  }

  test("a first round shows the whole view in pages, later ones what changed, also outside the window", async () => {
    const graph = await graphOf(WORK);
    const view = await graph.api(`/me/calendarView?${SPAN}`).top(1000).get();
    const first = await round(graph, `/me/calendarView/delta?${SPAN}`, 7);
    const masters = first.items.filter((event) => event.type === "seriesMaster");
    assert.equal(first.items.length, view.value.length + masters.length);
    assert.equal(first.pages, Math.ceil(first.items.length / 7));
    const slim = first.items.find((event) => event.type === "occurrence");
    assert.deepEqual(Object.keys(slim ?? {}).sort(), [
      "@odata.etag",
      "@odata.type",
      "end",
      "id",
      "seriesMasterId",
      "start",
      "type",
    ]);
    assert.ok(masters.some((master) => master.id === slim?.seriesMasterId));
    assert.deepEqual((await round(graph, first.link)).items, []);

    const inside: Event = await graph.api("/me/events").post(hour("2026-03-20T10:00:00"));
    const outside: Event = await graph.api("/me/events").post(hour("2026-06-20T10:00:00"));
    const second = await round(graph, first.link);
    assert.deepEqual(
      second.items.map((event) => [event.id, event["@removed"]?.reason]),
      [
        [inside.id, undefined],
        [outside.id, "deleted"],
      ],
    );

    await graph.api(`/me/events/${inside.id}`).patch({
      start: { dateTime: "2026-05-20T10:00:00", timeZone: "UTC" },
      end: { dateTime: "2026-05-20T11:00:00", timeZone: "UTC" },
    });
    const third = await round(graph, second.link);
    assert.deepEqual(
      third.items.map((event) => [event.id, event["@removed"]?.reason]),
      [[inside.id, "deleted"]],
    );
    assert.equal((await graph.api(`/me/events/${inside.id}`).get()).subject, "Planning", "it left the window, no more");

    await graph.api(`/me/events/${slim?.id}`).delete();
    const fourth = await round(graph, third.link);
    assert.deepEqual(
      fourth.items.filter((event) => event["@removed"]).map((event) => event.id),
      [slim?.id],
    );
    assert.deepEqual((await round(graph, second.link)).items.length, 3, "an old token still tells everything since");
  });

  test("tokens expire in the three ways that Outlook knows", async () => {
    const graph = await graphOf(WORK);
    const start = `/me/calendarView/delta?${SPAN}`;
    for (const [how, status, code] of [
      ["gone", 410, "SyncStateNotFound"],
      ["location", 410, "resyncRequired"],
      ["notFound", 400, "syncStateNotFound"],
    ] as const) {
      const { link } = await round(graph, start);
      await control("POST", "sync-tokens/expire", { account: WORK, as: how });
      const expired = await failure(graph.api(link).get());
      assert.deepEqual([expired.status, expired.code], [status, code]);
      const location = expired.headers.get("location");
      assert.equal(location === null, how !== "location");
      if (location !== null) assert.ok((await round(graph, location)).items.length > 40);
    }
    const refused = await failure(graph.api(`${start}&$select=subject`).get());
    assert.deepEqual([refused.status, refused.code], [400, "ErrorInvalidUrlQuery"]);
  });

  test("it can be as awkward as the real one: empty pages, replays, short pages", async () => {
    const graph = await graphOf(WORK);
    await control("POST", "behaviour", { emptyDeltaPages: true, deltaReplays: true, pageSizeLimit: 20 });
    const first = await round(graph, `/me/calendarView/delta?${SPAN}`);
    const ids = first.items.map((event) => event.id);
    assert.equal(ids.length, new Set(ids).size + 1, "one item came twice");
    assert.equal(first.pages, Math.ceil(ids.length / 20) + 1);
    assert.equal((await round(graph, first.link)).items.length, 1);
  });
});

describe("availability", () => {
  const ask = (schedules: string[], start: string, end: string, zone = "UTC") => ({
    schedules,
    startTime: { dateTime: start, timeZone: zone },
    endTime: { dateTime: end, timeZone: zone },
    availabilityViewInterval: 60,
  });

  test("getSchedule tells when colleagues are busy, and what went wrong with each", async () => {
    const graph = await graphOf();
    for (const [at, showAs] of [
      ["09", "busy"],
      ["10", "tentative"],
      ["11", "oof"],
      ["12", "workingElsewhere"],
      ["13", "free"],
    ] as const) {
      await graph.api("/me/events").post(hour(`2026-03-04T${at}:00:00`, { showAs }));
    }
    const answer = await graph
      .api("/me/calendar/getSchedule")
      .header("Prefer", 'outlook.timezone="Europe/Berlin"')
      .post(
        ask(
          [EMPTY, "custom-zone@contoso.example", "nobody@contoso.example", PERSONAL],
          "2026-03-04T08:00:00",
          "2026-03-04T15:00:00",
        ),
      );
    const [own, custom, nobody, stranger]: ScheduleInformation[] = answer.value;
    assert.equal(own?.availabilityView, "0213000");
    assert.deepEqual(
      own?.scheduleItems?.map((item) => item.status),
      ["busy", "tentative", "oof", "workingElsewhere", "free"],
    );
    assert.deepEqual(own?.scheduleItems?.[0]?.start, {
      dateTime: "2026-03-04T10:00:00.0000000",
      timeZone: "Europe/Berlin",
    });
    assert.deepEqual(own?.workingHours?.timeZone, { name: "UTC" });
    assert.equal(own?.workingHours?.startTime, "08:00:00.0000000");
    assert.equal((custom?.workingHours?.timeZone as { bias?: number } | undefined)?.bias, 480);
    for (const failed of [nobody, stranger]) assert.equal(failed?.error?.responseCode, "ErrorMailRecipientNotFound");
    await control("POST", "behaviour", { workingElsewhereDigit: "4" });
    const other = await graph
      .api("/me/calendar/getSchedule")
      .post(ask([EMPTY], "2026-03-04T08:00:00", "2026-03-04T15:00:00"));
    assert.equal(other.value[0].availabilityView, "0213400");
  });

  test("getSchedule has limits, and is not for personal accounts", async () => {
    const graph = await graphOf();
    const many = Array.from({ length: 21 }, (_, number) => `p${number}@contoso.example`);
    const post = (body: unknown) => failure(graph.api("/me/calendar/getSchedule").post(body));
    assert.equal(
      (await post(ask(many, "2026-03-04T08:00:00", "2026-03-04T15:00:00"))).code,
      "ErrorIdentityArrayTooBig",
    );
    const long = await post(ask([EMPTY], "2026-03-01T00:00:00", "2026-05-30T00:00:00"));
    assert.match(long.message, /allowed limit = 62 days; the actual limit = 90 days/);
    const personal = await graphOf(EMPTY_PERSONAL);
    const refused = await failure(
      personal
        .api("/me/calendar/getSchedule")
        .post(ask([EMPTY_PERSONAL], "2026-03-04T08:00:00", "2026-03-04T15:00:00")),
    );
    assert.deepEqual([refused.status, refused.message], [400, "This API is not supported for MSA accounts"]);
    const view = await personal
      .api("/me/calendarView?startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z")
      .get();
    assert.deepEqual(view.value, [], "the empty account is empty");
  });

  test("findMeetingTimes suggests what suits everybody, or says why it cannot", async () => {
    const graph = await graphOf();
    await graph.api("/me/events").post(hour("2026-03-04T09:00:00"));
    const wish = (more: Record<string, unknown> = {}, until = "12:00:00") => ({
      attendees: [{ type: "required", emailAddress: { address: "admin@contoso.example" } }],
      timeConstraint: {
        activityDomain: "work",
        timeSlots: [
          {
            start: { dateTime: "2026-03-04T09:00:00", timeZone: "UTC" },
            end: { dateTime: `2026-03-04T${until}`, timeZone: "UTC" },
          },
        ],
      },
      meetingDuration: "PT1H",
      minimumAttendeePercentage: "100",
      ...more,
    });
    const found = await graph.api("/me/findMeetingTimes").post(wish());
    const starts = (answer: { meetingTimeSuggestions: { meetingTimeSlot: { start: { dateTime: string } } }[] }) =>
      answer.meetingTimeSuggestions.map((one) => one.meetingTimeSlot.start.dateTime.slice(11, 16));
    assert.deepEqual([starts(found), found.emptySuggestionsReason], [["10:00", "10:30", "11:00"], ""]);
    const busy = await graph.api("/me/findMeetingTimes").post(wish({}, "10:00:00"));
    assert.deepEqual([starts(busy), busy.emptySuggestionsReason], [[], "OrganizerUnavailable"]);
    const unknown = wish({ attendees: [{ emailAddress: { address: "x@example.org" } }] });
    assert.equal(
      (await graph.api("/me/findMeetingTimes").post(unknown)).emptySuggestionsReason,
      "AttendeesUnavailableOrUnknown",
    );
  });

  test("mailbox settings name the zone as the administrator did", async () => {
    for (const [account, zone] of [
      [WORK, "W. Europe Standard Time"],
      ["remote@contoso.example", "America/New_York"],
      [PERSONAL, "India Standard Time"],
    ] as const) {
      const settings = await (await graphOf(account)).api("/me/mailboxSettings").select("timeZone,workingHours").get();
      assert.deepEqual(
        [settings.timeZone, settings.workingHours.timeZone.name, settings.language],
        [zone, zone, undefined],
      );
    }
  });
});

describe("batches, limits and faults", () => {
  test("a batch answers out of order, and its parts fail on their own", async () => {
    const tokens = await redeem({ account: EMPTY });
    const graph = clientWith(tokens.access_token ?? "");
    const request = (path: string, init?: RequestInit) => new Request(`http://graph${path}`, init);
    const post = (event: Event) =>
      request("/me/events", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(event),
      });
    await control("POST", "faults", { route: "events.get", fault: { status: 429, retryAfter: 17 } });
    const content = new BatchRequestContent([
      { id: "1", request: post(hour("2026-03-04T10:00:00")) },
      { id: "2", request: request("/me/events/AAMkAGnonsense") },
      { id: "3", request: request("/me/calendar") },
      { id: "4", request: post({ subject: "No time" }) },
    ]);
    const answer = await graph.api("/$batch").post(await content.getContent());
    const responses = new BatchResponseContent(answer);
    const status = (id: string) => responses.getResponseById(id).status;
    assert.deepEqual(["1", "2", "3", "4"].map(status), [201, 429, 200, 400]);
    assert.equal(responses.getResponseById("2").headers.get("retry-after"), "17");
    const ids = answer.responses.map((response: { id: string }) => response.id);
    assert.notDeepEqual(ids, ["1", "2", "3", "4"]);
    assert.equal(answer.responses.find((one: { id: string }) => one.id === "2").headers["Retry-After"], "17");
    const counters = await control("GET", "counters");
    assert.deepEqual([counters.routes.batch.total, counters.routes["events.create"].total], [1, 2]);
    assert.ok(counters.maxInFlight[EMPTY] <= 4);
  });

  test("what depends on a failure fails with it, and a batch has its limits", async () => {
    const graph = await graphOf();
    const get = (id: string, url: string, dependsOn?: string[]) => ({
      id,
      method: "GET",
      url,
      ...(dependsOn ? { dependsOn } : {}),
    });
    const answer = await graph.api("/$batch").post({
      requests: [get("a", "/me/events/x"), get("b", "/me", ["a"]), get("c", "/me", ["b"]), get("d", "/me/calendar")],
    });
    const statuses = Object.fromEntries(
      answer.responses.map((one: { id: string; status: number }) => [one.id, one.status]),
    );
    assert.deepEqual(statuses, { a: 400, b: 424, c: 424, d: 200 });
    const refuse = async (requests: unknown[]) => (await failure(graph.api("/$batch").post({ requests }))).status;
    assert.equal(await refuse(Array.from({ length: 21 }, (_, id) => get(String(id), "/me"))), 400);
    assert.equal(await refuse([get("a", "/me"), get("a", "/me")]), 400);
    assert.equal(await refuse([{ id: "a", method: "POST", url: "/me/events", body: {} }]), 400);
  });

  test("a mailbox serves four requests at a time and so many in ten minutes", async () => {
    const graph = await graphOf();
    await control("POST", "behaviour", { latencyMs: 150 });
    const six = await Promise.allSettled(Array.from({ length: 6 }, () => graph.api("/me/calendar").get()));
    const refused = six.filter((one) => one.status === "rejected");
    assert.equal(refused.length, 2);
    assert.deepEqual([refused[0]?.reason.statusCode, refused[0]?.reason.code], [429, "ApplicationThrottled"]);
    assert.match(refused[0]?.reason.message, /MailboxConcurrency/);
    const twelve = {
      requests: Array.from({ length: 12 }, (_, id) => ({ id: String(id), method: "GET", url: "/me/calendar" })),
    };
    const batch = await graph.api("/$batch").post(twelve);
    assert.ok(
      batch.responses.every((one: { status: number }) => one.status === 200),
      "a batch keeps to four by itself",
    );

    await control("POST", "behaviour", { latencyMs: 0 });
    await control("POST", "quota", { perMailboxPerTenMinutes: 25 });
    const over = await failure(
      (async () => {
        for (;;) await graph.api("/me/calendar").get();
      })(),
    );
    assert.equal(over.status, 429);
    const wait = Number(over.headers.get("retry-after"));
    assert.ok(wait > 590 && wait <= 601, String(wait));
    await control("POST", "clock/advance", { seconds: wait });
    await graph.api("/me/calendar").get();
  });

  test("the client's own retry handler understands our Retry-After", async () => {
    const tokens = await redeem();
    await control("POST", "faults", { route: "calendars.get", times: 2, fault: { status: 429, retryAfter: 1 } });
    const started = Date.now();
    const calendar = await clientWith(tokens.access_token ?? "", { retry: true })
      .api("/me/calendar")
      .get();
    assert.equal(calendar.isDefaultCalendar, true);
    assert.ok(Date.now() - started >= 2_000);
  });

  test("tokens, scopes and challenges are refused as Graph refuses them", async () => {
    const nobody = await failure(clientWith("nonsense").api("/me").get());
    assert.deepEqual([nobody.status, nobody.code], [401, "InvalidAuthenticationToken"]);
    assert.match(nobody.headers.get("www-authenticate") ?? "", /^Bearer realm=/);
    const reader = await graphOf(EMPTY, { scope: "openid User.Read Calendars.Read" });
    const write = await failure(reader.api("/me/events").post(hour("2026-03-04T10:00:00")));
    assert.deepEqual([write.status, write.code], [403, "ErrorAccessDenied"]);
    assert.equal((await failure(reader.api("/me/mailboxSettings").get())).status, 403);
    assert.equal((await failure(reader.api(`/users/${WORK}/events`).get())).status, 403);
    assert.equal((await reader.api(`/users/${EMPTY}/events`).get()).value.length, 0);

    await control("POST", "faults", { route: "me", fault: { status: 401, reason: "claims" } });
    const challenged = await failure(reader.api("/me").get());
    assert.match(challenged.headers.get("www-authenticate") ?? "", /error="insufficient_claims", claims="/);
    await control("POST", "revoke", { account: EMPTY, challenge: true });
    assert.match((await failure(reader.api("/me").get())).message, /Continuous access evaluation/);
    const fresh = await graphOf();
    await control("POST", "tokens/expire", { account: EMPTY });
    assert.match((await failure(fresh.api("/me").get())).message, /expired/);
  });

  test("each scripted status has the body that comes with it", async () => {
    const graph = await graphOf();
    for (const [status, code] of [
      [500, "ErrorInternalServerError"],
      [503, "ErrorServerBusy"],
      [504, "UnknownError"],
      [509, "BandwidthLimitExceeded"],
    ] as const) {
      await control("POST", "faults", {
        route: "events.*",
        match: { account: EMPTY },
        fault: { status, retryAfter: 5 },
      });
      const failed = await failure(graph.api("/me/events").get());
      assert.deepEqual([failed.status, failed.code, failed.headers.get("retry-after")], [status, code, "5"]);
    }
  });
});

describe("subscriptions", () => {
  interface Notification {
    path: string;
    // biome-ignore lint/suspicious/noExplicitAny: notifications are looked into freely
    body: any;
  }

  /** A subscriber that answers the handshake, unless told otherwise. */
  async function subscriber(handshake = (token: string, _path: string) => ({ status: 200, body: token })) {
    const received: Notification[] = [];
    const validated: string[] = [];
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://x");
      const token = url.searchParams.get("validationToken");
      let text = "";
      request.on("data", (part) => {
        text += part;
      });
      request.on("end", () => {
        if (token === null) {
          received.push({ path: url.pathname, body: JSON.parse(text) });
          response.writeHead(202).end();
          return;
        }
        validated.push(url.pathname);
        const { status, body } = handshake(token, url.pathname);
        response.writeHead(status, { "content-type": "text/plain" }).end(body);
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const until = async (count: number) => {
      for (let tries = 0; received.length < count && tries < 200; tries += 1) await sleep(10);
      return received;
    };
    return { origin, received, validated, until, close: () => server.close() };
  }

  const wish = (origin: string, more: Subscription = {}): Subscription => ({
    changeType: "created,updated,deleted",
    notificationUrl: `${origin}/hook`,
    lifecycleNotificationUrl: `${origin}/lifecycle`,
    resource: "me/events",
    expirationDateTime: "2026-03-05T08:00:00Z",
    clientState: "secret-state",
    ...more,
  });

  test("both URLs are asked while the call is pending, then changes and lifecycle events arrive", async () => {
    const hook = await subscriber();
    try {
      const graph = await graphOf();
      const created: Subscription = await graph
        .api("/subscriptions")
        .header("Prefer", 'IdType="ImmutableId"')
        .post(wish(hook.origin));
      assert.deepEqual(hook.validated, ["/hook", "/lifecycle"]);
      assert.deepEqual([created.clientState, created.expirationDateTime], ["secret-state", "2026-03-05T08:00:00Z"]);
      const again = await failure(graph.api("/subscriptions").post(wish(hook.origin)));
      assert.equal(again.status, 409);

      const event: Event = await graph
        .api("/me/events")
        .header("Prefer", 'IdType="ImmutableId"')
        .post(hour("2026-03-04T10:00:00"));
      await graph.api(`/me/events/${event.id}`).patch({ subject: "Changed" });
      await graph.api(`/me/events/${event.id}`).delete();
      const told = (await hook.until(3)).flatMap((delivery) => delivery.body.value);
      assert.deepEqual(told.map((item) => item.changeType).sort(), ["created", "deleted", "updated"]);
      for (const item of told) {
        assert.deepEqual([item.subscriptionId, item.clientState, item.tenantId], [created.id, "secret-state", CONTOSO]);
        assert.deepEqual(
          [item.resourceData["@odata.type"], item.resourceData.id],
          ["#Microsoft.Graph.Event", event.id],
        );
      }
      await control("POST", "lifecycle", { subscriptionId: created.id, event: "reauthorizationRequired", pause: true });
      const lifecycle = (await hook.until(4)).find((delivery) => delivery.path === "/lifecycle");
      assert.deepEqual(
        [lifecycle?.body.value[0].lifecycleEvent, lifecycle?.body.value[0].clientState],
        ["reauthorizationRequired", "secret-state"],
      );

      await graph.api("/me/events").post(hour("2026-03-06T10:00:00"));
      await graph.api(`/subscriptions/${created.id}/reauthorize`).post({});
      await graph.api("/me/events").post(hour("2026-03-07T10:00:00"));
      await hook.until(5);
      await sleep(50);
      assert.equal(hook.received.length, 5, "what happened during the pause is lost");
      assert.equal((await control("GET", "notifications")).notifications.length, 5);
    } finally {
      hook.close();
    }
  });

  test("a subscriber that does not answer as it should gets no subscription", async () => {
    for (const [answer, message] of [
      [(token: string) => ({ status: 202, body: token }), /must respond with 200 OK/],
      [(token: string) => ({ status: 200, body: encodeURIComponent(token) }), /exactly match/],
      [(token: string, path: string) => ({ status: path === "/hook" ? 200 : 403, body: token }), /'Forbidden'/],
    ] as const) {
      const hook = await subscriber(answer);
      try {
        const graph = await graphOf();
        const refused = await failure(graph.api("/subscriptions").post(wish(hook.origin)));
        assert.deepEqual([refused.status, refused.code], [400, "ValidationError"]);
        assert.match(refused.message, message);
        assert.deepEqual((await graph.api("/subscriptions").get()).value, []);
      } finally {
        hook.close();
      }
    }
  });

  test("lives are limited, renewed and ended", async () => {
    const hook = await subscriber();
    try {
      const graph = await graphOf(EMPTY_PERSONAL);
      const post = (more: Subscription) => graph.api("/subscriptions").post(wish(hook.origin, more));
      const long = await failure(post({ expirationDateTime: "2026-03-09T08:00:00Z" }));
      assert.match(long.message, /only be 10070 minutes/);
      for (const wrong of [
        { clientState: "x".repeat(129) },
        { notificationUrl: "http://example.com/" },
        { resource: "me/messages" },
        { changeType: "moved" },
      ]) {
        assert.equal((await failure(post(wrong))).status, 400, JSON.stringify(wrong));
      }
      const created: Subscription = await post({ expirationDateTime: "2026-03-02T08:10:00Z" });
      const lives = Date.parse(created.expirationDateTime ?? "") - Date.parse("2026-03-02T08:00:00Z");
      assert.ok(lives >= 45 * 60_000 && lives < 46 * 60_000, "raised to 45 minutes");
      const renewed: Subscription = await graph
        .api(`/subscriptions/${created.id}`)
        .patch({ expirationDateTime: "2026-03-06T08:00:00Z" });
      assert.deepEqual([renewed.expirationDateTime, renewed.clientState], ["2026-03-06T08:00:00Z", null]);
      const url = await failure(
        graph.api(`/subscriptions/${created.id}`).patch({ lifecycleNotificationUrl: `${hook.origin}/other` }),
      );
      assert.equal(url.status, 400);
      await graph.api(`/subscriptions/${created.id}`).delete();
      assert.equal((await failure(graph.api(`/subscriptions/${created.id}`).get())).status, 404);
    } finally {
      hook.close();
    }
  });

  test("notifications can be lost, doubled, and travel together", async () => {
    const hook = await subscriber();
    try {
      const graph = await graphOf();
      await graph.api("/subscriptions").post(wish(hook.origin));
      await control("POST", "faults", { route: "notification", fault: "drop" });
      await control("POST", "faults", { route: "notification", fault: "duplicate" });
      await graph.api("/me/events").post(hour("2026-03-04T10:00:00", { subject: "lost" }));
      await sleep(50);
      await graph.api("/me/events").post(hour("2026-03-04T11:00:00", { subject: "doubled" }));
      const doubled = await hook.until(2);
      assert.deepEqual(doubled[0]?.body, doubled[1]?.body);
      await control("POST", "behaviour", { notificationDelayMs: 100 });
      await Promise.all(["12", "13", "14"].map((at) => graph.api("/me/events").post(hour(`2026-03-04T${at}:00:00`))));
      const together = (await hook.until(3))[2];
      assert.equal(together?.body.value.length, 3);
    } finally {
      hook.close();
    }
  });
});

describe("control", () => {
  test("the true state of a calendar is there to compare with", async () => {
    await control("POST", "events", { account: EMPTY, event: hour("2026-03-04T10:00:00", { showAs: "tentative" }) });
    await control("POST", "events", { account: EMPTY, event: hour("2026-03-04T10:30:00") });
    await control("POST", "events", { account: EMPTY, event: hour("2026-03-04T13:00:00", { showAs: "free" }) });
    const state = await control(
      "GET",
      `events?account=${EMPTY}&timeMin=2026-03-04T00:00:00Z&timeMax=2026-03-05T00:00:00Z`,
    );
    assert.deepEqual(state.busy, [{ start: "2026-03-04T10:00:00Z", end: "2026-03-04T11:30:00Z" }]);
    assert.deepEqual([state.events.length, state.view.length], [3, 3]);
    const { accounts } = await control("GET", "accounts");
    assert.deepEqual(
      [accounts.length, accounts.find((one: { email: string }) => one.email === PERSONAL).kind],
      [11, "personal"],
    );
  });
});
