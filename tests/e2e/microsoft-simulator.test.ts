// The Microsoft simulator speaks the real protocol: signing in, batches, limits and faults, with Microsoft's own client.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BatchRequestContent, BatchResponseContent } from "@microsoft/microsoft-graph-client";
import type { Event } from "@microsoft/microsoft-graph-types";
import {
  type Ask,
  CONTOSO,
  clientWith,
  consent,
  control,
  EMPTY,
  EMPTY_PERSONAL,
  failure,
  graphOf,
  hour,
  origin,
  PERSONAL,
  PERSONAL_TENANT,
  REDIRECT,
  redeem,
  token,
  useSimulatedMicrosoft,
  WORK,
} from "./support/microsoft-graph.ts";

useSimulatedMicrosoft();

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
    assert.deepEqual([back.get("error"), back.get("error_subcode")], ["access_denied", "cancel"]);
    assert.equal(back.get("error_description"), null);
    await control("POST", "behaviour", { approvalRefusalSaysWhy: true });
    const { back: said } = await consent({ account });
    assert.match(said.get("error_description") ?? "", /^AADSTS90094: An administrator of Fabrikam/);

    const ask = async (more: Record<string, string>, tenant = "organizations") => {
      const url = new URL(`${origin}/${tenant}/v2.0/adminconsent`);
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
      `${origin}/common/v2.0/adminconsent?client_id=sim-microsoft-client&redirect_uri=${REDIRECT}&scope=User.Read`,
    );
    assert.match(await common.text(), /AADSTS90130/);
  });

  test("people see a page to choose, to agree, or to ask their administrator", async () => {
    const query = `client_id=sim-microsoft-client&response_type=code&redirect_uri=${REDIRECT}&scope=openid%20Calendars.Read`;
    const page = await fetch(`${origin}/common/oauth2/v2.0/authorize?${query}&state=p`);
    const html = await page.text();
    assert.ok(html.includes("Permissions requested") && html.includes(WORK) && html.includes("Read your calendars"));
    const submit = (account: string) =>
      fetch(`${origin}/common/oauth2/v2.0/authorize`, {
        method: "POST",
        redirect: "manual",
        body: new URLSearchParams({ request: `${query}&state=p`, account, decision: "allow" }),
      });
    assert.match((await submit(WORK)).headers.get("location") ?? "", /[?&]code=.*&state=p$/);
    const approval = await (await submit("user@fabrikam.example")).text();
    assert.ok(approval.includes("Need admin approval") && approval.includes("AADSTS90094"));
    const elsewhere = await fetch(
      `${origin}/common/oauth2/v2.0/authorize?client_id=sim-microsoft-client&redirect_uri=https://evil.example/`,
    );
    assert.deepEqual([elsewhere.status, (await elsewhere.text()).includes("AADSTS50011")], [400, true]);
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
