// worker-build and wasm-bindgen, built once per user and version and shared by every clone.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ExplainedError } from "./explained-error.mjs";
import { cacheFolder, projectRoot } from "./locations.mjs";
import { run, step } from "./steps.mjs";

const WORKER_BUILD_VERSION = "0.8.7";

/** These tools run for seconds and are compiled for minutes, so they are compiled cheaply ... */
const CHEAP_BUILD = {
  CARGO_PROFILE_RELEASE_OPT_LEVEL: "0",
  CARGO_PROFILE_RELEASE_LTO: "off",
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
  CARGO_PROFILE_RELEASE_DEBUG: "0",
  CARGO_PROFILE_RELEASE_STRIP: "symbols",
};

/** ... but for the crates that go through every instruction of the worker. */
const BUSY_CRATES = ["walrus", "wasmparser", "wasm-encoder"];

/** @returns {Promise<{ workerBuild: string, wasmBindgen: string }>} paths of the programs */
export async function cargoTools() {
  return {
    workerBuild: await installed("worker-build", WORKER_BUILD_VERSION, "worker-build", ["--locked"]),
    // wasm-bindgen refuses to work on the output of any other version of itself. Its published lock file is not used:
    // it names a release that not every registry serves.
    wasmBindgen: await installed(
      "wasm-bindgen-cli",
      lockedVersion("wasm-bindgen"),
      "wasm-bindgen",
      BUSY_CRATES.flatMap((crate) => ["--config", `profile.release.package.${crate}.opt-level=1`]),
    ),
  };
}

/**
 * @param {string} crate
 * @param {string} version
 * @param {string} program
 * @param {string[]} flags
 */
async function installed(crate, version, program, flags) {
  const folder = join(cacheFolder, "tools", `${crate}-${version}`);
  const path = join(folder, "bin", program);
  if (existsSync(path)) return path;

  const staged = `${folder}.${process.pid}`;
  const building = join(cacheFolder, "tools", "building");
  mkdirSync(staged, { recursive: true });
  await step(`${crate} ${version} (cargo install, a few minutes the first time)`, () =>
    run("cargo", ["install", crate, "--version", version, "--root", staged, "--force", ...flags], {
      env: { ...process.env, ...CHEAP_BUILD, CARGO_TARGET_DIR: building, CARGO_BUILD_BUILD_DIR: building },
      // Outside the project, so that its .cargo/config.toml does not apply.
      cwd: staged,
      advice: "Check that crates.io can be reached and that a C compiler is installed, then run the command again.",
    }),
  );
  rmSync(folder, { recursive: true, force: true });
  renameSync(staged, folder);
  return path;
}

/**
 * The version of a crate in Cargo.lock.
 * @param {string} crate
 */
function lockedVersion(crate) {
  const lock = readFileSync(join(projectRoot, "Cargo.lock"), "utf8");
  const version = lock.match(new RegExp(`name = "${crate}"\\nversion = "([^"]+)"`))?.[1];
  if (version === undefined) {
    throw new ExplainedError(`Cargo.lock names no ${crate}. Run \`cargo generate-lockfile\` and try again.`);
  }
  return version;
}
