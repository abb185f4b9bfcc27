// How this listener receives the live, told each half minute: seconds, and nothing of who or where. The platform keeps sums of all listeners.

const EVERY_MS = 30000;
const SPREAD_MS = 10000;

/** Tells `urlOf()` what `player` measured, for as long as the page is open. What is not heard is not told again. */
export function report(player, urlOf) {
  // Thousands of pages open at the same moment, and don't report at the same moment.
  const pauseMs = EVERY_MS + (Math.random() - 0.5) * SPREAD_MS;
  setTimeout(async () => {
    const { watched, stalled } = player.takeMeasures();
    const delay = player.latency;
    if (watched + stalled > 0) {
      const body = JSON.stringify({ watched, stalled, delay: Number.isFinite(delay) && delay >= 0 ? delay : null });
      await fetch(urlOf(), { method: "POST", body, keepalive: true, signal: AbortSignal.timeout(10000) }).catch(() => {});
    }
    report(player, urlOf);
  }, pauseMs);
}
