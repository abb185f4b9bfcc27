// The picture and its sound: attaches to an HLS address and stays with the live until told to let go.

import "../trusted.js";
import Hls from "../vendor/hls.js/hls.light.min.mjs";
import { PartsAhead, loaderWith } from "./ahead.js";
import { Distance, storeOf } from "./distance.js";
import { offersOf } from "./offers.js";
import { AutoQuality } from "./quality.js";

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 4000;
const LOOK_MS = 500;
/** Browsers look less often in tabs that nobody sees. */
const LONGEST_LOOK_MS = 5000;
/** A picture that stands still for this long, while the live goes on and nothing comes, is read anew; where something comes, after twice as long. */
const STILL_MS = 6000;
/** Further behind than this, a listener is taken to the live; less is caught up by playing a little faster. */
const BEHIND_S = 3;
/** A seek that is shorter than this, and what was played since the last look, leaves the picture where it is. */
const ELSEWHERE_S = 1;
/** The library is told of another distance when it differs by so much. */
const TOLD_S = 0.1;
/** Jumps come no closer: a network that is too slow is not helped by them. */
const JUMP_PAUSE_MS = 10000;

/** Where players of the browser's own usually are, in ordinary HLS. */
const NATIVE_TARGET_S = 8;

const SETTINGS = {
  lowLatencyMode: true,
  // How far from the edge to stay, and how to get there, is ours (distance.js): the library knows neither the line, nor what to do more than a
  // segment behind.
  maxLiveSyncPlaybackRate: 1,
  liveSyncOnStallIncrease: 0,
  // What was played is left to the browser to drop. hls.js 1.7 drops it in the midst of a segment, then takes that segment's parts for not loaded,
  // and fetches nothing until the playlist lists them no longer: three seconds of standing still, wherever parts come one right after another.
  backBufferLength: Infinity,
  maxBufferLength: 12,
  // fMP4 is passed on as it came: a worker would only copy it, and be 36 kB more to load.
  enableWorker: false,
};

/**
 * Dispatches `playing` with whether frames advance, `muted` when the browser refused sound, `unsupported`, and `offers` with the heights of
 * the pictures that can be chosen (`heights`), whether the sound can be had alone (`sound`), and is (`alone`).
 */
export class Player extends EventTarget {
  #video;
  #hls = null;
  #url = "";
  #wanted = false;
  #paused = false;
  #pauseMs = FIRST_PAUSE_MS;
  #retry = null;
  #position = -1;
  #movedAt = 0;
  #cameAt = 0;
  #jumpedAt = -JUMP_PAUSE_MS;
  #playing = false;
  #mediaErrors = 0;
  #lookedAt = performance.now();
  #hasPlayed = false;
  #watchedMs = 0;
  #stalledMs = 0;
  #quality = "";
  #auto = null;
  #distance = null;
  #ahead = new PartsAhead();
  #received = 0;
  #turn = null;

  constructor(video) {
    super();
    this.#video = video;
    video.addEventListener("pause", () => {
      // By the listener, also while the picture stands still; not by the end. Of our own pause the browser tells nothing: it loads anew.
      if (this.#wanted && this.#hasPlayed && !video.ended) this.#paused = true;
    });
    video.addEventListener("play", () => {
      if (this.#paused) this.toLive();
      this.#paused = false;
    });
    video.addEventListener("error", () => this.#again());
    video.addEventListener("waiting", () => {
      if (this.#playing && !video.seeking) this.#distance?.stalled();
    });
    video.addEventListener("seeking", () => {
      // The library goes a tenth of a second on when the picture stands still: that is no other place.
      if (Math.abs(video.currentTime - this.#position) > ELSEWHERE_S) this.#distance?.change(performance.now());
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#playing && this.behind > BEHIND_S) this.toLive();
    });
    setInterval(() => this.#look(), LOOK_MS);
  }

  get playing() {
    return this.#playing;
  }

  /** Whether the listener paused it. */
  get paused() {
    return this.#paused;
  }

  /** Seconds between the newest picture there is and the one on screen; NaN when unknown. */
  get latency() {
    if (!this.#playing) return NaN;
    if (this.#hls) return this.#distance.behind(this.#video.currentTime, performance.now());
    const { seekable, currentTime } = this.#video;
    return seekable.length ? seekable.end(seekable.length - 1) - currentTime : NaN;
  }

  /** Seconds behind where a player should be; NaN when unknown. */
  get behind() {
    if (!this.#hls) return this.latency - NATIVE_TARGET_S;
    return this.#distance.behind(this.#video.currentTime, performance.now()) - this.aim;
  }

  /** Seconds behind the newest picture where this line lets a player be; NaN when unknown. */
  get aim() {
    return this.#distance?.aim ?? NaN;
  }

  /** Seconds that the picture moved, and that it stood still while it should have moved, since this was asked last. */
  takeMeasures() {
    const measures = { watched: this.#watchedMs / 1000, stalled: this.#stalledMs / 1000 };
    this.#watchedMs = 0;
    this.#stalledMs = 0;
    return measures;
  }

  /** The moment of the picture on screen, by the live server's clock; null when unknown. */
  get playingDate() {
    if (this.#hls) return this.#hls.playingDate;
    const start = this.#video.getStartDate?.().getTime();
    return Number.isFinite(start) ? new Date(start + this.#video.currentTime * 1000) : null;
  }

  /** Play what is at `url`, for as long as it takes to come. */
  attach(url) {
    if (this.#wanted && url === this.#url) {
      // It may be back after a break: ask now rather than at the end of a pause.
      this.#pauseMs = FIRST_PAUSE_MS;
      if (!this.#playing && !this.#paused && this.#retry) this.#load();
      return;
    }
    this.#url = url;
    this.#wanted = true;
    this.#paused = false;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#load();
  }

  /** A new address for the same picture, used when it must be read anew. */
  renew(url) {
    if (this.#url) this.#url = url;
  }

  /** What to fetch: "" for the best that comes in time, a height in lines, or "sound" for the sound without the picture. */
  set quality(wanted) {
    if (wanted === this.#quality) return;
    const before = this.#quality;
    this.#quality = wanted;
    if (before !== "sound" && wanted !== "sound") {
      this.#auto = null;
      this.#chooseLevel(performance.now());
    } else if (this.#wanted) this.#load();
  }

  get #soundAlone() {
    return this.#quality === "sound";
  }

  /** The height of the picture that is fetched; NaN when unknown. */
  get height() {
    return this.#hls?.levels[this.#hls.loadLevel]?.height || this.#video.videoHeight || NaN;
  }

  /** How many bytes of picture and sound came since the page was opened; NaN when unknown. */
  get received() {
    return Hls.isSupported() ? this.#received : NaN;
  }

  /** Let go at once. */
  detach() {
    this.#wanted = false;
    this.#hasPlayed = false;
    this.#unload();
    this.#setPlaying(false);
  }

  /** Go to the newest picture. */
  toLive() {
    const { seekable, currentTime } = this.#video;
    const edge = this.#hls?.liveSyncPosition ?? (seekable.length ? seekable.end(seekable.length - 1) : null);
    // The library's guess is nearer than this line lets the picture be: it counts from when the playlist came.
    const measured = this.#hls ? currentTime + Math.max(0, this.behind) : NaN;
    const target = Number.isFinite(measured) ? measured : edge;
    if (target !== null) this.#video.currentTime = target;
  }

  /** The listener wants to hear. */
  unmute() {
    this.#video.muted = false;
    if (this.#video.volume === 0) this.#video.volume = 1;
    this.#play();
  }

  #unload() {
    this.#turn = {};
    clearTimeout(this.#retry);
    this.#retry = null;
    this.#hls?.destroy();
    this.#hls = null;
    this.#ahead.clear();
    this.#distance = null;
    this.#video.pause();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  async #load() {
    this.#unload();
    this.#movedAt = performance.now();
    this.#mediaErrors = 0;
    let url = this.#url;
    if (this.#soundAlone) {
      const turn = this.#turn;
      const offers = await offersOf(url).catch(() => null);
      if (turn !== this.#turn) return;
      if (offers === null) {
        this.#again();
        return;
      }
      this.#tellOffers(offers);
      url = offers.sound || url;
    }
    if (Hls.isSupported()) this.#loadWithHls(url);
    else if (this.#video.canPlayType("application/vnd.apple.mpegurl")) {
      this.#video.src = url;
      this.#play();
    } else this.dispatchEvent(new CustomEvent("unsupported"));
  }

  #tellOffers({ heights, sound }) {
    // The browser's own player chooses by itself.
    const chosen = Hls.isSupported() && heights.length > 1 ? heights : [];
    this.dispatchEvent(new CustomEvent("offers", { detail: { heights: chosen, sound: Boolean(sound), alone: Boolean(sound) && this.#soundAlone } }));
  }

  /** Says what can be had: it may come and go with the publisher. */
  async #lookForOffers() {
    const turn = this.#turn;
    const offers = await offersOf(this.#url).catch(() => null);
    if (turn === this.#turn && offers !== null) this.#tellOffers(offers);
  }

  /** Fetches the picture that was chosen, or the best that comes in time. */
  #chooseLevel(now) {
    const hls = this.#hls;
    if (!hls || hls.levels.length < 2) return;
    const best = hls.levels.length - 1;
    let step = best;
    if (this.#quality) {
      // The next smaller one, where the very same is not there.
      step = Math.max(0, hls.levels.findLastIndex((level) => level.height <= Number(this.#quality)));
    } else {
      const rates = hls.levels.map((level) => level.averageBitrate || level.bitrate);
      this.#auto ??= new AutoQuality(rates, { saves: navigator.connection?.saveData, now });
      step = Math.min(this.#auto.look(now), best);
    }
    if (hls.loadLevel === step) return;
    if (step < hls.loadLevel) this.#distance.ease(now);
    else this.#distance.change(now);
    hls.loadLevel = step;
  }

  #loadWithHls(url) {
    const hls = new Hls({ ...SETTINGS, fLoader: loaderWith(this.#ahead, Hls.DefaultConfig.loader) });
    this.#hls = hls;
    this.#auto = null;
    this.#distance = new Distance();
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      this.#chooseLevel(performance.now());
      this.#play();
    });
    hls.on(Hls.Events.FRAG_LOADED, (_, { frag, part }) => {
      const { stats, duration } = part ?? frag;
      this.#received += stats.loaded;
      this.#cameAt = performance.now();
      this.#auto?.came(duration, stats.loading);
    });
    // The times that playlists give are put right when the media comes: what is in store has the right ones.
    hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag, part }) => {
      const { buffered } = this.#video;
      if (!buffered.length) return;
      const endS = buffered.end(buffered.length - 1);
      // Less than another one is listed after it.
      const isNewest = hls.latestLevelDetails?.edge - endS < (part ?? frag).duration;
      this.#distance.came(endS, performance.now(), isNewest);
    });
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      this.#distance.holdBack = details.partHoldBack || details.holdBack || 3 * details.targetduration;
      this.#ahead.listed = details.partList?.map((part) => part.url) ?? [];
    });
    const folders = new Map();
    hls.on(Hls.Events.LEVEL_LOADED, (_, { details, level }) => {
      const listed = details.fragments.filter(Boolean).map(({ url }) => url.slice(0, url.split("?")[0].lastIndexOf("/")));
      const isAnew = listed.length > 0 && folders.has(level) && !listed.includes(folders.get(level));
      if (listed.length) folders.set(level, listed.at(-1));
      // A live server that began anew counts time from zero. The library takes its playlist for one that goes on, and waits for what is long over.
      if (isAnew) setTimeout(() => hls === this.#hls && this.#load());
    });
    hls.on(Hls.Events.LEVEL_SWITCHING, () => this.#ahead.clear());
    hls.on(Hls.Events.ERROR, (_, error) => {
      if (!error.fatal || hls !== this.#hls) return;
      if (error.type === Hls.ErrorTypes.MEDIA_ERROR && this.#mediaErrors < 2) {
        this.#mediaErrors += 1;
        hls.recoverMediaError();
        this.#play();
      } else this.#again();
    });
    hls.loadSource(url);
    hls.attachMedia(this.#video);
  }

  /** Read it anew, after a pause that grows while it is in vain. */
  #again() {
    if (!this.#wanted || this.#retry) return;
    const pauseMs = this.#pauseMs * (0.75 + Math.random() / 2);
    this.#pauseMs = Math.min(this.#pauseMs * 1.6, LONGEST_PAUSE_MS);
    this.#retry = setTimeout(() => this.#load(), pauseMs);
  }

  async #play() {
    try {
      await this.#video.play();
    } catch (error) {
      if (error.name !== "NotAllowedError" || !this.#wanted) return;
      if (this.#video.muted) return;
      // The browser lets nothing sound before the listener did something: the picture comes, the sound is one press away.
      this.#video.muted = true;
      this.dispatchEvent(new CustomEvent("muted"));
      this.#play();
    }
  }

  /** Gets to the distance that the line allows, and has the library jump to no other. */
  #keepDistance(now) {
    if (!this.#hls) return;
    const distance = this.#distance;
    distance.look(now);
    if (Math.abs(distance.aim - this.#hls.targetLatency) > TOLD_S) this.#hls.targetLatency = distance.aim;
    const rate = distance.rate(this.#video.currentTime, storeOf(this.#video), now);
    if (this.#video.playbackRate !== rate) this.#video.playbackRate = rate;
  }

  #look() {
    const now = performance.now();
    const position = this.#video.currentTime;
    const moved = this.#wanted && position !== this.#position && this.#video.readyState >= 2 && !this.#video.seeking;
    this.#position = position;
    this.#measure(moved, now);
    this.#chooseLevel(now);
    if (moved) {
      this.#movedAt = now;
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#setPlaying(!this.#video.paused);
      this.#keepDistance(now);
      // As after a break of the network.
      if (this.#playing && this.behind > BEHIND_S && now - this.#jumpedAt > JUMP_PAUSE_MS) {
        this.#jumpedAt = now;
        this.toLive();
      }
      return;
    }
    const stillMs = now - this.#movedAt;
    if (this.#playing && (stillMs > 1200 || this.#video.paused)) this.#setPlaying(false);
    // Where media comes slowly, reading anew would throw away what came.
    const nothingMs = now - Math.max(this.#movedAt, this.#cameAt);
    if (this.#wanted && !this.#paused && (nothingMs > STILL_MS || stillMs > 2 * STILL_MS || this.#video.ended)) {
      this.#movedAt = now;
      this.#again();
    }
  }

  #measure(moved, now) {
    // A machine that slept watched nothing meanwhile.
    const passedMs = Math.min(now - this.#lookedAt, LONGEST_LOOK_MS);
    this.#lookedAt = now;
    if (moved && !this.#video.paused) {
      this.#hasPlayed = true;
      this.#watchedMs += passedMs;
    } else if (this.#hasPlayed && this.#wanted && !this.#paused) {
      this.#stalledMs += passedMs;
      this.#auto?.stalled(passedMs, now);
    }
  }

  #setPlaying(playing) {
    if (playing === this.#playing) return;
    this.#playing = playing;
    if (playing && !this.#soundAlone) this.#lookForOffers();
    this.#video.dataset.playing = String(playing);
    this.dispatchEvent(new CustomEvent("playing", { detail: playing }));
  }
}
