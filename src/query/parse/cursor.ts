// Where the parser stands in the text: one token of lookahead, and the errors that name what was expected.

import type { InputError } from "../../base/errors.ts";
import { urlWithoutPassword } from "../../base/redact.ts";
import { compileRegex } from "../../model/regex.ts";
import { compileCost, MOST_COST } from "../../model/regex-cost.ts";
import type { DurationNode, Node } from "../ast.ts";
import { parseCalendarDuration } from "../duration.ts";
import type { Parameters } from "../parameters.ts";
import { parseError } from "./errors.ts";
import { Lexer, type Token } from "./lexer.ts";
import { parameterToken } from "./substitute.ts";

/** A deeper nesting of parentheses, calls and subqueries than this is refused, lest the stack overflow. */
const MAX_DEPTH = 250;

/** What influxd calls a token without a text. */
const emptyTokens: Partial<Record<Token["kind"], string>> = { string: "STRING", identifier: "IDENT" };

export class Cursor {
  readonly #lexer: Lexer;
  readonly #parameters: Parameters;
  #offset = 0;
  #ahead: Token | null = null;
  #depth = 0;
  #keepsPlaces = false;
  #previous: Token | null = null;
  /** Of all regular expressions so far. */
  #regexCost = 0;

  constructor(text: string, parameters: Parameters) {
    this.#lexer = new Lexer(text);
    this.#parameters = parameters;
  }

  peek(): Token {
    if (this.#ahead === null) {
      const token = this.#lexer.tokenAt(this.#offset);
      this.#ahead = token.kind === "parameter" ? parameterToken(token, this.#parameters) : token;
    }
    return this.#ahead;
  }

  next(): Token {
    const token = this.peek();
    this.#offset = token.end;
    this.#ahead = null;
    this.#previous = token;
    return token;
  }

  /** The last token that was taken. */
  get previous(): Token {
    return this.#previous ?? this.peek();
  }

  /** The token after the next one. */
  peekSecond(): Token {
    return this.#lexer.tokenAt(this.peek().end);
  }

  /** Takes a regex literal, where one may stand; null when something else follows. */
  takeRegex(): string | null {
    if (this.peek().kind === "regex") {
      const { text, offset } = this.next(); // a bind parameter
      return this.#checkedRegex(text, offset);
    }
    const token = this.#lexer.regexAt(this.#offset);
    if (token === null) return null;
    if (token.kind === "bad") throw parseError(`bad regex:  at ${this.position(token.offset - 1)}`);
    this.#checkedRegex(token.text, token.offset - 1);
    this.#offset = token.end;
    this.#ahead = null;
    this.#previous = token;
    return token.text;
  }

  #checkedRegex(pattern: string, offset: number): string {
    const cost = compileCost(pattern);
    this.#regexCost += cost;
    try {
      if (this.#regexCost > MOST_COST && cost <= MOST_COST)
        throw new Error("the regular expressions are too large together");
      compileRegex(pattern);
      return pattern;
    } catch (error) {
      throw parseError(`${(error as Error).message} at ${this.position(offset)}`);
    }
  }

  isKeyword(...words: readonly string[]): boolean {
    const token = this.peek();
    return token.kind === "keyword" && words.includes(token.text);
  }

  takeKeyword(word: string): boolean {
    const token = this.peek();
    if (token.kind !== "keyword" || token.text !== word) return false;
    this.next();
    return true;
  }

  /** A word that is special here but not reserved (fill, tz, between), in any case. */
  isWord(word: string): boolean {
    const token = this.peek();
    return token.kind === "identifier" && !token.quoted && token.text.toLowerCase() === word;
  }

  takeWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.next();
    return true;
  }

  isOperator(operator: string): boolean {
    const token = this.peek();
    return token.kind === "operator" && token.text === operator;
  }

  takeOperator(operator: string): boolean {
    if (!this.isOperator(operator)) return false;
    this.next();
    return true;
  }

  /** Takes a dot between the parts of a name: right behind the part before it. */
  takeDot(): boolean {
    return this.isNextCharacter(".") && this.takeOperator(".");
  }

  /** Whether that character follows the last token without a blank between them. */
  isNextCharacter(character: string): boolean {
    return this.#lexer.text[this.#offset] === character;
  }

  expectKeyword(...words: readonly string[]): string {
    if (!this.isKeyword(...words)) throw this.found(...words);
    return this.next().text;
  }

  expectOperator(operator: string): void {
    if (!this.takeOperator(operator)) throw this.found(operator);
  }

  expectIdentifier(): string {
    if (this.peek().kind !== "identifier") throw this.found("identifier");
    return this.next().text;
  }

  expectString(): string {
    if (this.peek().kind !== "string") throw this.found("string");
    return this.next().text;
  }

  /** A count such as LIMIT's: a whole number that a JS number holds. */
  expectCount(): number {
    const token = this.peek();
    if (token.kind !== "integer") throw this.found("integer");
    const value = Number(token.text);
    if (!Number.isSafeInteger(value)) throw this.error("unable to parse integer", token);
    this.next();
    return value;
  }

  /** A duration of fixed length, ns. */
  expectDuration(): bigint {
    const { ns, months } = this.expectCalendarDuration();
    if (months !== undefined) throw parseError("months and years have no fixed length: use d or w here");
    return ns;
  }

  /** A duration, also of months and years. */
  expectCalendarDuration(): DurationNode {
    if (this.peek().kind !== "duration") throw this.found("duration");
    const duration = parseCalendarDuration(this.next().text);
    if (duration === undefined) throw parseError("invalid duration");
    return duration;
  }

  /** Runs a rule whose names keep their places. */
  withPlaces<T>(rule: () => T): T {
    const before = this.#keepsPlaces;
    this.#keepsPlaces = true;
    try {
      return rule();
    } finally {
      this.#keepsPlaces = before;
    }
  }

  /** Whether a rule around this one keeps the places of names. */
  get keepsPlaces(): boolean {
    return this.#keepsPlaces;
  }

  /** Goes back to `previous`, a token that was taken: what follows it is read again. */
  backTo(previous: Token): void {
    this.#offset = previous.end;
    this.#ahead = null;
    this.#previous = previous;
  }

  /** A node that begins with the token, with its place where places are kept. */
  placed<T extends Node>(node: T, { offset }: Token): T {
    return this.#keepsPlaces ? { ...node, place: this.position(offset) } : node;
  }

  /** Runs a rule that nests. */
  nested<T>(rule: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.error(`nested more than ${MAX_DEPTH} deep`, this.peek());
    try {
      return rule();
    } finally {
      this.#depth--;
    }
  }

  /** "found X, expected A, B at line 1, char 8", about the next token. */
  found(...expected: readonly string[]): InputError {
    const token = this.peek();
    const name = token.text === "" ? (emptyTokens[token.kind] ?? "") : token.text;
    return this.error(`found ${urlWithoutPassword(name)}, expected ${expected.join(", ")}`, token);
  }

  error(message: string, token: Token): InputError {
    return parseError(`${message} at ${this.position(token.offset)}`);
  }

  /** "line 1, char 8" */
  position(offset: number): string {
    return this.#lexer.position(offset);
  }
}
