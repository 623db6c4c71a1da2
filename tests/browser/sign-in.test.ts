// Getting into the dashboard and out of it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { google } from "../e2e/support/account-kinds.ts";
import { Stack } from "../e2e/support/stack.ts";
import { launchChromium, Visitor } from "./support/visitor.ts";

let stack: Stack;
let browser: Browser;
before(async () => {
  [stack, browser] = await Promise.all([Stack.start(), launchChromium()]);
});
after(() => Promise.all([browser?.close(), stack?.stop()]));

/** Tries a key on the sign-in page of a worker in development, where the key's form is folded. */
async function tryKey(visitor: Visitor, key: string): Promise<void> {
  const field = visitor.page.getByLabel("API key", { exact: true });
  if (!(await field.isVisible())) await visitor.page.getByText("Sign in with the API key").click();
  await field.fill(key);
  await visitor.press("Sign in with the key");
}

describe("signing in", () => {
  test("takes one press on the developer's own machine", async () => {
    const visitor = await Visitor.signedIn(browser, stack);
    await visitor.page.getByRole("heading", { name: "Playground" }).waitFor();
    await visitor.leave();
  });

  test("takes the right key; a wrong one is refused at the field", async () => {
    const visitor = await Visitor.open(browser, stack);
    await visitor.visit("/");
    await visitor.refused(401, () => tryKey(visitor, "not-the-key"));
    await visitor.page.getByRole("alert").getByText("That is not the API key.").waitFor();
    assert.deepEqual(await visitor.page.context().cookies(), []);

    await tryKey(visitor, stack.worker.settings.API_KEY ?? "");
    await visitor.page.getByRole("heading", { name: "Playground" }).waitFor();
    await visitor.leave();
  });

  test("sets one cookie, which scripts cannot read and other sites cannot send", async () => {
    const visitor = await Visitor.signedIn(browser, stack);
    const [session, ...others] = await visitor.page.context().cookies();
    assert.ok(session && others.length === 0);
    assert.deepEqual(
      { ...session, value: "", expires: 0 },
      {
        name: "huddle-session",
        value: "",
        domain: "127.0.0.1",
        path: "/",
        expires: 0,
        httpOnly: true,
        secure: false,
        sameSite: "Strict",
      },
    );
    const hours = (session.expires - Date.now() / 1000) / 3600;
    assert.ok(hours > 11.9 && hours <= 12, `${hours} hours`);
    assert.equal(await visitor.page.evaluate(() => document.cookie), "");
    await visitor.leave();
  });

  test("is asked for before any page of the dashboard", async () => {
    const visitor = await Visitor.open(browser, stack);
    for (const path of [
      "/dashboard/connectors/any",
      "/dashboard/connectors/any/activity",
      "/dashboard/connect/google",
    ]) {
      await visitor.visit(path);
      assert.equal(new URL(visitor.page.url()).pathname, "/");
      await visitor.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    }
    await visitor.leave();
  });
});

test("signing out forgets the session, and going back shows nothing of it", async () => {
  const visitor = await Visitor.signedIn(browser, stack);
  const connector = await stack.at(google).connect("empty@example.com");
  await visitor.visit(`/dashboard/connectors/${connector}`);
  await visitor.press("Sign out");
  await visitor.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  assert.deepEqual(await visitor.page.context().cookies(), []);
  await visitor.page.goBack();
  await visitor.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  assert.doesNotMatch(await visitor.text(), /empty@example\.com/);
  await visitor.leave();
});

test("in production there is no way in without the key, and no playground behind it", async () => {
  await stack.restart({ ENVIRONMENT: "production" });
  const visitor = await Visitor.open(browser, stack);
  await visitor.visit("/");
  assert.equal(await visitor.page.getByRole("button").count(), 1);
  await tryKey(visitor, stack.worker.settings.API_KEY ?? "");
  await visitor.page.getByRole("heading", { name: "Connectors" }).waitFor();
  assert.equal(await visitor.page.getByRole("heading", { name: "Playground" }).count(), 0);
  await visitor.leave();
});
