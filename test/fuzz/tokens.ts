/** Words of a statement, each with the space behind it: names, quoted names, strings, regexes, numbers with units, operators. */
export function tokens(text: string): string[] {
  const word = /(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\/(?:[^/\\\s]|\\.)+\/|[\w.]+|[<>=!~:]+|\S)\s*/g;
  return text.match(word) ?? [];
}
