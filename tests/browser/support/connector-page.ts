// Finding things on the page of a connector.

import type { Locator, Page } from "playwright-core";

/** A task's form, unfolded. */
export async function formOf(page: Page, type: string): Promise<Locator> {
  const section = page.locator(`#task-${type}`);
  if (!(await section.evaluate((details) => (details as HTMLDetailsElement).open))) {
    await section.getByText(type, { exact: true }).click();
  }
  return section.locator("form");
}

/** The topmost entry about a task of a type in the activity, once it says this. */
export async function latest(page: Page, type: string, says: string): Promise<Locator> {
  const entry = page.locator("#activity li", { hasText: type }).first();
  await entry.getByText(says, { exact: true }).waitFor();
  return entry;
}
