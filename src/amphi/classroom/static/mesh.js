// The media connections: one RTCPeerConnection with each participant with whom something is sent, either way.
// Each follows the "perfect negotiation" of the WebRTC specification (https://www.w3.org/TR/webrtc/#perfect-negotiation-example).
const KBPS = 1000;
const FULL_KBPS = 2500;
const START_KBPS = 2000;
// How a camera is sent to people, by how many connections it is encoded for. The filmed view always has the full picture.
const CAMERA_STEPS = [
  { connections: 3, kbps: FULL_KBPS, scale: 1 },
  { connections: 7, kbps: 1000, scale: 1.5 },
  { connections: Infinity, kbps: 500, scale: 2 },
];
const SCREEN_KBPS = 2500;

/** Ask the sender of `sdp`'s answerer to begin with a sharp picture instead of feeling its way up for seconds. */
function startSharp(sdp) {
  return sdp.replace(/a=rtpmap:(\d+) (VP8|VP9|H264)\/90000\r\n/g, (line, type) => {
    const format = `a=fmtp:${type} `;
    return sdp.includes(format) ? line : `${line}${format}x-google-start-bitrate=${START_KBPS}\r\n`;
  });
}

class Peer {
  constructor(mesh, participant) {
    this.mesh = mesh;
    this.id = participant.id;
    this.client = participant.client;
    this.bot = participant.bot;
    this.polite = mesh.selfId < participant.id;
    this.senders = new Map();
    this.streams = new Map();
    this.screenId = "";
    this.makingOffer = false;
    this.ignoreOffer = false;
    this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.pc.onnegotiationneeded = () => this.#offer();
    this.pc.onicecandidate = ({ candidate }) => candidate && this.#send({ candidate });
    this.pc.oniceconnectionstatechange = () => this.pc.iceConnectionState === "failed" && this.pc.restartIce();
    this.pc.onsignalingstatechange = () => this.pc.signalingState === "stable" && this.applyEncodings();
    this.pc.ontrack = (event) => this.#receiveTrack(event);
  }

  /** Bring what is sent in line with what this page publishes. */
  sync() {
    for (const [kind, { stream, track }] of this.mesh.local) {
      const sender = this.senders.get(kind);
      if (track && !sender) this.senders.set(kind, this.pc.addTrack(track, stream));
      else if (track && sender.track !== track) sender.replaceTrack(track);
      else if (!track && sender) {
        this.pc.removeTrack(sender);
        this.senders.delete(kind);
      }
    }
  }

  async receive({ description, candidate, screenId }) {
    try {
      if (description) await this.#receiveDescription(description, screenId);
      else if (candidate) await this.pc.addIceCandidate(candidate);
    } catch (error) {
      if (this.pc.signalingState !== "closed" && !this.ignoreOffer) console.warn("media connection", error);
    }
  }

  close() {
    this.pc.close();
    this.streams.clear();
  }

  /** The stream of `kind`, "main" or "screen", if it has arrived. */
  stream(kind) {
    for (const [id, stream] of this.streams) if ((id === this.screenId) === (kind === "screen")) return stream;
    return null;
  }

  applyEncodings() {
    const people = [...this.mesh.peers.values()].filter((peer) => !peer.bot).length;
    const step = CAMERA_STEPS.find(({ connections }) => people <= connections);
    for (const [kind, sender] of this.senders) {
      if (sender.track?.kind !== "video") continue;
      const parameters = sender.getParameters();
      if (!parameters.encodings?.length) continue;
      const screen = kind === "screen";
      const full = screen || this.bot;
      parameters.encodings[0].maxBitrate = (screen ? SCREEN_KBPS : full ? FULL_KBPS : step.kbps) * KBPS;
      parameters.encodings[0].scaleResolutionDownBy = full ? 1 : step.scale;
      // The filmed picture stays sharp: too little of anything costs it frames, not pixels.
      if (full) parameters.degradationPreference = "maintain-resolution";
      sender.setParameters(parameters).catch((error) => console.warn("encoding", error));
    }
  }

  async #offer() {
    try {
      this.makingOffer = true;
      await this.pc.setLocalDescription();
      this.#send({ description: this.pc.localDescription, screenId: this.mesh.screenStream.id });
    } catch (error) {
      if (this.pc.signalingState !== "closed") console.warn("media offer", error);
    } finally {
      this.makingOffer = false;
    }
  }

  async #receiveDescription(description, screenId) {
    const collision = description.type === "offer" && (this.makingOffer || this.pc.signalingState !== "stable");
    this.ignoreOffer = !this.polite && collision;
    if (this.ignoreOffer) return;
    this.screenId = screenId ?? "";
    await this.pc.setRemoteDescription({ type: description.type, sdp: startSharp(description.sdp) });
    if (description.type === "offer") {
      await this.pc.setLocalDescription();
      this.#send({ description: this.pc.localDescription, screenId: this.mesh.screenStream.id });
    }
  }

  #receiveTrack({ track, streams: [stream] }) {
    if (!stream) return;
    this.streams.set(stream.id, stream);
    const changed = () => {
      if (!stream.getTracks().length) this.streams.delete(stream.id);
      this.mesh.changed();
    };
    stream.onremovetrack = changed;
    track.onunmute = changed;
    this.mesh.changed();
  }

  #send(signal) {
    this.mesh.signalling.send({ type: "signal", to: this.id, toClient: this.client, signal });
  }
}

export class Mesh extends EventTarget {
  constructor(signalling) {
    super();
    this.signalling = signalling;
    this.selfId = "";
    this.peers = new Map();
    // Microphone and camera share one stream: that is what makes the other side play them in step.
    this.mainStream = new MediaStream();
    this.screenStream = new MediaStream();
    this.local = new Map([
      ["microphone", { stream: this.mainStream, track: null }],
      ["camera", { stream: this.mainStream, track: null }],
      ["screen", { stream: this.screenStream, track: null }],
      ["screenAudio", { stream: this.screenStream, track: null }],
    ]);
    this.participants = new Map();
  }

  /** Publish `track` as `kind`, or nothing; the one it replaces is stopped. */
  setTrack(kind, track) {
    const slot = this.local.get(kind);
    if (slot.track) {
      slot.stream.removeTrack(slot.track);
      slot.track.onended = null;
      slot.track.stop();
    }
    slot.track = track;
    if (track) slot.stream.addTrack(track);
    this.#sync();
    this.changed();
  }

  track(kind) {
    return this.local.get(kind).track;
  }

  /** Who is in the room now: those who left, or opened their page anew, lose their old connection. */
  setParticipants(participants) {
    this.participants = new Map(participants.filter(({ id }) => id !== this.selfId).map((one) => [one.id, one]));
    for (const peer of this.peers.values()) {
      if (this.participants.get(peer.id)?.client === peer.client) continue;
      peer.close();
      this.peers.delete(peer.id);
    }
    this.#sync();
  }

  receive({ from, client, signal }) {
    const participant = this.participants.get(from);
    if (participant?.client !== client) return;
    this.#peer(participant).receive(signal);
  }

  stream(id, kind) {
    return this.peers.get(id)?.stream(kind) ?? null;
  }

  close() {
    for (const peer of this.peers.values()) peer.close();
    this.peers.clear();
    for (const kind of this.local.keys()) this.setTrack(kind, null);
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  #peer(participant) {
    let peer = this.peers.get(participant.id);
    if (!peer) {
      peer = new Peer(this, participant);
      this.peers.set(participant.id, peer);
      peer.sync();
      for (const other of this.peers.values()) other.applyEncodings();
    }
    return peer;
  }

  #sync() {
    const publishing = [...this.local.values()].some(({ track }) => track);
    if (publishing) for (const participant of this.participants.values()) this.#peer(participant);
    for (const peer of this.peers.values()) peer.sync();
  }
}
