// The local D1 database: bringing it up to date with migrations/, and finding its file.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../setup/locations.mjs";
import { runWrangler } from "./wrangler.ts";

const migrationsFolder = join(projectRoot, "migrations");

/** Copies of a freshly migrated state, by the hash of the migrations they were made from. */
const templatesFolder = join(projectRoot, ".wrangler", "migrated");

/** Where the worker that a developer runs keeps its state between runs: one folder per port, for two may run at once. */
export function lastingState(port: number): string {
  return join(projectRoot, ".wrangler", `state-${port}`);
}

/**
 * Brings the database in a state folder up to date. A folder that does not exist yet starts as a copy of one that was
 * migrated before, which takes milliseconds where wrangler takes seconds.
 */
export function migrate(stateFolder: string): void {
  const wanted = migrationsHash();
  const stampFile = join(stateFolder, ".migrated-to");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted) return;
  if (existsSync(stateFolder) && readdirSync(stateFolder).length > 0) {
    applyMigrations(stateFolder);
    writeFileSync(stampFile, wanted);
    return;
  }
  cpSync(template(wanted), stateFolder, { recursive: true });
}

/** The database's SQLite file in the state folder of a running or stopped worker. */
export function databaseFile(stateFolder: string): string {
  const folder = join(stateFolder, "v3", "d1", "miniflare-D1DatabaseObject");
  const file = readdirSync(folder).find((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite");
  if (file === undefined) throw new Error(`no database in ${folder}`);
  return join(folder, file);
}

function template(wanted: string): string {
  const folder = join(templatesFolder, wanted);
  if (existsSync(folder)) return folder;
  const staged = `${folder}.${process.pid}`;
  mkdirSync(staged, { recursive: true });
  applyMigrations(staged);
  writeFileSync(join(staged, ".migrated-to"), wanted);
  try {
    renameSync(staged, folder);
  } catch {
    rmSync(staged, { recursive: true, force: true }); // another process was first
  }
  return folder;
}

function applyMigrations(stateFolder: string): void {
  if (migrationFiles().length === 0) return;
  runWrangler(["d1", "migrations", "apply", "DB", "--local", "--persist-to", stateFolder]);
}

function migrationFiles(): string[] {
  if (!existsSync(migrationsFolder)) return [];
  return readdirSync(migrationsFolder)
    .filter((name) => name.endsWith(".sql"))
    .sort();
}

function migrationsHash(): string {
  const hash = createHash("sha256");
  for (const name of migrationFiles()) hash.update(name).update(readFileSync(join(migrationsFolder, name)));
  // The database's name decides where its file is.
  hash.update(readFileSync(join(projectRoot, "wrangler.toml")));
  return hash.digest("hex").slice(0, 16);
}
