// The clock of cron triggers: Cloudflare fires them, local workerd does not.

import type { LocalWorker } from "./local-worker.ts";

/**
 * Fires the worker's `* * * * *` trigger at every full minute, as Cloudflare would, so that holds expire and what is due
 * gets done on a laptop as well.
 */
export function runCronEveryMinute(worker: LocalWorker): void {
  const untilNextMinute = 60_000 - (Date.now() % 60_000);
  setTimeout(() => {
    worker.runCron().catch((error: unknown) => console.error(`cron    | ${error}`));
    runCronEveryMinute(worker);
  }, untilNextMinute).unref();
}
