/** The client: every operation of the document, with the key, and with repetition that sends nothing twice. */

import createClient, { type Client } from "openapi-fetch";

import { RvmError } from "./error.js";
import type { paths } from "./schema.js";

export type Rvm = Client<paths>;

export interface RvmOptions {
  /** Such as https://rvm.example.org; without a slash at the end. */
  baseUrl: string;
  key: string;
  /** How often a request is made at most. */
  attempts?: number;
  fetch?: (request: Request) => Promise<Response>;
  /** Waits so many milliseconds. */
  wait?: (milliseconds: number) => Promise<void>;
}

const AGAIN = new Set([408, 425, 429, 500, 502, 503, 504]);
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

/**
 * A client with which each request has the key. A request that got no answer, or one that asks for patience, is made again; a POST has
 * an Idempotency-Key, the same each time, so that what the first one did is not done again. Answers of 400 and above are thrown as RvmError.
 */
export function createRvm(options: RvmOptions): Rvm {
  return createClient<paths>({ baseUrl: options.baseUrl, fetch: (request: Request) => send(request, options) });
}

async function send(request: Request, options: RvmOptions): Promise<Response> {
  const { attempts = 5, fetch: ask = globalThis.fetch, wait = pause } = options;
  request.headers.set("authorization", `Bearer ${options.key}`);
  if (request.method === "POST" && !request.headers.has("idempotency-key")) {
    request.headers.set("idempotency-key", crypto.randomUUID());
  }
  for (let attempt = 1; ; attempt++) {
    const response = await ask(request.clone()).catch((error: unknown) => {
      if (attempt >= attempts) throw error;
      return null;
    });
    if (response !== null && (!AGAIN.has(response.status) || attempt >= attempts)) {
      if (response.status >= 400) throw await RvmError.of(response);
      return response;
    }
    await wait(asked(response) ?? Math.min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT) * (0.5 + Math.random() / 2));
  }
}

/** The milliseconds of Retry-After, if the answer has it, a minute at most. */
function asked(response: Response | null): number | null {
  const seconds = Number(response?.headers.get("retry-after") ?? NaN);
  return Number.isFinite(seconds) ? Math.min(seconds, 60) * 1000 : null;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
