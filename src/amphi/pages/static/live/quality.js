// Which of a live's pictures to fetch: the best that comes in time.
//
// hls.js's own choice measures how many bits a second each download brought. A still slide takes so few that it takes every line for a slow one.
// What counts is whether each part comes in less time than it lasts, and whether the picture stood still. Parts are fetched one after another, so
// the way to the server and back counts too; but only what passes after the first byte becomes less with a smaller picture.

/** How much of their own duration the parts of the last seconds may take to come, */
const TOO_SLOW = 0.85;
/** of which at least so much from the first byte to the last: else a smaller picture does not help; */
const HELPS = 0.25;
/** and how much they may take in the larger picture, by what they take in this one. */
const EASY = 0.7;
/** How much more a larger picture takes, where the server does not say. */
const USUAL_STEP = 2.5;
const REMEMBERED_S = 4;
/** Standing still for so long, within so long, is too much. */
const STALLED_MS = 800;
const STALLED_WITHIN_MS = 15000;
/** A better picture is tried after so long without trouble; each time in vain, after twice as long. */
const FIRST_PATIENCE_MS = 20000;
const LONGEST_PATIENCE_MS = 300000;
const TRIAL_MS = 15000;

/** Chooses a step, from 0, the smallest picture, to the last of `rates`, their bits a second (0 where unknown). */
export class AutoQuality {
  #parts = [];
  #stalls = [];
  #step;
  #rates;
  #patienceMs = FIRST_PATIENCE_MS;
  #changedAt = -Infinity;
  #calmSince = 0;
  #tried = false;
  #freeAt = -Infinity;

  constructor(rates, { saves = false, now = 0 } = {}) {
    this.#rates = rates;
    this.#step = saves ? 0 : this.#best;
    this.#calmSince = now;
  }

  get #best() {
    return this.#rates.length - 1;
  }

  get step() {
    return this.#step;
  }

  /** A part came: how long it lasts, when it was asked for, and when its first byte and its last were there, in ms. */
  came(durationS, { start, first, end }) {
    // While another one came, it took none of the line's time.
    const from = Math.max(start, this.#freeAt);
    const begun = Math.max(first, from);
    this.#freeAt = Math.max(end, from);
    this.#parts.push({ durationS, waitedS: (begun - from) / 1000, tookS: (this.#freeAt - begun) / 1000 });
    while (this.#parts.length > 1 && this.#sum("durationS") > REMEMBERED_S) this.#parts.shift();
  }

  /** The picture stood still. */
  stalled(ms, now) {
    if (ms > 0) this.#stalls.push({ ms, now });
  }

  #sum(what) {
    return this.#parts.reduce((sum, part) => sum + part[what], 0);
  }

  /** How much of their duration the parts waited, and took from their first byte on. */
  get #load() {
    const lasted = this.#sum("durationS");
    // Too few say nothing.
    return lasted < 1 ? { waited: NaN, took: NaN } : { waited: this.#sum("waitedS") / lasted, took: this.#sum("tookS") / lasted };
  }

  /** The step from now on. */
  look(now) {
    this.#stalls = this.#stalls.filter((stall) => now - stall.now < STALLED_WITHIN_MS);
    const stalledMs = this.#stalls.reduce((sum, stall) => sum + stall.ms, 0);
    const { waited, took } = this.#load;
    if (stalledMs >= STALLED_MS || (waited + took > TOO_SLOW && took > HELPS)) {
      if (this.#tried && now - this.#changedAt < TRIAL_MS) this.#patienceMs = Math.min(this.#patienceMs * 2, LONGEST_PATIENCE_MS);
      this.#calmSince = now;
      if (this.#step > 0) this.#change(this.#step - 1, now, false);
    } else if (!(waited + took * this.#growth <= EASY)) this.#calmSince = now;
    else if (this.#step < this.#best && now - this.#calmSince >= this.#patienceMs) this.#change(this.#step + 1, now, true);
    return this.#step;
  }

  /** How many times more the next larger picture takes. */
  get #growth() {
    return this.#rates[this.#step + 1] / this.#rates[this.#step] || USUAL_STEP;
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
