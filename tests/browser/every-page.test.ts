// What holds for every page: it fits a phone, everybody can use it, in light and in dark.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import axe from "axe-core";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { google, microsoftWork } from "../e2e/support/account-kinds.ts";
import { fresh, Stack } from "../e2e/support/stack.ts";
import { formOf } from "./support/connector-page.ts";
import { answerMicrosoft } from "./support/consent.ts";
import { launchChromium, Visitor } from "./support/visitor.ts";

let stack: Stack;
let browser: Browser;
let connectorId: string;
before(async () => {
  [stack, browser] = await Promise.all([Stack.start(), launchChromium()]);
  connectorId = await stack.at(google).connect("many-calendars@example.com", {
    userId: "somebody-with-a-very-long-user-id-of-a-product",
  });
  await stack.run("check-availability", connectorId, {
    timeMin: "2030-05-06T00:00:00Z",
    timeMax: "2030-05-07T00:00:00Z",
    timeZone: "UTC",
  });
  await stack.refused("update-event", connectorId, { eventId: fresh("no-such-event"), summary: "x" });
});
after(() => Promise.all([browser?.close(), stack?.stop()]));

/** Somebody whose organisation demands approval comes back, from a provider that says so or not. */
async function returnWithoutConsent(visitor: Visitor, approvalRefusalSaysWhy: boolean): Promise<void> {
  await stack.at(microsoftWork).control("POST", "behaviour", { approvalRefusalSaysWhy });
  await visitor.visit(await stack.at(microsoftWork).connectLink());
  await answerMicrosoft(visitor.page, "Accept", "user@fabrikam.example");
  await visitor.press("Return to the application without granting consent");
}

/** Every page there is, and what one does there to see all of it. */
const PAGES: Record<string, (visitor: Visitor) => Promise<void>> = {
  "the first page": (visitor) => visitor.visit("/"),
  "the first page with nobody on it": (visitor) => visitor.visit("/?user=nobody"),
  "the form for a connect link": async (visitor) => {
    await visitor.visit("/");
    await visitor.page.getByText("Make a connect link for somebody").click();
  },
  "a connect link": async (visitor) => {
    await visitor.visit(`/dashboard/connectors/${connectorId}`);
    await visitor.press("Connect again");
  },
  "a connector": (visitor) => visitor.visit(`/dashboard/connectors/${connectorId}`),
  "a connector with a form and details unfolded": async (visitor) => {
    await visitor.visit(`/dashboard/connectors/${connectorId}`);
    await formOf(visitor.page, "create-event");
    await visitor.page.getByText("Disconnect", { exact: true }).click();
    await visitor.page.locator("#activity").getByText("Details").last().click();
  },
  "a form that was refused": async (visitor) => {
    await visitor.visit(`/dashboard/connectors/${connectorId}`);
    const form = await formOf(visitor.page, "place-hold");
    await form.getByLabel("Time zone").fill("Nowhere/At-all");
    await visitor.refused(422, () => form.getByRole("button", { name: "Send" }).click());
  },
  "the end of the way, connected": (visitor) => visitor.visit(`/connected?connector_id=${connectorId}`),
  "the end of the way, not connected": (visitor) => visitor.visit("/connected?error=access_denied"),
  "a return without consent": (visitor) => returnWithoutConsent(visitor, false),
  "an approval that is needed first": (visitor) => returnWithoutConsent(visitor, true),
  "an error": (visitor) => visitor.refused(404, () => visitor.page.goto("/dashboard/connectors/none")),
  "the way in": async (visitor) => {
    await visitor.visit("/");
    await visitor.press("Sign out");
    await visitor.page.getByText("Sign in with the API key").click();
  },
};

const WINDOWS: Record<string, BrowserContextOptions> = {
  "on a phone, in the dark": { viewport: { width: 360, height: 740 }, colorScheme: "dark" },
  "on a desk, in the light": { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
};

/** The pages of the simulated providers, which nobody sees but developers. */
const SIMULATED: Record<string, (visitor: Visitor) => Promise<unknown>> = {
  "simulated Google": (visitor) => visitor.visit(stack.simulators.google.url),
  "simulated Microsoft": (visitor) => visitor.visit(stack.simulators.microsoft.url),
  "simulated Google's consent page": async (visitor) => visitor.visit(await stack.at(google).connectLink()),
  "simulated Microsoft's consent page": async (visitor) => visitor.visit(await stack.at(microsoftWork).connectLink()),
};

for (const [where, options] of Object.entries(WINDOWS)) {
  describe(where, () => {
    for (const [what, show] of Object.entries(SIMULATED)) {
      test(`${what} fits`, async () => {
        const visitor = await Visitor.open(browser, stack, options);
        await show(visitor);
        await visitor.page.getByText(/for development, no real account/).waitFor();
        assert.deepEqual(await beyondTheEdge(visitor), []);
        await visitor.leave();
      });
    }
    for (const [what, show] of Object.entries(PAGES)) {
      test(`${what} fits, and can be used by everybody`, async () => {
        const visitor = await Visitor.signedIn(browser, stack, options);
        await show(visitor);
        assert.deepEqual(await beyondTheEdge(visitor), []);
        assert.deepEqual(await barriers(visitor), []);
        await visitor.leave();
      });
    }
  });
}

/** What makes the page wider than its window. */
async function beyondTheEdge(visitor: Visitor): Promise<string[]> {
  return await visitor.page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const elements = [...document.querySelectorAll("body *")];
    return elements
      .filter((element) => element.getBoundingClientRect().right > clientWidth)
      .map((element) => element.outerHTML.slice(0, 120));
  });
}

/** What keeps somebody from using the page, by the rules of WCAG 2.2 A and AA: names of fields, contrast, headings, landmarks. */
async function barriers(visitor: Visitor): Promise<string[]> {
  await visitor.page.evaluate(axe.source);
  const { violations } = await visitor.page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)}`));
}
