// As much of Cloudflare's API as `npm run provision` needs through wrangler: databases, namespaces, queues and secrets of one account.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeCloudflare {
  /** For CLOUDFLARE_API_BASE_URL. */
  readonly url: string;
  readonly databases: Map<string, string>;
  readonly namespaces: Map<string, string>;
  readonly queues: Set<string>;
  readonly secrets: Map<string, string>;
  stop(): Promise<void>;
}

interface Envelope {
  status?: number;
  result?: unknown;
  errors?: { code: number; message: string }[];
}

export async function startFakeCloudflare(): Promise<FakeCloudflare> {
  const databases = new Map<string, string>();
  const namespaces = new Map<string, string>();
  const queues = new Set<string>();
  const secrets = new Map<string, string>();
  let deployed = false;

  const answer = (method: string, path: string, query: URLSearchParams, body: string): Envelope => {
    const route = `${method} ${path.replace(/^\/accounts\/[^/]+/, "")}`;
    const page = Number(query.get("page") ?? 1);
    if (route === "GET /d1/database") {
      return { result: page > 1 ? [] : [...databases].map(([name, uuid]) => ({ name, uuid })) };
    }
    if (route === "POST /d1/database") {
      const { name } = JSON.parse(body) as { name: string };
      databases.set(name, `uuid-of-${name}`);
      return { result: { name, uuid: databases.get(name) } };
    }
    if (route === "GET /storage/kv/namespaces") {
      return { result: page > 1 ? [] : [...namespaces].map(([title, id]) => ({ title, id })) };
    }
    if (route === "POST /storage/kv/namespaces") {
      const { title } = JSON.parse(body) as { title: string };
      namespaces.set(title, `id-of-${title}`);
      return { result: { title, id: namespaces.get(title) } };
    }
    if (route === "GET /queues") {
      const name = query.get("name");
      const found = [...queues].filter((queue) => name === null || queue === name);
      return {
        result:
          page > 1
            ? []
            : found.map((queue) => ({
                queue_name: queue,
                queue_id: queue,
                producers: [],
                consumers: [],
                producers_total_count: 0,
                consumers_total_count: 0,
                created_on: "",
                modified_on: "",
              })),
      };
    }
    if (route === "POST /queues") {
      const { queue_name } = JSON.parse(body) as { queue_name: string };
      queues.add(queue_name);
      return { result: { queue_name, queue_id: queue_name } };
    }
    if (route.startsWith("GET /queues/")) return { result: { messages: [] } };
    if (/^GET \/workers\/scripts\/[^/]+\/secrets$/.test(route)) {
      if (!deployed) return noSuchWorker;
      return { result: [...secrets.keys()].map((name) => ({ name, type: "secret_text" })) };
    }
    if (/^PUT \/workers\/scripts\/[^/]+$/.test(route)) {
      deployed = true;
      return { result: {} };
    }
    if (/^(PUT|PATCH) \/workers\/scripts\/[^/]+\/secrets-bulk$/.test(route)) {
      if (!deployed) return noSuchWorker;
      const { secrets: given } = JSON.parse(body) as { secrets: { [name: string]: { text: string } } };
      for (const [name, { text }] of Object.entries(given)) secrets.set(name, text);
      return { result: {} };
    }
    return { status: 404, errors: [{ code: 7003, message: `the fake has no ${route}` }] };
  };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://fake");
    const {
      status = 200,
      result = null,
      errors = [],
    } = answer(request.method ?? "GET", url.pathname, url.searchParams, await bodyOf(request));
    const count = Array.isArray(result) ? result.length : 0;
    response.writeHead(status, { "content-type": "application/json" }).end(
      JSON.stringify({
        success: errors.length === 0,
        errors,
        messages: [],
        result,
        result_info: { page: 1, per_page: 100, count, total_count: count, total_pages: 1 },
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    databases,
    namespaces,
    queues,
    secrets,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const noSuchWorker: Envelope = {
  status: 404,
  errors: [{ code: 10007, message: "This Worker does not exist on your account." }],
};

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}
