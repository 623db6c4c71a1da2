// The Google simulator speaks the real protocol: Google's own Node client drives it.

import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Auth, type calendar_v3, google } from "googleapis";
import { type LocalSimulator, startLocalSimulator } from "../../scripts/dev/local-simulator.ts";

const REDIRECT = "http://127.0.0.1:9/callback";
const CALENDAR = "https://www.googleapis.com/auth/calendar";
const EMPTY = "empty@example.com";
const BERLIN = "berlin@example.com";

let simulator: LocalSimulator;
before(async () => {
  simulator = await startLocalSimulator("google");
});
after(() => simulator.stop());
beforeEach(() => control("POST", "reset"));

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

function oauthClient(clientSecret = "sim-google-secret"): Auth.OAuth2Client {
  return new google.auth.OAuth2({
    clientId: "sim-google-client",
    clientSecret,
    redirectUri: REDIRECT,
    endpoints: {
      oauth2AuthBaseUrl: `${simulator.url}/o/oauth2/v2/auth`,
      oauth2TokenUrl: `${simulator.url}/token`,
      oauth2RevokeUrl: `${simulator.url}/revoke`,
      tokenInfoUrl: `${simulator.url}/tokeninfo`,
    },
  });
}

interface Ask {
  account?: string;
  scope?: string[];
  auto?: "approve" | "deny";
  untick?: string;
  prompt?: string;
  includeGranted?: boolean;
}

/** Sends somebody through the consent and gives the parameters of the way back, and the PKCE verifier. */
async function consent(client: Auth.OAuth2Client, ask: Ask = {}): Promise<{ back: URLSearchParams; verifier: string }> {
  const { codeVerifier, codeChallenge } = await client.generateCodeVerifierAsync();
  const url = new URL(
    client.generateAuthUrl({
      access_type: "offline",
      scope: ask.scope ?? ["openid", "email", "profile", CALENDAR],
      state: "xyz",
      code_challenge: codeChallenge ?? "",
      // biome-ignore lint/suspicious/noExplicitAny: the enum is not exported as a value that type stripping keeps
      code_challenge_method: "S256" as any,
      include_granted_scopes: ask.includeGranted ?? false,
      ...(ask.prompt === undefined ? {} : { prompt: ask.prompt }),
    }),
  );
  url.searchParams.set("auto", ask.auto ?? "approve");
  url.searchParams.set("account", ask.account ?? EMPTY);
  if (ask.untick !== undefined) url.searchParams.set("untick", ask.untick);
  const answer = await fetch(url, { redirect: "manual" });
  assert.equal(answer.status, 302, await answer.text());
  const location = new URL(answer.headers.get("location") ?? "");
  assert.equal(location.origin + location.pathname, REDIRECT);
  assert.equal(location.searchParams.get("state"), "xyz");
  return { back: location.searchParams, verifier: codeVerifier };
}

async function connected(ask: Ask = {}): Promise<Auth.OAuth2Client> {
  const client = oauthClient();
  const { back, verifier } = await consent(client, ask);
  const { tokens } = await client.getToken({ code: back.get("code") ?? "", codeVerifier: verifier });
  client.setCredentials(tokens);
  return client;
}

/** A Calendar client; it does not retry, so that each fault is seen. */
async function calendarOf(account = EMPTY, ask: Ask = {}): Promise<calendar_v3.Calendar> {
  return calendarWith(await connected({ ...ask, account }));
}

function calendarWith(auth: Auth.OAuth2Client): calendar_v3.Calendar {
  return google.calendar({ version: "v3", auth, rootUrl: `${simulator.url}/`, retry: false });
}

/** What a call that must fail fails with. */
async function failure(
  call: Promise<unknown>,
): Promise<{ status: number; reason: string; headers: Headers; body: unknown }> {
  try {
    await call;
  } catch (error) {
    // biome-ignore lint/suspicious/noExplicitAny: the client's errors carry the answer
    const response = (error as any).response;
    assert.ok(response, String(error));
    const inner = response.data?.error;
    const reason = typeof inner === "string" ? inner : inner?.errors?.[0]?.reason;
    return { status: response.status, reason, headers: response.headers, body: response.data };
  }
  throw new assert.AssertionError({ message: "the call should have failed" });
}

function hour(start: string, more: calendar_v3.Schema$Event = {}): calendar_v3.Schema$Event {
  const end = new Date(Date.parse(start) + 3_600_000).toISOString();
  return { summary: "Planning", start: { dateTime: start }, end: { dateTime: end }, ...more };
}

describe("OAuth", () => {
  test("a code is exchanged once, with its verifier, for tokens that tell who it is", async () => {
    const client = oauthClient();
    const { back, verifier } = await consent(client);
    const code = back.get("code") ?? "";
    const wrong = await failure(client.getToken({ code, codeVerifier: "x".repeat(43) }));
    assert.deepEqual(wrong.body, { error: "invalid_grant", error_description: "Invalid code verifier." });

    const { tokens } = await client.getToken({ code, codeVerifier: verifier });
    assert.ok(tokens.access_token && tokens.refresh_token);
    assert.ok((tokens.expiry_date ?? 0) > Date.now() + 3_500_000);
    const claims = JSON.parse(Buffer.from(tokens.id_token?.split(".")[1] ?? "", "base64url").toString());
    assert.equal(claims.iss, "https://accounts.google.com");
    assert.equal(claims.aud, "sim-google-client");
    assert.equal(claims.email, EMPTY);
    const info = await client.getTokenInfo(tokens.access_token);
    assert.equal(info.email, EMPTY);
    assert.ok(info.scopes.includes(CALENDAR));
    client.setCredentials(tokens);
    const oauth2 = google.oauth2({ version: "v2", auth: client, rootUrl: `${simulator.url}/` });
    assert.equal((await oauth2.userinfo.get()).data.id, claims.sub);

    const again = await failure(client.getToken({ code, codeVerifier: verifier }));
    assert.equal(again.reason, "invalid_grant");
  });

  test("codes, access tokens and grants expire and are revoked", async () => {
    const client = oauthClient();
    const { back, verifier } = await consent(client);
    await control("POST", "clock", { by: "PT11M" });
    assert.equal(
      (await failure(client.getToken({ code: back.get("code") ?? "", codeVerifier: verifier }))).reason,
      "invalid_grant",
    );

    const auth = await connected({ prompt: "consent" });
    auth.forceRefreshOnFailure = true;
    const calendar = calendarWith(auth);
    await control("POST", "tokens/expire", { account: EMPTY });
    const before = auth.credentials.access_token;
    // The client refreshes by itself on a 401 and keeps the refresh token, which the answer does not repeat.
    await calendar.calendarList.list();
    assert.notEqual(auth.credentials.access_token, before);
    const refresh = await fetch(`${simulator.url}/token`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa("sim-google-client:sim-google-secret")}` },
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: auth.credentials.refresh_token ?? "" }),
    });
    const refreshed = (await refresh.json()) as Record<string, unknown>;
    assert.equal(refresh.status, 200);
    assert.equal(refreshed.refresh_token, undefined);

    await auth.revokeToken(auth.credentials.refresh_token ?? "");
    assert.equal((await failure(auth.revokeToken(auth.credentials.refresh_token ?? ""))).status, 400);
    const dead = await failure(auth.refreshAccessToken());
    assert.deepEqual(dead.body, { error: "invalid_grant", error_description: "Token has been expired or revoked." });
  });

  test("a refresh token comes with the first consent, and later only when consent is prompted for", async () => {
    const tokens = async (ask: Ask) => (await connected(ask)).credentials.refresh_token ?? null;
    assert.notEqual(await tokens({}), null);
    assert.equal(await tokens({}), null);
    assert.notEqual(await tokens({ prompt: "consent" }), null);
  });

  test("denial, withheld scopes and granted scopes come back as at Google", async () => {
    const denied = await consent(oauthClient(), { auto: "deny" });
    assert.equal(denied.back.get("error"), "access_denied");
    const partial = await consent(oauthClient(), { untick: "calendar" });
    assert.deepEqual(partial.back.get("scope")?.split(" ").sort(), ["email", "openid", "profile"]);
    await connected();
    const more = await consent(oauthClient(), { scope: ["openid"], includeGranted: true });
    assert.ok(more.back.get("scope")?.includes(CALENDAR));
  });

  test("mistakes are shown on a page or answered with an OAuth error", async () => {
    const base = { client_id: "sim-google-client", redirect_uri: REDIRECT, response_type: "code", scope: "openid" };
    const cases: [Record<string, string>, number, string][] = [
      [{ client_id: "nobody" }, 401, "invalid_client"],
      [{ redirect_uri: "https://evil.example.com/" }, 400, "redirect_uri_mismatch"],
      [{ scope: "https://www.googleapis.com/auth/calendar.nonsense" }, 400, "invalid_scope"],
      [{ scope: "" }, 400, "invalid_request"],
      [{ response_type: "token" }, 400, "unsupported_response_type"],
    ];
    for (const [change, status, code] of cases) {
      const answer = await fetch(`${simulator.url}/o/oauth2/v2/auth?${new URLSearchParams({ ...base, ...change })}`, {
        redirect: "manual",
      });
      assert.equal(answer.status, status);
      assert.ok((await answer.text()).includes(`Error ${status}: ${code}`), code);
    }
    const wrongSecret = await failure(oauthClient("wrong").getToken({ code: "x" }));
    assert.equal(wrongSecret.status, 401);
    assert.equal(wrongSecret.reason, "invalid_client");
    const none = await fetch(
      `${simulator.url}/o/oauth2/v2/auth?${new URLSearchParams({ ...base, prompt: "none", login_hint: EMPTY })}`,
      { redirect: "manual" },
    );
    assert.equal(new URL(none.headers.get("location") ?? "").searchParams.get("error"), "interaction_required");
  });

  test("the consent page lets a person choose the account and withhold scopes", async () => {
    const client = oauthClient();
    const url = client.generateAuthUrl({ scope: ["openid", CALENDAR, `${CALENDAR}.events`], state: "s<" });
    const page = await (await fetch(url)).text();
    assert.ok(page.includes(`value="${BERLIN}"`) && page.includes(`name="scope" value="${CALENDAR}.events"`));
    const request =
      page
        .match(/name="request" value="([^"]*)"/)?.[1]
        ?.replaceAll("&#38;", "&")
        .replaceAll("&amp;", "&") ?? "";
    const form = new URLSearchParams({ request, account: BERLIN, scope: `${CALENDAR}.events`, decision: "allow" });
    const answer = await fetch(`${simulator.url}/o/oauth2/v2/auth`, { method: "POST", body: form, redirect: "manual" });
    const back = new URL(answer.headers.get("location") ?? "").searchParams;
    assert.equal(back.get("state"), "s<");
    const { tokens } = await client.getToken(back.get("code") ?? "");
    assert.equal(tokens.scope, `${CALENDAR}.events openid`);
    assert.equal(tokens.refresh_token, undefined, "access_type was not offline");
  });
});

describe("events", () => {
  test("an event lives through insert, get, patch, update and delete", async () => {
    const { events } = await calendarOf();
    const calendarId = "primary";
    const eventId = "0123abcdefghijklmnopqrstuv";
    const created = (
      await events.insert({
        calendarId,
        requestBody: hour("2030-05-06T09:00:00Z", { id: eventId, location: "Room 1" }),
      })
    ).data;
    assert.equal(created.id, eventId);
    assert.equal(created.iCalUID, `${eventId}@google.com`);
    assert.equal(
      (await failure(events.insert({ calendarId, requestBody: hour("2030-05-06T09:00:00Z", { id: eventId }) }))).reason,
      "duplicate",
    );
    assert.equal(
      (await failure(events.insert({ calendarId, requestBody: hour("2030-05-06T09:00:00Z", { id: "UPPER" }) }))).status,
      400,
    );

    const etag = created.etag ?? "";
    const unchanged = await events.get({ calendarId, eventId }, { headers: { "If-None-Match": etag } });
    assert.equal(unchanged.status, 304);
    const patched = (
      await events.patch(
        { calendarId, eventId, requestBody: { summary: "Renamed" } },
        { headers: { "If-Match": etag } },
      )
    ).data;
    assert.equal(patched.location, "Room 1");
    const stale = await failure(
      events.patch({ calendarId, eventId, requestBody: {} }, { headers: { "If-Match": etag } }),
    );
    assert.deepEqual([stale.status, stale.reason], [412, "conditionNotMet"]);
    const updated = (await events.update({ calendarId, eventId, requestBody: hour("2030-05-06T10:00:00Z") })).data;
    assert.equal(updated.location, undefined);
    assert.equal(updated.sequence, 1);

    assert.equal((await events.delete({ calendarId, eventId })).status, 204);
    assert.deepEqual([(await failure(events.delete({ calendarId, eventId }))).status], [410]);
    assert.equal((await events.get({ calendarId, eventId })).data.status, "cancelled");
    const taken = await failure(
      events.insert({ calendarId, requestBody: hour("2030-05-06T09:00:00Z", { id: eventId }) }),
    );
    assert.equal(taken.reason, "duplicate", "a deleted event keeps its id");
    const revived = await events.patch({ calendarId, eventId, requestBody: { status: "confirmed" } });
    assert.equal(revived.data.status, "confirmed");
    assert.equal((await failure(events.get({ calendarId, eventId: "nothing" }))).status, 404);
  });

  test("lists page through everything, filter, and select fields", async () => {
    const { events } = await calendarOf();
    const ids: string[] = [];
    for (let day = 1; day <= 7; day++) {
      const requestBody = hour(`2030-06-0${day}T09:00:00Z`, {
        summary: day % 2 === 0 ? "even" : "odd",
        extendedProperties: { private: { parity: String(day % 2) } },
      });
      ids.push((await events.insert({ calendarId: "primary", requestBody })).data.id ?? "");
    }
    const seen: string[] = [];
    let pageToken: string | undefined;
    let pages = 0;
    do {
      const page: calendar_v3.Schema$Events = (
        await events.list({
          calendarId: "primary",
          maxResults: 3,
          singleEvents: true,
          orderBy: "startTime",
          ...(pageToken ? { pageToken } : {}),
        })
      ).data;
      seen.push(...(page.items ?? []).map((event) => event.id ?? ""));
      pageToken = page.nextPageToken ?? undefined;
      assert.equal(page.nextSyncToken, undefined, "an ordered list gives no sync token");
      pages++;
    } while (pageToken);
    assert.deepEqual(seen, ids);
    assert.equal(pages, 3);
    const list = async (params: calendar_v3.Params$Resource$Events$List) =>
      ((await events.list({ calendarId: "primary", ...params })).data.items ?? []).length;
    assert.equal(await list({ q: "EVEN" }), 3);
    assert.equal(await list({ privateExtendedProperty: ["parity=1"] }), 4);
    // The end of the first event and the start of the second are both outside.
    assert.equal(await list({ timeMin: "2030-06-01T10:00:00Z", timeMax: "2030-06-02T09:00:00Z" }), 0);
    assert.equal(await list({ timeMin: "2030-06-01T09:59:59Z", timeMax: "2030-06-02T09:00:01Z" }), 2);
    const fields = (
      await events.list({ calendarId: "primary", maxResults: 1, fields: "items(id,start/dateTime),nextPageToken" })
    ).data;
    assert.deepEqual(Object.keys(fields).sort(), ["items", "nextPageToken"]);
    assert.deepEqual(Object.keys(fields.items?.[0]?.start ?? {}), ["dateTime"]);

    await control("POST", "behaviour", { emptyPages: true, pageSizeLimit: 2 });
    let empty = 0;
    const found = new Set<string>();
    do {
      const page: calendar_v3.Schema$Events = (
        await events.list({ calendarId: "primary", ...(pageToken ? { pageToken } : {}) })
      ).data;
      if ((page.items ?? []).length === 0) empty++;
      for (const event of page.items ?? []) found.add(event.id ?? "");
      pageToken = page.nextPageToken ?? undefined;
    } while (pageToken);
    assert.ok(empty > 0);
    assert.equal(found.size, 7);
  });

  test("a sync token brings what changed, until it expires", async () => {
    const { events } = await calendarOf();
    const calendarId = "primary";
    const first = (await events.insert({ calendarId, requestBody: hour("2030-05-06T09:00:00Z") })).data.id ?? "";
    await events.insert({ calendarId, requestBody: hour("2030-05-07T09:00:00Z") });
    const full = (await events.list({ calendarId })).data;
    assert.equal(full.items?.length, 2);
    let syncToken = full.nextSyncToken ?? "";
    assert.deepEqual((await events.list({ calendarId, syncToken })).data.items, []);

    await control("DELETE", `events?${new URLSearchParams({ account: EMPTY, id: first })}`);
    await control("POST", "events", {
      account: EMPTY,
      event: hour("2030-05-08T09:00:00Z", { id: "fromthecontrolapi" }),
    });
    const delta = (await events.list({ calendarId, syncToken })).data;
    const changes = new Map(delta.items?.map((event) => [event.id, event]));
    assert.equal(changes.size, 2);
    assert.equal(changes.get(first)?.status, "cancelled");
    assert.equal(changes.get(first)?.start, undefined, "a deleted event shows no more than its id");
    assert.equal(changes.get("fromthecontrolapi")?.status, "confirmed");
    syncToken = delta.nextSyncToken ?? "";
    assert.equal((await failure(events.list({ calendarId, syncToken, timeMin: "2030-01-01T00:00:00Z" }))).status, 400);

    await control("POST", "sync-tokens/expire", { account: EMPTY });
    const expired = await failure(events.list({ calendarId, syncToken }));
    assert.deepEqual([expired.status, expired.reason], [410, "fullSyncRequired"]);
    assert.equal((await events.list({ calendarId })).data.items?.length, 2);
  });

  test("changes between two pages of a full listing are in the next sync", async () => {
    const { events } = await calendarOf();
    const calendarId = "primary";
    for (const id of ["aaaaa", "bbbbb", "ccccc"])
      await events.insert({ calendarId, requestBody: hour("2030-05-06T09:00:00Z", { id }) });
    const page = (await events.list({ calendarId, maxResults: 2 })).data;
    await events.patch({ calendarId, eventId: "aaaaa", requestBody: { summary: "changed meanwhile" } });
    const last = (await events.list({ calendarId, maxResults: 2, pageToken: page.nextPageToken ?? "" })).data;
    const delta = (await events.list({ calendarId, syncToken: last.nextSyncToken ?? "" })).data;
    assert.deepEqual(
      delta.items?.map((event) => event.summary),
      ["changed meanwhile"],
    );
  });

  test("a recurring event expands across daylight saving, with exceptions and cancelled instances", async () => {
    const { events } = await calendarOf();
    const calendarId = "primary";
    const requestBody: calendar_v3.Schema$Event = {
      id: "repeats",
      summary: "Weekly",
      start: { dateTime: "2030-03-17T09:00:00", timeZone: "Europe/Berlin" },
      end: { dateTime: "2030-03-17T10:00:00", timeZone: "Europe/Berlin" },
      recurrence: ["RRULE:FREQ=WEEKLY;COUNT=4"],
    };
    await events.insert({ calendarId, requestBody });
    const syncToken = (await events.list({ calendarId, singleEvents: true })).data.nextSyncToken ?? "";
    const instances = (await events.instances({ calendarId, eventId: "repeats" })).data.items ?? [];
    assert.deepEqual(
      instances.map((event) => event.start?.dateTime),
      ["2030-03-17T08:00:00Z", "2030-03-24T08:00:00Z", "2030-03-31T07:00:00Z", "2030-04-07T07:00:00Z"],
    );
    const [, second, third] = instances;
    await events.patch({
      calendarId,
      eventId: second?.id ?? "",
      requestBody: {
        summary: "Moved",
        start: { dateTime: "2030-03-24T12:00:00Z" },
        end: { dateTime: "2030-03-24T13:00:00Z" },
      },
    });
    await events.delete({ calendarId, eventId: third?.id ?? "" });
    const singles = (await events.list({ calendarId, singleEvents: true, orderBy: "startTime" })).data.items ?? [];
    assert.deepEqual(
      singles.map((event) => event.summary),
      ["Weekly", "Moved", "Weekly"],
    );
    assert.equal(singles[1]?.recurringEventId, "repeats");
    assert.equal(singles[1]?.originalStartTime?.dateTime, "2030-03-24T08:00:00Z");
    const stored = (await events.list({ calendarId })).data.items ?? [];
    assert.deepEqual(
      stored.map((event) => event.status),
      ["confirmed", "confirmed", "cancelled"],
      "master, exception, cancelled instance",
    );

    const delta = (await events.list({ calendarId, singleEvents: true, syncToken })).data;
    assert.deepEqual(
      delta.items?.map((event) => [event.id, event.status]).sort(),
      [
        [second?.id, "confirmed"],
        [third?.id, "cancelled"],
      ].sort(),
    );
    await events.patch({ calendarId, eventId: "repeats", requestBody: { recurrence: ["RRULE:FREQ=WEEKLY;COUNT=3"] } });
    const shorter = (await events.list({ calendarId, singleEvents: true, syncToken: delta.nextSyncToken ?? "" })).data;
    assert.equal(
      shorter.items?.find((event) => event.id === instances[3]?.id)?.status,
      "cancelled",
      "an instance that the rule no longer has",
    );
    await events.delete({ calendarId, eventId: "repeats" });
    assert.deepEqual((await events.list({ calendarId, singleEvents: true })).data.items, []);
    const gone =
      (await events.list({ calendarId, singleEvents: true, syncToken: shorter.nextSyncToken ?? "" })).data.items ?? [];
    assert.ok(gone.length >= 2 && gone.every((event) => event.status === "cancelled"));
  });

  test("a conference is pending at first, and needs the version", async () => {
    const { events } = await calendarOf();
    const calendarId = "primary";
    const conferenceData = { createRequest: { requestId: "r1", conferenceSolutionKey: { type: "hangoutsMeet" } } };
    const without = await events.insert({ calendarId, requestBody: hour("2030-05-06T09:00:00Z", { conferenceData }) });
    assert.equal(without.data.conferenceData, undefined);
    const created = (
      await events.insert({
        calendarId,
        conferenceDataVersion: 1,
        requestBody: hour("2030-05-06T09:00:00Z", { conferenceData }),
      })
    ).data;
    assert.equal(created.conferenceData?.createRequest?.status?.statusCode, "pending");
    await control("POST", "clock/advance", { seconds: 2 });
    const ready = (await events.get({ calendarId, eventId: created.id ?? "" })).data;
    assert.equal(ready.conferenceData?.createRequest?.status?.statusCode, "success");
    assert.match(ready.hangoutLink ?? "", /^https:\/\/meet\.google\.com\//);
    const again = await events.patch({
      calendarId,
      eventId: created.id ?? "",
      conferenceDataVersion: 1,
      requestBody: { conferenceData },
    });
    assert.equal(again.data.hangoutLink, ready.hangoutLink, "a request id is honoured once");
  });

  test("attendees are invited once, told of changes, and only when asked for", async () => {
    const { events } = await calendarOf();
    const calendarId = "primary";
    const attendees = [{ email: "guest@example.org" }, { email: BERLIN }];
    const requestBody = hour("2030-05-06T09:00:00Z", { id: "invited", attendees });
    await events.insert({ calendarId, sendUpdates: "all", requestBody });
    await failure(events.insert({ calendarId, sendUpdates: "all", requestBody }));
    await events.patch({ calendarId, eventId: "invited", sendUpdates: "none", requestBody: { summary: "Quietly" } });
    await events.patch({
      calendarId,
      eventId: "invited",
      sendUpdates: "externalOnly",
      requestBody: { summary: "Louder" },
    });
    await events.delete({ calendarId, eventId: "invited", sendUpdates: "all" });
    const { mails } = await control("GET", "outbox");
    assert.deepEqual(
      mails.map((mail: { kind: string; to: string }) => `${mail.kind} ${mail.to}`),
      [
        `invitation ${BERLIN}`,
        "invitation guest@example.org",
        "update guest@example.org",
        `cancellation ${BERLIN}`,
        "cancellation guest@example.org",
      ],
    );
  });

  test("roles and scopes are enforced", async () => {
    const berlin = await calendarOf(BERLIN);
    const holidays = "en.german#holiday@group.v.calendar.google.com";
    assert.equal(
      (await failure(berlin.events.insert({ calendarId: holidays, requestBody: hour("2030-05-06T09:00:00Z") }))).reason,
      "requiredAccessLevel",
    );
    assert.equal((await failure(berlin.events.list({ calendarId: EMPTY }))).status, 404);
    const narrow = await calendarOf(EMPTY, { scope: [`${CALENDAR}.events`] });
    await narrow.events.list({ calendarId: "primary" });
    const body = { timeMin: "2030-05-06T00:00:00Z", timeMax: "2030-05-07T00:00:00Z", items: [{ id: "primary" }] };
    for (const call of [() => narrow.freebusy.query({ requestBody: body }), () => narrow.calendarList.list()]) {
      const refused = await failure(call());
      assert.deepEqual([refused.status, refused.reason], [403, "insufficientPermissions"]);
      assert.match(refused.headers.get("www-authenticate") ?? "", /insufficient_scope/);
    }
    const anonymous = await fetch(`${simulator.url}/calendar/v3/users/me/calendarList`);
    assert.equal(anonymous.status, 401);
  });
});

describe("calendars", () => {
  test("the list pages and syncs, and settings tell the zone", async () => {
    const many = await calendarOf("many-calendars@example.com");
    const ids = new Set<string>();
    let pageToken: string | undefined;
    let syncToken: string | undefined;
    do {
      const page: calendar_v3.Schema$CalendarList = (
        await many.calendarList.list({ maxResults: 25, ...(pageToken ? { pageToken } : {}) })
      ).data;
      for (const entry of page.items ?? []) ids.add(entry.id ?? "");
      pageToken = page.nextPageToken ?? undefined;
      syncToken = page.nextSyncToken ?? undefined;
    } while (pageToken);
    assert.equal(ids.size, 64);
    const added =
      (await many.calendars.insert({ requestBody: { summary: "New", timeZone: "Asia/Kolkata" } })).data.id ?? "";
    await many.calendarList.delete({ calendarId: "room-00@group.calendar.google.com" });
    const delta = (await many.calendarList.list({ syncToken: syncToken ?? "" })).data.items ?? [];
    assert.deepEqual(
      new Set(delta.map((entry) => `${entry.id} ${entry.deleted ?? false}`)),
      new Set([`${added} false`, "room-00@group.calendar.google.com true"]),
    );
    const kolkata = await calendarOf("kolkata@example.com");
    assert.equal((await kolkata.settings.get({ setting: "timezone" })).data.value, "Asia/Kolkata");
    assert.equal((await kolkata.calendarList.get({ calendarId: "primary" })).data.timeZone, "Asia/Kolkata");
  });

  test("free/busy merges, leaves out what does not block, and reports errors per calendar", async () => {
    const calendar = await calendarOf();
    const calendarId = "primary";
    const add = (start: string, more: calendar_v3.Schema$Event = {}) =>
      calendar.events.insert({ calendarId, requestBody: hour(start, more) });
    await add("2030-05-06T08:00:00Z");
    await add("2030-05-06T09:00:00Z", { status: "tentative" });
    await add("2030-05-06T12:00:00Z", { transparency: "transparent" });
    await add("2030-05-06T14:00:00Z", { eventType: "outOfOffice" });
    const query = (requestBody: calendar_v3.Schema$FreeBusyRequest) => calendar.freebusy.query({ requestBody });
    const range = { timeMin: "2030-05-06T00:00:00Z", timeMax: "2030-05-07T00:00:00Z" };
    const answer = (
      await query({ ...range, timeZone: "America/Sao_Paulo", items: [{ id: "primary" }, { id: "nobody@example.com" }] })
    ).data;
    assert.deepEqual(answer.calendars?.primary?.busy, [
      { start: "2030-05-06T05:00:00-03:00", end: "2030-05-06T07:00:00-03:00" },
      { start: "2030-05-06T11:00:00-03:00", end: "2030-05-06T12:00:00-03:00" },
    ]);
    assert.equal(answer.calendars?.["nobody@example.com"]?.errors?.[0]?.reason, "notFound");

    const items = Array.from({ length: 51 }, (_, index) => ({ id: `room-${index}` }));
    const tooMany = Object.values((await query({ ...range, items })).data.calendars ?? {});
    assert.ok(
      tooMany.length === 51 && tooMany.every((entry) => entry.errors?.[0]?.reason === "tooManyCalendarsRequested"),
    );
    assert.equal(
      (await failure(query({ timeMin: range.timeMax, timeMax: range.timeMin, items: [] }))).reason,
      "timeRangeEmpty",
    );
    assert.equal(
      (await failure(query({ timeMin: "2030-01-01T00:00:00Z", timeMax: "2030-04-15T00:00:00Z", items: [] }))).reason,
      "timeRangeTooLong",
    );
    await control("POST", "faults", {
      route: "freeBusy.calendar",
      match: { calendar: "primary" },
      fault: { reason: "internalError" },
    });
    assert.equal(
      (await query({ ...range, items: [{ id: "primary" }] })).data.calendars?.primary?.errors?.[0]?.reason,
      "internalError",
    );
  });
});

describe("push notifications", () => {
  test("a channel says sync, then exists at each change, until it is stopped", async () => {
    const received: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      received.push(request.headers);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`;
    const arrived = async (count: number) => {
      for (let tries = 0; tries < 100 && received.length < count; tries++) await sleep(20);
      assert.equal(received.length, count);
      return received[count - 1] ?? {};
    };
    try {
      const calendar = await calendarOf();
      const watch = (id: string, to: string) =>
        calendar.events.watch({
          calendarId: "primary",
          requestBody: { id, type: "web_hook", address: to, token: "t0ken", params: { ttl: "3600" } },
        });
      const channel = (await watch("channel-1", address)).data;
      assert.ok(Math.abs(Number(channel.expiration) - Date.now() - 3_600_000) < 60_000);
      const sync = await arrived(1);
      assert.equal(sync["x-goog-resource-state"], "sync");
      assert.equal(sync["x-goog-message-number"], "1");
      assert.equal(sync["x-goog-channel-id"], "channel-1");
      assert.equal(sync["x-goog-channel-token"], "t0ken");
      assert.equal(sync["x-goog-resource-id"], channel.resourceId);
      assert.ok(!Number.isNaN(Date.parse(sync["x-goog-channel-expiration"] as string)));
      assert.equal((await failure(watch("channel-1", address))).reason, "channelIdNotUnique");
      assert.equal((await failure(watch("channel-2", "http://example.com/"))).reason, "push.webhookUrlNotHttps");

      await control("POST", "events", { account: EMPTY, event: hour("2030-05-06T09:00:00Z") });
      const exists = await arrived(2);
      assert.equal(exists["x-goog-resource-state"], "exists");
      assert.ok(Number(exists["x-goog-message-number"]) > 2, "numbers are not consecutive");

      await control("POST", "faults", { route: "notification", fault: "duplicate" });
      await calendar.events.insert({ calendarId: "primary", requestBody: hour("2030-05-07T09:00:00Z") });
      await arrived(4);
      await control("POST", "faults", { route: "notification", fault: "drop" });
      await calendar.events.insert({ calendarId: "primary", requestBody: hour("2030-05-08T09:00:00Z") });
      await calendar.channels.stop({ requestBody: { id: "channel-1", resourceId: channel.resourceId ?? "" } });
      await calendar.events.insert({ calendarId: "primary", requestBody: hour("2030-05-09T09:00:00Z") });
      await sleep(100);
      await arrived(4);
      assert.equal(
        (await failure(calendar.channels.stop({ requestBody: { id: "channel-1", resourceId: "x" } }))).status,
        404,
      );
    } finally {
      server.close();
    }
  });
});

describe("batch", () => {
  test("parts are answered one by one and matched by Content-ID", async () => {
    const auth = await connected();
    await control("POST", "faults", { route: "events.get", fault: { status: 429, retryAfter: 3 } });
    const parts = [
      ["one", "GET /calendar/v3/users/me/calendarList?fields=items/id", ""],
      [
        "two",
        "POST /calendar/v3/calendars/primary/events",
        JSON.stringify(hour("2030-05-06T09:00:00Z", { id: "inabatch" })),
      ],
      ["three", "GET /calendar/v3/calendars/primary/events/inabatch", ""],
      ["four", "DELETE /calendar/v3/calendars/primary/events/nothing", ""],
    ];
    const body = parts
      .map(
        ([id, line, json]) =>
          `--b\r\nContent-Type: application/http\r\nContent-ID: <${id}>\r\n\r\n${line} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n${json}\r\n`,
      )
      .join("");
    const answer = await fetch(`${simulator.url}/batch/calendar/v3`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${auth.credentials.access_token}`,
        "content-type": "multipart/mixed; boundary=b",
      },
      body: `${body}--b--\r\n`,
    });
    assert.equal(answer.status, 200);
    const boundary = answer.headers.get("content-type")?.match(/boundary=(.*)$/)?.[1];
    const statuses = new Map<string, number>();
    for (const part of (await answer.text()).split(`--${boundary}`).slice(1, -1)) {
      statuses.set(part.match(/Content-ID: <response-(\w+)>/)?.[1] ?? "", Number(part.match(/HTTP\/1\.1 (\d+)/)?.[1]));
    }
    assert.deepEqual(Object.fromEntries(statuses), { one: 200, two: 200, three: 429, four: 404 });
    const counters = await control("GET", "counters");
    assert.equal(counters.routes["events.insert"].byAccount[EMPTY], 1);
    assert.equal(counters.routes.batch.total, 1);
  });
});

describe("faults, quotas, counters", () => {
  test("scripted answers have the body and the headers of Google's", async () => {
    const calendar = await calendarOf();
    for (const [fault, reason] of [
      [{ status: 429, retryAfter: 7 }, "rateLimitExceeded"],
      [{ status: 403, reason: "quotaExceeded" }, "quotaExceeded"],
      [{ status: 503 }, "backendError"],
      [{ status: 410 }, "fullSyncRequired"],
    ] as const) {
      await control("POST", "faults", { route: "events.list", match: { account: EMPTY }, fault });
      const failed = await failure(calendar.events.list({ calendarId: "primary" }));
      assert.deepEqual([failed.status, failed.reason], [fault.status, reason]);
      assert.equal(failed.headers.get("retry-after"), "retryAfter" in fault ? String(fault.retryAfter) : null);
    }
    await calendar.events.list({ calendarId: "primary" });
    await control("POST", "faults", { route: "token", fault: { status: 400, reason: "invalid_grant" } });
    assert.equal((await failure(connected())).reason, "invalid_grant");
  });

  test("a connection cut after the effect leaves the event behind", async () => {
    const calendar = await calendarOf();
    const insert = () =>
      calendar.events.insert({ calendarId: "primary", requestBody: hour("2030-05-06T09:00:00Z", { id: "justonce" }) });
    await control("POST", "faults", { route: "events.insert", fault: "cut" });
    await assert.rejects(insert());
    assert.equal((await control("GET", `events?account=${EMPTY}`)).events.length, 0);
    await control("POST", "faults", { route: "events.insert", fault: "cut_after" });
    await assert.rejects(insert());
    assert.equal((await failure(insert())).reason, "duplicate");
    assert.equal((await control("GET", `events?account=${EMPTY}`)).events.length, 1);
    await control("POST", "faults", { route: "events.list", fault: "cut_body" });
    await assert.rejects(calendar.events.list({ calendarId: "primary" }));
    await control("POST", "faults", { route: "events.list", fault: "hang" });
    await assert.rejects(calendar.events.list({ calendarId: "primary" }, { timeout: 100 }));
    const { byStatus } = (await control("GET", "counters")).routes["events.insert"];
    assert.deepEqual(byStatus, { 409: 1, cut: 2 });
  });

  test("Google's own client retries what it takes for passing", async () => {
    const auth = await connected();
    const calendar = google.calendar({ version: "v3", auth, rootUrl: `${simulator.url}/` });
    await control("POST", "faults", { route: "events.list", times: 2, fault: { status: 503 } });
    assert.equal(
      (await calendar.events.list({ calendarId: "primary" }, { retryConfig: { retryDelay: 1 } })).status,
      200,
    );
    assert.equal((await control("GET", "counters")).routes["events.list"].total, 3);
  });

  test("quotas slide with the clock", async () => {
    await control("POST", "quota", { perUserPerMinute: 2 });
    const calendar = await calendarOf();
    const list = () => calendar.events.list({ calendarId: "primary" });
    await list();
    await list();
    assert.equal((await failure(list())).reason, "userRateLimitExceeded");
    await control("POST", "clock", { by: "PT61S" });
    await list();
  });

  test("the request log holds no secret", async () => {
    const auth = await connected();
    await auth.refreshAccessToken();
    const text = JSON.stringify(await control("GET", "requests?limit=1000"));
    for (const secret of [auth.credentials.access_token, auth.credentials.refresh_token, "sim-google-secret"]) {
      assert.ok(secret && !text.includes(secret));
    }
    assert.ok(text.includes('"route":"token"'));
  });
});
