// Tests by chance draw the same on every run, unless SERIE_SEED says otherwise.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { seed, seedOf } from "./support/seed.ts";

const ROOT = `${import.meta.dir}/..`;

test("without SERIE_SEED the seed is fixed; a number is taken, and random draws one", () => {
  expect(seedOf(undefined)).toBe(seedOf(""));
  expect(seedOf("-7")).toBe(-7);
  expect(seedOf("random", () => 0.5)).toBe(2 ** 30);
  for (const text of ["abc", "1.5", "1e3", "4294967296", " 7"])
    expect(() => seedOf(text)).toThrow('SERIE_SEED is "random" or an integer of 32 bits');
});

test("fast-check draws from it in every test file", () => {
  expect(fc.readConfigureGlobal()?.seed).toBe(seed);
});

/** What a property draws in a `bun test` of its own. */
function drawnWith(given: string | undefined): string {
  const { SERIE_SEED: _, ...env } = process.env;
  const child = Bun.spawnSync(
    [process.execPath, "test", "./test/support/draws.ts"], // no name of a test file: run only from here
    { cwd: ROOT, env: given === undefined ? env : { ...env, SERIE_SEED: given } },
  );
  const drawn = /^drawn: .*$/m.exec(child.stdout.toString() + child.stderr.toString());
  if (!drawn) throw new Error(`nothing drawn: ${child.stdout}${child.stderr}`);
  return drawn[0];
}

test("two runs draw alike, another seed draws otherwise, random never twice", () => {
  expect(drawnWith(undefined)).toBe(drawnWith(undefined));
  expect(drawnWith("5")).toBe(drawnWith("5"));
  const drawn = [undefined, "5", "random", "random"].map(drawnWith);
  expect(new Set(drawn).size).toBe(4);
});
