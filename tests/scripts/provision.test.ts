// `npm run provision`, run for real with the real wrangler against a fake Cloudflare.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { namedResources, withId } from "../../scripts/provision/wrangler-toml.ts";
import { projectRoot } from "../../scripts/setup/locations.mjs";
import { type FakeCloudflare, startFakeCloudflare } from "./fake-cloudflare.ts";

let cloudflare: FakeCloudflare;
let project: string;

before(async () => {
  cloudflare = await startFakeCloudflare();
  // A copy, because provisioning writes into wrangler.toml.
  project = mkdtempSync(join(tmpdir(), "provision-"));
  for (const part of ["scripts", "wrangler.toml", "package.json", ".dev.vars.example"]) {
    cpSync(join(projectRoot, part), join(project, part), { recursive: true });
  }
  symlinkSync(join(projectRoot, "node_modules"), join(project, "node_modules"));
});
after(async () => {
  await cloudflare.stop();
  rmSync(project, { recursive: true, force: true });
});

function provision(
  settings: { [name: string]: string } = {},
  args: string[] = [],
): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    const program = execFile(
      process.execPath,
      [join(project, "scripts", "provision.ts"), ...args],
      {
        env: {
          PATH: process.env.PATH,
          HOME: project,
          CLOUDFLARE_API_BASE_URL: cloudflare.url,
          CLOUDFLARE_API_TOKEN: "a-token",
          CLOUDFLARE_ACCOUNT_ID: "an-account",
          ...settings,
        },
      },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    );
    program.stdin?.end();
  });
}

test("a dry run prints the plan and touches nothing", async () => {
  const before = readFileSync(join(project, "wrangler.toml"), "utf8");
  const { code, said } = await provision({ CLOUDFLARE_API_BASE_URL: "http://127.0.0.1:9" }, ["--dry-run"]);
  assert.equal(code, 0, said);
  for (const name of ["huddle-db", "calendar-tasks", "calendar-sync-dlq", "notify-tasks", "OAUTH_ENC_KEY"]) {
    assert.match(said, new RegExp(`\\b${name}\\b`));
  }
  assert.equal(readFileSync(join(project, "wrangler.toml"), "utf8"), before);
});

test("everything wrangler.toml names is created, its ids are written, and what only the operator knows is asked for", async () => {
  const { code, said } = await provision();
  assert.equal(code, 1, said);
  assert.match(
    said,
    /Still missing: GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET\./,
  );
  assert.deepEqual([...cloudflare.databases.keys()], ["huddle-db"]);
  assert.deepEqual([...cloudflare.namespaces.keys()], ["huddle-calendar-sync-oauth"]);
  assert.deepEqual([...cloudflare.queues].sort(), [
    "calendar-sync",
    "calendar-sync-dlq",
    "calendar-tasks",
    "calendar-tasks-dlq",
    "notify-tasks",
  ]);
  const toml = readFileSync(join(project, "wrangler.toml"), "utf8");
  assert.match(toml, /^database_id = "uuid-of-huddle-db"$/m);
  assert.match(toml, /^id = "id-of-huddle-calendar-sync-oauth"$/m);
  assert.equal(Buffer.from(cloudflare.secrets.get("OAUTH_ENC_KEY") ?? "", "base64").length, 32);
  for (const secret of cloudflare.secrets.values()) assert.ok(!said.includes(secret), "a secret was printed");
});

test("a second run adds what was missing and changes nothing else", async () => {
  const toml = readFileSync(join(project, "wrangler.toml"), "utf8");
  const earlier = Object.fromEntries(cloudflare.secrets);
  const google = { GOOGLE_CLIENT_ID: "the-client", GOOGLE_CLIENT_SECRET: "the-client-secret" };
  const { code, said } = await provision({ ...google, API_KEY: "another-key-for-the-api" });
  assert.equal(code, 0, said);
  assert.deepEqual(said.match(/^created .*/gm), [
    "created  secret GOOGLE_CLIENT_ID",
    "created  secret GOOGLE_CLIENT_SECRET",
  ]);
  assert.equal(readFileSync(join(project, "wrangler.toml"), "utf8"), toml);
  assert.deepEqual(Object.fromEntries(cloudflare.secrets), { ...earlier, ...google });
});

test("a second provider's client is set up by both its halves", async () => {
  const half = await provision({ MICROSOFT_CLIENT_ID: "the-application" });
  assert.equal(half.code, 1, half.said);
  assert.match(half.said, /Still missing: MICROSOFT_CLIENT_SECRET\./);
  const whole = await provision({ MICROSOFT_CLIENT_SECRET: "its-secret" });
  assert.equal(whole.code, 0, whole.said);
  assert.equal(cloudflare.secrets.get("MICROSOFT_CLIENT_ID"), "the-application");
});

test("an id is replaced where it stands, and the rest of the file stays as it is", () => {
  const toml = '# first\n[[d1_databases]]\nbinding = "DB" # kept\n\n[[kv_namespaces]]\nbinding = "KV"\n';
  const once = withId(toml, "d1_databases", "database_id", "one");
  const twice = withId(once, "d1_databases", "database_id", "two");
  assert.equal(once, toml.replace("[[d1_databases]]\n", '[[d1_databases]]\ndatabase_id = "one"\n'));
  assert.equal(twice, once.replace('"one"', '"two"'));
});

test("the dead letter queues are among the queues", () => {
  const { queues } = namedResources(readFileSync(join(projectRoot, "wrangler.toml"), "utf8"));
  assert.ok(queues.includes("calendar-sync-dlq"));
});
