// What a person does on the consent pages of the simulated providers.

import assert from "node:assert/strict";
import type { Page } from "playwright-core";

/** Chooses an account on the simulated Google's consent page, unticks what must not be shared, and answers. */
export async function answerGoogle(
  page: Page,
  answer: "Continue" | "Cancel",
  { account, untick = [] }: { account?: string; untick?: string[] } = {},
): Promise<void> {
  await page.getByRole("heading", { name: /wants access to your Google Account/ }).waitFor();
  if (account !== undefined) await page.locator(`input[name=account][value="${account}"]`).check();
  for (const scope of untick) await page.locator(`input[name=scope][value$="${scope}"]`).uncheck();
  await page.getByRole("button", { name: answer }).click();
}

/** Where the connector is that a page at the end of the way speaks of. */
export function connectorOf(page: Page): string {
  const connector = new URL(page.url()).searchParams.get("connector_id");
  assert.ok(connector, `no connector at ${page.url()}`);
  return connector;
}

/** Chooses an account on the simulated Microsoft's consent page, a person's or an administrator's, and answers. */
export async function answerMicrosoft(page: Page, answer: "Accept" | "Cancel", account?: string): Promise<void> {
  await page.getByRole("heading", { name: /^Permissions requested/ }).waitFor();
  if (account !== undefined) await page.locator(`input[name=account][value="${account}"]`).check();
  await page.getByRole("button", { name: answer }).click();
}
