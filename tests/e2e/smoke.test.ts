// The built worker starts in workerd and answers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type LocalWorker, startLocalWorker } from "../../scripts/dev/local-worker.ts";

let worker: LocalWorker;
before(async () => {
  worker = await startLocalWorker();
});
after(() => worker.stop());

test("the page on / is there", async () => {
  const answer = await fetch(worker.url);
  assert.equal(answer.status, 200);
  assert.notEqual(await answer.text(), "");
});
