// What listeners see, small and without sound. It gives way: it is not loaded before the rest of the page, nor while nobody looks at it.

import { keep, kept } from "./kept.js";

const KEPT_AS = "amphi desk picture";

const byId = (id) => document.getElementById(id);

export class Picture {
  #details = byId("desk-picture");
  #screen = byId("desk-screen");
  #video = byId("desk-video");
  #player = null;
  #loading = null;
  #state = "";
  #url;
  #stream;
  /** The picture moved, and its new address is being asked for. */
  #elsewhere = false;

  constructor(facts) {
    this.#url = facts.hls_url;
    this.#stream = facts.stream;
    this.#video.muted = true;
    if (kept(KEPT_AS) === "closed") this.#details.open = false;
    this.#details.addEventListener("toggle", () => {
      keep(KEPT_AS, this.#details.open ? "open" : "closed");
      this.#attach();
    });
    document.addEventListener("visibilitychange", () => this.#attach());
  }

  /** Follows the live; returns whether its picture has another address now, which is to be asked for. */
  follow({ state, stream }) {
    if (state) this.#state = state;
    const moved = Boolean(stream && stream !== this.#stream);
    if (moved) {
      this.#stream = stream;
      this.#elsewhere = true;
    }
    this.#attach();
    return moved;
  }

  /** The page's facts were asked for anew. */
  renew({ hls_url: url, stream }) {
    if (stream !== this.#stream) this.#player?.detach();
    this.#url = url;
    this.#stream = stream;
    this.#elsewhere = false;
    this.#player?.renew(url);
    this.#attach();
  }

  get #wanted() {
    return this.#details.open && !document.hidden && !this.#elsewhere && ["live", "recovering"].includes(this.#state);
  }

  async #attach() {
    this.#screen.dataset.state = this.#state;
    if (this.#wanted) await this.#load();
    if (this.#wanted) this.#player.attach(this.#url);
    else this.#player?.detach();
  }

  #load() {
    this.#loading ??= import("./player.js").then(({ Player }) => {
      this.#player = new Player(this.#video);
      this.#player.addEventListener("playing", ({ detail }) => {
        this.#screen.dataset.picture = detail ? "yes" : "no";
      });
    });
    return this.#loading;
  }
}
