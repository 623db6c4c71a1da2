// How every npm script starts: sets up what is missing, then runs scripts/NAME.ts with the project's own Node 22.
//
//   node scripts/run.mjs [NAME [ARG...]]      without a name it only sets up
//
// `npm start` can be ended by Ctrl-C, by SIGTERM or by killing npm outright, and nothing is left behind: signals are passed
// on (package.json says `exec`, else the shell between npm and us would keep them), and the end of npm is noticed.

import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageBinaries } from "./setup/locations.mjs";
import { setUp } from "./setup/set-up.mjs";

const [name, ...args] = process.argv.slice(2);
const browser = name === "screenshot" || (name === "test" && (args.length === 0 || args[0] === "browser"));

if (!(await setUp({ browser }))) process.exitCode = 1;
else if (name !== undefined) runWithNode22(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), args);

/**
 * @param {string} script
 * @param {string[]} args
 */
function runWithNode22(script, args) {
  const plainErrors = new URL("./dev/plain-errors.ts", import.meta.url).href;
  const path = [packageBinaries, process.env.PATH ?? ""].join(delimiter);
  const child = spawn(join(packageBinaries, "node"), ["--import", plainErrors, script, ...args], {
    // The channel closes when this process ends, even when it is killed: the script can tell, and ends as well.
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, PATH: path },
  });
  // Ctrl-C reaches the script from the terminal; we only must not end before it.
  process.on("SIGINT", () => {});
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"])) process.on(signal, () => child.kill(signal));
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) child.kill("SIGTERM");
  }, 1000).unref();
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
}
