/** The event feed as one sequence. */

import type { Rvm } from "./client.js";
import type { RvmEvent } from "./webhooks.js";

/**
 * All events behind `after`, the id of an event that was seen, or from the oldest one that is kept. Ends where the feed ends for now; go on
 * later from the last event's id.
 */
export async function* allEvents(rvm: Rvm, workspaceId: string, after?: string): AsyncGenerator<RvmEvent> {
  for (;;) {
    const query = after === undefined ? {} : { after };
    const { data } = await rvm.GET("/v1/{workspace_id}/events", {
      params: { path: { workspace_id: workspaceId }, query },
    });
    for (const event of data!.items) yield event as RvmEvent;
    if (!data!.has_more) return;
    after = data!.after;
  }
}
