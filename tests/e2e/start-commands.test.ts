// `npm start` and `npm run worker` as a person at a terminal meets them: what is printed, what answers, and what Ctrl-C leaves.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { freePort } from "../../scripts/dev/free-port.ts";
import { lastingState } from "../../scripts/dev/local-database.ts";
import { projectRoot } from "../../scripts/setup/locations.mjs";
import { fresh, simulatedAt, until } from "./support/stack.ts";

const WITHIN_MS = 120_000;

/** A command of package.json in a terminal of its own, on free ports whatever .dev.vars says. */
class Terminal {
  private readonly shell: ChildProcess;
  readonly ended: Promise<number | null>;
  output = "";

  constructor(command: "start" | "worker", environment: Record<string, string>) {
    this.shell = spawn(process.execPath, [join(projectRoot, "scripts/run.mjs"), command], {
      cwd: projectRoot,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      // What Ctrl-C reaches is a group: the terminal's.
      detached: true,
    });
    this.ended = new Promise((resolve) => this.shell.on("exit", resolve));
    for (const stream of [this.shell.stdout, this.shell.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    after(() => this.shell.exitCode === null && this.signal("SIGTERM"));
  }

  /** Waits until something is printed. */
  async printed(wanted: RegExp): Promise<void> {
    await until(
      async () => this.output,
      (output) => wanted.test(output) || this.shell.exitCode !== null,
      WITHIN_MS,
    );
    assert.match(this.output, wanted);
  }

  /** Ctrl-C; gives the exit code. */
  interrupt(): Promise<number | null> {
    this.signal("SIGINT");
    return this.ended;
  }

  private signal(name: NodeJS.Signals): void {
    if (this.shell.pid !== undefined) process.kill(-this.shell.pid, name);
  }
}

/** A free port for the worker, whose lasting state goes when the tests end. */
async function workerPort(): Promise<number> {
  const port = await freePort();
  after(() => rmSync(lastingState(port), { recursive: true, force: true }));
  return port;
}

const at = (port: number) => `http://127.0.0.1:${port}`;

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

/** The page of a worker on one's own machine, which asks for no key. */
async function homePage(url: string): Promise<string> {
  const body = new URLSearchParams({ without_key: "yes" });
  const signedIn = await fetch(`${url}/dashboard/sign-in`, { method: "POST", body, redirect: "manual" });
  const [cookie] = signedIn.headers.getSetCookie();
  assert.ok(cookie, `signing in answered ${signedIn.status}`);
  return (await fetch(`${url}/`, { headers: { cookie: cookie.split(";")[0] as string } })).text();
}

test("npm start prints a page that offers every simulated provider, and Ctrl-C ends all it started", async () => {
  const [port, google, microsoft] = [await workerPort(), await freePort(), await freePort()];
  const terminal = new Terminal("start", { ...simulatedAt(at(google), at(microsoft)), PORT: String(port) });
  await terminal.printed(new RegExp(`Open http://127\\.0\\.0\\.1:${port}/ and connect a calendar`));

  const page = await homePage(at(port));
  assert.match(page, /Connect a Google account/);
  assert.match(page, /Connect a Microsoft account/);
  for (const each of [port, google, microsoft]) assert.ok(await isListening(each), `${each}`);

  assert.equal(await terminal.interrupt(), 0, terminal.output);
  for (const each of [port, google, microsoft]) assert.ok(!(await isListening(each)), `${each} is still open`);
});

test("npm start says which port is taken and what to do", async () => {
  const port = await workerPort();
  const first = new Terminal("worker", { PORT: String(port) });
  await first.printed(/The worker answers on/);
  const second = new Terminal("start", { PORT: String(port) });
  assert.equal(await second.ended, 1);
  assert.match(second.output, new RegExp(`Port ${port} is in use: .*PORT=NUMBER`));
  assert.equal(await first.interrupt(), 0, first.output);
});

test("npm run worker takes any setting from the environment before .dev.vars", async () => {
  const port = await workerPort();
  const API_KEY = `${fresh("key")}-of-the-environment-for-this-one-run`;
  const GOOGLE_AUTH_URL = "http://127.0.0.1:9/elsewhere";
  const terminal = new Terminal("worker", { PORT: String(port), API_KEY, GOOGLE_AUTH_URL });
  await terminal.printed(new RegExp(`The worker answers on http://127\\.0\\.0\\.1:${port}/`));

  const url = at(port);
  const answer = await fetch(`${url}/v1/connect-links`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ userId: "ada", provider: "google", redirectUri: `${url}/connected` }),
  });
  assert.equal(answer.status, 201, terminal.output);
  const link = (await answer.json()) as { url: string };
  const start = await fetch(link.url, { redirect: "manual" });
  assert.ok(start.headers.get("location")?.startsWith(`${GOOGLE_AUTH_URL}?`), String(start.headers.get("location")));
  assert.ok(!terminal.output.includes(API_KEY), "a secret is not printed");

  assert.equal(await terminal.interrupt(), 0, terminal.output);
  assert.ok(!(await isListening(port)), "still open");
});
