// How far behind the newest picture a listener plays: as near as the line allows, and no nearer.
//
// Each part has a moment at which it came, by this machine's clock, and its place in the media. The earliest of the last minute tell where the
// newest picture is; the others are late, by what the line, the server and this machine add. Playing so far behind that nearly all of them are in
// time needs neither the server's clock nor the playlist's word.

const REMEMBERED_MS = 60000;
/** One arrival in a hundred is left to chance. */
const IN_TIME = 0.99;
/** Browsers decode that much ahead. */
const MARGIN_S = 0.2;
/** After the picture stood still: so much more, of which all is gone in so long. */
const STALL_S = 0.3;
const MOST_STALLS_S = 1.2;
const STALLS_FADE_S = 60;
/** The distance grows at once, and shrinks slowly. */
const FALL_PER_S = 0.1;
/** What comes just after the beginning, or after a change, was there before, or is late by the change. */
const SETTLE_MS = 2000;
/** So does all that was listed meanwhile, until it is caught up with, or for so long. */
const CATCH_UP_MS = 10000;
/** The media's clock jumped: what was noted says nothing any more. */
const JUMP_S = 8;
const LONGEST_S = 6;
/**
 * What comes so much later than the distance allows comes after an outage, up to what is in time again. One in a minute is no habit: to stay as far
 * behind for the rest of the minute would help nobody. Of a second one in the same minute, and of the first with it, the distance learns.
 */
const OUTAGE_S = 2;

/** Nearer to the aim than this is there; further away than this, the speed changes until it is. */
const NEAR_S = 0.08;
const OFF_S = 0.15;
const FAR_S = 0.5;
const VERY_FAR_S = 1;

/** Notes arrivals; tells the distance to keep, where the picture is, and how fast to play to get from one to the other. */
export class Distance {
  #arrivals = [];
  #newest = Infinity;
  #endS = NaN;
  #changedAt = NaN;
  #isSettled = false;
  #hasSettled = false;
  #holdBackS = 0;
  #lagS = NaN;
  #outageAt = NaN;
  #lookedAt = NaN;
  #stallS = 0;
  #rate = 1;

  /** How far from the newest picture the server wants players to stay at least, in seconds. */
  set holdBack(seconds) {
    this.#holdBackS = seconds;
  }

  /** What is in store ends at `endS` of the media since `now`, in ms; `isNewest` unless more was there to be fetched. */
  came(endS, now, isNewest = true) {
    // A lag is what the media's clock is behind this machine's.
    const lagS = now / 1000 - endS;
    if (Math.abs(lagS - this.#newest) > JUMP_S) this.#forget();
    if (Number.isNaN(this.#changedAt)) this.#changedAt = now;
    const sinceMs = now - this.#changedAt;
    this.#isSettled ||= sinceMs >= CATCH_UP_MS || (sinceMs >= SETTLE_MS && isNewest);
    this.#hasSettled ||= this.#isSettled;
    // Whoever plays with a smaller lag than this came to the end of the store before.
    const needsS = endS > this.#endS && this.#isSettled ? now / 1000 - this.#endS : -Infinity;
    if (needsS - this.#lagS > OUTAGE_S && Number.isNaN(this.#outageAt)) this.#outageAt = now;
    else if (needsS <= this.#lagS - MARGIN_S || now - this.#outageAt > CATCH_UP_MS) this.#outageAt = NaN;
    this.#arrivals.push({ now, lagS, needsS, outageAt: this.#outageAt });
    this.#newest = Math.min(this.#newest, lagS);
    this.#endS = endS;
  }

  /** Another place is played, or another picture: what comes until it has caught up is late by the change. */
  change(now) {
    this.#changedAt = now;
    this.#isSettled = false;
  }

  /** A smaller picture is fetched: how late the larger one was says nothing of it. */
  ease(now) {
    for (const one of this.#arrivals) one.needsS = -Infinity;
    this.change(now);
  }

  /** The picture stood still for want of media. */
  stalled() {
    if (this.#isSettled) this.#stallS = Math.min(this.#stallS + STALL_S, MOST_STALLS_S);
  }

  /** Seconds to stay behind the newest picture; NaN before a look at what came. */
  get aim() {
    return this.#lagS - this.#newest;
  }

  /** Seconds that the picture at `positionS` of the media is behind the newest one at `now`; NaN before anything came. */
  behind(positionS, now) {
    return Number.isFinite(this.#newest) ? now / 1000 - positionS - this.#newest : NaN;
  }

  /** Looks at what came until `now`: sets the aim. */
  look(now) {
    const passedS = now - this.#lookedAt > 0 ? (now - this.#lookedAt) / 1000 : 0;
    this.#lookedAt = now;
    this.#stallS = Math.max(0, this.#stallS - (MOST_STALLS_S * passedS) / STALLS_FADE_S);
    const recent = this.#arrivals.filter((one) => now - one.now < REMEMBERED_MS);
    // Nothing came for long: the last word holds.
    if (!recent.length) return;
    this.#arrivals = recent;
    this.#newest = Math.min(...recent.map((one) => one.lagS));
    const isHabit = new Set(recent.map((one) => one.outageAt)).size > 2; // NaN, where there was none, is one of them
    const counted = isHabit ? recent : recent.filter((one) => Number.isNaN(one.outageAt));
    const needs = counted.map((one) => one.needsS).sort((one, other) => one - other);
    const nearlyAll = (needs[Math.ceil(needs.length * IN_TIME) - 1] ?? -Infinity) + MARGIN_S;
    const wanted = Math.max(this.#newest + this.#holdBackS, nearlyAll) + this.#stallS;
    const least = this.#hasSettled ? this.#lagS - FALL_PER_S * passedS : -Infinity;
    this.#lagS = Math.min(wanted < least ? least : wanted, this.#newest + LONGEST_S);
  }

  /** How fast to play the picture at `positionS`, with `storeS` of media at hand. */
  rate(positionS, storeS, now) {
    const off = this.behind(positionS, now) - this.aim;
    const size = Math.abs(off);
    // Once begun, it goes on until it is there; never ahead into nothing.
    if (!(size > (this.#rate === 1 ? OFF_S : NEAR_S)) || (off > 0 && storeS < 2 * MARGIN_S)) this.#rate = 1;
    else if (off > 0) this.#rate = size > VERY_FAR_S ? 1.25 : size > FAR_S ? 1.1 : 1.05;
    else this.#rate = size > FAR_S ? 0.9 : 0.95;
    return this.#rate;
  }

  #forget() {
    this.#arrivals = [];
    this.#newest = Infinity;
    this.#endS = NaN;
    this.#changedAt = NaN;
    this.#isSettled = false;
    this.#hasSettled = false;
    this.#lagS = NaN;
    this.#outageAt = NaN;
  }
}

/** Seconds that `video` can go on with what is in store. */
export function storeOf({ buffered, currentTime }) {
  for (let index = 0; index < buffered.length; index += 1) {
    if (buffered.start(index) <= currentTime && currentTime <= buffered.end(index)) return buffered.end(index) - currentTime;
  }
  return 0;
}
