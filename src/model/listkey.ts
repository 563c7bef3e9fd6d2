// Keys of lists of texts (the tag values of a group), for maps and for sorting.
//
//     a, b       a NUL NUL b
//     aNUL, b    a NUL SOH NUL NUL b        what is behind a NUL in a text is more than what is behind the end of one

/**
 * A text that of all lists of as many texts this one alone has, whatever their characters. Keys are in the order of the lists: by the
 * first text that differs.
 */
export function listKey(texts: readonly string[]): string {
  if (texts.length === 1) return texts[0]!;
  return (texts.some(hasNul) ? texts.map(marked) : texts).join("\0\0");
}

const hasNul = (text: string): boolean => text.includes("\0");
const marked = (text: string): string => text.replaceAll("\0", "\0\x01");
