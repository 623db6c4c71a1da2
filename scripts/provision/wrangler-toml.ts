// wrangler.toml: the names of what is to be created, and the ids of what was.

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ExplainedError } from "../setup/explained-error.mjs";
import { projectRoot } from "../setup/locations.mjs";

const file = join(projectRoot, "wrangler.toml");

export interface NamedResources {
  worker: string;
  database: string;
  /** Title of the KV namespace; its binding has none of its own in wrangler.toml. */
  namespace: string;
  queues: string[];
}

export function readWranglerToml(): string {
  return readFileSync(file, "utf8");
}

export function writeWranglerToml(text: string): void {
  const staged = `${file}.${process.pid}`;
  writeFileSync(staged, text);
  renameSync(staged, file);
}

/** Everything the file names. */
export function namedResources(toml: string): NamedResources {
  const worker = only(toml, /^name = "([^"]+)"/m);
  const queues = [...toml.matchAll(/^(?:queue|dead_letter_queue) = "([^"]+)"/gm)].map((match) => match[1] as string);
  return {
    worker,
    database: only(toml, /^database_name = "([^"]+)"/m),
    namespace: `${worker}-oauth`,
    queues: [...new Set(queues)].sort(),
  };
}

/** The file with a key of the first `[[table]]` set, comments and order kept: replaced where it is, else added at the table's top. */
export function withId(toml: string, table: string, key: string, id: string): string {
  const lines = toml.split("\n");
  const start = lines.indexOf(`[[${table}]]`);
  if (start === -1) throw new ExplainedError(`wrangler.toml has no [[${table}]].`);
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith("["));
  const end = length === -1 ? lines.length : start + 1 + length;
  const present = lines.findIndex((line, index) => index > start && index < end && line.startsWith(`${key} = `));
  if (present === -1) lines.splice(start + 1, 0, `${key} = "${id}"`);
  else lines[present] = `${key} = "${id}"`;
  return lines.join("\n");
}

/** Whether the ids that a deployment needs have been written. */
export function isProvisioned(toml: string): boolean {
  return /^database_id = "/m.test(toml) && /^id = "/m.test(toml);
}

function only(toml: string, pattern: RegExp): string {
  const found = toml.match(pattern)?.[1];
  if (found === undefined) throw new ExplainedError(`wrangler.toml has no line like ${pattern.source}.`);
  return found;
}
