// `npm run build`: the worker's WASM and its JavaScript shim, into build/. Skipped when nothing it is made of changed.
//
//   node scripts/build.ts           build what changed
//   node scripts/build.ts --force   build in any case

import { buildWorker } from "./build/worker.ts";

const built = await buildWorker({ force: process.argv.includes("--force") });
if (!built) process.exitCode = 1;
