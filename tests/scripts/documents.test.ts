// The documents say what the code says: nothing is left out, and nothing they point to is missing.

import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { settingNames } from "../../scripts/dev/settings-file.ts";
import { projectRoot } from "../../scripts/setup/locations.mjs";

const text = (file: string) => readFileSync(join(projectRoot, file), "utf8");
const readme = text("README.md");
const documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "simulator/README.md"];

/** Those of `names` that README does not name in code, as a word of its own. */
function unnamed(names: string[], document = readme): string[] {
  const code = [...document.matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].map(([found]) => found).join("\n");
  return names.filter((name) => !new RegExp(`(?<![\\w-])${name.replaceAll(/[.{}/]/g, "\\$&")}(?![\\w-])`).test(code));
}

/** Rust code without its tests. */
function shippedCode(file: string): string {
  return text(file).split("#[cfg(test)]\nmod tests")[0] ?? "";
}

function found(code: string, pattern: RegExp): string[] {
  return [...new Set([...code.matchAll(pattern)].map((match) => match[1] as string))];
}

test("README names every setting, and the worker reads each of them", () => {
  const read = found(shippedCode("src/config.rs"), /"([A-Z][A-Z_]{4,})"/g);
  assert.deepEqual(unnamed(read), []);
  assert.deepEqual(read.sort(), settingNames().sort());
});

test("README names every task and every notification", () => {
  const tasks = found(text("src/tasks/envelope.rs"), /=> "([a-z-]+)",/g);
  const notifications = found(text("src/domain/notification.rs"), /=> "([a-z._]+)",/g);
  assert.ok(tasks.length >= 10 && notifications.length >= 8);
  assert.deepEqual(unnamed([...tasks, ...notifications]), []);
});

test("README shows every route, in an example or in words", () => {
  const routes = Object.keys(JSON.parse(text("openapi.json")).paths);
  const shown = readme.replaceAll(/\$CON\b/g, "{id}").replaceAll("/v1/tasks/event-1", "/v1/tasks/{id}");
  assert.deepEqual(
    routes.filter((route) => !shown.includes(route)),
    [],
  );
});

test("README names every npm script", () => {
  const { scripts } = JSON.parse(text("package.json")) as { scripts: Record<string, string> };
  const called = Object.keys(scripts).map((name) =>
    ["start", "test"].includes(name) ? `npm ${name}` : `npm run ${name}`,
  );
  assert.deepEqual(unnamed(called), []);
});

/** Codes that nobody is told: they are dealt with before a task or a request ends. */
const NEVER_TOLD = ["event_exists", "ledger_row_missing"];

test("every error code that somebody can meet is in README or ARCHITECTURE", () => {
  const sources = globSync("src/**/*.rs", { cwd: projectRoot }).filter((file) => !/testing|tests?[/.]/.test(file));
  const kinds = "retry|wait|reauthorize|rejected|refused|not_found|conflict|bad_request|unauthorized|forbidden";
  const failure = new RegExp(`(?:Failure|Problem)::(?:${kinds})\\(\\s*"([a-z_]+)"`, "g");
  const codes = sources.flatMap((file) => found(shippedCode(file), failure));
  assert.ok(codes.length > 100);
  assert.deepEqual([...new Set(unnamed(codes, `${readme}\n${text("ARCHITECTURE.md")}`))].sort(), NEVER_TOLD);
});

test("README names every error_code that a browser brings home", () => {
  const told = found(shippedCode("src/oauth/outcome.rs"), /\bcode: "([a-z_]+)"/g);
  assert.ok(told.length > 15);
  assert.deepEqual(unnamed(told), []);
});

test("the map in ARCHITECTURE names folders and files that are there, and none of src is missing", () => {
  const map = text("ARCHITECTURE.md").match(/## The map[\s\S]*?\n## /)?.[0] ?? "";
  const named = found(map, /`((?:[\w-]+\/)+[\w.-]*)`/g);
  assert.ok(named.length > 20);
  assert.deepEqual(
    named.filter((name) => !existsSync(join(projectRoot, name))),
    [],
  );
  const modules = globSync("src/*", { cwd: projectRoot }).map((path) => path.replace("src/", "").replace(".rs", ""));
  assert.deepEqual(
    modules.filter((name) => !map.includes(`src/${name}`)),
    [],
  );
});

for (const document of documents) {
  test(`the links of ${document} lead somewhere`, () => {
    const broken = found(text(document), /\]\((?!https?:)([^)\s]+)\)/g).filter(
      (link) => !leadsSomewhere(document, link),
    );
    assert.deepEqual(broken, []);
  });
}

function leadsSomewhere(document: string, link: string): boolean {
  const [path, anchor] = link.split("#") as [string, string?];
  const file = path === "" ? document : join(dirname(document), path);
  if (!existsSync(join(projectRoot, file))) return false;
  return (
    anchor === undefined ||
    found(text(file), /^#+ (.+)$/gm)
      .map(anchorOf)
      .includes(anchor)
  );
}

/** The anchor GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, "")
    .replaceAll(" ", "-");
}
