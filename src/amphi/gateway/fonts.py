"""Finds scripts that the browser has no font for: it draws boxes instead, and the audience sees them."""

from amphi.gateway.meeting_page import Page

SAMPLES = {
    "emoji": "😀👩🏽‍🏫",
    "Chinese": "漢语",
    "Japanese": "ひカ",
    "Korean": "한",
    "Arabic": "عربي",
    "mathematics": "∮ℵ⟹𝔸",
}
PACKAGES = "apt-get install fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji"

# A character that nobody will ever define has the picture of a missing one.
_FIND = r"""(samples) => {
  const canvas = new OffscreenCanvas(64, 64);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.font = "32px sans-serif";
  const drawn = (character) => {
    context.clearRect(0, 0, 64, 64);
    context.fillText(character, 8, 44);
    return context.getImageData(0, 0, 64, 64).data.join();
  };
  const missing = ["\u{FDD0}", "\u{10FFFE}", " "].map(drawn);
  const isMissing = (character) => missing.includes(drawn(character));
  const joins = /[\u{200D}\u{FE0F}]/u;
  return Object.keys(samples).filter((name) => [...samples[name]].some((one) => !joins.test(one) && isMissing(one)));
}"""


async def missing(page: Page, samples: dict[str, str] = SAMPLES) -> list[str]:
    """The names of the samples of which a character can't be drawn."""
    found = await page.evaluate(_FIND, samples)
    return [name for name in samples if name in found]
