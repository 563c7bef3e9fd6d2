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

/** As most people write them: to look a word up as it is takes less than to make it upper case first. */
const writtenKeywords: ReadonlyMap<string, string> = new Map(
  [...keywords].flatMap((keyword) => [
    [keyword, keyword],
    [keyword.toLowerCase(), keyword],
  ]),
);

/** Bit n of the entry of a first letter (its code mod 32): there is a keyword of n letters. */
const keywordLengths = new Uint32Array(32);
for (const keyword of keywords) keywordLengths[keyword.charCodeAt(0) % 32]! |= 1 << keyword.length;

export const isKeyword = (word: string): boolean => keywords.has(word.toUpperCase());

/** By their first two characters' codes; `<>` is another way to write `!=`. */
const twoCharacterOperators: ReadonlyMap<number, string> = new Map(
  ["!=", "<>", "<=", ">=", "=~", "!~", "::"].map((two) => [
    pairOf(two.charCodeAt(0), two.charCodeAt(1)),
    two === "<>" ? "!=" : two,
  ]),
);
/** By their code. */
const operators: readonly (string | undefined)[] = Array.from({ length: 128 }, (_, code) =>
  "+-*/%&|^=<>(),;.:".includes(String.fromCharCode(code)) ? String.fromCharCode(code) : undefined,
);
const bareIdentifier = /[\p{L}_][\p{L}\p{N}_]*/uy;
/** A number with a fraction or exponent, else digits; letters after plain digits make it a duration. */
const floatNumber = /(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/y;
const wholeNumber = /\d+(?:[\p{L}µ][\p{L}µ\d]*)?/uy;

const DOUBLE_QUOTE = 34;
const DOLLAR = 36;
const QUOTE = 39;
const STAR = 42;
const DASH = 45;
const DOT = 46;
const SLASH = 47;
const UPPER_E = 69;
const BACKSLASH = 92;
const UNDERSCORE = 95;
const LOWER_E = 101;

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
    const code = text.charCodeAt(start);
    if (isLetter(code)) return this.#word(start);
    if (code === DOUBLE_QUOTE) return this.#quoted(start, '"');
    if (code === QUOTE) return this.#quoted(start, "'");
    if (code === DOLLAR) return this.#parameter(start);
    if (code > 127 && match(bareIdentifier, text, start) !== null) return this.#word(start);
    if (isDigit(code) || code === DOT) {
      const number = this.#number(start);
      if (number !== null) return number;
    }
    const second = text.charCodeAt(start + 1);
    if (code === SLASH && second === STAR) return this.#token("bad", "ILLEGAL", start, text.length);
    const two = twoCharacterOperators.get(pairOf(code, second));
    if (two !== undefined) return this.#token("operator", two, start, start + 2);
    const one = operators[code];
    if (one !== undefined) return this.#token("operator", one, start, start + 1);
    const character = String.fromCodePoint(text.codePointAt(start)!);
    return this.#token("bad", character, start, start + character.length);
  }

  /** An identifier or a keyword; a letter stands at `start`. */
  #word(start: number): Token {
    const { text } = this;
    let at = start;
    let seen = 0; // bits of all characters: 0x20 is in lower case letters, `_` and digits are none
    let code = text.charCodeAt(at);
    let plain = true;
    for (; isLetter(code) || isDigit(code); code = text.charCodeAt(++at)) {
      if (code < 65 || code === UNDERSCORE) plain = false;
      seen |= code & 0x20 ? 2 : 1;
    }
    if (code > 127) {
      // letters of other alphabets, of which some are ASCII's in upper case
      const word = match(bareIdentifier, text, start)!;
      const upper = word.toUpperCase();
      return keywords.has(upper)
        ? this.#token("keyword", upper, start, start + word.length)
        : this.#token("identifier", word, start, start + word.length);
    }
    const word = text.slice(start, at);
    const lengths = keywordLengths[text.charCodeAt(start) % 32]!;
    if (plain && word.length < 32 && (lengths & (1 << word.length)) !== 0) {
      const keyword = writtenKeywords.get(seen === 3 ? word.toUpperCase() : word);
      if (keyword !== undefined) return this.#token("keyword", keyword, start, at);
    }
    return this.#token("identifier", word, start, at);
  }

  /** A number or a duration that begins there; null: none does. */
  #number(start: number): Token | null {
    const { text } = this;
    let at = start;
    let code = text.charCodeAt(at);
    while (isDigit(code)) code = text.charCodeAt(++at);
    if (at > start && code !== DOT && code !== LOWER_E && code !== UPPER_E) {
      const digitsEnd = at;
      while ((isLetter(code) && code !== UNDERSCORE) || (at > digitsEnd && isDigit(code)))
        code = text.charCodeAt(++at);
      // (in `5µs` the unit goes on)
      if (!(code > 127))
        return this.#token(at === digitsEnd ? "integer" : "duration", text.slice(start, at), start, at);
    }
    const float = match(floatNumber, text, start);
    if (float !== null) return this.#token("number", float, start, start + float.length);
    const whole = match(wholeNumber, text, start);
    if (whole === null) return null;
    const kind = /^\d+$/.test(whole) ? "integer" : "duration";
    return this.#token(kind, whole, start, start + whole.length);
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
      const code = text.charCodeAt(at);
      if (code === 32 || code === 9 || code === 10 || code === 13) at++;
      else if (code === DASH && text.charCodeAt(at + 1) === DASH) {
        const newline = text.indexOf("\n", at);
        at = newline < 0 ? text.length : newline;
      } else if (code === SLASH && text.charCodeAt(at + 1) === STAR) {
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
    const end = quote.charCodeAt(0);
    const before = Math.max(0, start - 1);
    const offset = quote === "'" ? before : start;
    let value = "";
    let at = start + 1;
    let taken = at;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === end) {
        value += text.slice(taken, at);
        const kind = quote === "'" ? "string" : "identifier";
        return this.#token(kind, value, offset, at + 1, true);
      }
      if (code === 10) break;
      if (code !== BACKSLASH) continue;
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

/** Of ASCII, and `_`. */
const isLetter = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;

function pairOf(first: number, second: number): number {
  return first * 65536 + second;
}

function match(pattern: RegExp, text: string, offset: number): string | null {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0] ?? null;
}
