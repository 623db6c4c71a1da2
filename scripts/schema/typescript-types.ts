// The TypeScript types of tasks and notifications, made from the published JSON Schemas.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compile, type JSONSchema } from "json-schema-to-typescript";
import { projectRoot } from "../setup/locations.mjs";

const folder = join(projectRoot, "schema");

/** Where the types are published. */
export const typesFile = join(folder, "calendar-sync.d.ts");

/** The text of that file as the schemas demand it. */
export async function typeScriptTypes(): Promise<string> {
  const parts: string[] = [];
  for (const [file, name] of [
    ["calendar-task.schema.json", "CalendarTask"],
    ["notification.schema.json", "Notification"],
  ] as const) {
    const schema = JSON.parse(readFileSync(join(folder, file), "utf8")) as JSONSchema;
    parts.push(await compile(schema, name, { additionalProperties: false, bannerComment: "", format: false }));
  }
  const banner = "// Made from the JSON Schemas beside this file by `npm run schema`.\n\n";
  return banner + parts.join("\n");
}
