// How long a text is in a platform's own unit, for the counter under the composer. The server counts again, exactly, before it sends.

const graphemes = "Segmenter" in Intl ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : null;
const LINK = /https?:\/\/[^\s]+|(?:[a-z0-9-]+\.)+(?:com|org|net|io|co|de|eu|uk|app|dev|info)(?:\/[^\s]*)?/gi;
const LIGHT = [[0, 4351], [8192, 8205], [8208, 8223], [8242, 8247]];

function weighted(text) {
  let total = 0;
  const rest = text.normalize("NFC").replace(LINK, () => {
    total += 23;
    return "";
  });
  for (const { segment } of graphemes ? graphemes.segment(rest) : [...rest].map((segment) => ({ segment }))) {
    if (/\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(segment)) {
      total += 2;
      continue;
    }
    for (const character of segment) {
      const code = character.codePointAt(0);
      total += LIGHT.some(([from, to]) => code >= from && code <= to) ? 1 : 2;
    }
  }
  return total;
}

export function lengthOf(text, unit) {
  const trimmed = text.trim();
  if (unit === "weighted") return weighted(trimmed);
  if (unit === "bytes") return new TextEncoder().encode(trimmed).length;
  if (unit === "utf16") return trimmed.length;
  if (unit === "graphemes" && graphemes) return [...graphemes.segment(trimmed)].length;
  return [...trimmed].length;
}

const SEAMS = [/\s*\n[^\S\n]*\n\s*/g, /(?<=[.!?\u2026]['"\u201d\u2019\u00bb)\]]*)\s+|(?<=[\u3002\uff01\uff1f])\s*/g, /[^\S\n]*\n\s*/g, /\s+/g];
const FULL_ENOUGH = 0.4;

/** How many of the words' characters fit into the first message. */
function longest(text, unit, limit) {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (lengthOf(text.slice(0, middle), unit) <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** As how many messages the words go out, cut as the server cuts them: between paragraphs, sentences, lines or words. */
export function messagesFor(text, unit, limit) {
  let rest = text.trim();
  let messages = 1;
  while (lengthOf(rest, unit) > limit) {
    const most = longest(rest, unit, limit);
    if (!most) return Infinity;
    const near = rest.slice(0, most + 200);
    let next = most;
    for (const [place, seam] of SEAMS.entries()) {
      const least = place === SEAMS.length - 1 ? 1 : most * FULL_ENOUGH;
      const cuts = [...near.matchAll(seam)].filter((cut) => cut.index && cut.index >= least && cut.index <= most);
      if (!cuts.length) continue;
      const last = cuts.at(-1);
      next = last.index + last[0].length;
      break;
    }
    rest = rest.slice(next);
    messages += 1;
  }
  return messages;
}
