// Since 3.0 BigBlueButton's client gets its data through sockets of GraphQL, and shows nothing when it has lost them (its settings leave
// those notices out): slides and names would stand still for ever. So its sockets are watched, from before its first script on.

const DATA_PROTOCOL = "graphql-transport-ws";
const ASK_MS = 700; // two questions without an answer, and the look after, are 3 s; the server itself pings each 10 s only
const MOST_ASKED = 2; // one answer may be late, or wait while this page is busy
const SILENT_MS = 15000; // the client's own limit, for a server that does not answer
const LOST_MS = 1000; // a socket that another one replaces at once is none that was lost

const data = { sockets: new Map(), hasBeenOpen: false, lostMs: null };

function watchDataSockets() {
  window.WebSocket = new Proxy(window.WebSocket, {
    construct(target, given, as) {
      const socket = Reflect.construct(target, given, as);
      if ([given[1]].flat().includes(DATA_PROTOCOL)) follow(socket);
      return socket;
    },
  });
}

function follow(socket) {
  socket.addEventListener("open", () => {
    data.hasBeenOpen = true;
    data.sockets.set(socket, { heardMs: null, askedMs: 0, asked: 0, isPinged: false, answers: false });
  });
  socket.addEventListener("message", ({ data: text }) => {
    const known = data.sockets.get(socket);
    if (!known) return;
    known.heardMs = performance.now();
    known.asked = 0;
    const type = typeof text === "string" && text.length < 200 && /"type"\s*:\s*"(ping|pong)"/.exec(text)?.[1];
    known.isPinged ||= type === "ping";
    known.answers ||= type === "pong";
  });
  socket.addEventListener("close", () => data.sockets.delete(socket));
}

// A silent socket is asked, by the protocol's own ping: a server answers it, and the client takes the answer for a sign of life like
// any other. A server that never answered one is not missed for that.
function isAlive([socket, known], now) {
  if (known.heardMs === null) return true;
  if (now - Math.max(known.heardMs, known.askedMs) >= ASK_MS) {
    socket.send('{"type":"ping"}');
    known.askedMs = now;
    known.asked += 1;
  }
  if (known.answers) return known.asked <= MOST_ASKED;
  return !known.isPinged || now - known.heardMs < SILENT_MS;
}

function isDataLost() {
  const now = performance.now();
  const alive = [...data.sockets].filter((each) => isAlive(each, now));
  if (!data.hasBeenOpen || alive.length) {
    data.lostMs = null;
    return false;
  }
  data.lostMs ??= now;
  return data.sockets.size > 0 || now - data.lostMs > LOST_MS;
}
