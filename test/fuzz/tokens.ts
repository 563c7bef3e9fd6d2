/** Words of a statement, each with the space behind it: names, quoted names, strings, regexes, numbers with units, operators. */
export function tokens(text: string): string[] {
  const word = /(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\/(?:[^/\\\s]|\\.)+\/|[\w.µ]+|[<>=!~:]+|\S)\s*/g;
  return text.match(word) ?? [];
}
