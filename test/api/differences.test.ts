// The table of HTTP's differences: a page of the documentation, and nothing in it that no case proves.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { known } from "./differences.ts";
import { httpDifferencesPage } from "./differences-page.ts";

test("docs/http-differences.md is the table (bun test/api/differences-page.ts writes it)", () => {
  const page = readFileSync(join(import.meta.dir, "../../docs/http-differences.md"), "utf8");
  expect(page).toBe(httpDifferencesPage());
});

test("each difference is one of a case: there it fails when it is none any more", () => {
  const cases = readdirSync(import.meta.dir)
    .filter((name) => name.endsWith(".test.ts") && name !== "differences.test.ts")
    .map((name) => readFileSync(join(import.meta.dir, name), "utf8"))
    .concat(readFileSync(join(import.meta.dir, "exchange.ts"), "utf8"))
    .join("\n");
  const used = new Set([...cases.matchAll(/\bknown\.(\w+)/g)].map(([, name]) => name!));
  expect([...used].sort()).toEqual(Object.keys(known).sort());
});
