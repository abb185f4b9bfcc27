// Keeps cameras in step with voices. A voice is heard late, by what its buffer and the sound server hold. The browser makes up for that only after
// many seconds, and never where camera and voice come by connections of their own. So the cameras are told to wait as long.

const STEP_EVERY_MS = 1000;
/** From a picture that leaves its buffer to the filmed screen: decoding, drawing, filming. */
const TO_SCREEN_MS = 33;
const LONGEST_WAIT_MS = 400;
/** Smaller differences are nobody's notice, and each change makes a picture stutter. */
const STEP_MS = 15;
/** A camera has the wait that it was told only after a while. */
const SETTLE_STEPS = 4;

const connections = new Set();
const measured = new WeakMap();
const settling = new WeakMap();

const { setRemoteDescription } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.setRemoteDescription = function remember(...given) {
  connections.add(this);
  return setRemoteDescription.apply(this, given);
};

/** What a voice or camera was held in its buffer since this was asked last, and what the sound server held of a voice, in ms; NaN where nothing came. */
async function delays(receiver) {
  const now = { held: 0, emitted: 0, played: 0, delay: 0 };
  for (const stat of (await receiver.getStats()).values()) {
    if (stat.type === "inbound-rtp") Object.assign(now, { held: stat.jitterBufferDelay, emitted: stat.jitterBufferEmittedCount });
    else if (stat.type === "media-playout") Object.assign(now, { delay: stat.totalPlayoutDelay, played: stat.totalSamplesCount });
  }
  const before = measured.get(receiver) ?? { held: 0, emitted: 0, played: 0, delay: 0 };
  measured.set(receiver, now);
  return {
    heldMs: (1000 * (now.held - before.held)) / (now.emitted - before.emitted),
    playoutMs: (1000 * (now.delay - before.delay)) / (now.played - before.played),
  };
}

async function keepInStep() {
  const receivers = [];
  for (const connection of connections) {
    if (connection.connectionState === "closed") connections.delete(connection);
    else receivers.push(...connection.getReceivers().filter(({ track }) => track.readyState === "live"));
  }
  const found = await Promise.all(receivers.map(async (receiver) => ({ receiver, ...(await delays(receiver)) })));
  const late = found.map(({ heldMs, playoutMs }) => heldMs + playoutMs).filter((ms) => Number.isFinite(ms));
  if (!late.length) return;
  const wantedMs = Math.max(...late) - TO_SCREEN_MS;
  for (const { receiver, heldMs } of found) {
    if (receiver.track.kind !== "video" || !Number.isFinite(heldMs)) continue;
    const settles = settling.get(receiver) ?? 0;
    settling.set(receiver, settles - 1);
    // The browser holds a camera for less than it is told, or for more where the network asks for that: so what it does is measured.
    const offMs = wantedMs - heldMs;
    if (settles > 0 || Math.abs(offMs) <= STEP_MS) continue;
    receiver.jitterBufferTarget = Math.max(0, Math.min((receiver.jitterBufferTarget ?? heldMs) + offMs, LONGEST_WAIT_MS));
    settling.set(receiver, SETTLE_STEPS);
  }
}

setInterval(() => keepInStep().catch(() => {}), STEP_EVERY_MS); // a connection may close meanwhile
