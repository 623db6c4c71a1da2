// A Chromium or Chrome for the browser tests.

import { existsSync } from "node:fs";
import { aptInstall } from "./apt.mjs";
import { ExplainedError } from "./explained-error.mjs";
import { step } from "./steps.mjs";

const KNOWN_PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/**
 * Finds one (CHROME_PATH wins), or installs Debian's.
 * @returns {Promise<string>} its path
 */
export async function chromium() {
  const found = [process.env.CHROME_PATH, ...KNOWN_PLACES].find((path) => path && existsSync(path));
  if (found) return found;

  const byHand = "Install Chromium or Chrome, or set CHROME_PATH to one, and run the command again.";
  await step("Chromium from Debian, for the browser tests", () => aptInstall(["chromium"], byHand));
  if (!existsSync("/usr/bin/chromium"))
    throw new ExplainedError(`Debian's chromium was installed but is not there.\n${byHand}`);
  return "/usr/bin/chromium";
}
