// The picture of a replay: plays its playlist, and knows which moment of the live is on the screen.

import "../trusted.js";
import Hls from "../vendor/hls.js/hls.light.min.mjs";

// From the beginning, also while the live runs.
const SETTINGS = { startPosition: 0, maxBufferLength: 30, backBufferLength: 60, enableWorker: false };

import("../vendor/player-controls/controls.js").catch(() => {
  // Without ours, the browser's own controls.
  document.getElementById("video").controls = true;
});

/** Seconds as 1:02:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

/** Dispatches `broken` when nothing more can be played. */
export class ReplayPlayer extends EventTarget {
  #video;
  #spans;
  #mediaErrors = 0;

  /** @param {[number, number, number][]} spans the live's clock, the replay's and the duration of each piece, in milliseconds */
  constructor(video, url, spans) {
    super();
    this.#video = video;
    this.#spans = spans;
    if (Hls.isSupported()) this.#load(url);
    else video.src = url;
    this.#offerSpeeds(document.getElementById("replay-rate"));
    const line = document.getElementById("replay-time");
    for (const event of ["timeupdate", "durationchange"]) {
      video.addEventListener(event, () => {
        line.textContent = `${clock(video.currentTime)} / ${clock(video.duration || 0)}`;
      });
    }
    video.addEventListener("error", () => this.dispatchEvent(new CustomEvent("broken")));
  }

  /** When the picture on the screen was live, in milliseconds since the Unix epoch. */
  get moment() {
    const at = this.#video.currentTime * 1000;
    const span = this.#spans.findLast(([, media]) => media <= at) ?? this.#spans[0];
    return span ? span[0] + Math.min(at - span[1], span[2]) : NaN;
  }

  /** Go to a place, in seconds; it plays on as it did. */
  go(seconds) {
    this.#video.currentTime = seconds;
  }

  #offerSpeeds(select) {
    const number = new Intl.NumberFormat(document.documentElement.lang);
    for (const option of select.options) option.textContent = `${number.format(Number(option.value))} ×`;
    select.addEventListener("change", () => {
      this.#video.playbackRate = Number(select.value);
    });
  }

  #load(url) {
    const hls = new Hls(SETTINGS);
    hls.on(Hls.Events.ERROR, (_, error) => {
      if (!error.fatal) return;
      if (error.type === Hls.ErrorTypes.MEDIA_ERROR && this.#mediaErrors < 2) {
        this.#mediaErrors += 1;
        hls.recoverMediaError();
      } else this.dispatchEvent(new CustomEvent("broken"));
    });
    hls.loadSource(url);
    hls.attachMedia(this.#video);
  }
}
