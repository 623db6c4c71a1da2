// Building the worker with worker-build, using the tools that set-up placed.

import { join } from "node:path";
import { wasmCargoEnvironment } from "../cargo/environment.ts";
import { runToEnd } from "../dev/background-process.ts";
import { packageBinaries, projectRoot } from "../setup/locations.mjs";
import { toolchain } from "../setup/toolchain.ts";
import { isFresh, recordInputs } from "./freshness.ts";
import { optimizeWasm } from "./wasm-opt.ts";
import { describeWasmSize } from "./wasm-size.ts";

/**
 * Builds `build/index.js` and `build/index_bg.wasm`.
 * Returns false when the build failed; the compiler's own output then says why.
 */
export async function buildWorker({ force = false } = {}): Promise<boolean> {
  const tools = toolchain();
  const fingerprint = [tools.workerBuild, tools.wasmBindgen, tools.wasmToolchain].join(" ");
  if (!force && isFresh(fingerprint)) {
    console.log("[build] up to date");
    return true;
  }

  const started = Date.now();
  console.log("[build] worker-build --release (minutes the first time) ...");
  const code = await runToEnd(tools.workerBuild, ["--release"], {
    cwd: projectRoot,
    env: {
      ...wasmCargoEnvironment(),
      // Without these two worker-build downloads its own.
      WASM_BINDGEN_BIN: tools.wasmBindgen,
      ESBUILD_BIN: join(packageBinaries, "esbuild"),
    },
  });
  if (code !== 0) {
    console.error("[build] worker-build failed: what the compiler said is above.");
    return false;
  }
  if (!(await optimizeWasm())) {
    console.error("[build] wasm-opt failed: what it said is above.");
    return false;
  }
  recordInputs(fingerprint, started);
  console.log(`[build] done in ${((Date.now() - started) / 1000).toFixed(1)} s, ${describeWasmSize()}`);
  return true;
}
