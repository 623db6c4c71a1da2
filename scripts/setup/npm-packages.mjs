// npm packages of the development tools, among them the Node 22 that wrangler needs.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentWithoutPackages, projectRoot } from "./locations.mjs";
import { run, step } from "./steps.mjs";

const stampFile = join(projectRoot, "node_modules", ".installed-from");

/** Installs the packages when they are missing or `package-lock.json` changed since. */
export async function npmPackages() {
  const wanted = createHash("sha256")
    .update(readFileSync(join(projectRoot, "package-lock.json")))
    .update(`${process.platform} ${process.arch}`)
    .digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted) return;

  await step("npm packages (wrangler, Node 22, binaryen, esbuild, ...)", () =>
    // --ignore-scripts=false: the packages `node`, `esbuild` and `workerd` fetch their program in an install script.
    run("npm", ["ci", "--ignore-scripts=false", "--no-audit", "--no-fund"], {
      cwd: projectRoot,
      env: environmentWithoutPackages(),
      advice: "Check that the npm registry can be reached (npm ping), then run the command again.",
    }),
  );
  writeFileSync(stampFile, wanted);
}
