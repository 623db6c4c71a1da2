// Running set-up steps: each says when it starts and how long it took, and a failing one says what to do.

import { spawn, spawnSync } from "node:child_process";
import { ExplainedError } from "./explained-error.mjs";

/**
 * Runs one step that has work to do, with a line before and a line after it.
 * @template T
 * @param {string} what e.g. "npm packages"
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const started = Date.now();
  console.log(`[set-up] ${what} ...`);
  const result = await work();
  console.log(`[set-up] ${what}: done in ${seconds(started)} s`);
  return result;
}

/** @param {number} started milliseconds, from Date.now() */
export function seconds(started) {
  return ((Date.now() - started) / 1000).toFixed(1);
}

/**
 * Runs a program and gives its output, or null when it could not be started, failed or took too long.
 * For questions ("is it there?"), not for work.
 * @param {string} program
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string }} [options]
 */
export function ask(program, args, options = {}) {
  const answer = spawnSync(program, args, { encoding: "utf8", timeout: 20_000, ...options });
  return answer.status === 0 ? answer.stdout.trim() : null;
}

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/**
 * Until the returned function is called, a signal that ends us ends the programs of the running steps first.
 * @returns {() => void}
 */
export function endStepsOnSignals() {
  const end = () => {
    for (const program of running) program.kill("SIGTERM");
    process.exit(1);
  };
  const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) process.on(signal, end);
  return () => {
    for (const signal of signals) process.off(signal, end);
  };
}

/**
 * Runs a program that does a step's work. Its output is kept back and shown only when it fails.
 * @param {string} program
 * @param {string[]} args
 * @param {{ advice: string, env?: NodeJS.ProcessEnv, cwd?: string, timeoutSeconds?: number }} options
 *   advice: what the reader should do when the program fails
 * @returns {Promise<void>}
 */
export function run(program, args, { advice, env, cwd, timeoutSeconds }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let output = "";
    const timer =
      timeoutSeconds === undefined
        ? undefined
        : setTimeout(() => {
            child.kill("SIGKILL");
            fail(`was stopped after ${timeoutSeconds} s`);
          }, timeoutSeconds * 1000);
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk).slice(-8000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const fail = (/** @type {string} */ reason) =>
      reject(new ExplainedError(`${output.trim()}\n\`${[program, ...args].join(" ")}\` ${reason}.\n${advice}`));
    child.on("error", (error) => {
      clearTimeout(timer);
      fail(`could not be started (${error.message})`);
    });
    child.on("close", (code, signal) => {
      running.delete(child);
      clearTimeout(timer);
      if (code === 0) resolve();
      else fail(`ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}
