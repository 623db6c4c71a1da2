// What is at Cloudflare, and creating what is not: all through wrangler, with the account it is logged in to.

import { spawnSync } from "node:child_process";
import { wranglerProgram } from "../dev/wrangler.ts";
import { ExplainedError } from "../setup/explained-error.mjs";
import { projectRoot } from "../setup/locations.mjs";

/** The id of the D1 database, created if there is none of that name. */
export function ensureDatabase(name: string): { id: string; created: boolean } {
  return ensureListed(
    () =>
      parseList<{ name: string; uuid: string }>(wrangler(["d1", "list", "--json"])).find((one) => one.name === name)
        ?.uuid,
    () => wrangler(["d1", "create", name]),
  );
}

/** The id of the KV namespace, created if there is none of that title. */
export function ensureNamespace(title: string): { id: string; created: boolean } {
  return ensureListed(
    () =>
      parseList<{ title: string; id: string }>(wrangler(["kv", "namespace", "list"])).find((one) => one.title === title)
        ?.id,
    () => wrangler(["kv", "namespace", "create", title]),
  );
}

/** Makes sure that the queues are there; gives the names of those that had to be created. */
export function ensureQueues(names: string[]): string[] {
  // A table for people, a queue a row.
  const words = wrangler(["queues", "list"]).split(/[\s│|]+/);
  const missing = names.filter((name) => !words.includes(name));
  for (const name of missing) wrangler(["queues", "create", name]);
  return missing;
}

/** Names of the secrets the worker has. None when it has never been deployed. */
export function secretNames(): string[] {
  const answer = attempt(["secret", "list", "--format", "json"]);
  if (answer.ok) return parseList<{ name: string }>(answer.stdout).map((secret) => secret.name);
  if (answer.said.includes("10007") || answer.said.includes("not found")) return [];
  throw new ExplainedError(answer.said);
}

/** Sets secrets, in one go, without their values ever being an argument or a file. */
export function setSecrets(secrets: { [name: string]: string }): void {
  wrangler(["secret", "bulk"], JSON.stringify(secrets));
}

function ensureListed(find: () => string | undefined, create: () => void): { id: string; created: boolean } {
  const present = find();
  if (present !== undefined) return { id: present, created: false };
  create();
  const id = find();
  if (id === undefined)
    throw new ExplainedError("it was created, but is not in the list yet: run the command again in a minute.");
  return { id, created: true };
}

/** The JSON list in wrangler's output, which may have notices before and after it. */
function parseList<T>(output: string): T[] {
  const list = output.slice(output.indexOf("["), output.lastIndexOf("]") + 1);
  return JSON.parse(list) as T[];
}

function wrangler(args: string[], input?: string): string {
  const answer = attempt(args, input);
  if (!answer.ok) {
    throw new ExplainedError(
      `wrangler ${args.join(" ")} failed:\n${answer.said}\n` +
        "If it asks who you are: log in with `npx wrangler login`, or set CLOUDFLARE_API_TOKEN (and CLOUDFLARE_ACCOUNT_ID).",
    );
  }
  return answer.stdout;
}

function attempt(args: string[], input?: string): { ok: boolean; stdout: string; said: string } {
  const result = spawnSync(process.execPath, [wranglerProgram, ...args], {
    cwd: projectRoot,
    encoding: "utf8",
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_HIDE_BANNER: "true",
      NO_COLOR: "1",
      FORCE_COLOR: "0",
    },
    ...(input === undefined ? { stdio: ["ignore", "pipe", "pipe"] as const } : { input }),
  });
  return { ok: result.status === 0, stdout: result.stdout, said: `${result.stdout}${result.stderr}`.trim() };
}
