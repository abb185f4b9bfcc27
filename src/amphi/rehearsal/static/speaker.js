// The camera and microphone of a robot that speaks to people rather than to machines: slides that change, and a room that is almost
// silent. `globalThis.rehearsalRobot` = {title, slides: [[heading, line], …]} comes first.
(() => {
  const { rehearsalRobot: robot } = globalThis;
  const WIDTH = 1280, HEIGHT = 720, FRAME_MS = 200, SLIDE_MS = 20000;
  const SKIES = [['#10243e', '#1d4e6b'], ['#2a1a4a', '#4b3a86'], ['#123a2c', '#1f6b57'], ['#43211b', '#85442f']];

  function wrapped(context, text, width) {
    const lines = [''];
    for (const word of text.split(' ')) {
      const longer = `${lines.at(-1)} ${word}`.trim();
      if (context.measureText(longer).width <= width) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  }

  function slide(context, number) {
    const [heading, line] = robot.slides[number];
    const [above, below] = SKIES[number % SKIES.length];
    const sky = context.createLinearGradient(0, 0, WIDTH, HEIGHT);
    sky.addColorStop(0, above);
    sky.addColorStop(1, below);
    context.fillStyle = sky;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.fillStyle = '#fff';
    context.textBaseline = 'top';
    let y = 150;
    for (const [text, font, height] of [[heading, '600 76px sans-serif', 92], [line, '44px sans-serif', 60]]) {
      context.font = font;
      for (const part of wrapped(context, text, WIDTH - 200)) {
        context.fillText(part, 100, y);
        y += height;
      }
      y += 30;
    }
    context.font = '28px sans-serif';
    context.fillText(`${robot.title}  ·  ${number + 1} / ${robot.slides.length}`, 100, HEIGHT - 90);
  }

  // A bar that fills until the next slide: without movement the live would seem to stand still.
  function paint(context) {
    const now = Date.now();
    slide(context, Math.floor(now / SLIDE_MS) % robot.slides.length);
    context.fillStyle = '#5cc8ff';
    context.fillRect(0, HEIGHT - 14, WIDTH * (now % SLIDE_MS) / SLIDE_MS, 14);
  }

  function camera() {
    const canvas = document.createElement('canvas');
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    const context = canvas.getContext('2d', { alpha: false });
    const [track] = canvas.captureStream(0).getVideoTracks();
    const frame = () => {
      if (track.readyState === 'ended') return clearInterval(timer);
      paint(context);
      return track.requestFrame();
    };
    const timer = setInterval(frame, FRAME_MS);
    frame();
    return track;
  }

  function microphone() {
    const audio = new AudioContext({ sampleRate: 48000 });
    const out = audio.createMediaStreamDestination();
    // Never quite silent, as in camera.js: silence would not be sent.
    const room = new OscillatorNode(audio, { frequency: 120 });
    room.connect(new GainNode(audio, { gain: 0.005 })).connect(out);
    room.start();
    audio.resume();
    return out.stream.getAudioTracks()[0];
  }

  const devices = [['audioinput', 'Robot microphone'], ['videoinput', 'Robot camera']].map(([kind, label]) => (
    { kind, label, deviceId: `robot-${kind}`, groupId: 'robot', toJSON() { return { ...this }; } }
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
