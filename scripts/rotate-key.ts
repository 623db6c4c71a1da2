// `npm run rotate-key`: re-encrypts everything that an older key still protects with the current one, a batch at a time, while
// the worker serves. To rotate: set OAUTH_ENC_KEYS_PREVIOUS to the old key and OAUTH_ENC_KEY to a new one, deploy, run this
// until nothing remains, then remove OAUTH_ENC_KEYS_PREVIOUS. It can be stopped and run again at any time.
//
// BASE_URL and API_KEY say where and as whom; without them those of .dev.vars are used (PUBLIC_BASE_URL and API_KEY).

import { existsSync } from "node:fs";
import { developmentFile, readSettings } from "./dev/settings-file.ts";

const BATCH = 100;

interface Progress {
  /** Re-encrypted by this call. */
  rotated: number;
  /** Still under an older key. */
  remaining: number;
  /** Connectors whose token no key opens. */
  unreadable?: string[];
  /** Where the next batch begins; null when this was the last. */
  after: string | null;
}

const local = existsSync(developmentFile) ? readSettings(developmentFile) : {};
const baseUrl = process.env.BASE_URL ?? local.PUBLIC_BASE_URL;
const apiKey = process.env.API_KEY ?? local.API_KEY;
if (!baseUrl || !apiKey) {
  console.error("Set BASE_URL (where the worker answers) and API_KEY, or run `npm start` once to have a .dev.vars.");
  process.exit(1);
}

console.log(`Rotating the key of ${baseUrl}`);
let rotated = 0;
let remaining = 0;
const unreadable: string[] = [];
let after: string | null = null;
do {
  const progress: Progress = await rotateBatch(after);
  rotated += progress.rotated;
  remaining = progress.remaining;
  unreadable.push(...(progress.unreadable ?? []));
  console.log(`  ${rotated} re-encrypted, ${remaining} to go`);
  if (progress.after !== null && progress.after === after) {
    console.error("The worker does not get past one batch: look into its log.");
    process.exit(1);
  }
  after = progress.after;
} while (after !== null);
if (unreadable.length > 0) {
  console.log(
    `No key that is set opens the tokens of ${unreadable.join(", ")}: these accounts must be connected again.`,
  );
}
if (remaining === 0) console.log("Done: OAUTH_ENC_KEYS_PREVIOUS can be removed.");
if (remaining > unreadable.length) {
  const left = remaining - unreadable.length;
  console.log(`${left} could not be re-encrypted this time: run it again before OAUTH_ENC_KEYS_PREVIOUS is removed.`);
}
process.exitCode = remaining === 0 ? 0 : 1;

async function rotateBatch(start: string | null): Promise<Progress> {
  const answer = await fetch(`${baseUrl}/v1/admin/rotate-key`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ limit: BATCH, after: start }),
  }).catch((error: unknown) => {
    console.error(`${baseUrl} cannot be reached: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  });
  if (!answer.ok) {
    console.error(`The worker answered ${answer.status}: ${await answer.text()}`);
    process.exit(1);
  }
  // The worker leaves `after` out of the last answer.
  const progress = (await answer.json()) as Omit<Progress, "after"> & { after?: string | null };
  return { ...progress, after: progress.after ?? null };
}
