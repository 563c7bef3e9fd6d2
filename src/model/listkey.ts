// Keys of lists of texts (the tag values of a group), for maps.

/** A text that of all lists of as many texts this one alone has, whatever their characters. */
export function listKey(texts: readonly string[]): string {
  return texts.length === 1 ? texts[0]! : JSON.stringify(texts);
}
