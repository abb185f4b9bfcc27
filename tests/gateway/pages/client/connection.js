// The data of a meeting, since 3.0: connection-manager/component.tsx. The server pings and the client never does; what is lost is tried
// again every 10 s. notifications-bar/container.jsx shows nothing of it: `showConnectionErrors` leaves out the codes 3001 and 3002.
const RETRY_MS = scene.retryMs ?? 10000;
let pongs = 0;

function connectData() {
  const socket = new WebSocket(scene.data, "graphql-transport-ws");
  socket.addEventListener("open", () => socket.send(JSON.stringify({ type: "connection_init", payload: {} })));
  socket.addEventListener("message", ({ data }) => {
    const { type } = JSON.parse(data);
    if (type === "pong") pongs += 1;
    if (type === "ping") socket.send(JSON.stringify({ type: "pong" }));
  });
  socket.addEventListener("close", () => setTimeout(connectData, RETRY_MS));
}

if (scene.data) connectData();
