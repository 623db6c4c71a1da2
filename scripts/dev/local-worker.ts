// The worker in real workerd on this machine, for `npm start`, `npm run worker`, the end-to-end tests and the bench.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ExplainedError } from "../setup/explained-error.mjs";
import { projectRoot } from "../setup/locations.mjs";
import { type BackgroundProcess, startInBackground } from "./background-process.ts";
import { freePort } from "./free-port.ts";
import { databaseFile, migrate } from "./local-database.ts";
import { developmentDefaults, type Settings, writeSettingsForWrangler } from "./settings-file.ts";
import { localWranglerEnvironment, wranglerProgram } from "./wrangler.ts";

export interface LocalWorkerOptions {
  /**
   * Settings and secrets of the worker. Where not given: those of `.dev.vars.example` with fresh secrets, PUBLIC_BASE_URL
   * and REDIRECT_ALLOWLIST fitting the port. What is given here wins over those. `.dev.vars` and this process's
   * environment are not looked at.
   */
  settings?: Settings;
  /** TCP port on 127.0.0.1. Default: a free one. */
  port?: number;
  /** Where D1, KV, queues and Durable Objects are kept. Default: a new folder that is removed on `stop()`. */
  stateFolder?: string;
  /** Called with every line that wrangler and the worker print once the worker answers. */
  onLine?: (line: string) => void;
}

export interface LocalWorker {
  /** Where it answers, without a slash at the end: `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** The settings it was started with, the secrets among them. */
  readonly settings: Readonly<Settings>;
  /** Where other Workers on this machine find this one, to share its queues: their `WRANGLER_REGISTRY_PATH`. */
  readonly registry: string;
  /** Settles with an exit code when the worker has ended, by itself or by `stop()`. */
  readonly ended: Promise<number>;
  /** Everything wrangler and the worker printed so far. */
  logs(): string;
  /** The SQLite file behind the D1 binding, to look into with `node:sqlite` while the worker runs. */
  databaseFile(): string;
  /** Fires a cron trigger and waits until its handler has ended. */
  runCron(schedule?: string): Promise<void>;
  /** Ends the worker with all its processes, and removes its state folder if it made one. May be called twice. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const ATTEMPTS = 3;

/**
 * Starts `wrangler dev` on the built worker (`npm run build`) with a migrated database of its own and waits until it
 * answers. Any number can run at once. It ends with this process, however this process ends.
 *
 *     const worker = await startLocalWorker({ settings: { GOOGLE_API_URL: simulator.url } });
 *     const answer = await fetch(`${worker.url}/healthz`);
 *     await worker.stop();
 */
export async function startLocalWorker(options: LocalWorkerOptions = {}): Promise<LocalWorker> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(options);
    } catch (error) {
      // Somebody else took the free port in the meantime: ask for another.
      const portLost = options.port === undefined && String(error).includes("ddress already in use");
      if (!portLost || attempt === ATTEMPTS) throw error;
    }
  }
}

async function start(options: LocalWorkerOptions): Promise<LocalWorker> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const settings = {
    ...developmentDefaults(),
    PUBLIC_BASE_URL: url,
    REDIRECT_ALLOWLIST: `${url}/,http://localhost:${port}/`,
    ...options.settings,
  };
  // Holds what is this run's own: the settings file, and the state unless it is to last.
  const ownFolder = mkdtempSync(join(tmpdir(), "local-worker-"));
  const stateFolder = options.stateFolder ?? join(ownFolder, "state");
  const settingsFile = join(ownFolder, "settings.env");
  const registry = join(ownFolder, "registry");
  let process: BackgroundProcess | undefined;
  let answering = false;
  const stop = async () => {
    await process?.stop();
    rmSync(ownFolder, { recursive: true, force: true });
  };
  try {
    migrate(stateFolder);
    writeSettingsForWrangler(settingsFile, settings);
    process = startInBackground(globalThis.process.execPath, wranglerArguments({ port, stateFolder, settingsFile }), {
      cwd: projectRoot,
      // Workers that run side by side must not find each other: one would consume the other's queues.
      env: { ...localWranglerEnvironment(), WRANGLER_REGISTRY_PATH: registry },
      onLine: (line) => {
        if (answering) options.onLine?.(line);
      },
    });
    await ready(process, url);
    answering = true;
  } catch (error) {
    await stop();
    throw error;
  }
  const running = process;
  return {
    url,
    settings,
    registry,
    ended: running.ended,
    logs: running.output,
    databaseFile: () => databaseFile(stateFolder),
    runCron: (schedule = "* * * * *") => runCron(url, schedule),
    stop,
  };
}

function wranglerArguments(run: { port: number; stateFolder: string; settingsFile: string }): string[] {
  return [
    wranglerProgram,
    "dev",
    "--local",
    ...["--ip", "127.0.0.1"],
    ...["--port", String(run.port)],
    // Any free port: nobody debugs here, and the fixed default would collide.
    ...["--inspector-port", "0"],
    ...["--persist-to", run.stateFolder],
    // A file rather than --var, which would show the secrets in the list of processes.
    ...["--env-file", run.settingsFile],
    "--test-scheduled",
    "--show-interactive-dev-session=false",
  ];
}

/** Waits until the worker of a `wrangler dev` answers a request, whatever the answer. */
export async function ready(wrangler: BackgroundProcess, url: string): Promise<void> {
  let exitCode: number | undefined;
  void wrangler.ended.then((code) => {
    exitCode = code;
  });
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (exitCode !== undefined) {
      throw new ExplainedError(
        `wrangler dev ended with ${exitCode} before the worker was ready:\n${wrangler.output()}`,
      );
    }
    if (wrangler.output().includes("Ready on ")) {
      const answer = await fetch(url, { redirect: "manual" }).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer !== undefined) return;
    }
    await sleep(50);
  }
  throw new ExplainedError(`the worker did not answer within ${READY_WITHIN_MS / 1000} s:\n${wrangler.output()}`);
}

async function runCron(url: string, schedule: string): Promise<void> {
  const answer = await fetch(`${url}/__scheduled?${new URLSearchParams({ cron: schedule })}`);
  const text = await answer.text();
  if (!answer.ok) throw new ExplainedError(`cron "${schedule}" answered ${answer.status}: ${text}`);
}
