// Building the provider simulators: native, for development only.

import { runForOutput } from "../dev/background-process.ts";
import { ExplainedError } from "../setup/explained-error.mjs";
import { projectRoot } from "../setup/locations.mjs";
import { nativeCargoEnvironment } from "./environment.ts";

let built: Promise<string> | undefined;

/**
 * Compiles the simulator where needed, once per process, and gives the program's path. Without optimisation: it then shares every compiled
 * dependency with the tests. Throws when it does not compile; the compiler's output has then been shown.
 */
export function buildSimulator(): Promise<string> {
  built ??= compile();
  return built;
}

async function compile(): Promise<string> {
  const started = Date.now();
  const cargo = await runForOutput("cargo", ["build", "-p", "simulator", "--message-format=json-render-diagnostics"], {
    cwd: projectRoot,
    env: nativeCargoEnvironment(),
  });
  const program = cargo.output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { reason: string; executable?: string | null })
    .findLast((message) => message.reason === "compiler-artifact" && message.executable)?.executable;
  if (cargo.code !== 0 || !program)
    throw new ExplainedError("the simulator did not compile: what the compiler said is above");
  const took = (Date.now() - started) / 1000;
  if (took > 2) console.log(`[build] simulator compiled in ${took.toFixed(1)} s`);
  return program;
}
