// Regular expressions with RE2's syntax and linear time: the only place that knows which engine does it.
import { RE2JS } from "re2js";
import { InputError } from "../base/errors.ts";

/** A compiled pattern; matches anywhere in the text unless it is anchored. Immutable. */
export interface Regex {
  readonly pattern: string;
  test(text: string): boolean;
}

/** Throws InputError when the pattern is not RE2's. */
export function compileRegex(pattern: string): Regex {
  try {
    const compiled = RE2JS.compile(pattern);
    return { pattern, test: (text) => compiled.test(text) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`error parsing regexp: ${reason.replace(/^error parsing regexp: /, "")}`);
  }
}

/** Compiles each pattern once. Owned by one plan or one scan, so that it is as bounded as their patterns are. */
export class RegexCache {
  readonly #compiled = new Map<string, Regex>();

  get(pattern: string): Regex {
    let regex = this.#compiled.get(pattern);
    if (regex === undefined) {
      regex = compileRegex(pattern);
      this.#compiled.set(pattern, regex);
    }
    return regex;
  }
}
