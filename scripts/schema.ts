// `npm run schema`: writes schema/ and openapi.json anew from the Rust types: the JSON documents by the tests that check them, the TypeScript types
// from the schemas.

import { writeFileSync } from "node:fs";
import { nativeCargoEnvironment } from "./cargo/environment.ts";
import { runToEnd } from "./dev/background-process.ts";
import { typeScriptTypes, typesFile } from "./schema/typescript-types.ts";
import { projectRoot } from "./setup/locations.mjs";

const code = await runToEnd("cargo", ["test", "--lib", "--", "tests::schema", "tests::openapi"], {
  cwd: projectRoot,
  env: { ...nativeCargoEnvironment(), UPDATE_SCHEMA: "1" },
});
if (code !== 0) process.exit(code);
writeFileSync(typesFile, await typeScriptTypes());
console.log(`[schema] written: ${typesFile}`);
