// Connecting at Microsoft, as far as it differs: tenants, and organisations whose administrator has to approve first.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { microsoftWork } from "./support/account-kinds.ts";
import { Stack } from "./support/stack.ts";

let stack: Stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

const at = (tenant?: string) => stack.connectLink({ provider: "microsoft", ...(tenant ? { tenant } : {}) });

/** Signs in and comes back; what the browser is shown. */
async function signIn(account: string, tenant?: string) {
  const { provider, cookie } = await stack.depart(await at(tenant));
  return await stack.arrive(await stack.consent(provider, { auto: "approve", account }), cookie);
}

test("the browser goes to the link's tenant with PKCE, and chooses an account there", async () => {
  const { provider } = await stack.depart(await at("contoso.example"));
  assert.equal(provider.pathname, "/contoso.example/oauth2/v2.0/authorize");
  assert.equal(provider.searchParams.get("code_challenge_method"), "S256");
  assert.equal(provider.searchParams.get("prompt"), "select_account");
  assert.match(provider.searchParams.get("scope") ?? "", /\boffline_access\b/);
});

test("a tenant that cannot be one is refused when the link is made", async () => {
  const answer = await stack.api("POST", "/v1/connect-links", {
    userId: "ada",
    redirectUri: `${stack.worker.url}/done`,
    provider: "microsoft",
    tenant: "../common",
  });
  assert.equal(answer.status, 422);
  assert.deepEqual([answer.body.code, answer.body.field], ["bad_tenant", "tenant"]);
});

test("an account of another organisation is not connected, even when the address was rewritten", async () => {
  const refused = await signIn("personal@outlook.example", "contoso.example");
  assert.equal(refused.location?.searchParams.get("error"), "access_denied");
  assert.equal(refused.location?.searchParams.get("error_code"), "wrong_organisation");

  const { provider, cookie } = await stack.depart(await at("fab21ca0-2222-4000-8000-0000000000fa"));
  provider.pathname = "/common/oauth2/v2.0/authorize";
  const callback = await stack.consent(provider, { auto: "approve", account: "empty@contoso.example" });
  assert.ok(callback.searchParams.get("code"));
  const arrival = await stack.arrive(callback, cookie);
  assert.ok(arrival.location?.searchParams.get("error"), arrival.page);
});

test("where only an administrator may consent, people get a link for one and can connect once it was used", async () => {
  // Whoever leaves that page brings nothing that says why.
  const unclear = await signIn("user@fabrikam.example");
  assert.equal(unclear.status, 200);
  assert.match(unclear.page, /\/oauth\/microsoft\/start\?link=[^"]*">Try again[\s\S]*administrator or IT support/);
  assert.match(unclear.page, /\/done\?error=access_denied[^"]*error_code=consent_cancelled/);
  await stack.at(microsoftWork).control("POST", "behaviour", { approvalRefusalSaysWhy: true });
  const shown = await signIn("user@fabrikam.example");
  assert.equal(shown.status, 200);
  assert.match(shown.page, /Your organisation has to approve this first/);
  assert.match(shown.page, /\/done\?error=consent_required/);
  const link = unclear.page.match(/href="([^"]*\/oauth\/microsoft\/admin-consent\?link=[^"]*)"/)?.[1] ?? "";

  const denied = await stack.depart(link);
  assert.equal(denied.provider.pathname, "/organizations/v2.0/adminconsent");
  const administrator = "admin@fabrikam.example";
  const refusal = await stack.consent(denied.provider, { auto: "deny", account: administrator });
  assert.equal(refusal.searchParams.get("admin_consent"), "True", "errors carry it too");
  assert.match((await stack.arrive(refusal, denied.cookie)).page, /has not approved[\s\S]*consent_denied/);

  const { provider } = await stack.depart(link);
  const approval = await stack.consent(provider, { auto: "approve", account: administrator });
  assert.equal((await stack.arrive(approval, "")).status, 400, "another browser's state");
  const again = await stack.depart(link);
  const granted = await stack.consent(again.provider, { auto: "approve", account: administrator });
  const page = (await stack.arrive(granted, again.cookie)).page;
  assert.match(page, /has approved[\s\S]*\/done\?admin_consent=granted/);

  const person = await stack.depart(await at());
  const callback = await stack.consent(person.provider, { auto: "approve", account: "user@fabrikam.example" });
  assert.ok(callback.searchParams.get("code"), callback.href);
});
