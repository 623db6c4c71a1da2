// Where set-up keeps things, and the record it leaves for the build: which tools to use and how they were found.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's top folder. */
export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What several clones on one machine can share: built tools and locks. One folder per user. */
export const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "huddle-calendar-sync");

/** What belongs to this clone alone. */
export const cloneFolder = join(projectRoot, ".tools");

/** Programs of the npm packages. */
export const packageBinaries = join(projectRoot, "node_modules", ".bin");

const recordFile = join(cloneFolder, "toolchain.json");

/**
 * What set-up found or installed.
 * @typedef {object} Toolchain
 * @property {"default" | "debian"} wasmTarget which compiler has the WASM target: the default one, or Debian's
 * @property {string | null} wasmToolchain value for RUSTUP_TOOLCHAIN in WASM builds; null leaves it alone
 * @property {string} workerBuild path of `worker-build`
 * @property {string} wasmBindgen path of `wasm-bindgen`
 * @property {string | null} chromium path of a Chromium or Chrome, if one is needed and was found
 */

/** @returns {Partial<Toolchain>} an empty object before the first set-up */
export function readToolchain() {
  try {
    return JSON.parse(readFileSync(recordFile, "utf8"));
  } catch {
    return {};
  }
}

/** @param {Partial<Toolchain>} toolchain */
export function writeToolchain(toolchain) {
  mkdirSync(cloneFolder, { recursive: true });
  const staged = `${recordFile}.${process.pid}`;
  writeFileSync(staged, `${JSON.stringify(toolchain, null, 2)}\n`);
  renameSync(staged, recordFile);
}

/**
 * The environment without this project's `node_modules/.bin` in PATH: while packages are being
 * installed, the Node 22 that lives there comes and goes.
 */
export function environmentWithoutPackages() {
  const path = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => folder !== packageBinaries)
    .join(delimiter);
  return { ...process.env, PATH: path };
}
