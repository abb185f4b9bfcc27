// The robot's camera and microphone, in place of the machine's: a clock that machines read, and a tone at each full second in
// step with a flash. `globalThis.rehearsalRobot` = {id, title} comes first, then `clock.js`.
(() => {
  const { rehearsalClock: clock, rehearsalRobot: robot } = globalThis;
  const WIDTH = 1280, HEIGHT = 720, FRAME_MS = 40, FLASH_MS = 100, TONE_S = 0.1, TONE_HZ = 880;
  const CLOCK_X = (WIDTH - clock.WIDTH) / 2, CLOCK_Y = (HEIGHT - clock.HEIGHT) / 2;

  function background(context) {
    const sky = context.createLinearGradient(0, 0, 0, HEIGHT);
    sky.addColorStop(0, '#10243e');
    sky.addColorStop(1, '#1d4e6b');
    context.fillStyle = sky;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.fillStyle = '#fff';
    context.font = '600 40px sans-serif';
    context.textBaseline = 'middle';
    context.fillText(robot.title, CLOCK_X, 90);
  }

  // Only what changes is drawn anew: the robot must leave the processor to what is measured.
  function paint(context) {
    const now = Date.now();
    clock.draw(context, CLOCK_X, CLOCK_Y, clock.encode(robot.id, now));
    context.fillStyle = '#12304c';
    context.fillRect(0, 560, WIDTH, 130);
    context.fillStyle = '#fff';
    context.font = '600 56px monospace';
    context.fillText(new Date(now).toISOString().slice(11, 21), CLOCK_X, 625);
    const phase = now % 4000 / 4000;
    context.fillStyle = '#5cc8ff';
    context.beginPath();
    context.arc(CLOCK_X + 430 + 220 * Math.abs(2 * phase - 1), 625, 34, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = now % 1000 < FLASH_MS ? '#fff' : '#0a1a2c';
    context.beginPath();
    context.arc(CLOCK_X + 750, 625, 46, 0, 2 * Math.PI);
    context.fill();
  }

  function camera() {
    const canvas = document.createElement('canvas');
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    const context = canvas.getContext('2d', { alpha: false });
    background(context);
    const [track] = canvas.captureStream(0).getVideoTracks();
    const frame = () => {
      if (track.readyState === 'ended') return clearInterval(timer);
      paint(context);
      track.requestFrame();
    };
    const timer = setInterval(frame, FRAME_MS);
    frame();
    return track;
  }

  function microphone() {
    const audio = new AudioContext({ sampleRate: 48000, latencyHint: 'interactive' });
    const out = audio.createMediaStreamDestination();
    const [track] = out.stream.getAudioTracks();
    // A person's microphone is never quite silent. Silence would not be sent, and what is sent after a pause counts as late: the other
    // side would wait ever longer for sound, and hold the picture back with it.
    const room = new OscillatorNode(audio, { frequency: 120 });
    room.connect(new GainNode(audio, { gain: 0.01 })).connect(out);
    room.start();
    // currentTime stands still between two buffers, so the largest difference seen lately is the true one.
    const seen = [];
    let scheduled = 0;
    const tick = () => {
      if (track.readyState === 'ended') {
        clearInterval(timer);
        return audio.close();
      }
      seen.push(audio.currentTime - Date.now() / 1000);
      if (seen.length > 40) seen.shift();
      const second = Math.ceil(Date.now() / 1000 + 0.15);
      if (second <= scheduled || second - Date.now() / 1000 > 0.4) return undefined;
      scheduled = second;
      const at = second + Math.max(...seen);
      const tone = new OscillatorNode(audio, { frequency: TONE_HZ });
      const level = new GainNode(audio, { gain: 0.5 });
      tone.connect(level).connect(out);
      tone.start(at);
      tone.stop(at + TONE_S);
      return undefined;
    };
    const timer = setInterval(tick, 25);
    audio.resume();
    return track;
  }

  const devices = [['audioinput', 'Robot microphone'], ['videoinput', 'Robot camera']].map(([kind, label]) => (
    { kind, label, deviceId: `rehearsal-${kind}`, groupId: 'rehearsal', toJSON() { return { ...this }; } }
  ));
  const media = Object.getPrototypeOf(navigator.mediaDevices ?? {});
  media.enumerateDevices = async () => devices;
  media.getUserMedia = async (constraints = {}) => {
    const tracks = [];
    if (constraints.audio) tracks.push(microphone());
    if (constraints.video) tracks.push(camera());
    return new MediaStream(tracks);
  };
})();
