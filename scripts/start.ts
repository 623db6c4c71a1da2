// `npm start`: the worker and the simulated providers, on one machine, with no account anywhere. A provider whose addresses in .dev.vars are
// its real ones is not simulated.

import { buildWorker } from "./build/worker.ts";
import { developmentPort, developmentSettings } from "./dev/development-settings.ts";
import { runCronEveryMinute } from "./dev/every-minute.ts";
import { explainTakenPort } from "./dev/free-port.ts";
import { lastingState } from "./dev/local-database.ts";
import { startLocalSimulator } from "./dev/local-simulator.ts";
import { startLocalWorker } from "./dev/local-worker.ts";
import { prefixed } from "./dev/log-lines.ts";
import { onShutdown } from "./dev/shutdown.ts";
import { simulatedProviders } from "./dev/simulated-providers.ts";

const port = developmentPort();
await explainTakenPort(port, "stop what listens there, or choose another with PORT=NUMBER");
const settings = developmentSettings(port);
const simulators = simulatedProviders(settings);
for (const { provider, port } of simulators) {
  const advice = `the simulated ${provider} needs it. Stop what listens there, or put another port into ${provider}'s addresses in .dev.vars`;
  await explainTakenPort(port, advice);
}
if (!(await buildWorker())) process.exit(1);

const running: { name: string; ended: Promise<number>; stop(): Promise<void> }[] = [];
let ending = false;
const stopAll = async () => {
  ending = true;
  await Promise.all(running.map((part) => part.stop()));
};
onShutdown(stopAll, 0);

for (const { provider, port } of simulators) {
  const simulator = await startLocalSimulator(provider, { port, onLine: prefixed(provider) });
  running.push({ name: `the simulated ${provider}`, ...simulator });
}
const worker = await startLocalWorker({ port, settings, stateFolder: lastingState(port), onLine: prefixed("worker") });
running.push({ name: "the worker", ...worker });
runCronEveryMinute(worker);

console.log(`
  Open ${worker.url}/ and connect a calendar.
  The API key is API_KEY in .dev.vars. Ctrl-C ends everything.
`);

const first = await Promise.race(running.map(async (part) => ({ name: part.name, code: await part.ended })));
if (!ending) {
  console.error(`${first.name} ended with exit code ${first.code}; ending the rest.`);
  await stopAll();
  process.exit(1);
}
