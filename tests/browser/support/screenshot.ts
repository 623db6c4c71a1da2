// The README's picture of the dashboard: an account that is connected, and tasks with their results. With the font Inter installed (Debian:
// fonts-inter) it looks as most people's screens do.

import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { google } from "../../e2e/support/account-kinds.ts";
import { Stack } from "../../e2e/support/stack.ts";
import { launchChromium, Visitor } from "./visitor.ts";

/** Starts everything, runs some tasks, and takes the picture. */
export async function takeScreenshot(file: string): Promise<void> {
  const stack = await Stack.start();
  const browser = await launchChromium();
  try {
    const connector = await stack
      .at(google)
      .connect("berlin@example.com", { userId: "ada", workspaceId: "analytical-engines" });
    for (const [type, payload] of TASKS) await stack.run(type, connector, payload);
    const visitor = await Visitor.signedIn(browser, stack, {
      viewport: { width: 1200, height: 960 },
      colorScheme: "light",
    });
    await visitor.visit(`/dashboard/connectors/${connector}`);
    mkdirSync(dirname(file), { recursive: true });
    await visitor.page.screenshot({ path: file });
    await visitor.leave();
  } finally {
    await Promise.all([browser.close(), stack.stop()]);
  }
}

const TASKS: [type: string, payload: unknown][] = [
  ["check-availability", { timeMin: inDays(1, 0), timeMax: inDays(8, 0), timeZone: "Europe/Berlin" }],
  ["place-hold", { holdId: "interview-7", start: inDays(1, 20), end: inDays(1, 21), timeZone: "Europe/Berlin" }],
  ["confirm-hold", { holdId: "interview-7", summary: "Interview" }],
  [
    "create-event",
    { summary: "Coffee with Grace", start: inDays(2, 20), end: inDays(2, 21), timeZone: "Europe/Berlin" },
  ],
  ["refresh-token", { force: true }],
];

/** An hour on a day from today on, as a local time. */
function inDays(days: number, hour: number): string {
  const day = new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  return `${day}T${String(hour).padStart(2, "0")}:00:00`;
}
