// Since 3.0 BigBlueButton's client gets its data through sockets of GraphQL, and shows nothing when it has lost them (its settings leave
// those notices out): slides and names would stand still for ever. So its sockets are watched, from before its first script on.

const DATA_PROTOCOL = "graphql-transport-ws";
const SILENT_MS = 15000; // the client's own limit: the server pings all the time
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
    data.sockets.set(socket, { heardMs: performance.now(), isPinged: false });
  });
  socket.addEventListener("message", ({ data: text }) => {
    const known = data.sockets.get(socket);
    if (!known) return;
    known.heardMs = performance.now();
    known.isPinged ||= typeof text === "string" && text.length < 200 && /"type"\s*:\s*"ping"/.test(text);
  });
  socket.addEventListener("close", () => data.sockets.delete(socket));
}

function isDataLost() {
  const now = performance.now();
  const isAlive = ({ heardMs, isPinged }) => !isPinged || now - heardMs < SILENT_MS;
  if (!data.hasBeenOpen || [...data.sockets.values()].some(isAlive)) {
    data.lostMs = null;
    return false;
  }
  data.lostMs ??= now;
  return now - data.lostMs > LOST_MS;
}
