// Regular expressions: RE2's syntax and limits, and no pattern that holds the thread.
import { describe, expect, test } from "bun:test";
import { compileRegex } from "../src/model/regex.ts";

const matches = (pattern: string, text: string) => compileRegex(pattern).test(text);

test.each<[pattern: string, yes: readonly string[], no: readonly string[]]>([
  ["(?i)^WEB", ["web01", "Web"], ["aweb"]],
  ["(?s)a.b", ["a\nb"], ["ab"]],
  ["a.b", ["axb"], ["a\nb"]],
  ["^\\d+$", ["0123"], ["٣", "1a"]],
  ["^\\pL+$", ["abcé日"], ["a1"]],
  ["^[^\\pL]$", ["1"], ["é"]],
  ["\\Aa\\z", ["a"], ["ba", "a\n"]],
  ["^.{2}$", ["日本", "😀a"], ["日"]],
  ["^$", [""], ["a"]],
  ["\\bb\\b", ["a b"], ["ab"]],
  ["\\Qa.b\\E", ["a.b"], ["axb"]],
  ["^a{1,1000}$", ["a".repeat(1000)], ["a".repeat(1001)]],
])("/%s/", (pattern, yes, no) => {
  for (const text of yes) expect([text, matches(pattern, text)]).toEqual([text, true]);
  for (const text of no) expect([text, matches(pattern, text)]).toEqual([text, false]);
});

test.each([
  "a{1001}",
  "(a{100}){100}",
  "(((a{1,10}){1,10}){1,10}){1,10}",
  "(?=a)",
  "(a)\\1",
  "a**",
  "[",
  "\\8",
])("/%s/ is none", (pattern) => {
  expect(() => compileRegex(pattern)).toThrow("error parsing regexp: ");
});

describe("time", () => {
  const msOf = (work: () => unknown) => {
    const startMs = performance.now();
    work();
    return performance.now() - startMs;
  };
  let seed = 12345;
  const letter = () => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed < 0x40000000 ? "a" : "b";
  };
  const letters = (length: number) => `c${Array.from({ length }, letter).join("")}`;

  // what a backtracking engine needs longer for than the universe is old
  test.each(["(a+)+$", "(a*)*c", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$"])("/%s/ is linear", (pattern) => {
    const text = `${"a".repeat(60_000)}b`;
    expect(msOf(() => expect(matches(pattern, text)).toBe(false))).toBeLessThan(2000);
  });

  test("a pattern that would take minutes over many texts, or one long one, ends its statement", () => {
    const slow = "([ab]{0,30}a){33}[cd]";
    const many = compileRegex(slow);
    const texts = Array.from({ length: 10_000 }, () => letters(100));
    const takesTooLong = `the regular expression /${slow}/ takes too long`;
    const spentMs = msOf(() => expect(() => texts.map((text) => many.test(text))).toThrow(takesTooLong));
    expect(spentMs).toBeLessThan(10_000);
    expect(msOf(() => expect(() => matches(slow, letters(64_000))).toThrow(takesTooLong))).toBeLessThan(
      10_000,
    );
  });

  test("much text at a usual speed is not too much", () => {
    const regex = compileRegex("(?i)HOST_\\d+9\\.");
    for (let i = 0; i < 2_000_000; i++) regex.test(`host_${i}.example`);
    expect(matches("^a{1,1000}b?$", "a".repeat(1_000_000))).toBe(false);
  });
});
