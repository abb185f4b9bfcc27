// The event stream, for as long as the page is open: whatever breaks, it comes back and misses nothing.

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 20000;

/**
 * Dispatches `state`, `chat`, `message`, `delivery` with the parsed data in `detail`, `connection` with whether it is up, and
 * `refreshed` with the page's facts when they were asked for anew.
 */
export class AudienceStream extends EventTarget {
  #facts;
  #source = null;
  #seq;
  #snapshotSeq = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #timer = null;

  constructor(facts) {
    super();
    this.#facts = facts;
    this.#seq = facts.seq;
  }

  open() {
    // An address of its own for where we are: a browser that reconnects by itself says it in a header, which goes first.
    const url = `${this.#facts.events_url}&last_event_id=${this.#seq}`;
    const source = new EventSource(url);
    this.#source = source;
    source.addEventListener("open", () => {
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#tell("connection", true);
    });
    source.addEventListener("snapshot", (event) => this.#snapshot(JSON.parse(event.data)));
    for (const kind of ["state", "chat", "message", "delivery"]) {
      source.addEventListener(kind, (event) => this.#take(kind, event));
    }
    source.addEventListener("error", () => {
      this.#tell("connection", false);
      // The browser tries again by itself, unless the answer was not a stream: a ticket that expired, a server that is full.
      if (source.readyState === EventSource.CLOSED) this.#later();
    });
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  #take(kind, event) {
    const seq = Number(event.lastEventId);
    if (seq <= this.#seq) return;
    this.#seq = seq;
    // What the snapshot has told already is newer than what is told again on the way to it.
    if (seq <= this.#snapshotSeq && (kind === "state" || kind === "chat")) return;
    this.#tell(kind, JSON.parse(event.data));
  }

  #snapshot(facts) {
    this.#snapshotSeq = facts.seq;
    this.#tell("state", facts);
    this.#tell("chat", { enabled: facts.chat });
  }

  /** Ask for the page's facts anew: the picture comes from elsewhere. Not all listeners at once. */
  moved() {
    this.close();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refresh(), Math.random() * 1500);
  }

  #later() {
    const pauseMs = this.#pauseMs * (0.5 + Math.random());
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#timer = setTimeout(() => this.#refresh(), pauseMs);
  }

  async #refresh() {
    try {
      const answer = await fetch(this.#facts.state_url, {
        headers: { Accept: "application/json" },
        signal: AbortSignal.timeout(10000),
      });
      if (answer.status === 401 || answer.status === 403 || answer.status === 404) {
        // Logged out, or no longer invited: the page itself knows what to say.
        location.reload();
        return;
      }
      if (!answer.ok) throw new Error(`state: ${answer.status}`);
      const facts = await answer.json();
      this.#facts = { ...this.#facts, ...facts };
      if (facts.seq < this.#seq) this.#seq = facts.seq;
      this.#tell("refreshed", facts);
      this.open();
    } catch {
      this.#later();
    }
  }
}
