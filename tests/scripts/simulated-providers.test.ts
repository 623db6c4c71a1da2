// `npm start` simulates the providers that the settings look for on this machine.

import assert from "node:assert/strict";
import { test } from "node:test";
import { developmentDefaults } from "../../scripts/dev/settings-file.ts";
import { simulatedProviders } from "../../scripts/dev/simulated-providers.ts";

test("as the settings come, both providers are simulated on the ports of the documents", () => {
  assert.deepEqual(simulatedProviders(developmentDefaults()), [
    { provider: "google", port: 8790 },
    { provider: "microsoft", port: 8791 },
  ]);
});

test("a simulated provider listens where its API is looked for", () => {
  const settings = { GOOGLE_API_URL: "http://localhost:9790", GRAPH_API_URL: "http://127.0.0.1:9791/v1.0" };
  assert.deepEqual(
    simulatedProviders(settings).map(({ port }) => port),
    [9790, 9791],
  );
});

test("a provider that is looked for elsewhere, or nowhere, is not simulated", () => {
  for (const address of ["https://www.googleapis.com", "https://127.0.0.1:8790", "http://192.168.1.7:8790", ""]) {
    assert.deepEqual(simulatedProviders({ GOOGLE_API_URL: address }), [], address);
  }
});
