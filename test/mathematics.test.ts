// The functions of numbers against what Go's package math documents and computes, where JavaScript's own differ.
import { expect, test } from "bun:test";
import { mathematics, operandCount } from "../src/model/mathematics.ts";

const log2 = mathematics("log2");

test("round goes half away from zero, and keeps the sign of zero", () => {
  const round = mathematics("round");
  const cases = [0.5, -0.5, 1.5, -2.5, 0.49999999999999994, -0.25, 4503599627370495.5, 2 ** 53 + 2, -1e300];
  expect(cases.map((x) => round(x, 0))).toEqual([1, -1, 2, -3, 0, -0, 4503599627370496, 2 ** 53 + 2, -1e300]);
  expect(round(Number.NaN, 0)).toBeNaN();
  expect(round(Number.NEGATIVE_INFINITY, 0)).toBe(Number.NEGATIVE_INFINITY);
});

test("log2 of every power of two is whole, down to the smallest double", () => {
  for (let exponent = -1074; exponent <= 1023; exponent++) expect(log2(2 ** exponent, 0)).toBe(exponent);
});

test("log2 is close everywhere, also beside powers of two and below the normal doubles", () => {
  const values = [
    3,
    10,
    0.1,
    1 - 2 ** -53,
    1 + 2 ** -52,
    1024 - 2 ** -43,
    5e-324 * 3,
    1e-310,
    Number.MAX_VALUE,
  ];
  for (const x of values)
    expect(Math.abs(log2(x, 0) - Math.log2(x))).toBeLessThanOrEqual(
      4 * Number.EPSILON * Math.max(1, Math.abs(Math.log2(x))),
    );
  expect(log2(0, 0)).toBe(Number.NEGATIVE_INFINITY);
  expect(log2(-1, 0)).toBeNaN();
  expect(log2(Number.POSITIVE_INFINITY, 0)).toBe(Number.POSITIVE_INFINITY);
});

test("log10 and log take Go's way: whole where it is, and else within the last digit", () => {
  const log10 = mathematics("log10");
  expect([1, 10, 100, 1e6, 1e15].map((x) => log10(x, 0))).toEqual([0, 1, 2, 6, 15]);
  // printed by influxd 1.6.7
  const printed = { 1.5: 0.17609125905568124, 100.7: 2.003029470553618, 9: 0.954242509439325 };
  for (const [x, wanted] of Object.entries(printed))
    expect(Math.abs(log10(Number(x), 0) / wanted - 1)).toBeLessThanOrEqual(Number.EPSILON);
  expect([9, 10].map((x) => mathematics("log")(x, 2))).toEqual([3.1699250014423126, 3.3219280948873626]);
});

test("pow has C99's special cases", () => {
  const pow = mathematics("pow");
  expect(pow(1, Number.NaN)).toBe(1);
  expect(pow(1, Number.POSITIVE_INFINITY)).toBe(1);
  expect(pow(-1, Number.NEGATIVE_INFINITY)).toBe(1);
  expect(pow(Number.NaN, 0)).toBe(1);
  expect(pow(-8, 1 / 3)).toBeNaN();
  expect(operandCount("pow")).toBe(2);
});
