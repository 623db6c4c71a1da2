// Runs a program with all its descendants on a leash: when this process's standard input closes (its parent ended, however
// it ended) or it is told to stop, the whole process group is ended, gently first. wrangler's workerd children outlive
// wrangler when only wrangler is killed; a group they cannot leave catches them all.
//
//   node leash.ts PROGRAM [ARG...]

import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

const GENTLY_MS = 5_000;
/** A killed orphan counts as there until the system has collected it, which some containers do late. */
const COLLECTED_WITHIN_MS = 500;

const [program, ...args] = process.argv.slice(2);
if (program === undefined) throw new Error("leash: no program given");

const child = spawn(program, args, { detached: true, stdio: ["ignore", "inherit", "inherit"] });
const ended = new Promise<number>((resolve) => {
  child.on("error", (error) => {
    console.error(`${program} could not be started: ${error.message}`);
    resolve(127);
  });
  child.on("exit", (code, signal) => resolve(code ?? (signal === null ? 1 : 143)));
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, letGo);
process.stdin.on("end", letGo).on("error", letGo).resume();

const code = await ended;
await sweep();
process.exit(code);

function letGo(): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  // The program alone first: wrangler then ends its children itself.
  child.kill("SIGTERM");
  setTimeout(() => signalGroup("SIGKILL"), GENTLY_MS).unref();
}

/** Ends what the program left behind, and waits until it is gone. */
async function sweep(): Promise<void> {
  const deadline = Date.now() + COLLECTED_WITHIN_MS;
  while (signalGroup("SIGKILL") && Date.now() < deadline) await sleep(20);
}

/** False when nobody is left in the group. */
function signalGroup(signal: NodeJS.Signals): boolean {
  if (child.pid === undefined) return false;
  try {
    process.kill(-child.pid, signal);
    return true;
  } catch {
    return false;
  }
}
