// A simulated provider as a process of its own.

import { setTimeout as sleep } from "node:timers/promises";
import { buildSimulator } from "../cargo/simulator.ts";
import { ExplainedError } from "../setup/explained-error.mjs";
import { startInBackground } from "./background-process.ts";

export type SimulatedProvider = "google" | "microsoft";

export interface LocalSimulator {
  /** Where it answers, without a slash at the end. */
  readonly url: string;
  /** Settles with an exit code when it has ended. */
  readonly ended: Promise<number>;
  /** Everything it printed so far. */
  logs(): string;
  /** Ends it. May be called twice. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;

/**
 * Compiles the simulator where needed, starts one provider of it and waits until it listens.
 * `port`: TCP port on 127.0.0.1; 0, the default, is any free one.
 */
export async function startLocalSimulator(
  provider: SimulatedProvider,
  { port = 0, onLine }: { port?: number; onLine?: (line: string) => void } = {},
): Promise<LocalSimulator> {
  const program = await buildSimulator();
  const simulator = startInBackground(
    program,
    [provider, "--port", String(port)],
    onLine === undefined ? {} : { onLine },
  );
  let exitCode: number | undefined;
  void simulator.ended.then((code) => {
    exitCode = code;
  });
  const deadline = Date.now() + READY_WITHIN_MS;
  while (exitCode === undefined && Date.now() < deadline) {
    const url = simulator.output().match(/simulator: (http:\/\/\S+)/)?.[1];
    if (url !== undefined) return { url, ended: simulator.ended, logs: simulator.output, stop: simulator.stop };
    await sleep(20);
  }
  await simulator.stop();
  throw new ExplainedError(`the ${provider} simulator did not start:\n${simulator.output()}`);
}
