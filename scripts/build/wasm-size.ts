// How large the built worker is.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { projectRoot } from "../setup/locations.mjs";

const wasmFile = join(projectRoot, "build", "index_bg.wasm");

/** Size of the WASM file as Cloudflare counts it. */
export function compressedWasmBytes(): number {
  return gzipSync(readFileSync(wasmFile)).length;
}

/** The size for people: as it is and compressed. */
export function describeWasmSize(): string {
  const kibibytes = (bytes: number) => `${Math.round(bytes / 1024)} KiB`;
  return `WASM ${kibibytes(readFileSync(wasmFile).length)}, compressed ${kibibytes(compressedWasmBytes())}`;
}
