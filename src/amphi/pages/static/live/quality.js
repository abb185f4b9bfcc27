// Which of a live's pictures to fetch: the best that comes in time.
//
// hls.js's own choice measures how many bits a second each download brought. A still slide takes so few that it takes every line for a slow one.
// What counts is whether each part comes in less time than it lasts, and whether the picture stood still.

/** How much of their own duration the parts of the last seconds may take to come. */
const TOO_SLOW = 0.85;
const EASY = 0.4;
const REMEMBERED_S = 4;
/** Standing still for so long, within so long, is too much. */
const STALLED_MS = 800;
const STALLED_WITHIN_MS = 15000;
/** A better picture is tried after so long without trouble; each time in vain, after twice as long. */
const FIRST_PATIENCE_MS = 20000;
const LONGEST_PATIENCE_MS = 300000;
const TRIAL_MS = 15000;

/** Chooses a step, from 0, the smallest picture, to `best`. */
export class AutoQuality {
  #parts = [];
  #stalls = [];
  #step;
  #best;
  #patienceMs = FIRST_PATIENCE_MS;
  #changedAt = -Infinity;
  #calmSince = 0;
  #tried = false;

  constructor(best, { saves = false, now = 0 } = {}) {
    this.#best = best;
    this.#step = saves ? 0 : best;
    this.#calmSince = now;
  }

  get step() {
    return this.#step;
  }

  /** A part came: how long it lasts, and how long it took from its first byte to its last. */
  came(durationS, tookS) {
    this.#parts.push({ durationS, tookS });
    while (this.#parts.length > 1 && this.#parts.reduce((sum, part) => sum + part.durationS, 0) > REMEMBERED_S) this.#parts.shift();
  }

  /** The picture stood still. */
  stalled(ms, now) {
    if (ms > 0) this.#stalls.push({ ms, now });
  }

  get #load() {
    const lasted = this.#parts.reduce((sum, part) => sum + part.durationS, 0);
    // Too few say nothing.
    return lasted < 1 ? NaN : this.#parts.reduce((sum, part) => sum + part.tookS, 0) / lasted;
  }

  /** The step from now on. */
  look(now) {
    this.#stalls = this.#stalls.filter((stall) => now - stall.now < STALLED_WITHIN_MS);
    const stalledMs = this.#stalls.reduce((sum, stall) => sum + stall.ms, 0);
    const load = this.#load;
    if (stalledMs >= STALLED_MS || load > TOO_SLOW) {
      if (this.#tried && now - this.#changedAt < TRIAL_MS) this.#patienceMs = Math.min(this.#patienceMs * 2, LONGEST_PATIENCE_MS);
      this.#calmSince = now;
      if (this.#step > 0) this.#change(this.#step - 1, now, false);
    } else if (!(load <= EASY)) this.#calmSince = now;
    else if (this.#step < this.#best && now - this.#calmSince >= this.#patienceMs) this.#change(this.#step + 1, now, true);
    return this.#step;
  }

  #change(step, now, tried) {
    this.#step = step;
    this.#changedAt = now;
    this.#calmSince = now;
    this.#tried = tried;
    this.#stalls = [];
    this.#parts = [];
  }
}
