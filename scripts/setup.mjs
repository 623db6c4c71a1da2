// Sets up everything the project needs beyond Rust, Node 20+ and git. Run by every npm script that needs it; when
// nothing is missing it takes well under two seconds. Plain JavaScript: it must run before Node 22 is installed.
//
//   node scripts/setup.mjs             what building and running the worker needs
//   node scripts/setup.mjs --browser   also what the browser tests need

import { join } from "node:path";
import { cargoTools } from "./setup/cargo-tools.mjs";
import { chromium } from "./setup/chromium.mjs";
import { cacheFolder, cloneFolder, readToolchain, writeToolchain } from "./setup/locations.mjs";
import { withLock } from "./setup/lock.mjs";
import { npmPackages } from "./setup/npm-packages.mjs";
import { ask, seconds, SetupError } from "./setup/steps.mjs";
import { wasmTarget } from "./setup/wasm-target.mjs";

const OLDEST_RUST = [1, 91];

async function main() {
  const started = Date.now();
  requireRust();
  await withLock(join(cloneFolder, "setup.lock"), npmPackages);
  const toolchain = await withLock(join(cacheFolder, "setup.lock"), async () => ({
    ...(await wasmTarget()),
    ...(await cargoTools()),
    chromium: process.argv.includes("--browser") ? await chromium() : (readToolchain().chromium ?? null),
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
  throw new SetupError(
    `${version ? `Rust ${major}.${minor} is too old` : "Rust was not found"}: ` +
      `${OLDEST_RUST.join(".")} or newer is needed. Install it from https://rustup.rs, or run \`rustup update\`.`,
  );
}

try {
  await main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`[set-up] failed:\n${error.message}`);
  process.exitCode = 1;
}
