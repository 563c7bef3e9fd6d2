// The seed of everything that tests draw by chance: fixed, so that the suite says the same on every run of one state of the
// code. `SERIE_SEED=7` takes another one, `SERIE_SEED=random` a new one at every run (printed, so that it can be repeated).

const DEFAULT_SEED = 20_240_115;

/** Throws on a text that is neither `random` nor an integer of 32 bits. */
export function seedOf(given: string | undefined, random: () => number = Math.random): number {
  if (given === undefined || given === "") return DEFAULT_SEED;
  if (given === "random") return Math.floor(random() * 2 ** 31);
  const seed = Number(given);
  if (/^-?\d+$/.test(given) && seed === (seed | 0)) return seed;
  throw new Error(`SERIE_SEED is "random" or an integer of 32 bits, not ${JSON.stringify(given)}`);
}

const given = process.env["SERIE_SEED"];

/** The seed of this run. */
export const seed: number = seedOf(given);

if (given === "random") console.log(`tests draw from SERIE_SEED=${seed}`);
