// Captures the meeting's tab, encodes it once, and hands it to the gateway over a WebSocket.
//
// It lives in a tab of its own, so that no Content-Security-Policy of a meeting stands in its way and a page that reloads or
// crashes leaves it standing. Messages out: kind (1 decoder configuration, 2 picture, 3 sound, 4 rate of the sound), flags (1 keyframe), six bytes of
// padding, time in µs (float64, little-endian), data. Messages in: "live", "still", "hold", "key".
"use strict";

const SOUND_BATCH_MS = 20; // half as many messages, no delay that an AAC frame would not add anyway
const STILL_EVERY_TICKS = 5; // a still picture is sent again at a fifth of the rate: even timestamps, little work
const MAX_WAITING_PICTURES = 3;
const PICTURE_DELAY_MS = 25; // measured: puts the sound of a moment at its picture
// A meeting's page plays sound later than it shows the picture of the same moment: a browser keeps some in store before it plays it,
// and says nothing of that. Measured in rehearsals, over WebRTC: 22 to 142 ms, 84 in the middle.
const SOUND_LEAD_MS = 80;

const recorder = {
  socket: null,
  options: null, // {fps, width, height, bitrate}
  mode: "hold", // live; still: the last picture that was sent, if any, with the sound; hold: the same without sound
  newest: null, // the tab's picture
  picture: null, // the one that is sent
  isFresh: false,
  encoder: null,
  newestMs: 0, // when the tab's picture was made, by our clock
  tick: 0, // of the clock; lastTick and lastKeyTick were encoded
  lastTick: -1,
  lastKeyTick: -1,
  startMs: 0,
  keyWanted: true,
  dropped: 0,
  capture: null,
};

function nowMs() {
  return performance.timeOrigin + performance.now();
}

function send(kind, flags, timeUs, data) {
  if (recorder.socket.readyState !== WebSocket.OPEN) return;
  const message = new Uint8Array(16 + data.byteLength);
  const view = new DataView(message.buffer);
  view.setUint8(0, kind);
  view.setUint8(1, flags);
  view.setFloat64(8, timeUs, true);
  message.set(data, 16);
  recorder.socket.send(message);
}

function bytesOf(buffer) {
  return ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
}

function makeEncoder() {
  const { width, height, bitrate, fps } = recorder.options;
  const encoder = new VideoEncoder({
    output(chunk, metadata) {
      if (metadata.decoderConfig?.description) send(1, 0, 0, bytesOf(metadata.decoderConfig.description));
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      send(2, chunk.type === "key" ? 1 : 0, chunk.timestamp + recorder.startMs * 1000, data);
    },
    error(error) {
      recorder.socket.close(4000, `encoder: ${error.message}`.slice(0, 100));
    },
  });
  encoder.configure({
    codec: "avc1.42e01f",
    width,
    height,
    bitrate,
    framerate: fps,
    latencyMode: "realtime",
    bitrateMode: "variable",
    avc: { format: "avc" },
  });
  return encoder;
}

// One picture for each tick of an exact clock: the newest there is, or the last one again.
function encodeTick(due) {
  let tick = due;
  if (recorder.mode === "live" && recorder.newest) {
    recorder.picture?.close();
    recorder.picture = recorder.newest;
    recorder.newest = null;
    recorder.isFresh = true;
    // On a busy machine pictures come late: they are shown at the tick that they were made for, as the sound is.
    const made = Math.round(((recorder.newestMs - recorder.startMs + PICTURE_DELAY_MS) * recorder.options.fps) / 1000);
    tick = Math.min(due, Math.max(made, recorder.lastTick + 1));
  }
  if (!recorder.picture || tick <= recorder.lastTick) return;
  const { fps } = recorder.options;
  // The first tick of each second and of each fifth of it, not its very tick, which a busy machine may pass over.
  const begins = (length, last) => Math.floor(tick / length) > Math.floor(last / length);
  const key = recorder.keyWanted || begins(fps, recorder.lastKeyTick);
  if (!key && !recorder.isFresh && !begins(STILL_EVERY_TICKS, recorder.lastTick)) return;
  if (recorder.encoder.encodeQueueSize > MAX_WAITING_PICTURES) {
    recorder.dropped += 1;
    return;
  }
  recorder.keyWanted = false;
  recorder.isFresh = false;
  recorder.lastTick = tick;
  if (key) recorder.lastKeyTick = tick;
  const frame = new VideoFrame(recorder.picture, { timestamp: Math.round((tick * 1e6) / fps) });
  recorder.encoder.encode(frame, { keyFrame: key });
  frame.close();
}

function runClock() {
  const periodMs = 1000 / recorder.options.fps;
  const due = Math.floor((nowMs() - recorder.startMs) / periodMs);
  if (due > recorder.tick) {
    recorder.tick = due;
    encodeTick(due);
  }
  const nextMs = recorder.startMs + (recorder.tick + 1) * periodMs;
  setTimeout(runClock, Math.max(1, nextMs - nowMs()));
}

async function readPictures(track, capture) {
  const clock = new CaptureClock();
  const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 1 }).readable.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    if (capture !== recorder.capture) {
      value.close();
      continue;
    }
    recorder.newest?.close();
    recorder.newest = value;
    recorder.newestMs = clock.toMs(value);
  }
}

// Captured data's own timestamps are even but count from elsewhere: the quickest arrival seen ties them to our clock.
class CaptureClock {
  offsetMs = Infinity;

  toMs(data, lengthMs = 0) {
    const ownMs = data.timestamp / 1000;
    this.offsetMs = Math.min(this.offsetMs + 0.002, nowMs() - ownMs - lengthMs);
    return ownMs + this.offsetMs;
  }
}

async function readSound(track, capture) {
  const rate = track.getSettings().sampleRate;
  send(4, 0, 0, new Uint8Array(Uint32Array.of(rate).buffer));
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  const clock = new CaptureClock();
  const batch = new Int16Array(rate / 5);
  let filled = 0;
  let batchMs = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const timeMs = clock.toMs(value, value.duration / 1000);
    if (capture !== recorder.capture || recorder.mode === "hold" || value.sampleRate !== rate) {
      if (value.sampleRate !== rate) recorder.socket.close(4000, `sound at ${value.sampleRate} Hz`);
      value.close();
      filled = 0;
      continue;
    }
    if (filled === 0) batchMs = timeMs - SOUND_LEAD_MS;
    filled += interleave(value, batch, filled);
    value.close();
    if (filled >= (rate * 2 * SOUND_BATCH_MS) / 1000) {
      send(3, 0, batchMs * 1000, new Uint8Array(batch.buffer, 0, filled * 2));
      filled = 0;
    }
  }
}

function interleave(sound, into, at) {
  const left = new Float32Array(sound.numberOfFrames);
  const right = new Float32Array(sound.numberOfFrames);
  sound.copyTo(left, { planeIndex: 0, format: "f32-planar" });
  sound.copyTo(right, { planeIndex: sound.numberOfChannels > 1 ? 1 : 0, format: "f32-planar" });
  const frames = Math.min(sound.numberOfFrames, (into.length - at) >> 1);
  for (let index = 0; index < frames; index += 1) {
    into[at + 2 * index] = Math.max(-1, Math.min(1, left[index])) * 32767;
    into[at + 2 * index + 1] = Math.max(-1, Math.min(1, right[index])) * 32767;
  }
  return frames * 2;
}

// Called under a user gesture; the browser picks the tab by its title.
async function capture() {
  const { width, height, fps } = recorder.options;
  const stream = await navigator.mediaDevices.getDisplayMedia({
    // Chromium drops pictures that come a little early for the rate asked for: ask for more, the clock above thins them out.
    video: { width, height, frameRate: fps * 2 },
    audio: {
      autoGainControl: false,
      channelCount: 2,
      echoCancellation: false,
      noiseSuppression: false,
    },
    selfBrowserSurface: "exclude",
    surfaceSwitching: "exclude",
  });
  recorder.capture?.getTracks().forEach((track) => track.stop());
  recorder.capture = stream;
  recorder.newest?.close();
  recorder.newest = null;
  readPictures(stream.getVideoTracks()[0], stream);
  readSound(stream.getAudioTracks()[0], stream);
}

function start(options) {
  recorder.options = options;
  recorder.socket = new WebSocket(location.href.replace(/^http/, "ws").replace(/recorder\.html$/, "socket"));
  recorder.socket.onmessage = ({ data }) => {
    recorder.keyWanted = true;
    if (data !== "key") recorder.mode = data;
  };
  recorder.encoder = makeEncoder();
  // Whole seconds, so that recorders of one machine put their keyframes at the same times.
  recorder.startMs = Math.floor(nowMs() / 1000) * 1000;
  runClock();
  return new Promise((resolve, reject) => {
    recorder.socket.onopen = () => resolve();
    recorder.socket.onerror = () => reject(new Error("no WebSocket to the gateway"));
  });
}
