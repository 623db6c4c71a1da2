// A person at a window of headless Chromium, and what is watched for wherever that person goes.

import assert from "node:assert/strict";
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import { toolchain } from "../../../scripts/setup/toolchain.ts";
import { PATIENCE_MS, type Stack } from "../../e2e/support/stack.ts";

/** Starts the Chromium that set-up found or installed. Windows of different contexts share nothing, like two people's browsers. */
export async function launchChromium(): Promise<Browser> {
  const { chromium: executablePath } = toolchain();
  assert.ok(executablePath, "no Chromium is set up: run this by `npm run test:browser`");
  return await chromium.launch({ executablePath, args: ["--disable-gpu", "--disable-quic"] });
}

/** Texts that no page may hold: tokens as the simulated providers write them, and values as the vault seals them. */
const TOKENS = /ya29\.[\w-]{8}|1\/\/[\w-]{8}|\bEwSim-[\w-]{8}|\b1\.A[\w.-]{20}|\bv1\.[\w-]+\.[\w-]{16}\.[\w-]+/;

const SETTINGS_THAT_ARE_SECRET = [
  "API_KEY",
  "WEBHOOK_SECRET",
  "OAUTH_ENC_KEY",
  "GOOGLE_CLIENT_SECRET",
  "MICROSOFT_CLIENT_SECRET",
];

/**
 * One person's window. While it is open, it notes whatever a person or a developer would call broken: errors in the console, requests that
 * fail or go to strangers, secrets in a page of ours. `leave()` fails if there was any.
 */
export class Visitor {
  readonly page: Page;
  readonly stack: Stack;
  private readonly complaints: string[] = [];

  private constructor(page: Page, stack: Stack) {
    this.page = page;
    this.stack = stack;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.complaints.push(`script: ${error.message}`));
    page.on("requestfailed", (request) => {
      // A page that is left while it fetches gives its requests up.
      const reason = request.failure()?.errorText;
      if (reason !== "net::ERR_ABORTED") this.complaints.push(`${request.url()} failed: ${reason}`);
    });
    page.on("request", (request) => {
      if (!["127.0.0.1", "localhost", ""].includes(new URL(request.url()).hostname)) {
        this.complaints.push(`asked a stranger: ${request.url()}`);
      }
    });
  }

  /** Opens a window of its own: no cookies, nothing cached. */
  static async open(browser: Browser, stack: Stack, options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext({ baseURL: stack.worker.url, ...options });
    return new Visitor(await context.newPage(), stack);
  }

  /** Opens a window and signs in as the developer, without a key. */
  static async signedIn(browser: Browser, stack: Stack, options: BrowserContextOptions = {}): Promise<Visitor> {
    const visitor = await Visitor.open(browser, stack, options);
    await visitor.visit("/");
    await visitor.press("Sign in");
    await visitor.page.getByRole("button", { name: "Sign out" }).waitFor();
    return visitor;
  }

  /** Enters an address. */
  async visit(path: string): Promise<void> {
    await this.page.goto(path);
    await this.look();
  }

  /** Presses the button or follows the link of this name, on the page or within a part of it. */
  async press(name: string, within: Page | Locator = this.page): Promise<void> {
    const exactly = { name, exact: true };
    await within.getByRole("button", exactly).or(within.getByRole("link", exactly)).click();
    await this.look();
  }

  /** Does what must be answered with an error page of this status; the browser says so in its console, which is then no complaint. */
  async refused(status: number, act: () => Promise<unknown>): Promise<void> {
    const before = this.complaints.length;
    const answer = this.page.waitForResponse((response) => response.status() === status);
    await Promise.all([answer, act()]);
    await this.look();
    const told = this.complaints.splice(before);
    this.complaints.push(...told.filter((complaint) => !complaint.includes(`status of ${status}`)));
  }

  /** Looks for secrets in the page that is shown, if it is one of ours. */
  async look(): Promise<void> {
    await this.page.waitForLoadState();
    const address = this.page.url();
    if (!address.startsWith(this.stack.worker.url)) return;
    const shown = `${address}\n${await this.page.content()}`;
    const secrets = SETTINGS_THAT_ARE_SECRET.map((name) => this.stack.worker.settings[name] ?? "");
    const cookies = (await this.page.context().cookies()).map((cookie) => cookie.value);
    for (const secret of [...secrets, ...cookies]) {
      if (secret !== "" && shown.includes(secret)) this.complaints.push(`${address} shows the secret ${secret}`);
    }
    const token = shown.match(TOKENS)?.[0];
    if (token !== undefined) this.complaints.push(`${address} shows a token: ${token}`);
  }

  /** What the page says to people. */
  async text(): Promise<string> {
    return await this.page.locator("body").innerText();
  }

  /** Closes the window. Nothing may have been wrong. */
  async leave(): Promise<void> {
    await this.look();
    await this.page.context().close();
    assert.deepEqual(this.complaints, []);
  }
}
