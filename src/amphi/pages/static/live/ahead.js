// Parts that are asked for before the playlist lists them (EXT-X-PRELOAD-HINT).
//
// hls.js asks for a part when the playlist lists it: that is a way to the server and back later than need be, for each part. On a long line this is a
// third of what a part lasts, in which nothing comes. So what the playlist hints at is asked for in time to be there just before the part. No
// earlier: nginx has all who ask for a part wait for the first of them, but for 50 ms at most; then each would get a copy of the server's own.

/** Shorter ways to the server and back are left alone. */
const LONG_MS = 30;
/** So long before the part is there, its request should be. */
const EARLY_MS = 30;
const MOST = 2;
/** What nobody took for so long, nobody will. */
const KEPT_MS = 3000;

export class PartsAhead {
  #tripMs = NaN;
  #coming = new Map();
  #timer = null;
  #newest = "";
  #asked = "";

  /** How long the first byte took of something that was there. */
  set tripMs(ms) {
    this.#tripMs = ms;
  }

  /** The playlist came: its last part, the one that it hints at, and how long parts last. */
  plan({ newest, hinted, partS }) {
    clearTimeout(this.#timer);
    this.#newest = newest;
    if (!(this.#tripMs >= LONG_MS)) return;
    this.#timer = setTimeout(() => this.#ask(hinted), Math.max(0, partS * 1000 - this.#tripMs - EARLY_MS));
  }

  #ask(url) {
    const now = performance.now();
    for (const [known, one] of this.#coming) if (now - one.at > KEPT_MS) this.#drop(known);
    // While the player is behind, what it waits for has the whole line.
    if (this.#asked !== this.#newest || this.#coming.has(url) || this.#coming.size >= MOST) return;
    const stop = new AbortController();
    const patience = setTimeout(() => stop.abort(), KEPT_MS);
    const answer = fetched(url, stop.signal).finally(() => clearTimeout(patience));
    const one = { at: now, stop, answer };
    this.#coming.set(url, one);
    answer.catch(() => this.#coming.get(url) === one && this.#coming.delete(url));
  }

  /** The player asks for this now: what has been asked for already, or undefined. */
  take(url) {
    this.#asked = url;
    const found = this.#coming.get(url);
    this.#coming.delete(url);
    return found;
  }

  #drop(url) {
    this.#coming.get(url).stop.abort();
    this.#coming.delete(url);
  }

  /** Something else is played from now on. */
  clear() {
    clearTimeout(this.#timer);
    for (const url of [...this.#coming.keys()]) this.#drop(url);
  }
}

async function fetched(url, signal) {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`part: ${answer.status}`);
  const first = performance.now();
  const data = await answer.arrayBuffer();
  return { url: answer.url, data, first, end: performance.now() };
}

/** Notes how long the first byte took: this file was there, and nothing but the way counts. */
function timed(ahead, callbacks) {
  const onSuccess = (response, stats, ...others) => {
    ahead.tripMs = stats.loading.first - stats.loading.start;
    callbacks.onSuccess(response, stats, ...others);
  };
  return { ...callbacks, onSuccess };
}

/** hls.js's own loader, which takes what has been asked for ahead; where that failed, it asks again as usual. */
export function loaderWith(ahead, Base) {
  return class extends Base {
    #taken = null;

    load(context, config, callbacks) {
      const taken = ahead.take(context.url);
      if (!taken) {
        super.load(context, config, context.frag?.sn === "initSegment" ? timed(ahead, callbacks) : callbacks);
        return;
      }
      this.#taken = taken;
      this.context = context;
      const { stats } = this;
      const { loading } = stats;
      loading.start = performance.now();
      taken.answer.then(
        ({ url, data, first, end }) => {
          if (this.#taken !== taken) return;
          this.#taken = null;
          // As long as the line needed for it, also when that was before it was wanted.
          loading.start = Math.min(loading.start, first);
          loading.first = first;
          loading.end = end;
          stats.loaded = data.byteLength;
          stats.total = data.byteLength;
          callbacks.onSuccess({ url, data, code: 200 }, stats, context, null);
        },
        () => {
          if (this.#taken !== taken) return;
          this.#taken = null;
          loading.start = 0;
          super.load(context, config, callbacks);
        },
      );
      this.callbacks = callbacks;
    }

    #leave() {
      const taken = this.#taken;
      this.#taken = null;
      taken?.stop.abort();
      if (taken && this.stats) this.stats.aborted = true;
    }

    abort() {
      this.#leave();
      super.abort();
    }

    destroy() {
      this.#leave();
      super.destroy();
    }
  };
}
