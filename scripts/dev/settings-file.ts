// Settings files: lines of NAME=value, as in .dev.vars.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ExplainedError } from "../setup/explained-error.mjs";
import { projectRoot } from "../setup/locations.mjs";

export type Settings = { [name: string]: string };

export const developmentFile = join(projectRoot, ".dev.vars");
const exampleFile = join(projectRoot, ".dev.vars.example");

/** Makers of the secrets that the example leaves empty. */
export const freshSecrets: { [name: string]: () => string } = {
  OAUTH_ENC_KEY: () => randomBytes(32).toString("base64"),
  API_KEY: () => randomBytes(24).toString("base64url"),
  WEBHOOK_SECRET: () => randomBytes(24).toString("base64url"),
};

/** The settings in a file. Throws when it cannot be read. */
export function readSettings(file: string): Settings {
  return parseEnv(readFileSync(file, "utf8")) as Settings;
}

/** What the example file says, with its empty secrets filled in at random. */
export function developmentDefaults(): Settings {
  return readSettingsText(withFreshSecrets(readFileSync(exampleFile, "utf8")));
}

/** Every setting there is: those the example names, whether set or shown as a comment. */
export function settingNames(): string[] {
  const text = readFileSync(exampleFile, "utf8");
  return [...text.matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1] as string);
}

/**
 * Makes .dev.vars from the example when it is missing, and adds the settings it lacks when the example has learned new ones.
 * What is already there is never changed.
 */
export function ensureDevelopmentFile(): void {
  const example = withFreshSecrets(readFileSync(exampleFile, "utf8"));
  if (!existsSync(developmentFile)) {
    writePrivately(developmentFile, example);
    console.log("[settings] made .dev.vars from .dev.vars.example, with fresh random secrets");
    return;
  }
  const present = readSettings(developmentFile);
  const missing = Object.entries(readSettingsText(example)).filter(([name]) => !(name in present));
  if (missing.length === 0) return;
  const added = missing.map(([name, value]) => `${name}=${value}\n`).join("");
  writePrivately(developmentFile, `${readFileSync(developmentFile, "utf8").trimEnd()}\n\n${added}`);
  console.log(`[settings] added to .dev.vars: ${missing.map(([name]) => name).join(", ")}`);
}

/** The settings among the environment's variables. */
export function settingsFromEnvironment(): Settings {
  const found: Settings = {};
  for (const name of settingNames()) {
    const value = process.env[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** Writes settings so that `readSettings` reads the same values back. The file is readable by its owner only. */
export function writeSettings(file: string, settings: Settings): void {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${quoted(name, value)}\n`);
  writePrivately(file, lines.join(""));
}

/** Writes settings so that `wrangler dev --env-file` reads the same values: it would replace `$NAME` in any of them. */
export function writeSettingsForWrangler(file: string, settings: Settings): void {
  const escaped = Object.entries(settings).map(([name, value]) => [name, value.replaceAll("$", "\\$")]);
  writeSettings(file, Object.fromEntries(escaped));
}

function quoted(name: string, value: string): string {
  // The format has no escapes: a value goes between quotes that it does not contain itself.
  const quote = ["'", '"', "`"].find((candidate) => !value.includes(candidate));
  if (quote === undefined)
    throw new ExplainedError(`${name} contains every kind of quote and cannot be written to a settings file.`);
  return `${quote}${value}${quote}`;
}

function withFreshSecrets(example: string): string {
  return example.replace(/^([A-Z0-9_]+)=$/gm, (line, name: string) => {
    const make = freshSecrets[name];
    return make === undefined ? line : `${name}=${make()}`;
  });
}

function readSettingsText(text: string): Settings {
  return parseEnv(text) as Settings;
}

function writePrivately(file: string, text: string): void {
  const staged = `${file}.${process.pid}`;
  writeFileSync(staged, text, { mode: 0o600 });
  renameSync(staged, file);
}
