// Whether the built worker is still what its sources say, by content: a fresh checkout of the same files counts as the same.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { projectRoot } from "../setup/locations.mjs";

const outputs = ["build/index.js", "build/index_bg.wasm"].map((file) => join(projectRoot, file));
const recordFile = join(projectRoot, "build", ".made-from.json");

/** Inputs of every build; the sources are added to these. */
const manifests = ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "scripts/build/wasm-opt.ts"];

/** cargo's list of the files the worker was compiled from: sources, included texts, templates. */
const dependencyList = join(projectRoot, "target/wasm32-unknown-unknown/release/huddle_calendar_sync.d");

interface Record {
  fingerprint: string;
  /** Path below the project's top folder -> SHA-256 of the content. */
  files: { [path: string]: string };
}

/** True when the outputs exist and neither the tools nor any source changed since they were made. */
export function isFresh(fingerprint: string): boolean {
  if (!outputs.every((file) => existsSync(file)) || !existsSync(recordFile)) return false;
  const record: Record = JSON.parse(readFileSync(recordFile, "utf8"));
  return (
    record.fingerprint === fingerprint && Object.entries(record.files).every(([path, hash]) => hashOf(path) === hash)
  );
}

/**
 * Remembers what the outputs were just made from. A file that was saved after `started` (milliseconds, from `Date.now()`) may have been
 * compiled as it was before: it counts as changed.
 */
export function recordInputs(fingerprint: string, started: number): void {
  const files: Record["files"] = {};
  for (const path of [...manifests, ...compiledFiles()]) {
    files[path] = savedSince(path, started) ? "saved while building" : hashOf(path);
  }
  writeFileSync(recordFile, JSON.stringify({ fingerprint, files } satisfies Record));
}

function compiledFiles(): string[] {
  // One line in make's syntax, `output: input input ...`, spaces in names escaped.
  const line = readFileSync(dependencyList, "utf8").split("\n")[0] ?? "";
  return (
    line
      .slice(line.indexOf(": ") + 2)
      .split(/(?<!\\) /)
      .filter((path) => path !== "")
      .map((path) => relative(projectRoot, path.replaceAll("\\ ", " ")))
      // What build.rs wrote follows from the rest.
      .filter((path) => !path.includes("/release/build/"))
  );
}

function savedSince(path: string, started: number): boolean {
  const file = statSync(join(projectRoot, path), { throwIfNoEntry: false });
  return file !== undefined && file.mtimeMs > started;
}

function hashOf(path: string): string {
  const file = join(projectRoot, path);
  return existsSync(file) ? createHash("sha256").update(readFileSync(file)).digest("hex") : "missing";
}
