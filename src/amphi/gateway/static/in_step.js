// Keeps cameras in step with voices. A voice is heard late, by what its buffer and the sound server hold. The browser makes up for that only after
// many seconds, and never where camera and voice come by connections of their own. So the cameras are told to wait as long.

const STEP_EVERY_MS = 1000;
/** From a decoded picture to the filmed screen. */
const TO_SCREEN_MS = 25;
const LONGEST_WAIT_MS = 400;
/** Smaller differences are nobody's notice, and each change makes a picture stutter. */
const STEP_MS = 15;

const connections = new Set();
const heard = new WeakMap();

const { setRemoteDescription } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.setRemoteDescription = function remember(...given) {
  connections.add(this);
  return setRemoteDescription.apply(this, given);
};

/** How late a voice was heard since this was asked last, in ms; null when nothing was. */
async function lateness(receiver) {
  const now = { held: 0, samples: 0, played: 0, delay: 0 };
  for (const stat of (await receiver.getStats()).values()) {
    if (stat.type === "inbound-rtp") Object.assign(now, { held: stat.jitterBufferDelay, samples: stat.jitterBufferEmittedCount });
    else if (stat.type === "media-playout") Object.assign(now, { delay: stat.totalPlayoutDelay, played: stat.totalSamplesCount });
  }
  const before = heard.get(receiver) ?? { held: 0, samples: 0, played: 0, delay: 0 };
  heard.set(receiver, now);
  const [samples, played] = [now.samples - before.samples, now.played - before.played];
  return samples > 0 && played > 0 ? 1000 * ((now.held - before.held) / samples + (now.delay - before.delay) / played) : null;
}

async function keepInStep() {
  const receivers = [];
  for (const connection of connections) {
    if (connection.connectionState === "closed") connections.delete(connection);
    else receivers.push(...connection.getReceivers().filter(({ track }) => track.readyState === "live"));
  }
  const voices = receivers.filter(({ track }) => track.kind === "audio");
  const late = (await Promise.all(voices.map(lateness))).filter((one) => one !== null);
  if (!late.length) return;
  const waitMs = Math.min(Math.max(...late) - TO_SCREEN_MS, LONGEST_WAIT_MS);
  for (const receiver of receivers) {
    if (receiver.track.kind === "video" && Math.abs(waitMs - (receiver.jitterBufferTarget ?? 0)) > STEP_MS) receiver.jitterBufferTarget = Math.max(0, waitMs);
  }
}

setInterval(() => keepInStep().catch(() => {}), STEP_EVERY_MS); // a connection may close meanwhile
