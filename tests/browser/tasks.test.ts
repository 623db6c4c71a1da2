// Sending each task from its form, and watching its result arrive while the page stays where it is.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Locator } from "playwright-core";
import { type AccountKind, google, microsoftPersonal, microsoftWork } from "../e2e/support/account-kinds.ts";
import type { Side } from "../e2e/support/side.ts";
import { Stack, until } from "../e2e/support/stack.ts";
import { formOf, latest } from "./support/connector-page.ts";
import { launchChromium, Visitor } from "./support/visitor.ts";

let stack: Stack;
let side: Side;
let browser: Browser;
let operator: Visitor;
let account: string;
before(async () => {
  [stack, browser] = await Promise.all([Stack.start(), launchChromium()]);
  operator = await Visitor.signedIn(browser, stack);
});
after(() => Promise.all([browser?.close(), stack?.stop()]));

/** Shows the page of a newly connected account. */
async function showAccount(kind: AccountKind): Promise<void> {
  side = stack.at(kind);
  const connected = await side.connectEmptyAccount();
  account = connected.account;
  await operator.visit(`/dashboard/connectors/${connected.connectorId}`);
}

/** Fills in a task's form, sends it, and gives what the activity says once it has succeeded. */
async function succeed(type: string, fields: Record<string, string> = {}, ticked: string[] = []): Promise<Locator> {
  const form = await formOf(operator.page, type);
  for (const [label, value] of Object.entries(fields)) await form.getByLabel(label, { exact: true }).fill(value);
  for (const label of ticked) await form.getByLabel(label).check();
  await operator.press("Send", form);
  await operator.page.getByRole("status").getByText("The task is on its way.").waitFor();
  return await latest(operator.page, type, "succeeded");
}

/** What a result in the activity says under a name. */
async function told(entry: Locator, name: string): Promise<string> {
  await entry.getByText("Details").click();
  const details = JSON.parse(await entry.locator("pre").innerText());
  assert.equal(typeof details[name], "string", JSON.stringify(details));
  return details[name];
}

for (const kind of [google, microsoftWork, microsoftPersonal]) {
  describe(`for ${kind.title} each task is sent from its form as it is, and its result arrives by itself:`, () => {
    before(() => showAccount(kind));

    test("check-availability on a day that is free", async () => {
      assert.match(await (await succeed("check-availability")).innerText(), /busy 0 times/);
    });

    test("create-event, which then is on the calendar and makes the time busy", async () => {
      const entry = await succeed("create-event", { Title: "Planning the launch", Place: "Room 1" });
      const eventId = await told(entry, "eventId");
      const [event] = await side.events(account);
      assert.deepEqual([event?.id, event?.summary, event?.location], [eventId, "Planning the launch", "Room 1"]);
      assert.match(await (await succeed("check-availability")).innerText(), /busy once/);
    });

    test("update-event and cancel-event, for the event just made", async () => {
      const id = (await side.events(account))[0]?.id ?? "";
      await succeed("update-event", { "Event id": id, "New title": "Planning, moved" });
      assert.equal((await side.events(account))[0]?.summary, "Planning, moved");
      await succeed("cancel-event", { "Event id": id });
      assert.deepEqual(await side.events(account), []);
    });

    test("place-hold and cancel-hold", async () => {
      await succeed("place-hold", { "Hold id": "hold-a", Title: "Maybe" });
      assert.deepEqual(
        (await side.events(account)).map((event) => event.summary),
        ["Maybe"],
      );
      await succeed("cancel-hold", { "Hold id": "hold-a" });
      assert.deepEqual(await side.events(account), []);
    });

    test("place-hold and confirm-hold", async () => {
      await succeed("place-hold", { "Hold id": "hold-b" });
      const conference = kind.conferences ? ["With a video conference"] : [];
      const entry = await succeed("confirm-hold", { "Hold id": "hold-b", Title: "Interview" }, conference);
      assert.equal(await told(entry, "state"), "confirmed");
      assert.deepEqual(
        (await side.events(account)).map((event) => event.summary),
        ["Interview"],
      );
    });

    test("refresh-token, forced", async () => {
      const before = await side.calls("token", account);
      assert.match(
        await (await succeed("refresh-token", {}, ["Even if the one held is good"])).innerText(),
        /good until 20/,
      );
      assert.equal(await side.calls("token", account), before + 1);
    });
  });
}

describe("a form that makes no sense", () => {
  before(() => showAccount(google));

  test("comes back as it was filled in, with what is wrong at the field", async () => {
    const form = await formOf(operator.page, "create-event");
    await form.getByLabel("Title", { exact: true }).fill("Backwards <b>");
    await form.getByLabel("Start", { exact: true }).fill("2030-05-06T10:00");
    await form.getByLabel("End", { exact: true }).fill("2030-05-06T09:00");
    await operator.refused(422, () => form.getByRole("button", { name: "Send" }).click());
    await operator.page.getByRole("alert").getByText("Not sent.").waitFor();

    const again = await formOf(operator.page, "create-event");
    assert.equal(await again.getByLabel("Title", { exact: true }).inputValue(), "Backwards <b>");
    const wrong = again.locator("[aria-invalid=true]");
    assert.equal(await wrong.getAttribute("name"), "end");
    assert.ok(await wrong.evaluate((field) => field === document.activeElement), "the field has the focus");
    assert.notEqual(await again.locator("[aria-invalid=true] ~ .wrong").innerText(), "");

    await wrong.fill("2030-05-06T11:00");
    await operator.press("Send", again);
    await latest(operator.page, "create-event", "succeeded");
    assert.ok((await side.events(account)).some((event) => event.summary === "Backwards <b>"));
  });

  test("is stopped by the browser while something needed is missing", async () => {
    const [before, form] = [operator.page.url(), await formOf(operator.page, "cancel-event")];
    await form.getByRole("button", { name: "Send" }).click();
    const missing = form.getByLabel("Event id");
    assert.ok(await missing.evaluate((field) => (field as HTMLInputElement).validity.valueMissing));
    assert.equal(operator.page.url(), before);
  });
});

test("what was unfolded in the activity stays so while news arrive", async () => {
  await succeed("refresh-token");
  const entry = await latest(operator.page, "refresh-token", "succeeded");
  await entry.getByText("Details").click();
  const connectorId = new URL(operator.page.url()).pathname.split("/")[3] ?? "";
  await stack.run("refresh-token", connectorId, {});
  await until(
    () => operator.page.locator("#activity li", { hasText: "refresh-token" }).count(),
    (count) => count === 2,
  );
  assert.equal(await operator.page.locator("#activity details[open]").count(), 1);
});

test("nothing was wrong on the pages all the while", () => operator.leave());
