// Environments for running cargo: for native code, and for WASM.

import { join } from "node:path";
import { cacheFolder, projectRoot } from "../setup/locations.mjs";
import { toolchain } from "../setup/toolchain.ts";

/**
 * For native builds. On a CI machine every run has a clone of its own, so intermediate files go to a folder that all
 * runs share and dependencies are compiled once. That is safe for clones that are built one after the other: cargo locks
 * the folder, and takes the project's own files, which are younger than all that was built before they were cloned, for
 * changed. Finished programs stay in the clone's own `target/`.
 */
export function nativeCargoEnvironment(): NodeJS.ProcessEnv {
  if (process.env.CI !== "true") return { ...process.env };
  return {
    ...process.env,
    CARGO_BUILD_BUILD_DIR: process.env.CARGO_BUILD_BUILD_DIR ?? join(cacheFolder, "cargo-build"),
    // Neither is of use to a clone that is built once.
    CARGO_INCREMENTAL: "0",
    CARGO_PROFILE_DEV_DEBUG: "line-tables-only",
  };
}

/**
 * For builds to WASM: with the compiler that has the target, into the project's own `target/`, whatever
 * CARGO_TARGET_DIR says, because the name of the finished file is the same in every clone.
 */
export function wasmCargoEnvironment(): NodeJS.ProcessEnv {
  const { wasmToolchain } = toolchain();
  return {
    ...nativeCargoEnvironment(),
    CARGO_TARGET_DIR: join(projectRoot, "target"),
    ...(wasmToolchain === null ? {} : { RUSTUP_TOOLCHAIN: wasmToolchain }),
  };
}
