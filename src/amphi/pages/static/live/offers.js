// What a live's multivariant playlist offers to choose from.

/** Less than a picture may stand still. */
const ASK_MS = 5000;

/** Asks for the playlist at `url`: the heights of its pictures, and the address of the sound alone, empty where there is none. Rejects when it does not come. */
export async function offersOf(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) });
  if (!answer.ok) throw new Error(`playlist: ${answer.status}`);
  const lines = (await answer.text()).split("\n");
  const variants = lines.flatMap((line, at) => (line.startsWith("#EXT-X-STREAM-INF:") ? [{ line, uri: lines[at + 1].trim() }] : []));
  const sound = variants.find(({ line }) => /CODECS="mp4a[^,"]*"/.test(line));
  const heights = variants.flatMap(({ line }) => Number(/RESOLUTION=\d+x(\d+)/.exec(line)?.[1]) || []);
  // A stream that has no picture has no other variant either.
  return { heights, sound: sound && variants.length > 1 ? new URL(sound.uri, answer.url).href : "" };
}
