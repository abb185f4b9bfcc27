// The socket to the server. It comes back by itself when the connection is lost, as the same opening of the page.
const RETRY_DELAYS_MS = [200, 500, 1000, 2000, 3000];
const MAX_WAITING = 200;
const ASK_EVERY_MS = 2000;
const PATIENCE_MS = 4000;
const FINAL = new Set(["ended", "refused", "replaced"]);

export class Signalling extends EventTarget {
  constructor(sessionToken) {
    super();
    const address = new URL("/html5client/socket", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    this.client = crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint32Array(4))).join("-");
    address.searchParams.set("sessionToken", sessionToken);
    address.searchParams.set("client", this.client);
    this.address = address;
    this.attempts = 0;
    this.waiting = [];
    this.closed = false;
    this.askedAt = null;
    setInterval(() => this.#ask(), ASK_EVERY_MS);
  }

  connect() {
    if (this.closed) return;
    const socket = (this.socket = new WebSocket(this.address));
    socket.addEventListener("message", (event) => socket === this.socket && this.#receive(JSON.parse(event.data)));
    socket.addEventListener("close", () => socket === this.socket && this.#retry());
  }

  /** Send a message, or keep it until the connection is back. */
  send(message) {
    this.#write(JSON.stringify(message));
  }

  /** A socket that is closing, which is told of only once it has closed, takes nothing any more. */
  #write(text) {
    if (this.open && this.socket.readyState === WebSocket.OPEN) this.socket.send(text);
    else if (this.waiting.length < MAX_WAITING) this.waiting.push(text);
  }

  close() {
    this.closed = true;
    this.socket?.close();
  }

  /** Ask whether the server is there: a network that swallows all closes no socket for minutes. Time counts from the question, since pages that nobody sees ask seldom. */
  #ask() {
    if (!this.open) return;
    if (this.askedAt === null) {
      this.askedAt = performance.now();
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send('{"type":"ping"}');
    } else if (performance.now() - this.askedAt > PATIENCE_MS) {
      const silent = this.socket;
      this.#retry();
      silent.close();
    }
  }

  #receive(message) {
    this.askedAt = null;
    if (message.type === "welcome") {
      this.open = true;
      this.attempts = 0;
    }
    if (FINAL.has(message.type)) this.closed = true;
    this.dispatchEvent(new CustomEvent("message", { detail: message }));
    if (message.type === "welcome") for (const text of this.waiting.splice(0)) this.#write(text);
  }

  #retry() {
    this.open = false;
    this.askedAt = null;
    this.socket = null;
    if (this.closed) return;
    this.dispatchEvent(new Event("lost"));
    const delay = RETRY_DELAYS_MS[Math.min(this.attempts++, RETRY_DELAYS_MS.length - 1)];
    setTimeout(() => this.connect(), delay);
  }
}
