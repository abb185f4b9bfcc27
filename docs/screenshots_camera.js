// A drawn presenter in place of a camera, and silence in place of a microphone, for the pictures of the documentation.
(() => {
  const media = Object.getPrototypeOf(navigator.mediaDevices ?? {});

  function paint(context, now) {
    const nod = Math.sin(now / 900) * 6, width = 640, height = 360;
    const wall = context.createLinearGradient(0, 0, width, height);
    wall.addColorStop(0, '#dfe8ec');
    wall.addColorStop(1, '#b9cbd3');
    context.fillStyle = wall;
    context.fillRect(0, 0, width, height);
    context.fillStyle = '#7d5a3c';
    for (const y of [70, 150]) context.fillRect(430, y, 180, 8);
    ['#0b5563', '#c8553d', '#e0a458', '#4f6d7a', '#2f4858', '#8aa29e'].forEach((colour, i) => {
      context.fillStyle = colour;
      context.fillRect(440 + i * 27, 28 + i % 3 * 6, 20, 42 - i % 3 * 6);
      context.fillRect(440 + (5 - i) * 27, 104 + i % 2 * 8, 20, 46 - i % 2 * 8);
    });
    context.fillStyle = '#1e4d5c';
    context.beginPath();
    context.ellipse(300, 390, 165, 150, 0, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = '#3b2a20';
    context.beginPath();
    context.ellipse(300 + nod, 165, 84, 100, 0, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = '#e3b48f';
    context.fillRect(272 + nod / 2, 220, 56, 50);
    context.beginPath();
    context.ellipse(300 + nod, 175, 62, 78, 0, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = '#3b2a20';
    context.beginPath();
    context.ellipse(300 + nod, 118, 70, 40, 0, Math.PI, 2 * Math.PI);
    context.fill();
    for (const x of [276, 324]) {
      context.beginPath();
      context.arc(x + nod, 172, 5, 0, 2 * Math.PI);
      context.fill();
    }
    context.strokeStyle = '#8c3f38';
    context.lineWidth = 4;
    context.beginPath();
    context.arc(300 + nod, 200, 22, 0.25, Math.PI - 0.25);
    context.stroke();
  }

  function camera() {
    const canvas = document.createElement('canvas');
    canvas.width = 640;
    canvas.height = 360;
    const context = canvas.getContext('2d', { alpha: false });
    setInterval(() => paint(context, Date.now()), 66);
    return canvas.captureStream(15).getVideoTracks()[0];
  }

  media.getUserMedia = async ({ audio, video } = {}) => new MediaStream([
    ...(audio ? new AudioContext().createMediaStreamDestination().stream.getAudioTracks() : []),
    ...(video ? [camera()] : []),
  ]);
})();
