// A sketch of how many distinct values there are: exact below 2,048, then within about 0.8 % in 16 KiB.
//
//     few    a table of the values' hashes, 64 bits each
//     many   2^14 registers: the first 14 bits of a hash choose one, which keeps the longest run of zeros after them
//
// Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm"
// (2007): the standard error is 1.04 / sqrt(2^14) = 0.81 %. The estimate is Ertl's, "New cardinality estimation algorithms
// for HyperLogLog sketches" (2017), which is unbiased from the first value on. Hashes of numbers are a permutation of their
// 64 bits, so no two numbers meet in one.

export const STANDARD_ERROR = 1.04 / Math.sqrt(1 << 14);
/** From so many distinct values on the count is an estimate. */
export const EXACT_BELOW = 2048;

const INDEX_BITS = 14;
const REGISTERS = 1 << INDEX_BITS;
/** Bits of a hash after those of the index. */
const REST_BITS = 64 - INDEX_BITS;

export class DistinctSketch {
  /** Hashes as pairs of words, open addressing; (0, 0) = free. Null: registers have taken over. */
  #table: Uint32Array | null = new Uint32Array(32);
  #registers: Uint8Array | null = null;
  #entries = 0;
  #hasZero = false;
  readonly #number = new Float64Array(1);
  readonly #words = new Uint32Array(this.#number.buffer);
  #lastText: string | null = null;

  get sizeBytes(): number {
    return 300 + (this.#table?.byteLength ?? 0) + (this.#registers?.byteLength ?? 0);
  }

  addNumber(value: number): void {
    this.#number[0] = value + 0; // -0 is 0
    this.#addMixed(this.#words[1]!, this.#words[0]!);
  }

  /** An integer that a double does not hold. */
  addInteger(value: bigint): void {
    this.#addMixed(Number((value >> 32n) & 0xffff_ffffn), Number(value & 0xffff_ffffn));
  }

  addText(text: string): void {
    if (text === this.#lastText) return; // columns of text repeat
    this.#lastText = text;
    this.#add(Number(Bun.hash.xxHash32(text, 1)), Number(Bun.hash.xxHash32(text, 2)));
  }

  /** Takes all values of another sketch: the result is that of one sketch of them all. */
  merge(other: DistinctSketch): void {
    if (other.#registers === null) {
      if (other.#hasZero) this.#add(0, 0);
      other.#eachEntry((high, low) => this.#add(high, low));
      return;
    }
    const registers = this.#useRegisters();
    for (const [i, run] of other.#registers.entries()) if (run > registers[i]!) registers[i] = run;
  }

  /** How many distinct values there are, rounded. */
  count(): number {
    if (this.#registers === null) return this.#entries + (this.#hasZero ? 1 : 0);
    return Math.round(estimate(this.#registers));
  }

  /** Four rounds of Feistel's network over the two words: a permutation of all 64 bits. */
  #addMixed(high: number, low: number): void {
    let left = high;
    let right = low;
    for (const key of [0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f]) {
      const next = (left ^ mix((right + key) | 0)) >>> 0;
      left = right;
      right = next;
    }
    this.#add(left >>> 0, right >>> 0);
  }

  #add(high: number, low: number): void {
    if (this.#registers !== null) {
      note(this.#registers, high, low);
      return;
    }
    if (high === 0 && low === 0) this.#hasZero = true;
    else if (this.#insert(this.#table!, high, low)) {
      this.#entries++;
      if (this.#entries >= EXACT_BELOW) this.#useRegisters();
      else if (this.#entries * 4 > this.#table!.length) this.#grow();
    }
  }

  /** False when it is there already. */
  #insert(table: Uint32Array, high: number, low: number): boolean {
    const mask = table.length / 2 - 1;
    let place = low & mask;
    for (;;) {
      const at = 2 * place;
      if (table[at] === 0 && table[at + 1] === 0) {
        table[at] = high;
        table[at + 1] = low;
        return true;
      }
      if (table[at] === high && table[at + 1] === low) return false;
      place = (place + 1) & mask;
    }
  }

  #grow(): void {
    const table = new Uint32Array(this.#table!.length * 2);
    this.#eachEntry((high, low) => this.#insert(table, high, low));
    this.#table = table;
  }

  #eachEntry(visit: (high: number, low: number) => void): void {
    const table = this.#table!;
    for (let at = 0; at < table.length; at += 2)
      if (table[at] !== 0 || table[at + 1] !== 0) visit(table[at]!, table[at + 1]!);
  }

  #useRegisters(): Uint8Array {
    if (this.#registers !== null) return this.#registers;
    const registers = new Uint8Array(REGISTERS);
    if (this.#hasZero) note(registers, 0, 0);
    this.#eachEntry((high, low) => note(registers, high, low));
    this.#registers = registers;
    this.#table = null;
    return registers;
  }
}

/** MurmurHash3's finisher: every bit of the result depends on every bit of `word`. */
function mix(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function note(registers: Uint8Array, high: number, low: number): void {
  const index = high >>> (32 - INDEX_BITS);
  const first = (high << INDEX_BITS) | (low >>> (32 - INDEX_BITS));
  const second = low << INDEX_BITS;
  const run = first !== 0 ? Math.clz32(first) + 1 : second !== 0 ? 33 + Math.clz32(second) : REST_BITS + 1;
  if (run > registers[index]!) registers[index] = run;
}

function estimate(registers: Uint8Array): number {
  const counts = new Float64Array(REST_BITS + 2);
  for (const run of registers) counts[run]!++;
  let z = REGISTERS * tau(1 - counts[REST_BITS + 1]! / REGISTERS);
  for (let k = REST_BITS; k >= 1; k--) z = 0.5 * (z + counts[k]!);
  z += REGISTERS * sigma(counts[0]! / REGISTERS);
  return (REGISTERS * REGISTERS) / (2 * Math.LN2 * z);
}

/** x + x^2 + 2 x^4 + 4 x^8 + ... */
function sigma(x: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  let power = x;
  let factor = 1;
  let sum = x;
  for (let before = -1; sum !== before; ) {
    before = sum;
    power *= power;
    sum += power * factor;
    factor *= 2;
  }
  return sum;
}

/** (1 - x - (1 - x^(1/2))^2 / 2 - (1 - x^(1/4))^2 / 4 - ...) / 3 */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x;
  let factor = 1;
  let sum = 1 - x;
  for (let before = -1; sum !== before; ) {
    before = sum;
    root = Math.sqrt(root);
    factor *= 0.5;
    sum -= (1 - root) ** 2 * factor;
  }
  return sum / 3;
}
