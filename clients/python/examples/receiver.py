"""Receives webhooks on this machine, verifies them, and prints one line for each: `SECRET=whsec_… python receiver.py [PORT]`."""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["SECRET"])


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            event = webhook.verify(body, {name.lower(): value for name, value in self.headers.items()})
        except WebhookVerificationError as error:
            print("refused:", error, file=sys.stderr, flush=True)
            self.send_response(400)
        else:
            print(event["id"], event["type"], event["data"], flush=True)
            self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: each webhook has its line already."""


port = int(sys.argv[1]) if len(sys.argv) > 1 else 8600
HTTPServer(("127.0.0.1", port), Receiver).serve_forever()
