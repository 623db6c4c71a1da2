// Sets up everything the project needs beyond Rust, Node 20+ and git. Every npm script begins with this; when nothing is
// missing it takes well under two seconds. Plain JavaScript: it must run before Node 22 is installed.

import { join } from "node:path";
import { cargoTools } from "./cargo-tools.mjs";
import { chromium } from "./chromium.mjs";
import { ExplainedError } from "./explained-error.mjs";
import { cacheFolder, cloneFolder, readToolchain, writeToolchain } from "./locations.mjs";
import { withLock } from "./lock.mjs";
import { npmPackages } from "./npm-packages.mjs";
import { ask, seconds } from "./steps.mjs";
import { wasmTarget } from "./wasm-target.mjs";

const OLDEST_RUST = [1, 91];

/**
 * @param {{ browser: boolean }} needs browser: also what the browser tests need
 * @returns {Promise<boolean>} false when a step failed; what to do about it has then been printed
 */
export async function setUp({ browser }) {
  try {
    await everything(browser);
    return true;
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    console.error(`[set-up] failed:\n${error.message}`);
    return false;
  }
}

/** @param {boolean} browser */
async function everything(browser) {
  const started = Date.now();
  requireRust();
  await withLock(join(cloneFolder, "setup.lock"), npmPackages);
  const toolchain = await withLock(join(cacheFolder, "setup.lock"), async () => ({
    ...(await wasmTarget()),
    ...(await cargoTools()),
    chromium: browser ? await chromium() : (readToolchain().chromium ?? null),
  }));
  writeToolchain(toolchain);
  const target = toolchain.wasmTarget === "default" ? "rustup's" : "Debian's";
  console.log(`[set-up] ready in ${seconds(started)} s (WASM target: ${target})`);
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
