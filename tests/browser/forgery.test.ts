// Forms that no page of this session made: sent by hand, by another session, and from another site.

import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { google } from "../e2e/support/account-kinds.ts";
import { Stack } from "../e2e/support/stack.ts";
import { launchChromium, Visitor } from "./support/visitor.ts";

let stack: Stack;
let browser: Browser;
let connectorId: string;
before(async () => {
  [stack, browser] = await Promise.all([Stack.start(), launchChromium()]);
  ({ connectorId } = await stack.at(google).connectEmptyAccount());
});
after(() => Promise.all([browser?.close(), stack?.stop()]));

async function status(): Promise<string> {
  return (await stack.api("GET", `/v1/connectors/${connectorId}`)).body.status;
}

/** Puts another token, or none, into every form of the page that is shown. */
async function setTokens(visitor: Visitor, token: string | undefined): Promise<void> {
  await visitor.page.locator("input[name=form_token]").evaluateAll((inputs, value) => {
    for (const input of inputs as HTMLInputElement[]) {
      if (value === undefined) input.remove();
      else input.value = value;
    }
  }, token);
}

test("a form without the session's own token is refused on a page that says what to do", async () => {
  const other = await Visitor.signedIn(browser, stack);
  const othersToken = await other.page.locator("input[name=form_token]").first().inputValue();
  const operator = await Visitor.signedIn(browser, stack);
  for (const token of [undefined, "", "made-up", othersToken]) {
    for (const button of ["Pause", "Sign out"]) {
      await operator.visit(`/dashboard/connectors/${connectorId}`);
      await setTokens(operator, token);
      await operator.refused(403, () => operator.page.getByRole("button", { name: button }).click());
      assert.match(await operator.text(), /go back, reload the page and send it again/);
    }
  }
  assert.equal(await status(), "active");
  await operator.visit("/");
  await operator.page.getByRole("button", { name: "Sign out" }).waitFor();
  await Promise.all([operator.leave(), other.leave()]);
});

test("a form on another site does nothing, though the operator is signed in and the key is right", async () => {
  const operator = await Visitor.signedIn(browser, stack);
  await operator.visit(`/dashboard/connectors/${connectorId}`);
  const token = await operator.page.locator("input[name=form_token]").first().inputValue();
  const elsewhere = await serve(
    form("pause", `/dashboard/connectors/${connectorId}/pause`, { form_token: token }) +
      form("sign-in", "/dashboard/sign-in", { key: stack.worker.settings.API_KEY ?? "" }),
  );
  try {
    const address = `http://localhost:${(elsewhere.address() as AddressInfo).port}/`;
    await operator.page.goto(address);
    await operator.page.getByRole("button", { name: "pause" }).click();
    await operator.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    assert.equal(await status(), "active");

    const stranger = await Visitor.open(browser, stack);
    await stranger.page.goto(address);
    await stranger.refused(403, () => stranger.page.getByRole("button", { name: "sign-in" }).click());
    assert.deepEqual(await stranger.page.context().cookies(), []);
    await Promise.all([operator.leave(), stranger.leave()]);
  } finally {
    elsewhere.close();
    elsewhere.closeAllConnections();
  }
});

function form(name: string, path: string, fields: Record<string, string>): string {
  const inputs = Object.entries(fields).map(
    ([field, value]) => `<input type="hidden" name="${field}" value="${value}">`,
  );
  return `<form method="post" action="${stack.worker.url}${path}">${inputs.join("")}<button>${name}</button></form>`;
}

/** A site of somebody else's with one page. */
async function serve(body: string): Promise<Server> {
  const page = `<!doctype html><title>Elsewhere</title><link rel="icon" href="data:,">${body}`;
  const server = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(page));
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  return server;
}
