// .production.vars: the operator's own copy of the deployed worker's secrets, in the format of .dev.vars. Never committed.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { freshSecrets, readSettings, type Settings, writeSettings } from "../dev/settings-file.ts";
import { projectRoot } from "../setup/locations.mjs";

export const productionFile = join(projectRoot, ".production.vars");

/** Made at random when they are not given. */
export const generatedSecrets = Object.keys(freshSecrets);

/** Only the operator knows these: they come from the providers' consoles. One provider is enough, and each needs both. */
const clients = [
  ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"],
  ["MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET"],
];
export const clientSecrets = clients.flat();

/** Set when they are given. */
export const optionalSecrets = ["OAUTH_ENC_KEYS_PREVIOUS"];

/**
 * Collects the secrets the worker still lacks: from the environment, from .production.vars, by asking at the terminal, or
 * made at random; and keeps them in .production.vars, because Cloudflare never shows a secret again.
 */
export async function collectSecrets(lacking: string[]): Promise<Settings> {
  const kept = existsSync(productionFile) ? readSettings(productionFile) : {};
  const secrets: Settings = {};
  for (const name of lacking) {
    const value = process.env[name] || kept[name] || freshSecrets[name]?.() || (await askFor(name));
    if (value) secrets[name] = value;
  }
  writeSettings(productionFile, { ...kept, ...secrets });
  return secrets;
}

/** What is missing of providers' clients: half of one, or any at all. */
export function missingClients(held: string[]): string[] {
  const lacking = (client: string[]) => client.filter((name) => !held.includes(name));
  const halves = clients.map(lacking).filter((names) => names.length === 1);
  if (halves.length > 0) return halves.flat();
  const none = clients.every((client) => lacking(client).length > 0);
  return none ? [clients.map((client) => client.join(" and ")).join(", or ")] : [];
}

/** Asks at the terminal for a client's secrets, where an empty answer leaves the provider out; undefined without a terminal. */
async function askFor(name: string): Promise<string | undefined> {
  if (!clientSecrets.includes(name) || !process.stdin.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await terminal.question(`${name}: `)).trim();
  } finally {
    terminal.close();
  }
}
