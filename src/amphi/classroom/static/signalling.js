// The socket to the server. It comes back by itself when the connection is lost, as the same opening of the page.
const RETRY_DELAYS_MS = [200, 500, 1000, 2000, 3000];
const MAX_WAITING = 200;
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
  }

  connect() {
    if (this.closed) return;
    this.socket = new WebSocket(this.address);
    this.socket.addEventListener("message", (event) => this.#receive(JSON.parse(event.data)));
    this.socket.addEventListener("close", () => this.#retry());
  }

  /** Send a message, or keep it until the connection is back. */
  send(message) {
    const text = JSON.stringify(message);
    if (this.open) this.socket.send(text);
    else if (this.waiting.length < MAX_WAITING) this.waiting.push(text);
  }

  close() {
    this.closed = true;
    this.socket?.close();
  }

  #receive(message) {
    if (message.type === "welcome") {
      this.open = true;
      this.attempts = 0;
    }
    if (FINAL.has(message.type)) this.closed = true;
    this.dispatchEvent(new CustomEvent("message", { detail: message }));
    if (message.type === "welcome") for (const text of this.waiting.splice(0)) this.socket.send(text);
  }

  #retry() {
    this.open = false;
    if (this.closed) return;
    this.dispatchEvent(new Event("lost"));
    const delay = RETRY_DELAYS_MS[Math.min(this.attempts++, RETRY_DELAYS_MS.length - 1)];
    setTimeout(() => this.connect(), delay);
  }
}
