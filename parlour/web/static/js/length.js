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
  return [...trimmed].length;
}
