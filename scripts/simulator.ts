// `npm run simulator`: the simulated providers, each on its default port; arguments are passed on (`-- --help` lists them).

import { buildSimulator } from "./cargo/simulator.ts";
import { runToEnd } from "./dev/background-process.ts";

process.exitCode = await runToEnd(await buildSimulator(), process.argv.slice(2));
