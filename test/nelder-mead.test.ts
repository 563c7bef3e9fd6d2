// The simplex method on functions whose least value is known.
import { expect, test } from "bun:test";
import { FieldType } from "../src/model/types.ts";
import { holtWinters } from "../src/query/functions/holt-winters.ts";
import { minimize } from "../src/query/functions/nelder-mead.ts";

test("a bowl, and Rosenbrock's valley, whose floor bends", () => {
  const bowl = minimize(([x = 0, y = 0]) => (x - 3) ** 2 + (y + 1) ** 2 + 7, Float64Array.of(0, 0), 1e-9);
  expect(bowl.value).toBeCloseTo(7, 8);
  expect(bowl.point[0]).toBeCloseTo(3, 3);
  expect(bowl.point[1]).toBeCloseTo(-1, 3);
  const valley = minimize(
    ([x = 0, y = 0]) => 100 * (y - x * x) ** 2 + (1 - x) ** 2,
    Float64Array.of(-1.2, 1),
    1e-10,
  );
  expect(valley.point[0]).toBeCloseTo(1, 3);
  expect(valley.point[1]).toBeCloseTo(1, 3);
});

test("an objective that keeps its argument within bounds moves the simplex into them", () => {
  const { point } = minimize(
    (at) => {
      if (at[0]! < 2) at[0] = 2;
      return at[0]! ** 2;
    },
    Float64Array.of(5),
    1e-12,
  );
  expect(point[0]).toBe(2);
});

test("a long forecast asks often whether it may go on, and ends when it may not", () => {
  const count = 5000;
  const times = BigInt64Array.from({ length: count }, (_, i) => BigInt(i) * 10n);
  const values = Array.from({ length: count }, (_, i) => 100 + i / 10 + 5 * Math.sin(i / 7));
  let asked = 0;
  const forecast = { horizon: 1, season: 0, intervalNs: 10n, withFit: false };
  const run = () =>
    holtWinters({ type: FieldType.Float, count, times, values }, forecast, () => {
      if (++asked === 3) throw new Error("deadline");
    });
  expect(run).toThrow("deadline");
});
