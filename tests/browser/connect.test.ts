// Connecting a Google account as a person does: through the provider's consent page, by clicking.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { google } from "../e2e/support/account-kinds.ts";
import { fresh, Stack } from "../e2e/support/stack.ts";
import { answerGoogle, connectorOf } from "./support/consent.ts";
import { launchChromium, Visitor } from "./support/visitor.ts";

let stack: Stack;
let browser: Browser;
before(async () => {
  [stack, browser] = await Promise.all([Stack.start(), launchChromium()]);
  // By another name the consent page is on another site, as a real provider's is: what cookies come along is then shown for real.
  const consentPage = new URL(stack.worker.settings.GOOGLE_AUTH_URL ?? "");
  consentPage.hostname = "localhost";
  await stack.restart({ GOOGLE_AUTH_URL: consentPage.href });
});
after(() => Promise.all([browser?.close(), stack?.stop()]));

/** A link for somebody who ends on the worker's own page. */
function link(): Promise<string> {
  return stack.at(google).connectLink({ redirectUri: `${stack.worker.url}/connected` });
}

async function connectorCount(): Promise<number> {
  return (await stack.api("GET", "/v1/connectors")).body.connectors.length;
}

describe("connecting an account from the dashboard", () => {
  test("leads over the consent page home, and the connector is there", async () => {
    const visitor = await Visitor.signedIn(browser, stack);
    await visitor.press("Connect a Google account");
    await answerGoogle(visitor.page, "Continue", { account: "berlin@example.com" });
    await visitor.page.getByRole("heading", { name: "Your calendar is connected" }).waitFor();
    assert.equal(new URL(visitor.page.url()).pathname, "/connected");
    const connector = connectorOf(visitor.page);

    await visitor.press("Open it in the dashboard");
    await visitor.page.getByRole("heading", { name: "berlin@example.com" }).waitFor();
    assert.match(await visitor.text(), new RegExp(`Connected and working\\.[^]*Europe/Berlin[^]*${connector}[^]*Team`));

    await visitor.press("Calendar sync");
    const row = visitor.page.getByRole("row", { name: /berlin@example\.com/ });
    assert.match(await row.innerText(), /Google\s+playground\s+none\s+active/);
    await row.getByRole("link").click();
    await visitor.page.getByText("calendar.connector.connected").waitFor();
    await visitor.leave();
  });

  test("again from its own page is for the same user, and leaves one connector", async () => {
    const connector = await stack.at(google).connect("kolkata@example.com", { userId: "ada", workspaceId: "acme" });
    const visitor = await Visitor.signedIn(browser, stack);
    await visitor.visit(`/dashboard/connectors/${connector}`);
    await visitor.press("Connect again");
    // The provider knows the account that is meant and that it agreed before: it asks nothing.
    await visitor.press("Follow it here");
    await visitor.page.getByRole("heading", { name: "Your calendar is connected" }).waitFor();
    assert.equal(connectorOf(visitor.page), connector);
    await visitor.leave();
  });

  test("ends with an explanation when consent is denied", async () => {
    const before = await connectorCount();
    const visitor = await Visitor.signedIn(browser, stack);
    await visitor.press("Connect a Google account");
    await answerGoogle(visitor.page, "Cancel");
    await visitor.page.getByRole("heading", { name: "Your calendar is not connected" }).waitFor();
    assert.match(await visitor.text(), /You did not allow access/);
    assert.equal(await connectorCount(), before);
    await visitor.leave();
  });

  test("ends with an explanation when access to the calendar was unticked", async () => {
    const before = await connectorCount();
    const visitor = await Visitor.signedIn(browser, stack);
    await visitor.press("Connect a Google account");
    await answerGoogle(visitor.page, "Continue", { account: "los-angeles@example.com", untick: ["calendar.events"] });
    await visitor.page.getByRole("heading", { name: "Your calendar is not connected" }).waitFor();
    assert.match(await visitor.text(), /was not ticked\. Start again and leave everything ticked/);
    assert.equal(await connectorCount(), before);
    await visitor.leave();
  });
});

describe("a connect link", () => {
  /** An operator fills in the form for a link and gets its page. */
  async function makeLink(operator: Visitor, fields: Record<string, string>): Promise<void> {
    await operator.page.getByText("Make a connect link for somebody").click();
    const form = operator.page.locator("form", { hasText: "Make the link" });
    for (const [label, value] of Object.entries(fields)) await form.getByLabel(label, { exact: true }).fill(value);
    await operator.press("Make the link");
  }

  test("is made by an operator and followed by somebody else in another browser", async () => {
    const [userId, operator] = [fresh("user"), await Visitor.signedIn(browser, stack)];
    await makeLink(operator, { "User id": userId, "Workspace id": "acme" });
    const link = await operator.page.getByLabel("Connect link").inputValue();
    await operator.leave();

    const person = await Visitor.open(browser, stack);
    await person.visit(link);
    await answerGoogle(person.page, "Continue", { account: "empty@example.com" });
    await person.page.getByRole("heading", { name: "Your calendar is connected" }).waitFor();
    const connector = (await stack.api("GET", `/v1/connectors/${connectorOf(person.page)}`)).body;
    assert.deepEqual([connector.userId, connector.workspaceId, connector.status], [userId, "acme", "active"]);
    await person.press("Open it in the dashboard");
    await person.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    await person.leave();
  });

  test("to a place that is not allowed is refused at the field, and nothing that was filled in is lost", async () => {
    const operator = await Visitor.signedIn(browser, stack);
    const fields = { "User id": "ada", "Where they go in the end": "https://evil.example/" };
    await operator.refused(422, () => makeLink(operator, fields));
    await operator.page.getByRole("alert").getByText("No link was made.").waitFor();
    const wrong = operator.page.locator("[aria-invalid=true]");
    assert.equal(await wrong.inputValue(), "https://evil.example/");
    assert.equal(await operator.page.getByRole("textbox", { name: "User id" }).inputValue(), "ada");
    await operator.leave();
  });

  test("that was cut short says so on a page", async () => {
    const person = await Visitor.open(browser, stack);
    const whole = await link();
    await person.refused(400, () => person.page.goto(whole.slice(0, -4)));
    assert.match(await person.text(), /only a part of it arrived/);
    await person.leave();
  });
});

test("an attempt cannot be finished in another browser", async () => {
  const before = await connectorCount();
  const [person, thief] = [await Visitor.open(browser, stack), await Visitor.open(browser, stack)];
  // The thief has an attempt of its own, and so a cookie of its own.
  await thief.visit(await link());
  await person.visit(await link());
  await thief.page.goto(person.page.url());
  await thief.refused(400, () => answerGoogle(thief.page, "Continue", { account: "sao-paulo@example.com" }));
  assert.match(await thief.text(), /Another browser started this/);
  assert.equal(await connectorCount(), before);
  await Promise.all([person.leave(), thief.leave()]);
});
