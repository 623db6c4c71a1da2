// `npm run deploy`: builds the worker, brings the deployed database up to date and deploys. Arguments go to `wrangler deploy`;
// `npm run deploy -- --dry-run` needs no account and changes nothing.

import { buildWorker } from "./build/worker.ts";
import { runToEnd } from "./dev/background-process.ts";
import { localWranglerEnvironment, wranglerProgram } from "./dev/wrangler.ts";
import { isProvisioned, readWranglerToml } from "./provision/wrangler-toml.ts";
import { projectRoot } from "./setup/locations.mjs";

const args = process.argv.slice(2);
const dryRun = args.includes("--dry-run");
if (!dryRun && !isProvisioned(readWranglerToml())) {
  console.error("wrangler.toml holds no ids yet: run `npm run provision` first.");
  process.exit(1);
}

const wrangler = (...command: string[]) =>
  runToEnd(process.execPath, [wranglerProgram, ...command], {
    cwd: projectRoot,
    ...(dryRun ? { env: localWranglerEnvironment() } : {}),
  });

if (!(await buildWorker())) process.exit(1);
// Migrations only add, so the worker that is still deployed can live with them: they go first.
if (!dryRun && (await wrangler("d1", "migrations", "apply", "DB", "--remote")) !== 0) process.exit(1);
process.exitCode = await wrangler("deploy", ...args);
