// `npm run screenshot`: takes the README's picture of the dashboard anew. See tests/browser/support/screenshot.ts.

import { join } from "node:path";
import { takeScreenshot } from "../tests/browser/support/screenshot.ts";
import { buildWorker } from "./build/worker.ts";
import { projectRoot } from "./setup/locations.mjs";

if (!(await buildWorker())) process.exit(1);
const file = join(projectRoot, "docs", "dashboard.png");
await takeScreenshot(file);
console.log(`written: ${file}`);
