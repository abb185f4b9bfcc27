// The event stream, for as long as the page is open: whatever breaks, it comes back and misses nothing.

import { Tabs } from "./tabs.js";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 20000;
// Asking for the page's facts costs the platform a page; opening the stream again does not. So only each third try asks for them first.
const TRIES_BEFORE_ASKING = 3;
// Two keep-alives and a half: a connection may die without a word, as when a laptop slept.
const SILENCE_MS = 40000;
const LOOK_MS = 5000;
// All listeners break off at once when an edge or a server restarts; they don't come back at once.
const SPREAD_MS = 8000;
const ELSEWHERE_MS = 60000;
// What the leading tab can tell again to one that has just opened.
const KEPT = 300;
const KINDS = [
  "state", "chat", "message", "delivery", "hidden", "pin", "reacted",
  "question", "votes", "poll", "reactions", "hands", "voices", "after", "listeners", "caption", "captions",
];

/**
 * Dispatches each of `KINDS` with the parsed data in `detail`, `connection` with whether it is up, and
 * `refreshed` with the page's facts when they were asked for anew.
 */
export class AudienceStream extends EventTarget {
  #facts;
  #mark;
  #tabs;
  #id = crypto.getRandomValues(new Uint32Array(2)).join("-");
  #source = null;
  #seq;
  #snapshotSeq = 0;
  #now;
  #told = [];
  #toldFrom = 0;
  #tries = 0;
  #timer = null;
  #asking = null;
  #heardAt = Date.now();
  #silenceMs = SILENCE_MS + Math.random() * LOOK_MS;
  #look = null;
  #onVisible = () => this.#watch();

  constructor(facts) {
    super();
    this.#facts = facts;
    this.#seq = facts.seq;
    this.#now = facts;
    this.#mark = facts.at_desk ? "&aside=1" : "";
    const { pathname, searchParams } = new URL(facts.events_url + this.#mark, location);
    // A stream that is not counted can't stand for one that is.
    this.#tabs = new Tabs(`amphi ${pathname}${searchParams.has("aside") ? " aside" : ""}`);
    this.#tabs.addEventListener("lead", () => this.#lead());
    this.#tabs.addEventListener("yield", () => this.#hangUp());
    this.#tabs.addEventListener("said", ({ detail }) => this.#hear(detail));
  }

  open() {
    this.#look = setInterval(() => this.#watch(), LOOK_MS);
    document.addEventListener("visibilitychange", this.#onVisible);
    this.#tabs.join();
    this.#tabs.say({ hello: this.#seq, from: this.#id });
  }

  close() {
    clearInterval(this.#look);
    clearTimeout(this.#asking);
    document.removeEventListener("visibilitychange", this.#onVisible);
    this.#hangUp();
    this.#tabs.leave();
  }

  /** Ask for the page's facts anew: the picture comes from elsewhere. Not all listeners at once. */
  moved() {
    this.#ask(1500);
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  // --- the tab that leads

  #lead() {
    this.#toldFrom = this.#seq;
    this.#told = [];
    this.#listen();
  }

  #listen() {
    this.#hangUp();
    this.#heardAt = Date.now();
    // An address of its own for where we are: a browser that reconnects by itself says it in a header, which goes first.
    const source = new EventSource(`${this.#facts.events_url}&last_event_id=${this.#seq}${this.#mark}`);
    this.#source = source;
    source.addEventListener("open", () => this.#pass({ up: true }));
    source.addEventListener("alive", () => this.#pass({}));
    source.addEventListener("snapshot", (event) => {
      this.#tries = 0;
      this.#pass({ snapshot: JSON.parse(event.data) });
    });
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => this.#pass({ kind, seq: Number(event.lastEventId), data: JSON.parse(event.data) }));
    }
    source.addEventListener("bye", (event) => this.#farewell(JSON.parse(event.data).reason));
    source.addEventListener("error", () => {
      this.#pass({ up: false });
      // The browser tries again by itself, unless the answer was not a stream: a ticket that expired, a server that is full.
      if (source === this.#source && source.readyState === EventSource.CLOSED) this.#later();
    });
  }

  #hangUp() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  /** Take something from the stream, and hand it to the other tabs. */
  #pass(heard) {
    if (heard.kind) {
      this.#told.push(heard);
      if (this.#told.length > KEPT) this.#toldFrom = this.#told.shift().seq;
    }
    this.#tabs.say(heard);
    this.#take(heard);
  }

  /** A tab has just opened: what did it miss since its page was made? */
  #welcome({ hello, from }) {
    if (hello < this.#toldFrom) this.#tabs.say({ to: from, behind: true });
    else for (const one of this.#told) if (one.seq > hello) this.#tabs.say({ ...one, to: from });
  }

  #farewell(reason) {
    this.#hangUp();
    this.#pass({ up: false, withdrawn: reason === "withdrawn" });
    if (reason === "elsewhere") {
      // This viewer has too many streams open; this one may be needed least.
      this.#timer = setTimeout(() => this.#listen(), ELSEWHERE_MS * (1 + Math.random()));
    } else if (reason === "ticket") this.#ask(SPREAD_MS);
  }

  #later() {
    this.#hangUp();
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#tries, LONGEST_PAUSE_MS) * (0.5 + Math.random());
    this.#tries += 1;
    if (this.#tries % TRIES_BEFORE_ASKING === 0) this.#timer = setTimeout(() => this.#ask(SPREAD_MS), pauseMs);
    else this.#timer = setTimeout(() => this.#listen(), pauseMs);
  }

  // --- every tab

  #hear(said) {
    if (said.hello !== undefined) {
      if (this.#tabs.leading) this.#welcome(said);
    } else if (!said.to || said.to === this.#id) this.#take(said);
  }

  #take(heard) {
    this.#heardAt = Date.now();
    if (heard.up !== undefined) this.#tell("connection", heard.up);
    if (heard.behind) this.#ask(1000);
    if (heard.withdrawn) this.#ask(SPREAD_MS);
    if (heard.snapshot) this.#snapshot(heard.snapshot);
    if (!heard.kind || heard.seq <= this.#seq) return;
    this.#seq = heard.seq;
    // What the snapshot has told already is newer than what is told again on the way to it.
    if (heard.seq <= this.#snapshotSeq && ["state", "chat", "pin", "listeners"].includes(heard.kind)) return;
    if (heard.kind === "state") this.#now = { ...this.#now, ...heard.data };
    if (heard.kind === "chat") this.#now = { ...this.#now, chat: heard.data };
    if (heard.kind === "pin") this.#now = { ...this.#now, pinned: heard.data.message };
    if (heard.kind === "listeners") this.#now = { ...this.#now, listeners: heard.data.about };
    this.#tell(heard.kind, heard.data);
  }

  #snapshot(facts) {
    this.#snapshotSeq = facts.seq;
    this.#now = facts;
    this.#tell("state", facts);
    this.#tell("chat", facts.chat);
    this.#tell("pin", { message: facts.pinned ?? null });
    if (facts.listeners !== undefined) this.#tell("listeners", { about: facts.listeners });
  }

  /** Has anything been heard lately? If not, this tab listens anew, or in place of the one that leads. */
  #watch() {
    if (Date.now() - this.#heardAt < this.#silenceMs) return;
    this.#heardAt = Date.now();
    this.#tell("connection", false);
    if (this.#tabs.leading) this.#listen();
    else this.#tabs.take();
  }

  #ask(spreadMs) {
    clearTimeout(this.#asking);
    this.#asking = setTimeout(() => this.#refresh(), Math.random() * spreadMs);
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
      const listensAnew = this.#tabs.leading && !this.#source;
      // Numbers that begin again are those of another database; while this tab listens, they are only late.
      if (listensAnew || facts.seq > this.#seq) this.#seq = facts.seq;
      this.#tell("refreshed", facts);
      this.#snapshot(facts.seq < this.#seq ? { ...this.#now, seq: this.#snapshotSeq } : facts);
      if (listensAnew) this.#listen();
    } catch {
      if (this.#tabs.leading && !this.#source) this.#later();
      else this.#ask(LONGEST_PAUSE_MS);
    }
  }
}
