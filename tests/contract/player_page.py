"""Two pages that play a stream: hls.js alone, and the player of the live page."""

import http.server
from pathlib import Path

from amphi.system.vendor import library

PATIENCE_MS = 60_000
PAGE = """<!doctype html><title>test</title><video muted autoplay playsinline></video>
<script src="/hls.js"></script><script>
window.seen = {parts: 0, segments: 0, blocking: 0, loads: 0, still: 0, errors: []};
window.play = url => {
  const video = document.querySelector("video");
  // As patient as the test: a busy machine may hold an answer for longer than the library's 10 s, and every error counts.
  const loads = Hls.DefaultConfig.playlistLoadPolicy.default;
  const playlistLoadPolicy = {default: {...loads, maxTimeToFirstByteMs: 60000, maxLoadTimeMs: 60000}};
  // One that began late, on a busy machine, comes closer: by itself the library stays as far behind for ever, and asks for whole segments.
  window.hls = new Hls({lowLatencyMode: true, playlistLoadPolicy, maxLiveSyncPlaybackRate: 1.5});
  hls.on(Hls.Events.FRAG_LOADED, (_, data) => { data.part ? seen.parts++ : seen.segments++; });
  hls.on(Hls.Events.LEVEL_LOADED, (_, data) => { if (data.networkDetails.responseURL.includes("_HLS_msn")) seen.blocking++; });
  hls.on(Hls.Events.ERROR, (_, data) => seen.errors.push(data.details));
  hls.on(Hls.Events.MANIFEST_LOADING, () => seen.loads++);
  let shownAt = performance.now();
  const note = now => { seen.still = Math.max(seen.still, now - shownAt); shownAt = now; video.requestVideoFrameCallback(note); };
  video.requestVideoFrameCallback(now => { shownAt = now; note(now); });
  hls.loadSource(url); hls.attachMedia(video);
};
window.state = () => { const video = document.querySelector("video"); return {...seen, time: video.currentTime,
  width: video.videoWidth, heard: video.webkitAudioDecodedByteCount, latency: hls.latency, target: hls.targetLatency,
  age: hls.playingDate ? (Date.now() - hls.playingDate) / 1000 : null,
  frames: video.getVideoPlaybackQuality().totalVideoFrames}; };
</script>"""


# The platform's own player, which reads a stream anew when its tracks change.
PLATFORM_PAGE = """<!doctype html><title>test</title><video muted playsinline></video>
<script type="module">
import { Player } from "/live/player.js";
const video = document.querySelector("video");
window.player = new Player(video);
window.play = url => player.attach(url);
window.state = () => ({ time: video.currentTime, playing: player.playing, heard: video.webkitAudioDecodedByteCount,
  frames: video.getVideoPlaybackQuality().totalVideoFrames });
</script>"""
# Three seconds on end: reading anew begins another count of time.
PLAYS_ON = """() => {
  const { playing, time } = state();
  if (!playing || !(time >= window.from)) window.from = time;
  return time > window.from + 3;
}"""
LIVE = Path(__file__).parents[2] / "src/amphi/pages/static/live"
SCRIPTS = {
    "/hls.js": lambda: library("hls.js/dist/hls.min.js"),
    "/trusted.js": lambda: LIVE.parent / "trusted.js",
    "/live/player.js": lambda: LIVE / "player.js",
    "/live/ahead.js": lambda: LIVE / "ahead.js",
    "/live/distance.js": lambda: LIVE / "distance.js",
    "/live/offers.js": lambda: LIVE / "offers.js",
    "/live/quality.js": lambda: LIVE / "quality.js",
    "/vendor/hls.js/hls.light.min.mjs": lambda: library("hls.js/dist/hls.light.min.mjs"),
}


class Pages(http.server.BaseHTTPRequestHandler):
    """Serves both pages, and the scripts that they load."""

    def do_GET(self):
        script = SCRIPTS.get(self.path)
        page = PLATFORM_PAGE if self.path == "/platform" else PAGE
        body = script().read_bytes() if script else page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if script else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
