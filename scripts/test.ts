// `npm test`: every check there is, one stage after the other, and a summary of what ran and how long it took.
//
//   node scripts/run.mjs test                      everything
//   node scripts/run.mjs test e2e [ARG...]         one group of stages (unit, sim, e2e, browser, ...); arguments are passed on

import { onShutdown } from "./dev/shutdown.ts";
import { groups, type Stage, stages } from "./test/stages.ts";

interface Outcome {
  stage: Stage;
  result: "ok" | "FAILED" | "not run";
  seconds: number;
}

onShutdown(async () => {}, 130);

const [group, ...args] = process.argv.slice(2);
if (group !== undefined && !groups().includes(group)) {
  console.error(`There is no group "${group}". The groups are: ${groups().join(", ")}.`);
  process.exit(2);
}
const chosen = stages.filter((stage) => group === undefined || stage.groups.includes(group));

const outcomes: Outcome[] = [];
for (const stage of chosen) {
  const blocked = outcomes.some(({ stage: earlier, result }) => stage.needs === earlier.name && result !== "ok");
  if (blocked) {
    outcomes.push({ stage, result: "not run", seconds: 0 });
    continue;
  }
  console.log(`\n=== ${stage.name} ===`);
  const started = Date.now();
  const passed = await stage.run(args, group).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return false;
  });
  outcomes.push({ stage, result: passed ? "ok" : "FAILED", seconds: (Date.now() - started) / 1000 });
}

const whole = outcomes.reduce((sum, { seconds }) => sum + seconds, 0);
const width = Math.max(...outcomes.map(({ stage }) => stage.name.length));
console.log("\n=== summary ===");
for (const { stage, result, seconds } of outcomes) {
  const why = result === "not run" ? `  because "${stage.needs}" failed` : "";
  console.log(`${result.padEnd(8)} ${stage.name.padEnd(width)} ${seconds.toFixed(1).padStart(7)} s${why}`);
}
const failed = outcomes.filter(({ result }) => result !== "ok").length;
console.log(
  `${failed === 0 ? "all passed" : `${failed} of ${outcomes.length} did not pass`}, ${whole.toFixed(0)} s in all`,
);
process.exit(failed === 0 ? 0 : 1);
