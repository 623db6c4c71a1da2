// Sets up everything the project needs beyond Rust, Node 20+ and git. Every npm script begins with this; when nothing is
// missing it takes well under two seconds. Plain JavaScript: it must run before Node 22 is installed.

import { join } from "node:path";
import { cargoTools } from "./cargo-tools.mjs";
import { chromium } from "./chromium.mjs";
import { ExplainedError } from "./explained-error.mjs";
import { cacheFolder, cloneFolder, readToolchain, writeToolchain } from "./locations.mjs";
import { withLock } from "./lock.mjs";
import { npmPackages } from "./npm-packages.mjs";
import { ask, endStepsOnSignals, seconds } from "./steps.mjs";
import { wasmTarget } from "./wasm-target.mjs";

const OLDEST_RUST = [1, 91];

/**
 * @param {{ browser: boolean }} needs browser: also what the browser tests need
 * @returns {Promise<boolean>} false when a step failed; what to do about it has then been printed
 */
export async function setUp({ browser }) {
  const started = Date.now();
  const forgetSignals = endStepsOnSignals();
  try {
    requireRust();
    // Side by side: npm mostly waits for the network while the tools compile.
    const [packages, system, tools] = await Promise.all([
      reported(withLock(join(cloneFolder, "setup.lock"), npmPackages)),
      reported(withLock(join(cacheFolder, "system.lock"), () => systemPackages(browser))),
      reported(withLock(join(cacheFolder, "tools.lock"), cargoTools)),
    ]);
    if (packages === FAILED || system === FAILED || tools === FAILED) return false;
    writeToolchain({ ...system, ...tools });
    const target = system.wasmTarget === "default" ? "rustup's" : "Debian's";
    console.log(`[set-up] ready in ${seconds(started)} s (WASM target: ${target})`);
    return true;
  } catch (error) {
    return report(error) !== FAILED;
  } finally {
    forgetSignals();
  }
}

/**
 * What may need apt, one after the other.
 * @param {boolean} browser
 */
async function systemPackages(browser) {
  const target = await wasmTarget();
  return { ...target, chromium: browser ? await chromium() : (readToolchain().chromium ?? null) };
}

const FAILED = Symbol("a step failed");

/**
 * A failure is shown when it happens, not when the longest of the other steps has ended.
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T | typeof FAILED>}
 */
async function reported(work) {
  try {
    return await work;
  } catch (error) {
    return report(error);
  }
}

/**
 * @param {unknown} error
 * @returns {typeof FAILED}
 */
function report(error) {
  if (!(error instanceof ExplainedError)) throw error;
  console.error(`[set-up] failed:\n${error.message}`);
  return FAILED;
}

function requireRust() {
  const version = ask("rustc", ["--version"])?.match(/^rustc (\d+)\.(\d+)/);
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_RUST;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new ExplainedError(
    `${version ? `Rust ${major}.${minor} is too old` : "Rust was not found"}: ` +
      `${OLDEST_RUST.join(".")} or newer is needed. Install it from https://rustup.rs, or run \`rustup update\`.`,
  );
}
