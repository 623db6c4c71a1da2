// Settings reach the worker exactly as they were given.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { developmentDefaults, readSettings, settingNames, writeSettings } from "../../scripts/dev/settings-file.ts";

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
