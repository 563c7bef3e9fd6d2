// Regular expressions with RE2's syntax and linear time: the only place that knows which engine does it.
//
// Linear is not enough: a pattern of a thousand states on a long text costs seconds a text, and nothing else runs in the thread
// meanwhile. A pattern that has taken that long, at a speed no sensible one has, ends its statement.
import { RE2JS } from "re2js";
import { InputError } from "../base/errors.ts";
import { compileCost, MOST_COST } from "./regex-cost.ts";

/** A compiled pattern; matches anywhere in the text unless it is anchored. */
export interface Regex {
  readonly pattern: string;
  /** Throws `InputError` when the pattern has taken too much time, over all texts so far. */
  test(text: string): boolean;
}

/** Throws InputError when the pattern is not RE2's, or would take long to compile. */
export function compileRegex(pattern: string): Regex {
  if (compileCost(pattern) > MOST_COST) throw new InputError("error parsing regexp: expression too large");
  try {
    return new BoundedRegex(pattern, compiled(pattern));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`error parsing regexp: ${reason.replace(/^error parsing regexp: /, "")}`);
  }
}

/** The parser, the planner and the stores of a thread compile the same pattern one after the other: it is kept as long as one needs it. */
const recent = new Map<string, WeakRef<RE2JS>>();
const MOST_RECENT = 16;

function compiled(pattern: string): RE2JS {
  const known = recent.get(pattern)?.deref();
  if (known !== undefined) return known;
  const regex = RE2JS.compile(pattern);
  recent.delete(pattern);
  if (recent.size >= MOST_RECENT) recent.delete(recent.keys().next().value!);
  recent.set(pattern, new WeakRef(regex));
  return regex;
}

/** Time that a pattern may take at any speed, and the speed below which it may not take more: usual are 20 to 100 ns. */
const FREE_MS = 500;
const SLOWEST_MS_PER_CHARACTER = 0.002;
/** States times characters that are matched in one go; of a text that is longer than two of these a beginning is tried first. */
const UNTRIED_STEPS = 1_000_000;
/** How often the beginning must be slow for the text to be. */
const TRIALS = 3;
/** Of texts this short only one in 16 is timed, until they look slow. */
const SHORT = 256;
const LOOKS_SLOW_MS = 20;

class BoundedRegex implements Regex {
  /** Of the texts that were timed. */
  #spentMs = 0;
  #characters = 0;
  #shortTexts = 0;
  readonly #startCpuMs = cpuMs();

  constructor(
    readonly pattern: string,
    readonly compiled: RE2JS,
  ) {}

  test(text: string): boolean {
    if (text.length <= SHORT) {
      const isSample = (this.#shortTexts++ & 15) === 0 || this.#spentMs > LOOKS_SLOW_MS;
      return isSample ? this.#timed(text) : this.compiled.test(text);
    }
    const most = Math.ceil(UNTRIED_STEPS / this.compiled.programSize());
    if (text.length > most * 2) this.#tryBeginning(text, most);
    return this.#timed(text);
  }

  #timed(text: string): boolean {
    const startMs = performance.now();
    const matches = this.compiled.test(text);
    this.#spentMs += performance.now() - startMs;
    this.#characters += text.length;
    if (isTooSlow(this.#spentMs, this.#characters)) {
      // not what passed while the process was held; and it is no more than the thread has worked
      this.#spentMs = Math.min(this.#spentMs, cpuMs() - this.#startCpuMs);
      this.#check(this.#spentMs, this.#characters);
    }
    return matches;
  }

  /**
   * Whether the whole text would take too long, by what the second half of a beginning takes: in the first one the engine learns states that it
   * mostly keeps.
   */
  #tryBeginning(text: string, length: number): void {
    this.compiled.test(text.slice(0, length));
    let spentMs = Infinity;
    // a collection of garbage may fall into one of them and counts as this thread's work; a slow pattern is slow each time
    for (let i = 0; i < TRIALS && isTooSlow(spentMs, text.length); i++) {
      const startCpuMs = cpuMs();
      this.compiled.test(text.slice(0, length * 2));
      spentMs = Math.min(spentMs, ((cpuMs() - startCpuMs) * text.length) / (length * 2));
    }
    this.#check(spentMs, text.length);
  }

  #check(spentMs: number, characters: number): void {
    if (isTooSlow(spentMs, characters))
      throw new InputError(`the regular expression /${this.pattern}/ takes too long`);
  }
}

const isTooSlow = (spentMs: number, characters: number) =>
  spentMs > FREE_MS && spentMs > characters * SLOWEST_MS_PER_CHARACTER;

/** What this thread has worked, ms. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Compiles each pattern once. Owned by one plan or one scan, so that it is as bounded as their patterns are. */
export class RegexCache {
  // (made with the first: most plans and scans have none)
  #compiled: Map<string, Regex> | undefined;

  get(pattern: string): Regex {
    this.#compiled ??= new Map();
    let regex = this.#compiled.get(pattern);
    if (regex === undefined) {
      regex = compileRegex(pattern);
      this.#compiled.set(pattern, regex);
    }
    return regex;
  }
}
