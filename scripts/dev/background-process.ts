// Other programs, run so that none of them outlives us.

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface BackgroundProcess {
  /** Everything it printed so far, both streams, in the order it came. */
  output(): string;
  /** Settles with the exit code when the program and all its descendants are gone. */
  readonly ended: Promise<number>;
  /** Ends the program and all its descendants. May be called more than once. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Full environment of the program. Default: ours. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Called with every line it prints, without the line's end, until it is stopped: how it takes its end is no news. */
  onLine?: (line: string) => void;
}

/** How much output is kept for `output()`, in characters. */
const KEPT = 2_000_000;

/** Starts a program that runs beside us: its output is kept, and passed on line by line. */
export function startInBackground(program: string, args: string[], options: StartOptions = {}): BackgroundProcess {
  const leash = onLeash(program, args, options, "pipe");
  let output = "";
  let stopped = false;
  for (const stream of [leash.stdout, leash.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      output = `${output}${line}\n`.slice(-KEPT);
      if (!stopped) options.onLine?.(line);
    });
  }
  const ended = exitCode(leash);
  return {
    output: () => output,
    ended,
    async stop() {
      stopped = true;
      leash.stdin?.end();
      await ended;
    },
  };
}

/** Runs a program to its end, its output going where ours goes, and gives its exit code. */
export function runToEnd(program: string, args: string[], options: Omit<StartOptions, "onLine"> = {}): Promise<number> {
  return exitCode(onLeash(program, args, options, "inherit"));
}

/** Runs a program to its end and gives its exit code and what it wrote to standard output; its errors go where ours go. */
export async function runForOutput(
  program: string,
  args: string[],
  options: Omit<StartOptions, "onLine"> = {},
): Promise<{ code: number; output: string }> {
  const leash = onLeash(program, args, options, "pipe", "inherit");
  let output = "";
  leash.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  return { code: await exitCode(leash), output };
}

/** The leash ends the program when its standard input closes, which happens even when this process is killed outright. */
function onLeash(
  program: string,
  args: string[],
  options: StartOptions,
  stdout: "pipe" | "inherit",
  stderr: "pipe" | "inherit" = stdout,
): ChildProcess {
  const leash = spawn(process.execPath, [join(import.meta.dirname, "leash.ts"), program, ...args], {
    env: options.env,
    cwd: options.cwd,
    stdio: ["pipe", stdout, stderr],
    // A group of its own, so that Ctrl-C in a terminal reaches us only and we end things in order.
    detached: true,
  });
  // That the leash has ended by itself is no error when we come to let go of it.
  leash.stdin?.on("error", () => {});
  return leash;
}

function exitCode(leash: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    leash.on("error", reject);
    leash.on("close", (code) => resolve(code ?? 1));
  });
}
