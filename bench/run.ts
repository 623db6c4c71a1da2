// What operations cost, beside their budgets; how many tasks a second go through the real local queue; how big the worker is
// and how fast it starts. Counts are exact; times are this machine's and are never asserted.

import { compressedWasmBytes } from "../scripts/build/wasm-size.ts";
import { google as googleAccount } from "../tests/e2e/support/account-kinds.ts";
import { type Cost, costOf } from "../tests/e2e/support/costs.ts";
import { fresh, hour, Stack } from "../tests/e2e/support/stack.ts";
import { table } from "./table.ts";

/** An operation and what it may cost (design section 8). */
interface Measured {
  operation: string;
  providerCalls: number;
  d1: number;
  run(): Promise<void>;
}

const TASKS = 200;
const CONNECTORS = 10;

const window = { timeMin: hour(0), timeMax: hour(23), timeZone: "UTC" };
const meeting = (from: number) => ({
  summary: "x",
  start: hour(from),
  end: hour(from + 1),
  timeZone: "UTC",
  attendees: [],
});

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
  const google = stack.at(googleAccount);
  const { connectorId } = await google.connectEmptyAccount();
  const many = await google.connect("many-calendars@example.com");
  const fifty = Array.from({ length: 50 }, (_, n) => `room-${String(n).padStart(2, "0")}@group.calendar.google.com`);
  const holdId = fresh("hold");
  const link = await google.connectLink();
  const task =
    (type: string, payload: unknown, connector = connectorId) =>
    async () => {
      await stack.run(type, connector, payload);
    };
  const operations: Measured[] = [
    {
      operation: "check-availability, 50 calendars",
      providerCalls: 1,
      d1: 3,
      run: task("check-availability", { ...window, calendars: fifty }, many),
    },
    { operation: "create-event", providerCalls: 1, d1: 3, run: task("create-event", meeting(9)) },
    {
      operation: "place-hold, slot checked",
      providerCalls: 2,
      d1: 3,
      run: task("place-hold", { holdId, start: hour(11), end: hour(12), timeZone: "UTC" }),
    },
    { operation: "confirm-hold, event read first", providerCalls: 2, d1: 3, run: task("confirm-hold", { holdId }) },
    { operation: "refresh-token, still good", providerCalls: 0, d1: 3, run: task("refresh-token", {}) },
    {
      operation: "POST /v1/availability, one connector",
      providerCalls: 1,
      d1: 1,
      run: async () => {
        await stack.api("POST", "/v1/availability", { ...window, connectorIds: [connectorId] });
      },
    },
    {
      operation: "redirect to the provider",
      providerCalls: 0,
      d1: 1,
      run: async () => {
        await stack.depart(link);
      },
    },
  ];
  const rows: string[][] = [];
  for (const each of operations) {
    const cost: Cost = await costOf(stack, each.run);
    const within = cost.providerCalls <= each.providerCalls && cost.d1 <= each.d1;
    rows.push([
      each.operation,
      `${cost.providerCalls} of ${each.providerCalls}`,
      `${cost.d1} of ${each.d1}`,
      String(cost.kv),
      String(cost.gate),
      String(cost.queueSends),
      within ? "yes" : "NO",
    ]);
  }
  console.log(
    table(["operation", "provider calls", "D1 round trips", "KV", "gate calls", "queue sends", "within budget"], rows),
  );
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
