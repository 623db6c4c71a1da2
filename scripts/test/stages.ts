// The stages of `npm test`, in the order they run: cheap ones first.

import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { compressedWasmBytes } from "../build/wasm-size.ts";
import { buildWorker } from "../build/worker.ts";
import { nativeCargoEnvironment, wasmCargoEnvironment } from "../cargo/environment.ts";
import { buildSimulator } from "../cargo/simulator.ts";
import { type BackgroundProcess, runForOutput, runToEnd, startInBackground } from "../dev/background-process.ts";
import { localWranglerEnvironment, wranglerProgram } from "../dev/wrangler.ts";
import { packageBinaries, projectRoot } from "../setup/locations.mjs";

export interface Stage {
  name: string;
  /** The groups it is chosen by: `npm run test:unit` runs all of group `unit`. */
  groups: string[];
  /** Name of the stage whose output it uses; when that one failed, this one cannot run. */
  needs?: string;
  /** `args` are those given behind the group's name; they go to the program that runs the tests. `group` is that name, if any. */
  run(args: string[], group?: string): Promise<boolean>;
}

/** Design budget: the worker is small enough to start fast anywhere. */
const LARGEST_WASM_BYTES = 1024 * 1024;

const BUILD = "build (worker, simulator)";

export const stages: Stage[] = [
  { name: "rustfmt", groups: ["style"], run: () => cargo(["fmt", "--all", "--check"]) },
  { name: "biome", groups: ["style"], run: () => packaged("biome", ["ci"]) },
  { name: "tsc", groups: ["style"], run: () => packaged("tsc", ["--noEmit"]) },
  { name: "clippy (wasm32)", groups: ["clippy"], run: (_, group) => wasmClippy(group) },
  {
    name: "clippy (native)",
    groups: ["clippy"],
    run: () => cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
  },
  { name: "tests of the scripts", groups: ["scripts"], run: (args) => nodeTests("tests/scripts/*.test.ts", args) },
  { name: "unit and property tests", groups: ["unit"], run: unitTests },
  { name: "doc tests", groups: ["unit"], run: (args) => cargo(["test", "--workspace", "--doc", ...args]) },
  { name: "simulation", groups: ["sim"], run: simulation },
  { name: BUILD, groups: ["e2e", "browser"], run: build },
  {
    name: "deployable (dry run, size)",
    groups: ["deploy"],
    needs: BUILD,
    run: async () => (await smallEnough()) && (await dryRun()),
  },
  {
    // Side by side: either waits for the worker much of the time.
    name: "end-to-end and browser tests",
    groups: ["e2e", "browser"],
    needs: BUILD,
    run: (args, group = "{e2e,browser}") => nodeTests(`tests/${group}/*.test.ts`, args),
  },
];

/** Every group that can be asked for. */
export function groups(): string[] {
  return [...new Set(stages.flatMap((stage) => stage.groups))];
}

async function cargo(args: string[]): Promise<boolean> {
  return (await runToEnd("cargo", args, { cwd: projectRoot, env: nativeCargoEnvironment() })) === 0;
}

async function wasmCargo(args: string[]): Promise<boolean> {
  return (await runToEnd("cargo", args, { cwd: projectRoot, env: wasmCargoEnvironment() })) === 0;
}

async function packaged(program: string, args: string[]): Promise<boolean> {
  return (await runToEnd(join(packageBinaries, program), args, { cwd: projectRoot })) === 0;
}

/** The worker's build, where it was begun ahead of its stage. */
let begun: BackgroundProcess | undefined;

/** When everything is run, the worker's build begins behind it: it is busy with one thing at a time, and so are the next stages. */
async function wasmClippy(group: string | undefined): Promise<boolean> {
  // In the release profile, so that what runs at build time is compiled once for this and for the build.
  const target = ["--release", "--lib", "--target", "wasm32-unknown-unknown"];
  const passed = await wasmCargo(["clippy", ...target, "--", "-D", "warnings"]);
  if (passed && group === undefined)
    begun = startInBackground(process.execPath, [join(projectRoot, "scripts", "build.ts")]);
  return passed;
}

/** Everything cargo can test but the simulation, which has a stage of its own. */
async function unitTests(args: string[]): Promise<boolean> {
  const integrationTests = (await testTargets()).filter((name) => name !== "simulation");
  const chosen = integrationTests.flatMap((name) => ["--test", name]);
  return cargo(["test", "--workspace", "--lib", "--bins", ...chosen, ...args]);
}

/** `--seed N` runs one seed and prints its steps, `--seeds N` that many; other arguments go to the test program. */
async function simulation(args: string[]): Promise<boolean> {
  const env = nativeCargoEnvironment();
  const rest: string[] = [];
  for (let place = 0; place < args.length; place += 1) {
    const variable = { "--seed": "SIM_SEED", "--seeds": "SIM_SEEDS" }[args[place] ?? ""];
    const value = args[place + 1];
    if (variable === undefined || value === undefined) rest.push(args[place] ?? "");
    else {
      env[variable] = value;
      place += 1;
    }
  }
  if (env.SIM_SEED !== undefined) rest.unshift("every_promise");
  const command = ["test", "--test", "simulation", "--", "--nocapture", "--test-threads=1", ...rest];
  return (await runToEnd("cargo", command, { cwd: projectRoot, env })) === 0;
}

async function testTargets(): Promise<string[]> {
  const { code, output } = await runForOutput("cargo", ["metadata", "--no-deps", "--format-version", "1"], {
    cwd: projectRoot,
  });
  if (code !== 0) throw new Error("cargo metadata failed: what it said is above");
  const metadata = JSON.parse(output) as { packages: { targets: { name: string; kind: string[] }[] }[] };
  const targets = metadata.packages.flatMap((member) => member.targets);
  return targets.filter((target) => target.kind.includes("test")).map((target) => target.name);
}

async function build(): Promise<boolean> {
  if (begun !== undefined) {
    const code = await begun.ended;
    process.stdout.write(begun.output());
    if (code !== 0) return false;
  }
  await buildSimulator();
  return buildWorker();
}

async function smallEnough(): Promise<boolean> {
  const bytes = compressedWasmBytes();
  console.log(`WASM, compressed: ${bytes} bytes; at most ${LARGEST_WASM_BYTES} are allowed`);
  return bytes <= LARGEST_WASM_BYTES;
}

async function dryRun(): Promise<boolean> {
  const args = [wranglerProgram, "deploy", "--dry-run"];
  return (await runToEnd(process.execPath, args, { cwd: projectRoot, env: localWranglerEnvironment() })) === 0;
}

/** Runs test files with Node's own runner. Arguments that are files replace the pattern, others go to the runner. */
async function nodeTests(pattern: string, args: string[]): Promise<boolean> {
  const isFile = (arg: string) => arg.endsWith(".ts") && existsSync(join(projectRoot, arg));
  const named = args.filter(isFile);
  const files = named.length > 0 ? named : globSync(pattern, { cwd: projectRoot }).sort();
  if (files.length === 0) throw new Error(`no test files match ${pattern}`);
  const flags = ["--test", "--test-reporter=spec", "--test-concurrency=6", ...args.filter((arg) => !isFile(arg))];
  return (await runToEnd(process.execPath, [...flags, ...files], { cwd: projectRoot })) === 0;
}
