// What an operator does about a connector when something is up: pause it, run a task again, disconnect it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { google } from "../e2e/support/account-kinds.ts";
import { Stack, until } from "../e2e/support/stack.ts";
import { formOf, latest } from "./support/connector-page.ts";
import { answerGoogle } from "./support/consent.ts";
import { launchChromium, Visitor } from "./support/visitor.ts";

let stack: Stack;
let browser: Browser;
before(async () => {
  [stack, browser] = await Promise.all([Stack.start(), launchChromium()]);
});
after(() => Promise.all([browser?.close(), stack?.stop()]));

/** The page of a newly connected account of its own. */
async function connectorPage(): Promise<{ operator: Visitor; connectorId: string; account: string }> {
  const operator = await Visitor.signedIn(browser, stack);
  const connected = await stack.at(google).connectEmptyAccount();
  await operator.visit(`/dashboard/connectors/${connected.connectorId}`);
  return { operator, ...connected };
}

test("a paused connector's tasks wait until it is resumed", async () => {
  const { operator, account } = await connectorPage();
  await operator.press("Pause");
  await operator.page.getByText("Paused: its tasks wait until it is resumed.").waitFor();
  await operator.press("Send", await formOf(operator.page, "create-event"));
  await operator.page
    .locator("#activity")
    .getByText("the connector is paused; the task waits", { exact: true })
    .waitFor();
  assert.deepEqual(await stack.at(google).events(account), []);
  await operator.visit("/");
  await operator.page
    .getByRole("row", { name: new RegExp(account) })
    .getByText("paused")
    .waitFor();
  await operator.page.getByRole("link", { name: account }).click();
  await operator.press("Resume");
  await operator.page.getByText("Connected and working.").waitFor();
  await operator.leave();
});

test("a task that failed runs again by its button, once the cause is mended", async () => {
  const { operator, account } = await connectorPage();
  await stack.at(google).fault("events.insert", { status: 403, reason: "forbidden" }, { match: { account } });
  await operator.press("Send", await formOf(operator.page, "create-event"));
  const failed = await latest(operator.page, "create-event", "failed");
  await operator.press("Run again", failed);
  await operator.page.getByRole("status").getByText("The task runs once more.").waitFor();
  await latest(operator.page, "create-event", "succeeded");
  assert.equal((await stack.at(google).events(account)).length, 1);
  await operator.leave();
});

test("a task that was given up is on the first page, and leaves it when it runs again", async () => {
  const { operator, account } = await connectorPage();
  await stack.at(google).fault("events.*", { status: 503, retryAfter: 1 }, { match: { account }, times: "forever" });
  await operator.press("Send", await formOf(operator.page, "create-event"));
  await operator.page.locator("#activity").getByText("given up", { exact: true }).waitFor({ timeout: 90_000 });
  await operator.visit("/");
  await operator.page.getByRole("heading", { name: "Tasks that were given up" }).waitFor();
  await stack.at(google).control("DELETE", "faults");
  await operator.press("Run again");
  await operator.page.getByRole("status").getByText("The task runs once more.").waitFor();
  await operator.visit("/");
  assert.equal(await operator.page.getByRole("heading", { name: "Tasks that were given up" }).count(), 0);
  await operator.leave();
});

test("an account whose grant was withdrawn is shown as such, and works again once the person has connected it again", async () => {
  const { operator, account, connectorId } = await connectorPage();
  await stack.at(google).control("POST", "grants/revoke", { account });
  await stack.at(google).control("POST", "tokens/expire", { account });
  const form = await formOf(operator.page, "refresh-token");
  await form.getByLabel("Even if the one held is good").check();
  await operator.press("Send", form);
  await operator.page.locator("#activity").getByText("calendar.connector.reauth_required").waitFor();
  await operator.visit(`/dashboard/connectors/${connectorId}`);
  await operator.page.getByText("The grant is gone: the person must connect the account again.").waitFor();
  await operator.press("Connect again");
  await operator.press("Follow it here");
  await answerGoogle(operator.page, "Continue");
  await operator.press("Open it in the dashboard");
  await operator.page.getByText("Connected and working.").waitFor();
  assert.match(operator.page.url(), new RegExp(connectorId));
  await operator.leave();
});

test("disconnecting asks once more, and then nothing is left", async () => {
  const { operator, account, connectorId } = await connectorPage();
  await operator.page.getByText("Disconnect", { exact: true }).click();
  await operator.press("Yes, disconnect");
  await operator.page.getByRole("heading", { name: "Connectors" }).waitFor();
  assert.doesNotMatch(await operator.text(), new RegExp(account));
  await operator.refused(404, () => operator.page.goto(`/dashboard/connectors/${connectorId}`));
  await operator.page.getByRole("heading", { name: "This page does not exist" }).waitFor();
  const grants = await until(
    async () => (await stack.at(google).control("GET", "grants")).grants as { account: string }[],
    (list) => list.every((grant) => grant.account !== account),
  );
  assert.ok(grants.every((grant) => grant.account !== account));
  await operator.leave();
});

test("connectors are found by user and by workspace", async () => {
  const [ada, grace] = [
    await stack.at(google).connectEmptyAccount({ userId: "ada", workspaceId: "analytical" }),
    await stack.at(google).connectEmptyAccount({ userId: "grace", workspaceId: "navy" }),
  ];
  const operator = await Visitor.signedIn(browser, stack);
  for (const [label, value] of [
    ["User id", "ada"],
    ["Workspace id", "analytical"],
  ] as const) {
    await operator.visit("/");
    await operator.page.getByRole("searchbox", { name: label }).fill(value);
    await operator.press("Filter");
    await operator.page.getByRole("link", { name: ada.account }).waitFor();
    assert.equal(await operator.page.getByRole("link", { name: grace.account }).count(), 0);
  }
  await operator.visit("/?user=nobody");
  await operator.press("show all");
  await operator.page.getByRole("link", { name: grace.account }).waitFor();
  await operator.leave();
});
