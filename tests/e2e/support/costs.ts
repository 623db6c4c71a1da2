// What an operation cost: the worker logs one line per invocation with its round trips, the simulator counts its calls.

import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "./stack.ts";

export interface Cost {
  /** Requests the worker sent to the provider. */
  providerCalls: number;
  /** Round trips to D1. */
  d1: number;
  /** KV operations. */
  kv: number;
  /** Calls to Durable Objects. */
  gate: number;
  /** Sends to queues. */
  queueSends: number;
}

/** Reads the cost lines of a worker's log. `GET`s that only look are left out: they are the test's, not the operation's. */
export function costs(log: string): Cost[] {
  const lines = log.match(/\{[^\n]*"cost":"invocation"[^\n]*\}/g) ?? [];
  return lines.map((line) => JSON.parse(line)).filter((line) => !/^(GET \/v1|GET \/healthz)/.test(line.entry));
}

/** Waits until no invocation has told its cost for a while: the line comes after the answer, and after the end of a task. */
async function quiet(stack: Stack): Promise<void> {
  for (let told = -1; told !== costs(stack.worker.logs()).length; await sleep(700)) {
    told = costs(stack.worker.logs()).length;
  }
}

/** Runs something alone and adds up what the worker's invocations cost meanwhile. */
export async function costOf(stack: Stack, operation: () => Promise<unknown>): Promise<Cost> {
  await quiet(stack);
  const before = costs(stack.worker.logs()).length;
  await operation();
  await quiet(stack);
  const sum: Cost = { providerCalls: 0, d1: 0, kv: 0, gate: 0, queueSends: 0 };
  for (const line of costs(stack.worker.logs()).slice(before)) {
    // Entering the task is the caller's cost, not the queue's.
    if ((line as Cost & { entry: string }).entry === "POST /v1/tasks") continue;
    for (const key of Object.keys(sum) as (keyof Cost)[]) sum[key] += line[key];
  }
  return sum;
}
