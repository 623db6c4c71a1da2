// Connecting Microsoft accounts as people do, and what becomes of those whose organisation demands approval.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { microsoftWork } from "../e2e/support/account-kinds.ts";
import { fresh, Stack } from "../e2e/support/stack.ts";
import { answerMicrosoft, connectorOf } from "./support/consent.ts";
import { launchChromium, Visitor } from "./support/visitor.ts";

let stack: Stack;
let browser: Browser;
before(async () => {
  [stack, browser] = await Promise.all([Stack.start(), launchChromium()]);
  // On another site, as the real one is.
  const signIn = new URL(stack.worker.settings.MICROSOFT_LOGIN_URL ?? "");
  signIn.hostname = "localhost";
  await stack.restart({ MICROSOFT_LOGIN_URL: signIn.origin });
});
after(() => Promise.all([browser?.close(), stack?.stop()]));

describe("connecting from the dashboard", () => {
  for (const [whose, account, zone] of [
    ["a work account", "work@contoso.example", "Europe/Berlin"],
    ["a personal account", "personal@outlook.example", "Asia/Kolkata"],
  ] as const) {
    test(`${whose} leads over the consent page home, and the connector is there`, async () => {
      const visitor = await Visitor.signedIn(browser, stack);
      await visitor.press("Connect a Microsoft account");
      await answerMicrosoft(visitor.page, "Accept", account);
      await visitor.page.getByRole("heading", { name: "Your calendar is connected" }).waitFor();
      await visitor.press("Open it in the dashboard");
      await visitor.page.getByRole("heading", { name: account }).waitFor();
      assert.match(await visitor.text(), new RegExp(`Connected and working\\.[^]*Microsoft[^]*${zone}`));
      await visitor.leave();
    });
  }

  test("ends with an explanation when consent is denied", async () => {
    const visitor = await Visitor.signedIn(browser, stack);
    await visitor.press("Connect a Microsoft account");
    await answerMicrosoft(visitor.page, "Cancel");
    await visitor.page.getByRole("heading", { name: "Your calendar is not connected" }).waitFor();
    assert.match(await visitor.text(), /You did not allow access/);
    await visitor.leave();
  });
});

describe("in an organisation where only an administrator may consent", () => {
  function link(): Promise<string> {
    const redirectUri = `${stack.worker.url}/connected`;
    return stack.connectLink({ provider: "microsoft", redirectUri, userId: fresh("user") });
  }

  /** A person of that organisation tries to connect; the address that our page tells them to send on. */
  async function addressForAdministrator(person: Visitor): Promise<string> {
    await person.visit(await link());
    await answerMicrosoft(person.page, "Accept", "user@fabrikam.example");
    await person.press("Return to the application without granting consent");
    await person.page.getByRole("heading", { name: "Your calendar is not connected" }).waitFor();
    const address = person.page.getByRole("link", { name: /\/admin-consent\?link=/ });
    assert.equal(await address.innerText(), await address.getAttribute("href"), "it can be copied as it is shown");
    return await address.innerText();
  }

  test("an administrator who says no is told so, and so is the product", async () => {
    const [person, administrator] = [await Visitor.open(browser, stack), await Visitor.open(browser, stack)];
    await administrator.visit(await addressForAdministrator(person));
    await answerMicrosoft(administrator.page, "Cancel");
    await administrator.page.getByRole("heading", { name: "Your organisation has not approved" }).waitFor();
    await person.press("Go back");
    assert.equal(new URL(person.page.url()).searchParams.get("error_code"), "consent_cancelled");
    assert.match(await person.text(), /has to approve first, ask its administrator/);
    await Promise.all([person.leave(), administrator.leave()]);
  });

  test("a person who came back by mistake tries again from the page that says so", async () => {
    const person = await Visitor.open(browser, stack);
    await addressForAdministrator(person);
    await person.press("Try again");
    await answerMicrosoft(person.page, "Accept", "empty@contoso.example");
    await person.page.getByRole("heading", { name: "Your calendar is connected" }).waitFor();
    await person.leave();
  });

  test("who comes back with the reason is told so, and so is the product", async () => {
    const microsoft = stack.at(microsoftWork);
    await microsoft.control("POST", "behaviour", { approvalRefusalSaysWhy: true });
    const person = await Visitor.open(browser, stack);
    await person.visit(await link());
    await answerMicrosoft(person.page, "Accept", "user@fabrikam.example");
    await person.press("Return to the application without granting consent");
    await person.page.getByRole("heading", { name: "Your organisation has to approve this first" }).waitFor();
    await person.press("Go back");
    assert.equal(new URL(person.page.url()).searchParams.get("error"), "consent_required");
    assert.match(await person.text(), /Start again once that is done/);
    await person.leave();
    await microsoft.control("POST", "behaviour", { approvalRefusalSaysWhy: false });
  });

  test("people connect once the administrator has followed the link in another browser", async () => {
    const [person, administrator] = [await Visitor.open(browser, stack), await Visitor.open(browser, stack)];
    await administrator.visit(await addressForAdministrator(person));
    await answerMicrosoft(administrator.page, "Accept", "admin@fabrikam.example");
    await administrator.page.getByRole("heading", { name: "Your organisation has approved" }).waitFor();
    await administrator.press("Go on");
    assert.match(await administrator.text(), /Your organisation has approved/);

    await person.visit(await link());
    await answerMicrosoft(person.page, "Accept", "user@fabrikam.example");
    await person.page.getByRole("heading", { name: "Your calendar is connected" }).waitFor();
    const connector = (await stack.api("GET", `/v1/connectors/${connectorOf(person.page)}`)).body;
    assert.deepEqual([connector.accountEmail, connector.status], ["user@fabrikam.example", "active"]);
    await Promise.all([person.leave(), administrator.leave()]);
  });
});
