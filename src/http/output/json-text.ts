// Names and values of tags as JSON: they come again in every series and every answer, so the last ones are kept.

/** Texts that are kept, and the longest of them. */
const KEPT = 4096;
const LONGEST = 64;

const kept = new Map<string, string>();

/** The text as `JSON.stringify` writes it. */
export function tagText(text: string): string {
  let written = kept.get(text);
  if (written === undefined) {
    written = JSON.stringify(text);
    if (text.length > LONGEST) return written;
    if (kept.size === KEPT) kept.clear();
    kept.set(text, written);
  }
  return written;
}
