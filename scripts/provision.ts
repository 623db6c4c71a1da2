// `npm run provision`: creates at Cloudflare what wrangler.toml names, writes the ids there, and sets the secrets the worker
// lacks. Run it as often as you like: what exists is found and left alone, a secret that is set is never changed.
//
//   npm run provision -- --dry-run    prints the plan and asks Cloudflare nothing
//
// Secrets come from the environment, from .production.vars or from the terminal; OAUTH_ENC_KEY, API_KEY and WEBHOOK_SECRET
// are made at random where none is given. All are kept in .production.vars.

import { ensureDatabase, ensureNamespace, ensureQueues, secretNames, setSecrets } from "./provision/cloudflare.ts";
import {
  clientSecrets,
  collectSecrets,
  generatedSecrets,
  missingClients,
  optionalSecrets,
} from "./provision/production-secrets.ts";
import { namedResources, readWranglerToml, withId, writeWranglerToml } from "./provision/wrangler-toml.ts";

const named = namedResources(readWranglerToml());
if (process.argv.includes("--dry-run")) printPlan();
else await provision();

function printPlan(): void {
  console.log(`Plan for the worker ${named.worker} (nothing is done now, and what exists already is left alone):

${planned("D1 database", named.database, "its id goes into wrangler.toml")}
${planned("KV namespace", named.namespace, "its id goes into wrangler.toml")}`);
  for (const queue of named.queues) console.log(planned("queue", queue));
  for (const name of generatedSecrets) console.log(planned("secret", name, "made at random unless given"));
  const given = "from the environment, .production.vars or the terminal; one provider is enough";
  for (const name of clientSecrets) console.log(planned("secret", name, given));
  for (const name of optionalSecrets) console.log(planned("secret", name, "only if given"));
  console.log("\nThe deployment itself, with the database's migrations, is `npm run deploy`.");
}

/** A line of the plan. */
function planned(kind: string, name: string, note = ""): string {
  return `  ${kind.padEnd(14)} ${name.padEnd(28)} ${note}`.trimEnd();
}

async function provision(): Promise<void> {
  const database = ensureDatabase(named.database);
  report("D1 database", named.database, database.created);
  writeWranglerToml(withId(readWranglerToml(), "d1_databases", "database_id", database.id));

  const namespace = ensureNamespace(named.namespace);
  report("KV namespace", named.namespace, namespace.created);
  writeWranglerToml(withId(readWranglerToml(), "kv_namespaces", "id", namespace.id));

  const createdQueues = ensureQueues(named.queues);
  for (const queue of named.queues) report("queue", queue, createdQueues.includes(queue));

  const present = secretNames();
  const all = [...generatedSecrets, ...clientSecrets, ...optionalSecrets];
  const secrets = await collectSecrets(all.filter((name) => !present.includes(name)));
  if (Object.keys(secrets).length > 0) setSecrets(secrets);
  for (const name of Object.keys(secrets)) report("secret", name, true);
  for (const name of present) report("secret", name, false);

  const missing = missingClients([...present, ...Object.keys(secrets)]);
  if (missing.length > 0) {
    console.error(`\nStill missing: ${missing.join(", ")}. Put them into .production.vars and run this again.`);
    process.exitCode = 1;
    return;
  }
  console.log("\nSet PUBLIC_BASE_URL and REDIRECT_ALLOWLIST in wrangler.toml, then `npm run deploy`.");
}

function report(kind: string, name: string, created: boolean): void {
  console.log(`${created ? "created" : "present"}  ${kind} ${name}`);
}
