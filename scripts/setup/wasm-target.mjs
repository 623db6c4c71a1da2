// The standard library for `wasm32-unknown-unknown`: from rustup, or where rustup's servers are out of reach, built
// from the source in Debian's packages.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aptInstall } from "./apt.mjs";
import { ExplainedError } from "./explained-error.mjs";
import { ask, run, step } from "./steps.mjs";

const TARGET = "wasm32-unknown-unknown";

/** The name under which Debian's compiler is known to rustup. */
const LINKED_TOOLCHAIN = "wasm";

/** `rust-web-clippy` is the clippy that belongs to Debian's compiler; `lld-22` is what its `rust-lld` points to. */
const DEBIAN_PACKAGES = [
  "rustc-web",
  "cargo-web",
  "rust-web-src",
  "libstd-rust-web-dev",
  "rust-web-llvm",
  "rust-web-clippy",
  "lld-22",
];

/** rustup can hang on a network that drops its packets instead of refusing them. */
const RUSTUP_TIMEOUT_SECONDS = 120;

/**
 * Finds or installs the target. `WASM_TARGET_FROM=debian` in the environment passes over rustup, to try the fallback
 * on a machine where rustup's servers can be reached.
 * @returns {Promise<{ wasmTarget: "default" | "debian", wasmToolchain: string | null }>}
 */
export async function wasmTarget() {
  const debianOnly = process.env.WASM_TARGET_FROM === "debian";
  if (!debianOnly && hasTarget([])) return { wasmTarget: "default", wasmToolchain: null };
  if (debianToolchainIsComplete()) return { wasmTarget: "debian", wasmToolchain: LINKED_TOOLCHAIN };
  if (!debianOnly && (await addedByRustup())) return { wasmTarget: "default", wasmToolchain: null };
  await installFromDebian();
  return { wasmTarget: "debian", wasmToolchain: LINKED_TOOLCHAIN };
}

/** @param {string[]} toolchain `["+name"]`, or nothing for the default one */
function hasTarget(toolchain) {
  const folder = ask("rustc", [...toolchain, "--print", "target-libdir", "--target", TARGET]);
  return folder !== null && existsSync(folder) && readdirSync(folder).some((file) => file.startsWith("libstd-"));
}

function debianToolchainIsComplete() {
  return hasTarget([`+${LINKED_TOOLCHAIN}`]) && ask("cargo", [`+${LINKED_TOOLCHAIN}`, "clippy", "--version"]) !== null;
}

async function addedByRustup() {
  if (ask("rustup", ["--version"]) === null) return false;
  try {
    await step(`WASM target by \`rustup target add\` (given up after ${RUSTUP_TIMEOUT_SECONDS} s)`, () =>
      run("rustup", ["target", "add", TARGET], { advice: "", timeoutSeconds: RUSTUP_TIMEOUT_SECONDS }),
    );
    return hasTarget([]);
  } catch {
    console.log("[set-up] rustup could not fetch the WASM target; trying Debian's packages instead");
    return false;
  }
}

async function installFromDebian() {
  const byHand = `Install the target by hand (\`rustup target add ${TARGET}\`) and run the command again.`;
  await step("WASM target from Debian, 1 of 2: a Rust compiler and the standard library's source", () =>
    aptInstall(DEBIAN_PACKAGES, byHand),
  );
  await step("WASM target from Debian, 2 of 2: building the standard library", async () => {
    const libraries = await buildStandardLibrary(byHand);
    try {
      placeLibraries(libraries.folder);
    } finally {
      rmSync(libraries.crate, { recursive: true, force: true });
    }
    await run("rustup", ["toolchain", "link", LINKED_TOOLCHAIN, "/usr"], { advice: byHand });
  });
  if (!debianToolchainIsComplete()) {
    throw new ExplainedError(`Debian's compiler was installed but still lacks the WASM target.\n${byHand}`);
  }
}

/**
 * Builds the standard library once, for a crate that is thrown away.
 * @param {string} advice
 */
async function buildStandardLibrary(advice) {
  const crate = mkdtempSync(join(tmpdir(), "wasm-std-"));
  mkdirSync(join(crate, "src"));
  writeFileSync(
    join(crate, "Cargo.toml"),
    '[package]\nname = "throwaway"\nversion = "0.0.0"\nedition = "2024"\n\n[profile.release]\npanic = "abort"\n',
  );
  writeFileSync(join(crate, "src", "lib.rs"), "#![no_std]\n");
  await run("/usr/bin/cargo", ["build", "--release", "--target", TARGET, "-Z", "build-std=std,panic_abort"], {
    cwd: crate,
    env: {
      ...process.env,
      RUSTC: "/usr/bin/rustc",
      // Lets a stable compiler take -Z.
      RUSTC_BOOTSTRAP: "1",
      // Without the bitcode, link-time optimisation fails later with "Can't find section .llvmbc".
      RUSTFLAGS: "-Cembed-bitcode=yes -Copt-level=s",
      CARGO_TARGET_DIR: join(crate, "target"),
      CARGO_BUILD_BUILD_DIR: join(crate, "target"),
    },
    advice,
  });
  return { crate, folder: join(crate, "target", TARGET, "release", "deps") };
}

/**
 * Puts the libraries where the compiler looks for them. Each is copied beside its place and then renamed, `libstd` last:
 * it is what `hasTarget` looks for, so a set-up that was interrupted is done again.
 * @param {string} folder
 */
function placeLibraries(folder) {
  const sysroot = ask("/usr/bin/rustc", ["--print", "sysroot"]) ?? "/usr";
  const place = join(sysroot, "lib", "rustlib", TARGET, "lib");
  const libraries = readdirSync(folder).filter((file) => file.endsWith(".rlib") && !file.startsWith("libthrowaway-"));
  const standardLast = libraries.sort((a, b) => Number(a.startsWith("libstd-")) - Number(b.startsWith("libstd-")));
  mkdirSync(place, { recursive: true });
  for (const file of standardLast) {
    copyFileSync(join(folder, file), join(place, `.${file}`));
    renameSync(join(place, `.${file}`), join(place, file));
  }
}
