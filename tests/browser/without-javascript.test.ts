// The main path in a browser that runs no scripts: everything works by links and forms.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { google } from "../e2e/support/account-kinds.ts";
import { Stack, until } from "../e2e/support/stack.ts";
import { answerGoogle, connectorOf } from "./support/consent.ts";
import { launchChromium, Visitor } from "./support/visitor.ts";

let stack: Stack;
let browser: Browser;
before(async () => {
  [stack, browser] = await Promise.all([Stack.start(), launchChromium()]);
});
after(() => Promise.all([browser?.close(), stack?.stop()]));

test("without scripts one connects, sends tasks, reads results, pauses, disconnects and signs out", async () => {
  const visitor = await Visitor.signedIn(browser, stack, { javaScriptEnabled: false });
  await visitor.press("Connect a Google account");
  await answerGoogle(visitor.page, "Continue", { account: "empty@example.com" });
  await visitor.page.getByRole("heading", { name: "Your calendar is connected" }).waitFor();
  const connectorId = connectorOf(visitor.page);
  await visitor.press("Open it in the dashboard");

  const form = visitor.page.locator("#task-create-event");
  await form.getByText("create-event").click();
  await visitor.press("Send", form);
  await visitor.page.getByText("The task is on its way.").waitFor();
  const refreshed = async () => {
    await visitor.press("Refresh");
    return await visitor.page.locator("#activity").innerText();
  };
  await until(refreshed, (activity) => /succeeded\s+create-event/.test(activity));
  assert.equal((await stack.at(google).events("empty@example.com")).length, 1);

  const again = visitor.page.locator("#task-create-event");
  await again.getByText("create-event").click();
  await again.getByLabel("End", { exact: true }).fill("2020-01-01T00:00");
  await visitor.refused(422, () => again.getByRole("button", { name: "Send" }).click());
  assert.equal(await visitor.page.locator("[aria-invalid=true]").getAttribute("name"), "end");

  await visitor.visit(`/dashboard/connectors/${connectorId}`);
  await visitor.press("Pause");
  await visitor.press("Resume");
  await visitor.page.getByText("Disconnect", { exact: true }).click();
  await visitor.press("Yes, disconnect");
  await visitor.page.getByText("Nobody is connected yet.").waitFor();
  await visitor.press("Sign out");
  await visitor.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  await visitor.leave();
});
