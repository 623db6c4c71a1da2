// The Microsoft simulator speaks the real protocol: subscriptions, with Microsoft's own client.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Event, Subscription } from "@microsoft/microsoft-graph-types";
import {
  CONTOSO,
  control,
  EMPTY_PERSONAL,
  failure,
  graphOf,
  hour,
  useSimulatedMicrosoft,
} from "./support/microsoft-graph.ts";

useSimulatedMicrosoft();

describe("subscriptions", () => {
  interface Notification {
    path: string;
    // biome-ignore lint/suspicious/noExplicitAny: notifications are looked into freely
    body: any;
  }

  /** A subscriber that answers the handshake, unless told otherwise. */
  async function subscriber(handshake = (token: string, _path: string) => ({ status: 200, body: token })) {
    const received: Notification[] = [];
    const validated: string[] = [];
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://x");
      const token = url.searchParams.get("validationToken");
      let text = "";
      request.on("data", (part) => {
        text += part;
      });
      request.on("end", () => {
        if (token === null) {
          received.push({ path: url.pathname, body: JSON.parse(text) });
          response.writeHead(202).end();
          return;
        }
        validated.push(url.pathname);
        const { status, body } = handshake(token, url.pathname);
        response.writeHead(status, { "content-type": "text/plain" }).end(body);
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const until = async (count: number) => {
      for (let tries = 0; received.length < count && tries < 200; tries += 1) await sleep(10);
      return received;
    };
    return { origin, received, validated, until, close: () => server.close() };
  }

  const wish = (origin: string, more: Subscription = {}): Subscription => ({
    changeType: "created,updated,deleted",
    notificationUrl: `${origin}/hook`,
    lifecycleNotificationUrl: `${origin}/lifecycle`,
    resource: "me/events",
    expirationDateTime: "2026-03-05T08:00:00Z",
    clientState: "secret-state",
    ...more,
  });

  test("both URLs are asked while the call is pending, then changes and lifecycle events arrive", async () => {
    const hook = await subscriber();
    try {
      const graph = await graphOf();
      const created: Subscription = await graph
        .api("/subscriptions")
        .header("Prefer", 'IdType="ImmutableId"')
        .post(wish(hook.origin));
      assert.deepEqual(hook.validated, ["/hook", "/lifecycle"]);
      assert.deepEqual([created.clientState, created.expirationDateTime], ["secret-state", "2026-03-05T08:00:00Z"]);
      const again = await failure(graph.api("/subscriptions").post(wish(hook.origin)));
      assert.equal(again.status, 409);

      const event: Event = await graph
        .api("/me/events")
        .header("Prefer", 'IdType="ImmutableId"')
        .post(hour("2026-03-04T10:00:00"));
      await graph.api(`/me/events/${event.id}`).patch({ subject: "Changed" });
      await graph.api(`/me/events/${event.id}`).delete();
      const told = (await hook.until(3)).flatMap((delivery) => delivery.body.value);
      assert.deepEqual(told.map((item) => item.changeType).sort(), ["created", "deleted", "updated"]);
      for (const item of told) {
        assert.deepEqual([item.subscriptionId, item.clientState, item.tenantId], [created.id, "secret-state", CONTOSO]);
        assert.deepEqual(
          [item.resourceData["@odata.type"], item.resourceData.id],
          ["#Microsoft.Graph.Event", event.id],
        );
      }
      await control("POST", "lifecycle", { subscriptionId: created.id, event: "reauthorizationRequired", pause: true });
      const lifecycle = (await hook.until(4)).find((delivery) => delivery.path === "/lifecycle");
      assert.deepEqual(
        [lifecycle?.body.value[0].lifecycleEvent, lifecycle?.body.value[0].clientState],
        ["reauthorizationRequired", "secret-state"],
      );

      await graph.api("/me/events").post(hour("2026-03-06T10:00:00"));
      await graph.api(`/subscriptions/${created.id}/reauthorize`).post({});
      await graph.api("/me/events").post(hour("2026-03-07T10:00:00"));
      await hook.until(5);
      await sleep(50);
      assert.equal(hook.received.length, 5, "what happened during the pause is lost");
      assert.equal((await control("GET", "notifications")).notifications.length, 5);
    } finally {
      hook.close();
    }
  });

  test("a subscriber that does not answer as it should gets no subscription", async () => {
    for (const [answer, message] of [
      [(token: string) => ({ status: 202, body: token }), /must respond with 200 OK/],
      [(token: string) => ({ status: 200, body: encodeURIComponent(token) }), /exactly match/],
      [(token: string, path: string) => ({ status: path === "/hook" ? 200 : 403, body: token }), /'Forbidden'/],
    ] as const) {
      const hook = await subscriber(answer);
      try {
        const graph = await graphOf();
        const refused = await failure(graph.api("/subscriptions").post(wish(hook.origin)));
        assert.deepEqual([refused.status, refused.code], [400, "ValidationError"]);
        assert.match(refused.message, message);
        assert.deepEqual((await graph.api("/subscriptions").get()).value, []);
      } finally {
        hook.close();
      }
    }
  });

  test("lives are limited, renewed and ended", async () => {
    const hook = await subscriber();
    try {
      const graph = await graphOf(EMPTY_PERSONAL);
      const post = (more: Subscription) => graph.api("/subscriptions").post(wish(hook.origin, more));
      const long = await failure(post({ expirationDateTime: "2026-03-09T08:00:00Z" }));
      assert.match(long.message, /only be 10070 minutes/);
      for (const wrong of [
        { clientState: "x".repeat(129) },
        { notificationUrl: "http://example.com/" },
        { resource: "me/messages" },
        { changeType: "moved" },
      ]) {
        assert.equal((await failure(post(wrong))).status, 400, JSON.stringify(wrong));
      }
      const created: Subscription = await post({ expirationDateTime: "2026-03-02T08:10:00Z" });
      const lives = Date.parse(created.expirationDateTime ?? "") - Date.parse("2026-03-02T08:00:00Z");
      assert.ok(lives >= 45 * 60_000 && lives < 46 * 60_000, "raised to 45 minutes");
      const renewed: Subscription = await graph
        .api(`/subscriptions/${created.id}`)
        .patch({ expirationDateTime: "2026-03-06T08:00:00Z" });
      assert.deepEqual([renewed.expirationDateTime, renewed.clientState], ["2026-03-06T08:00:00Z", null]);
      const url = await failure(
        graph.api(`/subscriptions/${created.id}`).patch({ lifecycleNotificationUrl: `${hook.origin}/other` }),
      );
      assert.equal(url.status, 400);
      await graph.api(`/subscriptions/${created.id}`).delete();
      assert.equal((await failure(graph.api(`/subscriptions/${created.id}`).get())).status, 404);
    } finally {
      hook.close();
    }
  });

  test("notifications can be lost, doubled, and travel together", async () => {
    const hook = await subscriber();
    try {
      const graph = await graphOf();
      await graph.api("/subscriptions").post(wish(hook.origin));
      await control("POST", "faults", { route: "notification", fault: "drop" });
      await control("POST", "faults", { route: "notification", fault: "duplicate" });
      await graph.api("/me/events").post(hour("2026-03-04T10:00:00", { subject: "lost" }));
      await sleep(50);
      await graph.api("/me/events").post(hour("2026-03-04T11:00:00", { subject: "doubled" }));
      const doubled = await hook.until(2);
      assert.deepEqual(doubled[0]?.body, doubled[1]?.body);
      await control("POST", "behaviour", { notificationDelayMs: 100 });
      await Promise.all(["12", "13", "14"].map((at) => graph.api("/me/events").post(hour(`2026-03-04T${at}:00:00`))));
      const together = (await hook.until(3))[2];
      assert.equal(together?.body.value.length, 3);
    } finally {
      hook.close();
    }
  });
});
