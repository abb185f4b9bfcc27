// What the room's socket is given while it opens, is open, closes, and is back: one line a socket, `["first", [sent …]]`.
import { webcrypto } from "node:crypto";

const sockets = [];
// What browsers have, and Debian 12's Node.js does not.
globalThis.crypto ??= webcrypto;
globalThis.CustomEvent ??= class extends Event {
  constructor(type, { detail = null, ...options } = {}) {
    super(type, options);
    this.detail = detail;
  }
};
globalThis.location = new URL("http://localhost/html5client/join");
globalThis.WebSocket = class extends EventTarget {
  static OPEN = 1;
  readyState = 0;
  sent = [];
  constructor() {
    super();
    sockets.push(this);
  }
  // As browsers do, which say it in the console.
  send(text) {
    if (this.readyState !== 1) throw new Error("WebSocket is already in CLOSING or CLOSED state.");
    this.sent.push(JSON.parse(text).number);
  }
  close() {
    this.readyState = 2;
  }
  welcome() {
    this.readyState = 1;
    this.dispatchEvent(new MessageEvent("message", { data: '{"type":"welcome"}' }));
  }
};

const { Signalling } = await import("../../src/amphi/classroom/static/signalling.js");
const signalling = new Signalling("token");
signalling.connect();
signalling.send({ number: 1 });
const [first] = sockets;
first.welcome();
signalling.send({ number: 2 });
first.close();
signalling.send({ number: 3 });
first.readyState = 3;
first.dispatchEvent(new Event("close"));
while (sockets.length < 2) await new Promise((done) => setTimeout(done, 10));
sockets[1].welcome();
for (const [at, one] of sockets.entries()) console.log(JSON.stringify([["first", "second"][at], one.sent]));
process.exit();
