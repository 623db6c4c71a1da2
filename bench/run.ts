// What operations cost, beside their budgets; how many tasks a second go through the real local queue; how big the worker is
// and how fast it starts. Counts are exact; times are this machine's and are never asserted.

import { compressedWasmBytes } from "../scripts/build/wasm-size.ts";
import { google as googleAccount } from "../tests/e2e/support/account-kinds.ts";
import { budgets } from "../tests/e2e/support/budgets.ts";
import { costOf } from "../tests/e2e/support/costs.ts";
import { hour, Stack } from "../tests/e2e/support/stack.ts";
import { table } from "./table.ts";

const TASKS = 200;
const CONNECTORS = 10;

const window = { timeMin: hour(0), timeMax: hour(23), timeZone: "UTC" };

/** Prints everything. */
export async function bench(): Promise<void> {
  const began = performance.now();
  const stack = await Stack.start();
  try {
    const started = performance.now() - began;
    await counts(stack);
    await throughput(stack);
    console.log(
      table(
        ["what", "measured"],
        [
          ["WASM, compressed", `${(compressedWasmBytes() / 1024).toFixed(0)} KiB of 1024 KiB`],
          ["simulator and worker from nothing to the first answer", `${(started / 1000).toFixed(1)} s`],
          ["first request of a fresh isolate", `${(await coldStart()).toFixed(0)} ms`],
        ],
      ),
    );
  } finally {
    await stack.stop();
  }
}

async function counts(stack: Stack): Promise<void> {
  for (const [kind, operations] of budgets) {
    const rows: string[][] = [];
    for (const each of operations) {
      const cost = await costOf(stack, await each.prepare(stack.at(kind)));
      const within = cost.providerCalls === each.providerCalls && cost.d1 <= each.d1;
      rows.push([
        each.name,
        `${cost.providerCalls} of ${each.providerCalls}`,
        `${cost.d1} of ${each.d1}`,
        String(cost.kv),
        String(cost.gate),
        String(cost.queueSends),
        within ? "yes" : "NO",
      ]);
    }
    const counted = ["provider calls", "D1 round trips", "KV", "gate calls", "queue sends", "within budget"];
    console.log(table([kind.title, ...counted], rows));
  }
}

async function throughput(stack: Stack): Promise<void> {
  const google = stack.at(googleAccount);
  const connectors: string[] = [];
  for (let n = 0; n < CONNECTORS; n++) connectors.push((await google.connectEmptyAccount()).connectorId);
  const began = performance.now();
  const ids = await Promise.all(
    Array.from({ length: TASKS }, (_, n) => {
      const connector = connectors[n % CONNECTORS] ?? "";
      return stack.enqueue("check-availability", connector, window).then((id) => ({ id, connector }));
    }),
  );
  for (const { id, connector } of ids) await stack.ended(id, connector, 120_000);
  const seconds = (performance.now() - began) / 1000;
  console.log(
    table(
      ["through the local queue", "measured"],
      [
        [
          `${TASKS} check-availability tasks on ${CONNECTORS} connectors`,
          `${(TASKS / seconds).toFixed(1)} tasks/s (${seconds.toFixed(1)} s)`,
        ],
      ],
    ),
  );
}

/** Milliseconds until a worker that was just started answers its first request about itself. */
async function coldStart(): Promise<number> {
  const { startLocalWorker } = await import("../scripts/dev/local-worker.ts");
  const worker = await startLocalWorker();
  try {
    const began = performance.now();
    await (await fetch(`${worker.url}/healthz`)).text();
    return performance.now() - began;
  } finally {
    await worker.stop();
  }
}
