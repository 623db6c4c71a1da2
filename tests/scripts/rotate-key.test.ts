// `npm run rotate-key` drives the endpoint batch by batch to the end.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../../scripts/setup/locations.mjs";

type Answer = { rotated: number; remaining: number; unreadable?: string[]; after?: string | null };

/** Runs the script against a worker that gives these answers, one after the other. */
async function rotate(
  answers: (Answer | { status: number })[],
): Promise<{ code: number; said: string; asked: unknown[] }> {
  const asked: unknown[] = [];
  const server = createServer(async (request, response: ServerResponse) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push({ key: request.headers.authorization, path: request.url, ...JSON.parse(body) });
    const answer = answers[asked.length - 1] ?? { status: 500 };
    response.writeHead("status" in answer ? answer.status : 200).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const env = { ...process.env, BASE_URL: `http://127.0.0.1:${port}`, API_KEY: "the-key" };
  try {
    return await new Promise((resolve) => {
      execFile(process.execPath, [join(projectRoot, "scripts/rotate-key.ts")], { env }, (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), said: stdout + stderr, asked }),
      );
    });
  } finally {
    server.close();
  }
}

test("it goes on where the last batch ended until there is no more", async () => {
  const { code, said, asked } = await rotate([
    { rotated: 100, remaining: 20, after: "connector-100" },
    { rotated: 20, remaining: 0 },
  ]);
  assert.equal(code, 0, said);
  const common = { key: "Bearer the-key", path: "/v1/admin/rotate-key", limit: 100 };
  assert.deepEqual(asked, [
    { ...common, after: null },
    { ...common, after: "connector-100" },
  ]);
  assert.match(said, /120 re-encrypted, 0 to go/);
});

test("what could not be re-encrypted is a failure that says the old key is still needed", async () => {
  const { code, said } = await rotate([{ rotated: 1, remaining: 2 }]);
  assert.equal(code, 1);
  assert.match(said, /2 could not be re-encrypted/);
});

test("an account whose token no key opens is named, for it must be connected again", async () => {
  const { code, said } = await rotate([
    { rotated: 2, remaining: 1, unreadable: ["con_lost"], after: "con_2" },
    { rotated: 1, remaining: 1, unreadable: [] },
  ]);
  assert.equal(code, 1);
  assert.match(said, /opens the tokens of con_lost: .* connected again/);
  assert.doesNotMatch(said, /run it again/, "that would not help");
});

test("a worker that does not get past a batch is not asked for ever", async () => {
  const stuck = { rotated: 0, remaining: 5, after: "connector-7" };
  const { code, asked } = await rotate([stuck, stuck, stuck]);
  assert.equal(code, 1);
  assert.equal(asked.length, 2);
});

test("a refusal is shown", async () => {
  const { code, said } = await rotate([{ status: 401 }]);
  assert.equal(code, 1);
  assert.match(said, /answered 401/);
});
