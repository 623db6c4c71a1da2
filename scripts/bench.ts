// `npm run bench`: builds the worker and the simulator, then runs bench/run.ts. Arguments are passed on.

import { join } from "node:path";
import { buildWorker } from "./build/worker.ts";
import { buildSimulator } from "./cargo/simulator.ts";
import { runToEnd } from "./dev/background-process.ts";
import { onShutdown } from "./dev/shutdown.ts";
import { projectRoot } from "./setup/locations.mjs";

onShutdown(async () => {}, 130);
await buildSimulator();
if (!(await buildWorker())) process.exit(1);
process.exit(await runToEnd(process.execPath, [join(projectRoot, "bench", "run.ts"), ...process.argv.slice(2)]));
