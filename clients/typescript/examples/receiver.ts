/** Receives webhooks on this machine, verifies them, and prints one line for each: `SECRET=whsec_… node receiver.ts [PORT]`. */

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";

const key = Buffer.from(process.env["SECRET"]!.replace("whsec_", ""), "base64");

/** Whether one of the signatures is ours, and not older or newer than five minutes. */
function isSigned(body: Buffer, headers: IncomingHttpHeaders): boolean {
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(at)) < 300)) return false;
  const ours = createHmac("sha256", key).update(`${id}.${at}.`).update(body).digest();
  return String(signatures)
    .split(" ")
    .filter((signature) => signature.startsWith("v1,"))
    .map((signature) => Buffer.from(signature.slice(3), "base64"))
    .some((theirs) => theirs.length === ours.length && timingSafeEqual(theirs, ours));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

createServer(async (request, response) => {
  const body = await bodyOf(request);
  if (isSigned(body, request.headers)) {
    const event = JSON.parse(body.toString());
    console.log(event.id, event.type, JSON.stringify(event.data));
    response.writeHead(204).end();
  } else {
    console.error("refused");
    response.writeHead(400).end();
  }
}).listen(Number(process.argv[2] ?? 8600), "127.0.0.1");
