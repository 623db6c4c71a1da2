// What the worker answers and tells, held against what is published of it: openapi.json and the schema of notifications.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { projectRoot } from "../../../scripts/setup/locations.mjs";
import type { Answer, Json } from "./stack.ts";

const OPENAPI = "openapi.json";
const NOTIFICATION = "schema/notification.schema.json";

// An OpenAPI document is more than a schema, and has formats such as `int32` of its own.
const ajv = new Ajv2020({ strict: false, validateFormats: false, discriminator: true });
for (const file of [OPENAPI, NOTIFICATION]) ajv.addSchema(closed(published(file)), file);
const { paths } = published(OPENAPI);
/** What is not described is refused, as everything may be. */
const REFUSAL = { responses: { default: paths["/v1/tasks"].post.responses.default } };
const validators = new Map<string, ValidateFunction>();

function published(file: string): Json {
  return JSON.parse(readFileSync(join(projectRoot, file), "utf8"));
}

/**
 * A document whose schemas take no member that they do not describe. That is said where a schema is used for a whole value: one that is a
 * part of another knows nothing of the other's members.
 */
function closed(document: Json): Json {
  if (Array.isArray(document)) return document.map(closed);
  if (typeof document !== "object" || document === null) return document;
  const copy: Json = Object.fromEntries(Object.entries(document).map(([key, value]) => [key, closed(value)]));
  for (const schema of [copy.items, ...Object.values<Json>(copy.properties ?? {})]) {
    if (schema) schema.unevaluatedProperties = false;
  }
  // The mapping says where the choices are, which ajv finds by itself and does not want to be told.
  if (copy.discriminator) delete copy.discriminator.mapping;
  return copy;
}

/** Fails unless an answer in JSON is one that openapi.json describes for this operation and status. */
export function assertPublished(method: string, path: string, answer: Answer): void {
  const what = `${method} ${path}: ${answer.status}`;
  const { pathname } = new URL(path, "http://worker");
  const route = Object.keys(paths).find((each) =>
    new RegExp(`^${each.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(pathname),
  );
  const { responses } = paths[route ?? ""]?.[method.toLowerCase()] ?? REFUSAL;
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
  const described = (responses[answer.status] ?? responses.default).content?.[type];
  assert.ok(described, `${what} as ${type} is not described: ${JSON.stringify(answer.body)}`);
  if (described.schema) assertFits(OPENAPI + described.schema.$ref, answer.body, what);
}

/** Fails unless this is a notification as they are published. */
export function assertPublishedNotification(notification: Json): void {
  assertFits(NOTIFICATION, notification, "a notification");
}

function assertFits(schema: string, value: Json, what: string): void {
  const fits = validators.get(schema) ?? ajv.compile({ $ref: schema, unevaluatedProperties: false });
  validators.set(schema, fits);
  if (fits(value)) return;
  const problems = (fits.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath || "the whole"} ${message} ${JSON.stringify(params)}`,
  );
  assert.fail(`${what} is not as published: ${problems.join("; ")}\n${JSON.stringify(value)}`);
}
