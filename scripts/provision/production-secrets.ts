// .production.vars: the operator's own copy of the deployed worker's secrets, in the format of .dev.vars. Never committed.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { freshSecrets, readSettings, type Settings, writeSettings } from "../dev/settings-file.ts";
import { projectRoot } from "../setup/locations.mjs";

export const productionFile = join(projectRoot, ".production.vars");

/** Made at random when they are not given. */
export const generatedSecrets = Object.keys(freshSecrets);

/** Only the operator knows these: they come from the provider's console. */
export const requiredSecrets = ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"];

/** Set when they are given. */
export const optionalSecrets = ["MICROSOFT_CLIENT_ID", "MICROSOFT_CLIENT_SECRET", "OAUTH_ENC_KEYS_PREVIOUS"];

/**
 * Collects the secrets the worker still lacks: from the environment, from .production.vars, by asking at the terminal, or
 * made at random; and keeps them in .production.vars, because Cloudflare never shows a secret again.
 * Returns `missing` when a required one is nowhere to be found.
 */
export async function collectSecrets(lacking: string[]): Promise<{ secrets: Settings; missing: string[] }> {
  const kept = existsSync(productionFile) ? readSettings(productionFile) : {};
  const secrets: Settings = {};
  const missing: string[] = [];
  for (const name of lacking) {
    const value = process.env[name] || kept[name] || freshSecrets[name]?.() || (await askFor(name));
    if (value) secrets[name] = value;
    else if (requiredSecrets.includes(name)) missing.push(name);
  }
  writeSettings(productionFile, { ...kept, ...secrets });
  return { secrets, missing };
}

/** Asks at the terminal for what is required; undefined when there is no terminal. */
async function askFor(name: string): Promise<string | undefined> {
  if (!requiredSecrets.includes(name) || !process.stdin.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await terminal.question(`${name}: `)).trim();
  } finally {
    terminal.close();
  }
}
