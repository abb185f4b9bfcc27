// Parts that a player which is behind will need next, fetched at the same time as the one that it needs now.
//
// hls.js fetches parts one after another. On a long or lossy line each costs a way to the server and back, and what is lost costs more: a part of
// 0.2 s then takes longer than it lasts, though the line has room for it, and a player that is behind never catches up. What is listed already is
// asked for at once instead. A player that is not behind has one part to fetch when it is listed: nothing changes for it.

/** As many at once, besides the one that is needed now. */
const MOST = 2;
/** What nobody took for so long, nobody will. */
const KEPT_MS = 3000;

export class PartsAhead {
  #coming = new Map();
  #listed = [];
  #asked = "";

  /** The playlist lists the parts at these addresses. */
  set listed(urls) {
    this.#listed = urls;
    this.#askForNext();
  }

  #askForNext() {
    const now = performance.now();
    for (const [url, one] of this.#coming) if (now - one.at > KEPT_MS) this.#drop(url);
    const at = this.#listed.indexOf(this.#asked);
    if (at < 0) return;
    for (const url of this.#listed.slice(at + 1, at + 1 + MOST)) {
      if (!this.#coming.has(url) && this.#coming.size < MOST) this.#ask(url, now);
    }
  }

  #ask(url, now) {
    const stop = new AbortController();
    const patience = setTimeout(() => stop.abort(), KEPT_MS);
    const answer = fetched(url, now, stop.signal).finally(() => clearTimeout(patience));
    const one = { at: now, stop, answer };
    this.#coming.set(url, one);
    answer.catch(() => this.#coming.get(url) === one && this.#coming.delete(url));
  }

  /** The player asks for this now: what has been asked for already, or undefined. */
  take(url) {
    this.#asked = url;
    const found = this.#coming.get(url);
    this.#coming.delete(url);
    this.#askForNext();
    return found;
  }

  #drop(url) {
    this.#coming.get(url).stop.abort();
    this.#coming.delete(url);
  }

  /** Something else is played from now on. */
  clear() {
    this.#listed = [];
    for (const url of [...this.#coming.keys()]) this.#drop(url);
  }
}

async function fetched(url, start, signal) {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`part: ${answer.status}`);
  const first = performance.now();
  const data = await answer.arrayBuffer();
  return { url: answer.url, data, start, first, end: performance.now() };
}

/** hls.js's own loader, which takes what has been asked for ahead; where that failed, it asks again as usual. */
export function loaderWith(ahead, Base) {
  return class extends Base {
    #taken = null;

    load(context, config, callbacks) {
      const taken = ahead.take(context.url);
      if (!taken) {
        super.load(context, config, callbacks);
        return;
      }
      this.#taken = taken;
      this.context = context;
      this.callbacks = callbacks;
      const { stats } = this;
      const { loading } = stats;
      loading.start = performance.now();
      taken.answer.then(
        ({ url, data, start, first, end }) => {
          if (this.#taken !== taken) return;
          this.#taken = null;
          // When the line carried it, also when that was before it was wanted.
          Object.assign(loading, { start, first, end });
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
