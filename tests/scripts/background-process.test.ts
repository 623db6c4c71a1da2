// No program that a script starts outlives it, however the script ends.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startInBackground } from "../../scripts/dev/background-process.ts";
import { projectRoot } from "../../scripts/setup/locations.mjs";

/** Prints the process ids of a shell and of its child, as wrangler has workerd, and then runs for ever. */
const family = 'sleep 1000 & echo "pids $$ $!"; wait';

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 20) {
    if (condition()) return;
    await sleep(20);
  }
  assert.fail(`waited ten seconds for: ${what}`);
}

function pidsIn(output: string): number[] {
  const [, parent, child] = output.match(/pids (\d+) (\d+)/) ?? [];
  return [Number(parent), Number(child)];
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("stopping a program ends its children too", async () => {
  const program = startInBackground("sh", ["-c", family]);
  await until(() => program.output().includes("pids"), "the program's start");
  const pids = pidsIn(program.output());
  assert.ok(pids.every(isRunning));
  await program.stop();
  await until(() => !pids.some(isRunning), "the end of both");
  await program.stop();
});

test("a program that ignores the polite request is ended all the same, and what it left behind", async () => {
  const program = startInBackground("sh", ["-c", `trap "" TERM; ${family}; sleep 1000`]);
  await until(() => program.output().includes("pids"), "the program's start");
  const pids = pidsIn(program.output());
  await program.stop();
  await until(() => !pids.some(isRunning), "the end of both");
});

test("when the script is killed outright its programs end", async () => {
  const module = JSON.stringify(join(projectRoot, "scripts/dev/background-process.ts"));
  const script = spawn(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `import { startInBackground } from ${module};
       startInBackground("sh", ["-c", ${JSON.stringify(family)}], { onLine: console.log });`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  script.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
  });
  await until(() => output.includes("pids"), "the program's start");
  const pids = pidsIn(output);
  assert.ok(pids.every(isRunning));
  script.kill("SIGKILL");
  await until(() => !pids.some(isRunning), "the end of both");
});

test("the exit code and the output of a program that ends by itself are kept", async () => {
  const lines: string[] = [];
  const program = startInBackground("sh", ["-c", "echo out; echo err >&2; exit 7"], {
    onLine: (line) => lines.push(line),
  });
  assert.equal(await program.ended, 7);
  assert.deepEqual(lines.sort(), ["err", "out"]);
});

test("a program that is not there says so", async () => {
  const program = startInBackground("no-such-program", []);
  assert.equal(await program.ended, 127);
  assert.match(program.output(), /no-such-program could not be started/);
});

test("what a program says while it is stopped is kept, but passed on to nobody", async () => {
  const lines: string[] = [];
  const program = startInBackground(
    "sh",
    ["-c", 'trap "echo last words; exit" TERM; echo hello; while :; do sleep 0.05; done'],
    {
      onLine: (line) => lines.push(line),
    },
  );
  await until(() => lines.length > 0, "the first line");
  await program.stop();
  assert.deepEqual(lines, ["hello"]);
  assert.match(program.output(), /last words/);
});
