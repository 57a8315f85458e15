/** Verification of webhooks by the Standard Webhooks specification. */

import { Webhook } from "standardwebhooks";

/** What a webhook, a row of the event feed and a message of the stream have in common. */
export interface RvmEvent {
  id: string;
  type: string;
  timestamp: string;
  data: Record<string, unknown>;
}

/**
 * The event of a webhook. `body` is the text as it came, `headers` have webhook-id, webhook-timestamp and webhook-signature.
 * Throws WebhookVerificationError if nobody with the secret has signed it, or if it is older than five minutes.
 */
export function verifyWebhook(body: string, headers: Record<string, string>, secret: string): RvmEvent {
  return new Webhook(secret).verify(body, headers) as RvmEvent;
}
