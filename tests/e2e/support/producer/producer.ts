// Another service on this machine: a Worker of its own whose messages reach the consumer without passing the API.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startInBackground } from "../../../../scripts/dev/background-process.ts";
import { freePort } from "../../../../scripts/dev/free-port.ts";
import { type LocalWorker, ready } from "../../../../scripts/dev/local-worker.ts";
import { localWranglerEnvironment, wranglerProgram } from "../../../../scripts/dev/wrangler.ts";

/** A message as a producer writes it. */
export interface Message {
  body: unknown;
  contentType: "json" | "text";
}

export interface Producer {
  /** Puts messages on `calendar-tasks`, in one batch. */
  send(messages: Message[]): Promise<void>;
  /** Ends it. */
  stop(): Promise<void>;
}

const folder = dirname(fileURLToPath(import.meta.url));

/** Starts a producer for the queues of a worker. */
export async function startProducer(worker: LocalWorker): Promise<Producer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const state = mkdtempSync(join(tmpdir(), "producer-"));
  const wrangler = startInBackground(
    process.execPath,
    [
      wranglerProgram,
      "dev",
      "--local",
      ...["--config", join(folder, "wrangler.toml")],
      ...["--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"],
      ...["--persist-to", state],
      "--show-interactive-dev-session=false",
    ],
    { cwd: folder, env: { ...localWranglerEnvironment(), WRANGLER_REGISTRY_PATH: worker.registry } },
  );
  const stop = async () => {
    await wrangler.stop();
    rmSync(state, { recursive: true, force: true });
  };
  try {
    await ready(wrangler, url);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    async send(messages) {
      const answer = await fetch(url, { method: "POST", body: JSON.stringify(messages) });
      assert.equal(answer.status, 204, `${await answer.text()}\n${wrangler.output()}`);
    },
    stop,
  };
}
