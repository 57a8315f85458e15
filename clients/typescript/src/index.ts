/** A client of the RVM Platform API, whose types are generated from its OpenAPI document, and the verification of webhooks. */

export { createRvm, type Rvm, type RvmOptions } from "./client.js";
export { RvmError } from "./error.js";
export { allEvents } from "./events.js";
export { verifyWebhook, type RvmEvent } from "./webhooks.js";
export type { components, operations, paths } from "./schema.js";
