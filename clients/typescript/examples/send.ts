/** Sends a recording to one person: `API`, `KEY` and `USE_CASE` are what `make up` prints. */

import { readFile } from "node:fs/promises";

import { createRvm } from "../src/index.js";

const [, , file = "reminder.mp3", to = "+12125550101"] = process.argv;
const base = new URL(process.env["API"] ?? "");
const rvm = createRvm({ baseUrl: base.origin, key: process.env["KEY"] ?? "" });
const workspace = { workspace_id: base.pathname.split("/").at(-1) ?? "" };

const form = new FormData();
form.set("audio", new Blob([await readFile(file)], { type: "audio/mpeg" }), "reminder.mp3");
const { data: recording } = await rvm.POST("/v1/{workspace_id}/recordings", {
  params: { path: workspace },
  body: form as never, // the generated type describes a part of a form as a text
  bodySerializer: (body: unknown) => body as FormData,
});
const { data: voicemail } = await rvm.POST("/v1/{workspace_id}/voicemail", {
  params: { path: workspace },
  body: { use_case_id: process.env["USE_CASE"] ?? "", recording_id: recording!.id, recipient_phone_number: to },
});
console.log(voicemail!.id, voicemail!.status);
