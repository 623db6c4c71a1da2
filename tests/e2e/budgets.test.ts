// The budgets of the design, counted in workerd: provider calls and round trips by the worker itself.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { budgets } from "./support/budgets.ts";
import { costOf } from "./support/costs.ts";
import { Stack } from "./support/stack.ts";

let stack: Stack;
before(async () => {
  stack = await Stack.start();
});
after(() => stack.stop());

for (const [kind, operations] of budgets) {
  describe(`${kind.title}, token cached`, () => {
    for (const { name, providerCalls, d1, prepare } of operations) {
      test(`${name}: ${providerCalls} to the provider, ${d1} to D1 at most`, async () => {
        const spent = await costOf(stack, await prepare(stack.at(kind)));
        assert.equal(spent.providerCalls, providerCalls, JSON.stringify(spent));
        assert.ok(spent.d1 <= d1, JSON.stringify(spent));
      });
    }
  });
}
