// How wrangler is run: from the installed package, by our own Node, without asking or telling anybody anything.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ExplainedError } from "../setup/explained-error.mjs";
import { projectRoot } from "../setup/locations.mjs";

export const wranglerProgram = join(projectRoot, "node_modules", "wrangler", "bin", "wrangler.js");

/** For local runs: nothing is fetched or reported, and the output is plain text. */
export function localWranglerEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_HIDE_BANNER: "true",
    FORCE_COLOR: "0",
    NO_COLOR: "1",
    // Answers wrangler's questions with their defaults.
    CI: "true",
  };
}

/** Runs a wrangler command to its end and gives what it printed. Throws, with the output, when it fails. */
export function runWrangler(args: string[], env: NodeJS.ProcessEnv = localWranglerEnvironment()): string {
  const result = spawnSync(process.execPath, [wranglerProgram, ...args], { cwd: projectRoot, env, encoding: "utf8" });
  if (result.status !== 0) {
    throw new ExplainedError(`wrangler ${args.join(" ")} failed:\n${result.stdout}${result.stderr}`);
  }
  return result.stdout;
}
