// The machine-readable clock: drawn by the robot's camera, read back from the listener's picture.
// A magenta frame, which locates it, around COLUMNS x ROWS cells, white for 1: 24 bits of time in 10 ms (modulo PERIOD),
// 8 bits that identify the rehearsal, 8 bits of CRC (polynomial 0x07, from 0xff), most significant first.
// `clock.py` reads the same.
(() => {
  const COLUMNS = 10, ROWS = 4, UNIT_MS = 10;
  const PERIOD = 10_000_000; // 27.7 hours: fits 24 bits, and holds full seconds
  const WIDTH = 800, HEIGHT = 360, FRAME = 30;     // of the drawn clock, frame included
  const LOCATE_WIDTH = 640, LOCATE_HEIGHT = 360;   // in which the frame is looked for

  function crc8(bytes) {
    let crc = 0xff;
    for (const byte of bytes) {
      crc ^= byte;
      for (let i = 0; i < 8; i++) crc = crc & 0x80 ? ((crc << 1) ^ 0x07) & 0xff : (crc << 1) & 0xff;
    }
    return crc;
  }

  function encode(id, nowMs) {
    const time = Math.floor(nowMs / UNIT_MS) % PERIOD;
    const bytes = [time >> 16 & 0xff, time >> 8 & 0xff, time & 0xff, id & 0xff];
    bytes.push(crc8(bytes));
    return bytes.flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => byte >> bit & 1));
  }

  function decode(bits) {
    const bytes = [];
    for (let i = 0; i < bits.length; i += 8) bytes.push(bits.slice(i, i + 8).reduce((byte, bit) => byte << 1 | bit, 0));
    if (crc8(bytes.slice(0, 4)) !== bytes[4]) return null;
    return { id: bytes[3], time: bytes[0] << 16 | bytes[1] << 8 | bytes[2] };
  }

  // How long ago the clock showed `time`, in ms.
  function ageMs(time, nowMs) {
    const now = Math.floor(nowMs / UNIT_MS);
    const age = (((now - time) % PERIOD) + PERIOD) % PERIOD;
    return (age > PERIOD / 2 ? age - PERIOD : age) * UNIT_MS;
  }

  function draw(context, x, y, bits) {
    context.fillStyle = '#f0f';
    context.fillRect(x, y, WIDTH, HEIGHT);
    const cellWidth = (WIDTH - 2 * FRAME) / COLUMNS, cellHeight = (HEIGHT - 2 * FRAME) / ROWS;
    bits.forEach((bit, i) => {
      context.fillStyle = bit ? '#fff' : '#000';
      context.fillRect(x + FRAME + (i % COLUMNS) * cellWidth, y + FRAME + Math.floor(i / COLUMNS) * cellHeight, cellWidth, cellHeight);
    });
  }

  // The box inside the magenta frame, as fractions of the picture; null when there is none.
  function locate(pixels, width, height) {
    const columns = new Uint16Array(width), rows = new Uint16Array(height);
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i += 4) {
        if (pixels[i] > 140 && pixels[i + 2] > 140 && pixels[i + 1] < 110) { columns[x]++; rows[y]++; }
      }
    }
    const enough = (count) => count >= 3;
    const left = columns.findIndex(enough), top = rows.findIndex(enough);
    if (left < 0 || top < 0) return null;
    const boxWidth = columns.findLastIndex(enough) + 1 - left, boxHeight = rows.findLastIndex(enough) + 1 - top;
    if (boxWidth < 40 || boxHeight < 18) return null;
    const insetX = boxWidth * FRAME / WIDTH, insetY = boxHeight * FRAME / HEIGHT;
    return {
      x: (left + insetX) / width, y: (top + insetY) / height,
      width: (boxWidth - 2 * insetX) / width, height: (boxHeight - 2 * insetY) / height,
    };
  }

  // Reads one picture after another from a video or canvas; remembers where the clock stands.
  class Reader {
    constructor() {
      const canvas = (width, height) => {
        const element = document.createElement('canvas');
        element.width = width;
        element.height = height;
        return element.getContext('2d', { willReadFrequently: true });
      };
      this.whole = canvas(LOCATE_WIDTH, LOCATE_HEIGHT);
      this.cells = canvas(COLUMNS * 8, ROWS * 8);
      this.box = null;
      this.misses = 0;
    }

    // -> {id, time} or null
    read(source, width, height) {
      if (!this.box || this.misses >= 3) {
        this.whole.drawImage(source, 0, 0, LOCATE_WIDTH, LOCATE_HEIGHT);
        this.box = locate(this.whole.getImageData(0, 0, LOCATE_WIDTH, LOCATE_HEIGHT).data, LOCATE_WIDTH, LOCATE_HEIGHT);
        this.misses = 0;
        if (!this.box) return null;
      }
      const { canvas } = this.cells, { box } = this;
      this.cells.drawImage(source, box.x * width, box.y * height, box.width * width, box.height * height, 0, 0, canvas.width, canvas.height);
      const { data } = this.cells.getImageData(0, 0, canvas.width, canvas.height);
      const levels = [];
      for (let row = 0; row < ROWS; row++) {
        for (let column = 0; column < COLUMNS; column++) {
          let sum = 0;
          for (let y = 3; y < 5; y++) for (let x = 3; x < 5; x++) sum += data[(((row * 8 + y) * canvas.width) + column * 8 + x) * 4 + 1];
          levels.push(sum / 4);
        }
      }
      const dark = Math.min(...levels), bright = Math.max(...levels);
      const found = bright - dark > 60 ? decode(levels.map((level) => Number(level > (dark + bright) / 2))) : null;
      this.misses = found ? 0 : this.misses + 1;
      return found;
    }
  }

  globalThis.rehearsalClock = { WIDTH, HEIGHT, encode, decode, draw, ageMs, Reader };
})();
