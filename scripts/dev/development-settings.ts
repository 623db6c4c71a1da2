// The settings of the worker that a developer runs: .dev.vars, and above it the environment.

import { ExplainedError } from "../setup/explained-error.mjs";
import {
  developmentFile,
  ensureDevelopmentFile,
  readSettings,
  type Settings,
  settingsFromEnvironment,
} from "./settings-file.ts";

/** Where the worker listens unless PORT says otherwise; what .dev.vars.example is written for. */
const DEFAULT_PORT = 8787;

/** The port to listen on. Throws when PORT is not a port. */
export function developmentPort(): number {
  const text = process.env.PORT;
  if (text === undefined || text === "") return DEFAULT_PORT;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new ExplainedError(`PORT=${text} is not a port number.`);
  return port;
}

/** The settings for a worker on `port`. Makes .dev.vars when it is missing. */
export function developmentSettings(port: number): Settings {
  ensureDevelopmentFile();
  const settings = readSettings(developmentFile);
  if (port !== DEFAULT_PORT) {
    settings.PUBLIC_BASE_URL = `http://127.0.0.1:${port}`;
    settings.REDIRECT_ALLOWLIST = `${settings.REDIRECT_ALLOWLIST},http://127.0.0.1:${port}/,http://localhost:${port}/`;
  }
  return { ...settings, ...settingsFromEnvironment() };
}
