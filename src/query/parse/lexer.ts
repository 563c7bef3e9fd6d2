// Text to tokens, one at a time: the parser asks, because only it knows where a `/` begins a regex.
//
// Tokens carry offsets (UTF-16 units); lines and characters are counted only when an error is printed.
// Comments (`-- to the end of the line`, `/* ... */`) and white space stand between tokens and are skipped.

export interface Token {
  readonly kind: TokenKind;
  /**
   * The value: identifiers and strings unescaped, parameters without `$`, keywords in upper case, everything
   * else as written. For `bad`, what an error message shows.
   */
  readonly text: string;
  readonly offset: number;
  readonly end: number;
  /** True for an identifier in double quotes: never a keyword, time, or a function. */
  readonly quoted: boolean;
}

export type TokenKind =
  | "end"
  | "identifier"
  | "keyword"
  | "string"
  | "number"
  | "integer"
  | "duration"
  | "parameter"
  | "operator"
  | "regex"
  | "bad";

/** InfluxQL's reserved words: as names of things they need double quotes. Words of our own are never reserved. */
const keywords: ReadonlySet<string> = new Set(
  `ALL ALTER ANALYZE AND ANY AS ASC BEGIN BY CARDINALITY CREATE CONTINUOUS DATABASE DATABASES DEFAULT DELETE DESC
  DESTINATIONS DIAGNOSTICS DISTINCT DROP DURATION END EVERY EXACT EXPLAIN FALSE FIELD FOR FROM GRANT GRANTS GROUP
  GROUPS IN INF INSERT INTO KEY KEYS KILL LIMIT MEASUREMENT MEASUREMENTS NAME OFFSET ON OR ORDER PASSWORD POLICIES
  POLICY PRIVILEGES QUERIES QUERY READ REPLICATION RESAMPLE RETENTION REVOKE SELECT SERIES SET SHARD SHARDS SHOW
  SLIMIT SOFFSET STATS SUBSCRIPTION SUBSCRIPTIONS TAG TO TRUE USER USERS VALUES WHERE WITH WRITE`.split(
    /\s+/,
  ),
);

const LONGEST_KEYWORD = Math.max(...[...keywords].map(({ length }) => length));

export const isKeyword = (word: string): boolean => keywords.has(word.toUpperCase());

const twoCharacterOperators: ReadonlySet<string> = new Set(["!=", "<>", "<=", ">=", "=~", "!~", "::"]);
const operators = "+-*/%&|^=<>(),;.:";
const bareIdentifier = /[\p{L}_][\p{L}\p{N}_]*/uy;
/** A number with a fraction or exponent, else digits; letters after plain digits make it a duration. */
const floatNumber = /(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/y;
const wholeNumber = /\d+(?:[\p{L}µ][\p{L}µ\d]*)?/uy;

export class Lexer {
  /** The token that was read last, and the offset that it was asked for at: the parser looks at many a token twice. */
  #last: Token | null = null;
  #lastOffset = -1;

  constructor(readonly text: string) {}

  /** The first token at or after `offset`. */
  tokenAt(offset: number): Token {
    if (this.#last === null || this.#lastOffset !== offset) {
      this.#last = this.#read(offset);
      this.#lastOffset = offset;
    }
    return this.#last;
  }

  #read(offset: number): Token {
    const { text } = this;
    const start = this.#skipBlanks(offset);
    if (start >= text.length) return this.#token("end", "EOF", start, start);
    const first = text[start]!;
    if (first === '"' || first === "'") return this.#quoted(start, first);
    if (first === "$") return this.#parameter(start);

    const word = wordAt(text, start);
    if (word !== null) {
      const upper = word.length <= LONGEST_KEYWORD ? word.toUpperCase() : word;
      return keywords.has(upper)
        ? this.#token("keyword", upper, start, start + word.length)
        : this.#token("identifier", word, start, start + word.length);
    }
    if (isDigit(first.charCodeAt(0)) || first === ".") {
      const float = match(floatNumber, text, start);
      if (float !== null) return this.#token("number", float, start, start + float.length);
      const whole = match(wholeNumber, text, start);
      if (whole !== null) {
        const kind = /^\d+$/.test(whole) ? "integer" : "duration";
        return this.#token(kind, whole, start, start + whole.length);
      }
    }
    const two = text.slice(start, start + 2);
    if (two === "/*") return this.#token("bad", "ILLEGAL", start, text.length);
    if (twoCharacterOperators.has(two))
      return this.#token("operator", two === "<>" ? "!=" : two, start, start + 2);
    if (operators.includes(first)) return this.#token("operator", first, start, start + 1);
    const character = String.fromCodePoint(text.codePointAt(start)!);
    return this.#token("bad", character, start, start + character.length);
  }

  /** A regex literal at or after `offset`, null when there is something else. `\/` is a slash in it, after another `\` too. */
  regexAt(offset: number): Token | null {
    const { text } = this;
    const start = this.#skipBlanks(offset);
    if (text[start] !== "/" || text[start + 1] === "*") return null;
    for (let at = start + 1; at < text.length && text[at] !== "\n"; at++) {
      if (text[at] === "\\" && text[at + 1] === "/") at++;
      else if (text[at] === "/") {
        const pattern = text.slice(start + 1, at).replaceAll("\\/", "/");
        return this.#token("regex", pattern, start, at + 1);
      }
    }
    return this.#token("bad", text.slice(start), start, text.length);
  }

  /** "line 1, char 8" of an offset, as influxd counts: characters from 1; the end stands one further on. */
  position(offset: number): string {
    const before = this.text.slice(0, offset).split(/\r\n|\r|\n/);
    let character = [...before.at(-1)!].length + 1;
    if (offset >= this.text.length) {
      // Blanks at the end are one token with it; after a word or `,`, or right after `(`, its scanner has looked past the
      // end once already, and counted that.
      if (/\s$/.test(this.text)) character--;
      if (/(?:(?<![\p{L}\p{N}_])[\p{L}_][\p{L}\p{N}_]*\s*|,\s*|\()$/u.test(this.text)) character++;
    }
    return `line ${before.length}, char ${character}`;
  }

  #skipBlanks(offset: number): number {
    const { text } = this;
    let at = offset;
    for (;;) {
      const character = text[at];
      if (character === " " || character === "\t" || character === "\n" || character === "\r") at++;
      else if (character === "-" && text[at + 1] === "-") {
        const newline = text.indexOf("\n", at);
        at = newline < 0 ? text.length : newline;
      } else if (character === "/" && text[at + 1] === "*") {
        const close = text.indexOf("*/", at + 2);
        // (one without an end is no blank: a token that is wrong)
        if (close < 0) return at;
        at = close + 2;
      } else return at;
    }
  }

  /**
   * 'string' or "identifier": both know \\ \' \" \n, neither may span lines. The offset of a string, and of what has no end, is
   * that of the character before it, as influxd has it.
   */
  #quoted(start: number, quote: string): Token {
    const { text } = this;
    const before = Math.max(0, start - 1);
    const offset = quote === "'" ? before : start;
    let value = "";
    let at = start + 1;
    let taken = at;
    for (; at < text.length; at++) {
      const character = text[at]!;
      if (character === quote) {
        value += text.slice(taken, at);
        const kind = quote === "'" ? "string" : "identifier";
        return this.#token(kind, value, offset, at + 1, true);
      }
      if (character === "\n") break;
      if (character !== "\\") continue;
      value += text.slice(taken, at);
      const escaped = text[++at];
      taken = at + 1;
      if (escaped === "n") value += "\n";
      else if (escaped === "\\" || escaped === "'" || escaped === '"') value += escaped;
      else return this.#token("bad", `\\${escaped ?? ""}`, at, at + 1);
    }
    return this.#token("bad", value + text.slice(taken, at) || "BADSTRING", before, at);
  }

  #parameter(start: number): Token {
    const { text } = this;
    if (text[start + 1] === '"') {
      const name = this.#quoted(start + 1, '"');
      return { ...name, kind: name.kind === "bad" ? "bad" : "parameter", offset: start };
    }
    const name = match(bareIdentifier, text, start + 1);
    if (name === null) return this.#token("bad", "$", start, start + 1);
    return this.#token("parameter", name, start, start + 1 + name.length);
  }

  #token(kind: TokenKind, text: string, offset: number, end: number, quoted = false): Token {
    return { kind, text, offset, end, quoted };
  }
}

/** The bare word that begins there; null: none does. */
function wordAt(text: string, start: number): string | null {
  let at = start;
  let code = text.charCodeAt(at);
  if (isDigit(code)) return null;
  while (isLetter(code) || isDigit(code)) code = text.charCodeAt(++at);
  // letters of other alphabets
  if (code > 127) return match(bareIdentifier, text, start);
  return at === start ? null : text.slice(start, at);
}

/** Of ASCII, and `_`. */
const isLetter = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;

function match(pattern: RegExp, text: string, offset: number): string | null {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0] ?? null;
}
