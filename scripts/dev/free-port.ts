// A TCP port nobody listens on.

import { createServer } from "node:net";

/** Asks the system for a free port on 127.0.0.1. Another process may take it before we do, so starting on it can still fail. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no port"));
        else resolve(address.port);
      });
    });
  });
}

/** Ends with a sentence for the person at the terminal when the port of 127.0.0.1 is taken. */
export async function explainTakenPort(port: number, advice: string): Promise<void> {
  const taken = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(true));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(false)));
  });
  if (!taken) return;
  console.error(`Port ${port} is in use: ${advice}.`);
  process.exit(1);
}
