// The tabs of one browser on one event: one of them leads, which means that it holds the connection and tells the others what it hears.
// A browser opens six connections to a server that speaks HTTP/1.1, in all its tabs together: with one each, the seventh tab never loads.

/**
 * Dispatches `lead` when it is this tab's turn to lead, `yield` when another tab took over by force, and `said` with what another tab said.
 * The lock of a tab that is closed goes to the next one by itself. Without locks (no https), each tab leads.
 */
export class Tabs extends EventTarget {
  #name;
  #channel = null;
  #turn = null;
  #release = null;
  leading = false;

  constructor(name) {
    super();
    this.#name = name;
  }

  join() {
    if (!navigator.locks || !window.BroadcastChannel) {
      this.#lead();
      return;
    }
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.addEventListener("message", ({ data }) => this.dispatchEvent(new CustomEvent("said", { detail: data })));
    this.#queue({});
  }

  /** Lead now: who leads says nothing any more. Browsers freeze tabs that nobody sees. */
  take() {
    this.#queue({ steal: true });
  }

  say(message) {
    this.#channel?.postMessage(message);
  }

  leave() {
    this.#turn = null;
    this.leading = false;
    this.#release?.();
    this.#channel?.close();
    this.#channel = null;
  }

  async #queue(how) {
    // Only the newest request counts; an older one that is granted later is given back at once.
    const turn = {};
    this.#turn = turn;
    try {
      await navigator.locks.request(this.#name, how, () => (turn === this.#turn ? this.#hold() : undefined));
    } catch {
      if (turn !== this.#turn) return;
      if (this.leading) {
        this.leading = false;
        this.dispatchEvent(new CustomEvent("yield"));
        this.#queue({});
      } else this.#lead();
    }
  }

  #hold() {
    return new Promise((release) => {
      this.#release = release;
      this.#lead();
    });
  }

  #lead() {
    this.leading = true;
    this.dispatchEvent(new CustomEvent("lead"));
  }
}
