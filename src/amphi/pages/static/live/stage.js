// The stage: the picture of the live, or its sound alone, or words for its state.

import "../trusted.js";
import { Captions } from "./captions.js";
import { Player } from "./player.js";
import { keep, kept } from "./kept.js";

const KEPT_AS = "amphi quality";

const language = document.documentElement.lang;
import("../vendor/player-controls/controls.js").catch(() => {
  // Without ours, the browser's own controls.
  document.getElementById("video").controls = true;
});

const byId = (id) => document.getElementById(id);

/** Dispatches `state` with each new state, once it is shown. */
export class Stage extends EventTarget {
  #facts;
  #clockSkewMs;
  #box = byId("stage");
  #video = byId("video");
  #state = "";
  #startsAt;
  #moving = false;
  /** The picture moved, and its new address is being asked for: what is said of the state meanwhile attaches to nothing. */
  #elsewhere = false;
  #silenced = false;
  #isAsleep;
  /** The control that had the focus when the picture went away. */
  #focused = null;

  /** Args: the page's facts; whether to leave the picture alone until `wake`. */
  constructor(facts, { asleep = false } = {}) {
    super();
    this.#facts = facts;
    this.#isAsleep = asleep;
    this.#box.dataset.asleep = asleep ? "yes" : "no";
    this.#clockSkewMs = Date.parse(facts.now) - Date.now();
    this.#startsAt = facts.starts_at;
    this.player = new Player(this.#video);
    this.captions = new Captions(this.#video, this.player, byId("captions"), this.#box);
    this.captions.follow(facts.captions);
    this.#listen();
    this.player.quality = kept(KEPT_AS);
    setInterval(() => {
      this.#countDown();
      this.#showDelay();
      this.#showReceived();
    }, 1000);
  }

  #listen() {
    const { player } = this;
    player.addEventListener("playing", () => this.#paint());
    player.addEventListener("offers", ({ detail }) => this.#showOffers(detail));
    player.addEventListener("muted", () => {
      this.#silenced = true;
      this.#paint();
    });
    player.addEventListener("unsupported", () => {
      this.#box.dataset.unsupported = "yes";
    });
    this.#video.addEventListener("pause", () => this.#paint());
    this.#video.addEventListener("volumechange", () => {
      if (!this.#video.muted && this.#video.volume > 0) this.#silenced = false;
      this.#paint();
    });
    byId("sound").addEventListener("click", () => player.unmute());
    byId("to-live").addEventListener("click", () => player.toLive());
    byId("quality").addEventListener("change", ({ currentTarget: { value } }) => {
      keep(KEPT_AS, value);
      player.quality = value;
      if (value !== "sound") this.#showAlone(false);
      // Whoever wants the sound alone wants to hear it.
      else player.unmute();
    });
  }

  get state() {
    return this.#state;
  }

  /** Follows the live; returns whether its picture has another address now, which is to be asked for. */
  follow(next) {
    if (next.starts_at) this.#startsAt = next.starts_at;
    if (next.stream && next.stream !== this.#facts.stream) {
      this.#facts.stream = next.stream;
      this.#elsewhere = true;
      this.#leave();
      return true;
    }
    if (next.state && (this.#moving || next.state !== this.#state)) {
      this.#moving = this.#elsewhere;
      this.#state = next.state;
      document.documentElement.dataset.liveState = next.state;
      this.#attach();
      this.dispatchEvent(new CustomEvent("state", { detail: next.state }));
      byId("stage-status").textContent = this.#box.querySelector(`.stage-say[data-for="${next.state}"] h2`)?.textContent ?? "";
    }
    this.#countDown();
    this.#paint();
    return false;
  }

  /** The page's facts were asked for anew. */
  renew({ hls_url: url, stream, captions }) {
    this.captions.follow(captions);
    // It moved while the page heard nothing.
    if (stream !== this.#facts.stream) this.#leave();
    this.#facts.hls_url = url;
    this.#facts.stream = stream;
    this.player.renew(url);
    if (this.#elsewhere) {
      this.#elsewhere = false;
      this.follow({ state: this.#state });
    }
  }

  /** Somebody wants to watch. */
  wake() {
    this.#isAsleep = false;
    this.#box.dataset.asleep = "no";
    // What was pressed goes away: the picture's own button takes its place.
    this.#focused = byId("player").querySelector("media-play-button");
    this.#attach();
    this.#paint();
  }

  /** The picture comes from elsewhere now: lets go of the old one; the next word on the state attaches to the new one. */
  #leave() {
    this.#moving = true;
    this.player.detach();
  }

  get #onAir() {
    return this.#state === "live" || this.#state === "recovering";
  }

  #attach() {
    if (this.#onAir && !this.#elsewhere && !this.#isAsleep) this.player.attach(this.#facts.hls_url);
    else this.player.detach();
  }

  /** The picture when it moves or is paused, else words for the state. */
  #paint() {
    // Who paused has the controls to go on, whatever there is in store.
    const shown = this.#onAir && (this.player.playing || (this.player.paused && this.#state === "live"));
    const active = document.activeElement;
    if (!shown && byId("player").contains(active)) this.#focused = active;
    this.#box.dataset.state = this.#state;
    this.#box.dataset.picture = shown ? "yes" : "no";
    byId("stage-panel").hidden = shown;
    if (shown && this.#focused) {
      // Unless the reader went elsewhere meanwhile.
      if (active === document.body || active === this.#box) this.#focused.focus();
      this.#focused = null;
    }
    byId("badges").dataset.state = this.#state;
    byId("sound").hidden = !(shown && this.#silenced);
    this.#box.dataset.silenced = shown && this.#silenced ? "yes" : "no";
  }

  /** What can be chosen, best first; what was chosen once stays chosen, also while it is not to be had. */
  #showOffers({ heights, sound, alone }) {
    const choice = byId("quality");
    const offered = ["", ...[...heights].sort((one, other) => other - one).map(String), ...(sound ? ["sound"] : [])];
    const told = offered.join();
    if (choice.dataset.offered !== told) {
      choice.dataset.offered = told;
      choice.replaceChildren(
        ...offered.map((value) => new Option({ "": choice.dataset.auto, sound: choice.dataset.sound }[value] ?? `${value}p`, value)),
      );
      const wanted = kept(KEPT_AS);
      choice.value = offered.includes(wanted) ? wanted : "";
    }
    byId("quality-box").hidden = offered.length < 2;
    this.#showAlone(alone);
  }

  #showAlone(alone) {
    byId("stage-plate").hidden = !alone;
    this.#box.dataset.sound = alone ? "alone" : "";
    // There is no picture that the controls could cover.
    byId("player").setAttribute("autohide", alone ? "-1" : "2");
  }

  /** How much came, for those who save. */
  #showReceived() {
    const megabytes = this.player.received / 1e6;
    const shown = byId("quality").value !== "" && megabytes >= 0.1;
    byId("received").hidden = !shown;
    this.#video.dataset.height = this.player.height;
    if (!shown) return;
    const digits = megabytes < 10 ? 1 : 0;
    byId("received-value").textContent = new Intl.NumberFormat(language, { style: "unit", unit: "megabyte", maximumFractionDigits: digits }).format(megabytes);
  }

  #countDown() {
    const line = byId("countdown");
    const leftS = Math.round((Date.parse(this.#startsAt) - Date.now() - this.#clockSkewMs) / 1000);
    line.hidden = this.#state !== "waiting" || leftS <= 0;
    if (line.hidden) return;
    if (leftS >= 3600 && leftS < 172800) {
      const minutes = Math.round(leftS / 60);
      line.textContent = line.dataset.hours.replace("{hours}", Math.floor(minutes / 60)).replace("{minutes}", String(minutes % 60).padStart(2, "0"));
      return;
    }
    const words = new Intl.RelativeTimeFormat(language, { numeric: "always" });
    const [size, unit] = leftS >= 172800 ? [86400, "day"] : leftS >= 120 ? [60, "minute"] : [1, "second"];
    line.textContent = words.format(Math.round(leftS / size), unit);
  }

  #showDelay() {
    const delay = this.player.latency;
    const known = Number.isFinite(delay) && delay >= 0;
    byId("delay").hidden = !known;
    byId("to-live").hidden = !(known && this.player.behind > 4);
    if (!known) {
      delete this.#video.dataset.latency;
      return;
    }
    this.#video.dataset.latency = delay.toFixed(2);
    byId("delay-value").textContent = new Intl.NumberFormat(language, { style: "unit", unit: "second", maximumFractionDigits: 1 }).format(delay);
  }
}
