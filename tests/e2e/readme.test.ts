// README's examples, pasted into a shell in the order they stand in, as somebody does who has never seen the project.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { projectRoot } from "../../scripts/setup/locations.mjs";
import { assertPublishedNotification } from "./support/contract.ts";
import { type Json, Stack } from "./support/stack.ts";

const readme = readFileSync(join(projectRoot, "README.md"), "utf8");
const GOOGLE = "PROVIDER=google ACCOUNT=empty@example.com";

let stack: Stack;
/** Stands for the project's folder: it holds the key where README looks for it. */
let folder: string;
before(async () => {
  stack = await Stack.start();
  folder = mkdtempSync(join(tmpdir(), "readme-"));
  writeFileSync(join(folder, ".dev.vars"), `API_KEY=${stack.worker.settings.API_KEY}\n`);
});
after(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The shell examples of a section. */
function examples(section: string): string[] {
  const body = readme.split(/^## /m).find((part) => part.startsWith(`${section}\n`));
  assert.ok(body, `README has no section ${section}`);
  return [...body.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] as string);
}

/** A person waits for three seconds; a machine that is busy may need longer, and here it is known when every task has ended. */
const PATIENCE = `sleep() {
  while api $B/metrics | grep -q 'state="\\(queued\\|running\\)"} [1-9]'; do command sleep 0.1; done
}`;

/** Pastes examples, with the addresses of this test's worker and simulator in place of those that are written; the answers in JSON, in order. */
async function paste(blocks: string[]): Promise<Json[]> {
  const script = [PATIENCE, ...blocks.filter((block) => block !== "npm start\n")]
    .join("\n")
    .replaceAll("http://127.0.0.1:8787", stack.worker.url)
    .replaceAll("http://127.0.0.1:8790", stack.simulators.google.url);
  const { stdout, stderr } = await promisify(execFile)("bash", ["-c", script], { cwd: folder, timeout: 120_000 });
  assert.equal(stderr, "");
  const answers: Json[] = stdout
    .split("\n")
    .filter((line) => line.startsWith('{"'))
    .map((line) => JSON.parse(line));
  for (const { notifications } of answers) notifications?.forEach(assertPublishedNotification);
  return answers;
}

/** How each task ended, by its id. */
function endings(answers: Json[]): Record<string, string> {
  const tasks = answers.filter(({ state }) => state !== undefined && state !== "queued");
  return Object.fromEntries(tasks.map(({ taskId, state }) => [taskId, state]));
}

const FIRST_FIVE = ["refresh-1", "busy-1", "event-1", "place-1", "cancel-1"];
const THE_OTHERS = ["slots-1", "update-1", "place-2", "gone-1", "confirm-1"];
const succeeded = (ids: string[]) => Object.fromEntries(ids.map((id) => [id, "succeeded"]));

test("Google: everything README shows works, one example after the other", async () => {
  const answers = await paste([...examples("Ten minutes"), ...examples("Tasks"), ...examples("HTTP API")]);
  assert.deepEqual(endings(answers), succeeded([...FIRST_FIVE, ...THE_OTHERS]));
  const refused = answers.filter(({ code }) => code !== undefined).map(({ code }) => code);
  assert.deepEqual(refused, ["task_not_failed"], "only the replay of a task that succeeded is refused, as README says");
  assert.equal(answers.at(-1).revoked, true);
});

for (const account of ["empty@contoso.example", "empty@outlook.example"]) {
  test(`Microsoft: the same steps work for ${account}`, async () => {
    assert.ok(readme.includes(`ACCOUNT=${account}`));
    const steps = examples("Ten minutes").map((block) =>
      block.replace(GOOGLE, `PROVIDER=microsoft ACCOUNT=${account}`),
    );
    assert.notDeepEqual(steps, examples("Ten minutes"));
    const answers = await paste([...steps, ...examples("Tasks")]);
    assert.deepEqual(endings(answers), succeeded([...FIRST_FIVE, ...THE_OTHERS]));
  });
}
