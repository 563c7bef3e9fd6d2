// What it costs to compile a regular expression, estimated in one pass over its text, so that one of a few kilobytes that would take minutes
// is refused before it is compiled: compiling cannot be broken off. Costs are what was measured of RE2JS, in µs, rounded up.

/** Of patterns that are taken, µs together: a few seconds at most, where one of 700,000 letters is a third of it. */
export const MOST_COST = 3_000_000;

const CHARACTER = 1.5;
const ANY = 4;
const ALTERNATIVE = 4;
const GROUP = 12;
/** `*`, `+`, `?`. */
const QUANTIFIER = 15;
/** The least that a copy of what `{n}` repeats costs. */
const COPY = 4;
const CLASS = 12;
const CLASS_CHARACTER = 0.5;
const PERL_CLASS = 6;
const POSIX_CLASS = 20;
const UNICODE_CLASS = 50;
/** Beside others in brackets, where they are sorted. */
const UNICODE_CLASS_IN_BRACKETS = 500;
/** How many times as much a class costs where it is folded, (?i), and what each character of a range costs then: more in most alphabets. */
const FOLDED = 10;
const FOLDED_CHARACTER = 0.01;
const FOLDED_LETTER = 0.05;
const MOST_LETTERS = 5000;
const MOST_COPIES = 1000;

/** In µs; of a pattern that is wrong or over `MOST_COST` any number that is no less than that of its beginning. */
export function compileCost(pattern: string): number {
  return new Estimate(pattern).cost();
}

const repetition = /\{(\d+)(?:,(\d*))?\}/y;
const folds = /\(\?[a-zA-Z]*i/;

class Estimate {
  readonly #pattern: string;
  readonly #isFolded: boolean;
  #at = 0;
  /** Of the group that is open, and of those around it. */
  #sum = 0;
  readonly #outer: number[] = [];
  /** Of what a quantifier would repeat. */
  #last = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#isFolded = folds.test(pattern);
  }

  cost(): number {
    const pattern = this.#pattern;
    let done = 0;
    while (this.#at < pattern.length && this.#sum + done <= MOST_COST) {
      switch (pattern[this.#at]) {
        case "(":
          this.#outer.push(this.#sum);
          done += this.#sum;
          this.#sum = GROUP;
          this.#at += pattern[this.#at + 1] === "?" ? 2 : 1;
          break;
        case ")": {
          const group = this.#sum;
          this.#sum = this.#outer.pop() ?? 0;
          done -= this.#sum;
          this.#add(group, 1);
          break;
        }
        case "*":
        case "+":
        case "?":
          this.#sum += QUANTIFIER;
          this.#last += QUANTIFIER;
          this.#at++;
          break;
        case "{":
          this.#repeat();
          break;
        case "[":
          this.#class();
          break;
        case "\\":
          this.#escape();
          break;
        case "|":
          this.#add(ALTERNATIVE, 1);
          break;
        case ".":
          this.#add(ANY, 1);
          break;
        default:
          this.#add(CHARACTER, 1);
      }
    }
    return this.#sum + done;
  }

  #add(cost: number, characters: number): void {
    this.#sum += cost;
    this.#last = cost;
    this.#at += characters;
  }

  #repeat(): void {
    repetition.lastIndex = this.#at;
    const found = repetition.exec(this.#pattern);
    if (found === null) {
      this.#add(CHARACTER, 1);
      return;
    }
    const copies = Math.min(MOST_COPIES, Math.max(1, Number(found[1]), Number(found[2] || 0)));
    const repeated = Math.max(COPY, this.#last) * copies;
    this.#sum += repeated - this.#last;
    this.#last = repeated;
    this.#at += found[0].length;
  }

  #escape(): void {
    const pattern = this.#pattern;
    const kind = pattern[this.#at + 1];
    if (kind === "Q") {
      const end = pattern.indexOf("\\E", this.#at + 2);
      const text = (end < 0 ? pattern.length : end) - this.#at - 2;
      this.#sum += (text + 1) * CHARACTER;
      this.#last = CHARACTER;
      this.#at += text + (end < 0 ? 2 : 4);
    } else if (kind === "p" || kind === "P") {
      const cost = UNICODE_CLASS * (this.#isFolded ? FOLDED : 1);
      this.#add(cost, this.#unicodeClass());
    } else if (kind !== undefined && "dDsSwW".includes(kind)) {
      this.#add(PERL_CLASS * (this.#isFolded ? FOLDED : 1), 2);
    } else {
      this.#take();
      this.#add(CHARACTER, 0);
    }
  }

  /** Characters of `\pL`, `\p{Greek}`. */
  #unicodeClass(): number {
    if (this.#pattern[this.#at + 2] !== "{") return 3;
    const end = this.#pattern.indexOf("}", this.#at);
    return (end < 0 ? this.#pattern.length : end + 1) - this.#at;
  }

  #class(): void {
    const pattern = this.#pattern;
    let cost = CLASS;
    this.#at++;
    if (pattern[this.#at] === "^") this.#at++;
    for (let isFirst = true; this.#at < pattern.length; isFirst = false) {
      if (pattern[this.#at] === "]" && !isFirst) break;
      if (pattern.startsWith("[:", this.#at)) {
        const end = pattern.indexOf(":]", this.#at + 2);
        if (end >= 0) {
          this.#at = end + 2;
          cost += POSIX_CLASS;
          continue;
        }
      }
      const kind = pattern[this.#at] === "\\" ? pattern[this.#at + 1] : undefined;
      if (kind === "p" || kind === "P") {
        cost += UNICODE_CLASS_IN_BRACKETS * (this.#isFolded ? 2 : 1);
        this.#at += this.#unicodeClass();
        continue;
      }
      const low = this.#take();
      cost += CLASS_CHARACTER;
      if (pattern[this.#at] !== "-" || pattern[this.#at + 1] === "]") continue;
      this.#at++;
      const high = this.#take();
      const characters = Math.max(0, high - low);
      if (this.#isFolded)
        cost += characters * FOLDED_CHARACTER + Math.min(characters, MOST_LETTERS) * FOLDED_LETTER;
    }
    this.#add(cost, 1);
  }

  /** Steps over a character or an escape of one; gives its code point. */
  #take(): number {
    const pattern = this.#pattern;
    if (pattern[this.#at] !== "\\") {
      const code = pattern.codePointAt(this.#at) ?? 0;
      this.#at += code > 0xffff ? 2 : 1;
      return code;
    }
    if (pattern[this.#at + 1] === "x") {
      const end = pattern[this.#at + 2] === "{" ? pattern.indexOf("}", this.#at) : this.#at + 3;
      const digits = pattern.slice(this.#at + 2, end < 0 ? this.#at + 4 : end + 1).replace(/[{}]/g, "");
      this.#at = end < 0 ? pattern.length : end + 1;
      return Number.parseInt(digits, 16) || 0;
    }
    this.#at += 2;
    return pattern.charCodeAt(this.#at - 1) || 0;
  }
}
