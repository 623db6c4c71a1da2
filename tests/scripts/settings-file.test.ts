// Settings reach the worker exactly as they were given.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startInBackground } from "../../scripts/dev/background-process.ts";
import { freePort } from "../../scripts/dev/free-port.ts";
import {
  developmentDefaults,
  readSettings,
  settingNames,
  writeSettings,
  writeSettingsForWrangler,
} from "../../scripts/dev/settings-file.ts";
import { localWranglerEnvironment, wranglerProgram } from "../../scripts/dev/wrangler.ts";

const folder = mkdtempSync(join(tmpdir(), "settings-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("what is written is read back, whatever it contains, and by its owner only", () => {
  const file = join(folder, "settings.env");
  const settings = {
    EMPTY: "",
    SPACES: "  a  b  ",
    HASH: "a # b",
    QUOTES: `it's "quoted"`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: no template, the very text
    DOLLAR: "a$b ${HASH} $HASH",
    BACKSLASH: "a\\nb",
    EQUALS: "a=b==",
  };
  writeSettings(file, settings);
  assert.deepEqual({ ...readSettings(file) }, settings);
  assert.equal(statSync(file).mode & 0o077, 0);
});

test("a value that no quotes can hold is refused by name, without being shown", () => {
  assert.throws(
    () => writeSettings(join(folder, "refused.env"), { API_KEY: "'\"`" }),
    (error: Error) => error.message.includes("API_KEY") && !error.message.includes("`"),
  );
});

test("the development defaults have fresh secrets every time", () => {
  const [one, two] = [developmentDefaults(), developmentDefaults()];
  for (const name of ["OAUTH_ENC_KEY", "API_KEY", "WEBHOOK_SECRET"]) {
    assert.ok((one[name] ?? "").length >= 16, name);
    assert.notEqual(one[name], two[name]);
  }
  assert.equal(Buffer.from(one.OAUTH_ENC_KEY ?? "", "base64").length, 32);
});

test("every setting that the example mentions is one, the commented ones too", () => {
  assert.ok(settingNames().includes("OAUTH_ENC_KEYS_PREVIOUS"));
  assert.ok(settingNames().includes("GOOGLE_API_URL"));
});

test("the worker is given exactly what was written", async () => {
  const settings = {
    EMPTY: "",
    SPACES: "  a  b  ",
    HASH: "a # b",
    QUOTES: `it's "quoted"`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: no template, the very text
    DOLLAR: "a$b ${HASH} $HASH $(x)",
    JSON: '{"google": {"requests": 3}}',
  };
  const port = await freePort();
  writeFileSync(join(folder, "index.js"), "export default { fetch: (_, env) => Response.json(env) };");
  writeFileSync(join(folder, "wrangler.toml"), 'name = "echo"\nmain = "index.js"\ncompatibility_date = "2026-10-01"\n');
  writeSettingsForWrangler(join(folder, "worker.env"), settings);
  const wrangler = startInBackground(
    process.execPath,
    [wranglerProgram, "dev", "--local", "--port", String(port), "--inspector-port", "0", "--env-file", "worker.env"],
    { cwd: folder, env: { ...localWranglerEnvironment(), WRANGLER_REGISTRY_PATH: join(folder, "registry") } },
  );
  try {
    for (let waited = 0; !wrangler.output().includes("Ready on ") && waited < 30_000; waited += 100) await sleep(100);
    assert.deepEqual(await (await fetch(`http://localhost:${port}`)).json(), settings, wrangler.output());
  } finally {
    await wrangler.stop();
  }
});
