// The last step of a build: the WASM made smaller by Binaryen's wasm-opt.

import { renameSync } from "node:fs";
import { join } from "node:path";
import { runToEnd } from "../dev/background-process.ts";
import { packageBinaries, projectRoot } from "../setup/locations.mjs";

/** What workerd runs and rustc's target emits. Named one by one, so that a newer Binaryen's encodings stay out. */
const features = [
  "mutable-globals",
  "sign-ext",
  "nontrapping-float-to-int",
  "bulk-memory",
  "multivalue",
  "reference-types",
  "exception-handling",
];

/**
 * Optimises `build/index_bg.wasm` in place. The names of its functions, a tenth of its compressed size, move into
 * `build/index_bg.symbols`: a line `index:name` for each `wasm-function[index]` of a stack trace.
 * Returns false when wasm-opt failed; its own output then says why.
 */
export async function optimizeWasm(): Promise<boolean> {
  const wasm = join(projectRoot, "build", "index_bg.wasm");
  const optimized = join(projectRoot, "build", "optimized.wasm");
  const code = await runToEnd(join(packageBinaries, "wasm-opt"), [
    wasm,
    "-o",
    optimized,
    ...features.map((feature) => `--enable-${feature}`),
    "-Oz",
    "--strip-producers",
    `--symbolmap=${join(projectRoot, "build", "index_bg.symbols")}`,
  ]);
  if (code !== 0) return false;
  renameSync(optimized, wasm);
  return true;
}
