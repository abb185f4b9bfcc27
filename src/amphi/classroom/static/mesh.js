// The media connections: one RTCPeerConnection from each participant who publishes to each other one. Only the one who
// publishes ever offers, so two offers can't collide, whoever turns on a camera at the same moment.
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
  constructor(mesh, participant, outgoing) {
    this.mesh = mesh;
    this.id = participant.id;
    this.client = participant.client;
    this.bot = participant.bot;
    this.outgoing = outgoing;
    this.senders = new Map();
    this.streams = new Map();
    this.screenId = "";
    this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.pc.onnegotiationneeded = () => outgoing && this.#offer();
    this.pc.onicecandidate = ({ candidate }) => candidate && this.#send({ candidate });
    this.pc.oniceconnectionstatechange = () => this.pc.iceConnectionState === "failed" && this.pc.restartIce();
    this.pc.onsignalingstatechange = () => this.pc.signalingState === "stable" && this.applyEncodings();
    this.pc.ontrack = (event) => this.#receiveTrack(event);
  }

  /** Bring what is sent in line with what this page publishes. */
  sync() {
    if (!this.outgoing) return;
    for (const [kind, { stream, track }] of this.mesh.local) {
      const sender = this.senders.get(kind);
      if (track && !sender) this.senders.set(kind, this.pc.addTrack(track, this.bot && kind === "microphone" ? this.mesh.voiceStream : stream));
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
      if (this.pc.signalingState !== "closed") console.warn("media connection", error);
    }
  }

  close() {
    this.pc.close();
    this.streams.clear();
  }

  /** The stream of `kind`, "camera", "voice" or "screen", if it has arrived. */
  stream(kind) {
    for (const [id, stream] of this.streams) {
      if ((id === this.screenId) !== (kind === "screen")) continue;
      if (kind === "screen" || (kind === "camera" ? stream.getVideoTracks() : stream.getAudioTracks()).length) return stream;
    }
    return null;
  }

  applyEncodings() {
    const people = [...this.mesh.outgoing.values()].filter((peer) => !peer.bot).length;
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
      await this.pc.setLocalDescription();
      this.#send({ description: this.pc.localDescription, screenId: this.mesh.screenStream.id });
    } catch (error) {
      if (this.pc.signalingState !== "closed") console.warn("media offer", error);
    }
  }

  async #receiveDescription(description, screenId) {
    if ((description.type === "offer") === this.outgoing) return;
    if (screenId) this.screenId = screenId;
    await this.pc.setRemoteDescription({ type: description.type, sdp: startSharp(description.sdp) });
    if (this.outgoing) return;
    await this.pc.setLocalDescription();
    this.#send({ description: this.pc.localDescription });
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
    this.mesh.signalling.send({ type: "signal", to: this.id, toClient: this.client, signal: { ...signal, outgoing: this.outgoing } });
  }
}

export class Mesh extends EventTarget {
  constructor(signalling) {
    super();
    this.signalling = signalling;
    this.selfId = "";
    this.outgoing = new Map();
    this.incoming = new Map();
    // Microphone and camera share one stream: that is what makes the other side's browser play them in step. For a bot they are apart, as in BigBlueButton,
    // where they come by connections of their own: a gateway keeps them in step itself, and counts the time that a picture takes to the filmed screen.
    this.mainStream = new MediaStream();
    this.voiceStream = new MediaStream();
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
    for (const peers of [this.outgoing, this.incoming]) {
      for (const peer of peers.values()) {
        if (this.participants.get(peer.id)?.client === peer.client) continue;
        peer.close();
        peers.delete(peer.id);
      }
    }
    this.#sync();
  }

  receive({ from, client, signal }) {
    const participant = this.participants.get(from);
    if (participant?.client !== client) return;
    if (signal.outgoing) this.#incomingPeer(participant).receive(signal);
    else this.outgoing.get(from)?.receive(signal);
  }

  stream(id, kind) {
    return this.incoming.get(id)?.stream(kind) ?? null;
  }

  close() {
    for (const peers of [this.outgoing, this.incoming]) {
      for (const peer of peers.values()) peer.close();
      peers.clear();
    }
    this.participants.clear();
    for (const kind of this.local.keys()) this.setTrack(kind, null);
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  #incomingPeer(participant) {
    let peer = this.incoming.get(participant.id);
    if (!peer) {
      peer = new Peer(this, participant, false);
      this.incoming.set(participant.id, peer);
    }
    return peer;
  }

  /** Connect to whomever isn't yet, once there is something to publish. */
  #sync() {
    const publishing = [...this.local.values()].some(({ track }) => track);
    for (const participant of publishing ? this.participants.values() : []) {
      if (!this.outgoing.has(participant.id)) this.outgoing.set(participant.id, new Peer(this, participant, true));
    }
    for (const peer of this.outgoing.values()) {
      peer.sync();
      peer.applyEncodings();
    }
  }
}
