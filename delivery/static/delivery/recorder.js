// Records with the microphone into the file field above it; saving is then the ordinary upload, which judges and converts the sound.
const UNITS = { minute: 60, tick: 100 }; // seconds, milliseconds
// Browsers record in one of these; the server knows all.
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus", "audio/webm"];
const SUFFIXES = { "audio/webm": "webm", "audio/mp4": "m4a", "audio/ogg": "ogg" };
const clock = (seconds) => `${Math.floor(seconds / UNITS.minute)}:${String(Math.floor(seconds % UNITS.minute)).padStart(2, "0")}`;

class Recorder {
  constructor(box) {
    this.box = box;
    this.field = document.getElementById(box.dataset.field);
    this.shortest = Number(box.dataset.shortest);
    this.longest = Number(box.dataset.longest);
    for (const name of ["record", "stop", "use", "again", "time", "level", "listen", "state"]) this[name] = box.querySelector(`[data-${name}]`);
    this.record.addEventListener("click", () => this.begin());
    this.again.addEventListener("click", () => this.begin());
    this.stop.addEventListener("click", () => this.end());
    this.use.addEventListener("click", () => this.fill());
    this.field.addEventListener("change", () => { this.filled = false; });
    this.field.form.addEventListener("submit", (event) => this.hold(event));
    addEventListener("pagehide", () => this.release());
    this.show("record");
    box.hidden = false;
    if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) {
      this.record.disabled = true;
      this.say(window.isSecureContext
        ? "This browser cannot record. Choose a file, or use a current Chrome, Edge, Firefox or Safari."
        : "Browsers record on pages with https only, and this address has none. Choose a file.");
    }
  }

  show(...names) {
    for (const name of ["record", "stop", "use", "again", "time", "level", "listen"]) this[name].hidden = !names.includes(name);
  }

  // Read aloud by screen readers, because it is a live region.
  say(text) { this.state.textContent = text; }

  async begin() {
    if (this.asking) return;
    this.asking = true;
    this.listen.pause();
    this.say("The browser may ask whether this page may use the microphone: allow it.");
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    } catch (error) {
      this.say(this.refusal(error));
      return;
    } finally {
      this.asking = false;
    }
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    this.recorder = new MediaRecorder(this.stream, { mimeType, audioBitsPerSecond: 96000 });
    this.chunks = [];
    this.recorder.addEventListener("dataavailable", (event) => this.chunks.push(event.data));
    this.recorder.addEventListener("start", () => this.started());
    this.recorder.addEventListener("stop", () => this.ended());
    this.recorder.addEventListener("error", () => this.end());
    this.stream.getAudioTracks()[0].addEventListener("ended", () => this.end()); // it was unplugged
    this.recorder.start();
  }

  refusal(error) {
    if (error.name === "NotAllowedError" || error.name === "SecurityError") {
      return "The browser does not let this page use the microphone. Allow it for this site, beside the address or in the browser's settings, and press Record again; or choose a file.";
    }
    if (error.name === "NotFoundError") return "This machine has no microphone that the browser can use. Plug one in and press Record again, or choose a file.";
    return "The microphone cannot be used; another program may have it. Close that and press Record again, or choose a file.";
  }

  started() {
    this.began = performance.now();
    this.warned = false;
    this.measure();
    this.show("stop", "time", "level");
    this.stop.focus();
    this.say(`Recording. Speak, then press Stop; it stops by itself after ${this.longest} seconds.`);
    this.tick = setInterval(() => this.follow(), UNITS.tick);
    this.follow();
  }

  // How loud it is, for those who see it; a microphone that is muted stays at nothing.
  measure() {
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(this.stream).connect(this.analyser);
    this.wave = new Float32Array(this.analyser.fftSize);
  }

  get seconds() { return (performance.now() - this.began) / 1000; }

  follow() {
    this.analyser.getFloatTimeDomainData(this.wave);
    this.level.value = Math.min(1, 4 * Math.sqrt(this.wave.reduce((sum, each) => sum + each * each, 0) / this.wave.length));
    this.time.textContent = `${clock(this.seconds)} of ${clock(this.longest)}`;
    if (!this.warned && this.seconds > this.longest - 10) {
      this.warned = true;
      this.say("Ten seconds are left.");
    }
    // A little earlier than the longest, because recorders end with a whole packet.
    if (this.seconds > this.longest - 0.3) this.end();
  }

  end() {
    if (this.recorder?.state !== "recording") return;
    this.lasted = this.seconds;
    this.recorder.stop();
  }

  release() {
    clearInterval(this.tick);
    this.stream?.getTracks().forEach((track) => track.stop());
    if (this.context?.state !== "closed") this.context?.close();
  }

  ended() {
    this.lasted ??= this.seconds;
    this.release();
    const type = this.recorder.mimeType.split(";")[0];
    this.file = new File(this.chunks, `Recording.${SUFFIXES[type] ?? "webm"}`, { type });
    if (this.listen.src) URL.revokeObjectURL(this.listen.src);
    this.listen.src = URL.createObjectURL(this.file);
    const lasted = this.lasted.toFixed(1);
    this.lasted = undefined;
    if (lasted < this.shortest + 0.2) {
      this.show("again", "listen");
      this.again.focus();
      this.say(`It lasts ${lasted} seconds; at least ${this.shortest} are needed. Record it again.`);
    } else {
      this.show("use", "again", "listen");
      this.use.focus();
      this.say(`Recorded ${lasted} seconds. Listen to it, then use it or record it again.`);
    }
  }

  fill() {
    const files = new DataTransfer();
    files.items.add(this.file);
    this.field.files = files.files;
    this.field.dispatchEvent(new Event("change", { bubbles: true }));
    this.filled = true;
    this.show("again", "listen");
    this.again.focus();
    this.say("The recording is in the form. Save to keep it.");
  }

  // A page that comes back with an error has lost its file, and with it what was recorded.
  hold(event) {
    if (this.recorder?.state === "recording") {
      event.preventDefault();
      this.say("Still recording: press Stop first.");
      this.stop.focus();
    } else if (!this.use.hidden && !this.field.files.length) {
      event.preventDefault();
      this.say("What was recorded is not in the form yet: press Use this recording, or record it again.");
      this.use.focus();
    } else if (this.filled && !this.field.form.reportValidity()) {
      event.preventDefault();
    }
  }
}

for (const box of document.querySelectorAll(".recorder")) new Recorder(box);
