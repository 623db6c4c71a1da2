// The record set-up left of the tools to use.

import { ExplainedError } from "./explained-error.mjs";
import type { Toolchain } from "./locations.mjs";
import { readToolchain } from "./locations.mjs";

/** What set-up placed. Throws when set-up has not run yet. */
export function toolchain(): Toolchain {
  const { wasmTarget, wasmToolchain, workerBuild, wasmBindgen, chromium } = readToolchain();
  if (wasmTarget === undefined || workerBuild === undefined || wasmBindgen === undefined) {
    throw new ExplainedError("The tools are not set up yet: run `node scripts/setup.mjs` first.");
  }
  return { wasmTarget, wasmToolchain: wasmToolchain ?? null, workerBuild, wasmBindgen, chromium: chromium ?? null };
}
