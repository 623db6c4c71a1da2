// `npm run bench`: builds, then measures. See bench/run.ts.

import { bench } from "../bench/run.ts";
import { buildWorker } from "./build/worker.ts";

if (!(await buildWorker())) process.exit(1);
await bench();
