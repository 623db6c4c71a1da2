// Puts the messages of a request on `calendar-tasks`, as they are.

import type { Message } from "./producer.ts";

interface Bindings {
  CALENDAR_TASKS: { sendBatch(messages: Message[]): Promise<unknown> };
}

export default {
  async fetch(request: Request, bindings: Bindings): Promise<Response> {
    await bindings.CALENDAR_TASKS.sendBatch((await request.json()) as Message[]);
    return new Response(null, { status: 204 });
  },
};
