// What a property draws, printed: run by seed.test.ts in processes of their own.
import { test } from "bun:test";
import fc from "fast-check";

test("prints what it draws", () => {
  const drawn: number[] = [];
  fc.assert(
    fc.property(fc.integer(), (each) => {
      drawn.push(each);
    }),
    { numRuns: 20 },
  );
  console.log(`drawn: ${drawn.join(" ")}`);
});
