// A strict JSON reader (RFC 8259) that keeps what JSON.parse loses: integers beyond 2^53, and where an error
// stands.
import { InputError } from "../base/errors.ts";

/** number; bigint for an integer that no double holds exactly; the rest as JSON.parse gives it. */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;

/** Without a prototype, so that a key `__proto__` or `constructor` is a key like any other. */
export interface JsonObject {
  [key: string]: JsonValue;
}

/** Text that is not JSON: at which line and column (from 1, in UTF-16 units). */
export class JsonSyntaxError extends InputError {
  constructor(
    readonly line: number,
    readonly column: number,
    readonly reason: string,
  ) {
    super(`invalid JSON at line ${line}, column ${column}: ${reason}`);
  }
}

const MAX_DEPTH = 32;
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// a string without escapes, which is most of them: JSON forbids raw control characters
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const plainString = /[^"\\\u0000-\u001f]*/y;
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Reads one text from its start; `value` may be called again for values that follow one another. */
export class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether only white space is left. */
  atEnd(): boolean {
    this.#skipSpace();
    return this.#at >= this.#text.length;
  }

  /** The next byte that is not white space, unread; "" at the end. */
  peek(): string {
    this.#skipSpace();
    return this.#text[this.#at] ?? "";
  }

  /** @throws JsonSyntaxError */
  value(depth = 0): JsonValue {
    const char = this.peek();
    if (depth > MAX_DEPTH) throw this.#error(`nested deeper than ${MAX_DEPTH}`);
    if (char === "{") return this.#object(depth);
    if (char === "[") return this.#array(depth);
    if (char === '"') return this.#string();
    if (char === "-" || (char >= "0" && char <= "9")) return this.#number();
    for (const [word, value] of words) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    throw this.#error(
      char === "" ? "the text ends where a value should stand" : `no value starts with ${show(char)}`,
    );
  }

  /** After the last value: nothing may follow. */
  end(): void {
    if (!this.atEnd()) throw this.#error(`${show(this.peek())} after the end of the value`);
  }

  /** Takes `char` when it comes next. */
  take(char: string): boolean {
    if (this.peek() !== char) return false;
    this.#at++;
    return true;
  }

  expect(char: string, where: string): void {
    const found = this.peek();
    if (!this.take(char))
      throw this.#error(`expected ${show(char)} ${where}, found ${found === "" ? "the end" : show(found)}`);
  }

  #object(depth: number): JsonObject {
    const object: JsonObject = Object.create(null);
    this.#at++;
    if (this.take("}")) return object;
    do {
      if (this.peek() !== '"') throw this.#error("expected a key in quotes");
      const key = this.#string();
      this.expect(":", "after a key");
      object[key] = this.value(depth + 1);
    } while (this.take(","));
    this.expect("}", "or a comma in an object");
    return object;
  }

  #array(depth: number): JsonValue[] {
    const array: JsonValue[] = [];
    this.#at++;
    if (this.take("]")) return array;
    do array.push(this.value(depth + 1));
    while (this.take(","));
    this.expect("]", "or a comma in an array");
    return array;
  }

  #string(): string {
    this.#at++;
    let result = this.#plain();
    while (this.#text[this.#at] !== '"') {
      if (this.#text[this.#at] !== "\\")
        throw this.#error(
          this.#at >= this.#text.length ? "a string has no end" : "control character in a string",
        );
      result += this.#escape() + this.#plain();
    }
    this.#at++;
    return result;
  }

  #plain(): string {
    plainString.lastIndex = this.#at;
    plainString.test(this.#text);
    const start = this.#at;
    this.#at = plainString.lastIndex;
    return this.#text.slice(start, this.#at);
  }

  #escape(): string {
    const char = this.#text[this.#at + 1] ?? "";
    if (char === "u") {
      const digits = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#error("\\u needs four hexadecimal digits");
      this.#at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const result = Object.hasOwn(escapes, char) ? escapes[char] : undefined;
    if (result === undefined) throw this.#error(`no escape \\${char} in JSON`);
    this.#at += 2;
    return result;
  }

  #number(): number | bigint {
    numberPattern.lastIndex = this.#at;
    if (!numberPattern.test(this.#text)) throw this.#error("not a number");
    const digits = this.#text.slice(this.#at, numberPattern.lastIndex);
    const value = Number(digits);
    if (!Number.isFinite(value)) throw this.#error(`${digits.slice(0, 40)} is too large a number`);
    this.#at = numberPattern.lastIndex;
    if (!Number.isInteger(value) || Number.isSafeInteger(value) || /[.eE]/.test(digits)) return value;
    const exact = digits.length > 40 ? undefined : BigInt(digits);
    return exact === undefined || exact === BigInt(value) ? value : exact;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #error(reason: string): JsonSyntaxError {
    const before = this.#text.slice(0, this.#at);
    const line = before.split("\n").length;
    return new JsonSyntaxError(line, this.#at - before.lastIndexOf("\n"), reason);
  }
}

const words: readonly (readonly [string, boolean | null])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

function show(char: string): string {
  return JSON.stringify(char);
}
