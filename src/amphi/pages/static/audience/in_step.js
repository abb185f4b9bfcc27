// In step with the picture: what presenters say and show appears when this listener's picture reaches the moment at which they did.

const LOOK_MS = 200;
const LONGEST_MS = 15000;
/** Further ahead of the picture, it is the clocks that differ. */
const UNLIKELY_MS = 60000;

export class InStep {
  #player;
  #longestMs;
  /** In the order in which they came. */
  #held = [];
  #timer = null;

  /** @param {{playing: boolean, playingDate: Date | null}} player what tells which moment is on the screen */
  constructor(player, longestMs = LONGEST_MS) {
    this.#player = player;
    this.#longestMs = longestMs;
  }

  /**
   * Calls `show` when the picture reaches `at`: at once where nothing plays or the moment is past, and never late.
   * @param {string | undefined} at the moment, as ISO 8601
   */
  hold(at, show) {
    const moment = Date.parse(at);
    if (this.#isReached(moment)) {
      show();
      return;
    }
    this.#held.push({ moment, show, until: performance.now() + this.#longestMs });
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  #isReached(moment) {
    const shown = this.#player.playing ? this.#player.playingDate?.getTime() : NaN;
    return !(moment > shown) || moment - shown > UNLIKELY_MS;
  }

  #look() {
    const now = performance.now();
    const due = this.#held.filter(({ moment, until }) => now >= until || this.#isReached(moment));
    this.#held = this.#held.filter((one) => !due.includes(one));
    if (!this.#held.length) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
    for (const { show } of due) show();
  }
}
