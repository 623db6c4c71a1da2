// Connecting an account: the whole flow in workerd, and each way it can go wrong.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { google as googleAccount } from "./support/account-kinds.ts";
import type { Side } from "./support/side.ts";
import { fresh, Stack } from "./support/stack.ts";

let stack: Stack;
let google: Side;
before(async () => {
  stack = await Stack.start();
  google = stack.at(googleAccount);
});
after(() => stack.stop());

describe("connecting a Google account", () => {
  test("goes to the provider with PKCE and comes back with a connector", async () => {
    const userId = fresh("user");
    const { provider, cookie } = await stack.depart(
      await google.connectLink({ userId, loginHint: "berlin@example.com" }),
    );
    const asked = provider.searchParams;
    assert.equal(asked.get("code_challenge_method"), "S256");
    assert.equal(asked.get("access_type"), "offline");
    assert.equal(asked.get("login_hint"), "berlin@example.com");
    assert.equal(asked.get("response_type"), "code");

    const callback = await stack.consent(provider, { auto: "approve", account: "berlin@example.com" });
    const arrival = await stack.arrive(callback, cookie);
    const connectorId = arrival.location?.searchParams.get("connector_id") ?? "";
    assert.equal(arrival.location?.pathname, "/done");

    const connector = (await stack.api("GET", `/v1/connectors/${connectorId}`)).body;
    assert.equal(connector.status, "active");
    assert.equal(connector.userId, userId);
    assert.equal(connector.accountEmail, "berlin@example.com");
    const calendars = (await stack.api("GET", `/v1/connectors/${connectorId}/calendars`)).body.calendars;
    assert.ok(calendars.length > 1, JSON.stringify(calendars));
    await stack.told(connectorId, (told) => told.type === "calendar.connector.connected");
  });

  test("again keeps the connector, its id and its preferences", async () => {
    const userId = fresh("user");
    const first = await google.connect("kolkata@example.com", { userId });
    const preferences = { workingHours: [{ day: "monday", start: "10:00", end: "16:00" }] };
    assert.equal((await stack.api("PATCH", `/v1/connectors/${first}`, { preferences })).status, 200);
    const second = await google.connect("kolkata@example.com", { userId });
    assert.equal(second, first);
    const connector = (await stack.api("GET", `/v1/connectors/${first}`)).body;
    assert.deepEqual(connector.preferences.workingHours, preferences.workingHours);
  });

  test("leaves no secret in the database in the clear", async () => {
    const connectorId = await google.connect("sao-paulo@example.com");
    const database = new DatabaseSync(stack.worker.databaseFile(), { readOnly: true });
    const row = database.prepare("SELECT refresh_token FROM connectors WHERE id = ?").get(connectorId);
    assert.match(String(row?.refresh_token), /^v1\.[\w-]+\.[\w-]{16}\.[\w-]+$/);
    await stack.depart(await google.connectLink());
    const verifiers = database.prepare("SELECT code_verifier FROM oauth_state WHERE code_verifier IS NOT NULL").all();
    assert.ok(verifiers.length > 0);
    for (const { code_verifier } of verifiers) assert.match(String(code_verifier), /^v1\./);
    database.close();
  });
});

describe("a connection is refused", () => {
  /** The code that a browser is shown or an app is told. */
  async function outcome(arrival: { location: URL | null; page: string }): Promise<string> {
    return arrival.location?.searchParams.get("error") ?? arrival.page;
  }

  test("when consent is denied", async () => {
    const { provider, cookie } = await stack.depart(await google.connectLink());
    const callback = await stack.consent(provider, { auto: "deny", account: "empty@example.com" });
    assert.equal(await outcome(await stack.arrive(callback, cookie)), "access_denied");
  });

  for (const [said, error, code] of [
    ["admin_policy_enforced", "access_denied", "admin_policy"],
    ["org_internal", "access_denied", "wrong_organisation"],
    ["disallowed_useragent", "invalid_request", "browser_not_allowed"],
    ["login_required", "invalid_request", "sign_in_required"],
    ["invalid_scope", "invalid_scope", "invalid_scope"],
    ["server_error", "temporarily_unavailable", null],
    ["invalid_client", "server_error", null],
    ["newly_invented", "invalid_request", null],
  ] as const) {
    test(`when Google says ${said}`, async () => {
      const { provider, cookie } = await stack.depart(await google.connectLink());
      const callback = new URL(provider.searchParams.get("redirect_uri") ?? "");
      callback.searchParams.set("state", provider.searchParams.get("state") ?? "");
      callback.searchParams.set("error", said);
      const home = (await stack.arrive(callback, cookie)).location;
      assert.deepEqual([home?.searchParams.get("error"), home?.searchParams.get("error_code")], [error, code]);
    });
  }

  test("when a needed scope was unticked", async () => {
    const { provider, cookie } = await stack.depart(await google.connectLink());
    const callback = await stack.consent(provider, {
      auto: "approve",
      account: "empty@example.com",
      untick: "calendar.events",
    });
    assert.equal(await outcome(await stack.arrive(callback, cookie)), "insufficient_scope");
  });

  test("when the state was used before", async () => {
    const { provider, cookie } = await stack.depart(await google.connectLink());
    const callback = await stack.consent(provider, { auto: "approve", account: "empty@example.com" });
    assert.equal((await stack.arrive(callback, cookie)).location?.searchParams.has("connector_id"), true);
    const again = await stack.arrive(callback, cookie);
    assert.equal(again.location?.searchParams.has("connector_id") ?? false, false);
    assert.ok(again.status === 400 || again.location?.searchParams.get("error"), again.page);
  });

  test("when another browser comes back", async () => {
    const { provider } = await stack.depart(await google.connectLink());
    const other = await stack.depart(await google.connectLink());
    const callback = await stack.consent(provider, { auto: "approve", account: "empty@example.com" });
    for (const cookie of ["", other.cookie]) {
      const arrival = await stack.arrive(callback, cookie);
      assert.equal(arrival.location?.searchParams.has("connector_id") ?? false, false);
    }
  });

  test("when the state is forged or the code is missing", async () => {
    const { provider, cookie } = await stack.depart(await google.connectLink());
    const callback = await stack.consent(provider, { auto: "approve", account: "empty@example.com" });
    const forged = new URL(callback);
    forged.searchParams.set("state", "forged");
    assert.equal((await stack.arrive(forged, cookie)).status, 400);
    const bare = new URL(callback);
    bare.searchParams.delete("code");
    const arrival = await stack.arrive(bare, cookie);
    assert.equal(arrival.location?.searchParams.has("connector_id") ?? false, false);
  });

  test("when the token endpoint is down", async () => {
    const { provider, cookie } = await stack.depart(await google.connectLink());
    const callback = await stack.consent(provider, { auto: "approve", account: "empty@example.com" });
    await google.fault("token", { status: 503 });
    assert.equal(await outcome(await stack.arrive(callback, cookie)), "temporarily_unavailable");
  });

  test("when the link is forged, the provider unknown or the way back not on the list", async () => {
    const link = new URL(await google.connectLink());
    link.searchParams.set("link", `${link.searchParams.get("link")}x`);
    const answer = await fetch(link, { redirect: "manual" });
    assert.equal(answer.status, 400);
    const cases: [Record<string, unknown>, string][] = [
      [{ provider: "myspace" }, "provider"],
      [{ redirectUri: "https://evil.example/" }, "redirectUri"],
      [{ redirectUri: `${stack.worker.url}.evil.example/` }, "redirectUri"],
      [{ userId: "" }, "userId"],
    ];
    for (const [more, field] of cases) {
      const refusal = await stack.api("POST", "/v1/connect-links", {
        userId: "u",
        provider: "google",
        redirectUri: `${stack.worker.url}/done`,
        ...more,
      });
      assert.ok(refusal.status >= 400 && refusal.status < 500, JSON.stringify(refusal.body));
      assert.equal(refusal.body.field, field);
      assert.match(refusal.headers.get("content-type") ?? "", /application\/problem\+json/);
    }
  });
});

describe("disconnecting", () => {
  test("revokes at the provider, purges the rows and says so", async () => {
    const { connectorId, account } = await google.connectEmptyAccount();
    await stack.run("place-hold", connectorId, {
      holdId: fresh("hold"),
      start: "2030-05-06T09:00:00Z",
      end: "2030-05-06T10:00:00Z",
      timeZone: "UTC",
    });
    const answer = await stack.api("DELETE", `/v1/connectors/${connectorId}`);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(answer.body.revoked, true);
    assert.equal((await stack.api("GET", `/v1/connectors/${connectorId}`)).status, 404);
    const grants = (await google.control("GET", "grants")).grants;
    assert.equal(grants.filter((grant: { account: string }) => grant.account === account).length, 0);
    assert.deepEqual(await google.events(account), []);
    const database = new DatabaseSync(stack.worker.databaseFile(), { readOnly: true });
    for (const table of ["calendars", "holds", "sync_state"]) {
      const left = database.prepare(`SELECT count(*) AS n FROM ${table} WHERE connector_id = ?`).get(connectorId);
      assert.equal(left?.n, 0, table);
    }
    database.close();
    await stack.told(connectorId, (told) => told.type === "calendar.connector.disconnected");
  });
});
