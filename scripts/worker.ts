// `npm run worker`: the worker alone, on 127.0.0.1:8787 or PORT. Any setting present in the environment wins over .dev.vars:
//
//   GOOGLE_API_URL=http://127.0.0.1:9000 PORT=8800 npm run worker

import { buildWorker } from "./build/worker.ts";
import { developmentPort, developmentSettings } from "./dev/development-settings.ts";
import { runCronEveryMinute } from "./dev/every-minute.ts";
import { explainTakenPort } from "./dev/free-port.ts";
import { lastingState } from "./dev/local-database.ts";
import { startLocalWorker } from "./dev/local-worker.ts";
import { prefixed } from "./dev/log-lines.ts";
import { onShutdown } from "./dev/shutdown.ts";

const port = developmentPort();
await explainTakenPort(port, "stop what listens there, or choose another with PORT=NUMBER");
const settings = developmentSettings(port);
if (!(await buildWorker())) process.exit(1);

const worker = await startLocalWorker({ port, settings, stateFolder: lastingState(port), onLine: prefixed("worker") });
onShutdown(worker.stop, 0);
runCronEveryMinute(worker);
console.log(`\n  The worker answers on ${worker.url}/ (API_KEY is in .dev.vars). Ctrl-C ends it.\n`);

process.exitCode = await worker.ended;
