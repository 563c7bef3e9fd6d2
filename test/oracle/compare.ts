// Whether two answers to a query are the same, and what a session over a source answers.
import { expect } from "bun:test";
import { SerieError } from "../../src/base/errors.ts";
import type { ResultSeries } from "../../src/query/result.ts";
import { runQuery, type Session } from "../../src/query/session.ts";

/** The series of the answers to all statements of a text, parts joined; or the first error's message. */
export async function answerOf(text: string, session: Session): Promise<ResultSeries[] | string> {
  const whole: ResultSeries[] = [];
  try {
    for await (const result of runQuery(text, session))
      whole.push(...joined(await Array.fromAsync(result.series)));
  } catch (error) {
    if (error instanceof SerieError) return error.message;
    throw error;
  }
  return whole;
}

/** Series of an answer, whole. */
export function joined(parts: readonly ResultSeries[]): ResultSeries[] {
  const whole: ResultSeries[] = [];
  let isOpen = false;
  for (const part of parts) {
    const { partial, ...series } = part;
    const last = whole.at(-1);
    if (isOpen && last !== undefined)
      whole[whole.length - 1] = { ...last, rows: [...last.rows, ...part.rows] };
    // named, as rows may be computed when asked for
    else whole.push({ ...series, rows: part.rows });
    isOpen = partial === true;
  }
  return whole;
}

/**
 * Expects equal answers. Sums are taken in different orders, so floats may differ by rounding: relative to `scale`, the
 * greatest magnitude that went into them, because differences of large numbers keep large errors.
 */
export function expectSameAnswer(
  actual: readonly ResultSeries[] | string,
  expected: readonly ResultSeries[] | string,
  scale = 1e6,
): void {
  if (typeof actual === "string" || typeof expected === "string") {
    expect(actual).toEqual(expected as string);
    return;
  }
  const heads = (all: readonly ResultSeries[]) =>
    all.map(({ rows, ...head }) => ({ ...head, rowCount: rows.length }));
  expect(heads(actual)).toEqual(heads(expected));
  for (const [s, series] of actual.entries())
    for (const [r, row] of series.rows.entries())
      for (const [c, cell] of row.entries()) {
        const wanted = expected[s]!.rows[r]![c]!;
        const isClose =
          typeof cell === "number" &&
          typeof wanted === "number" &&
          Math.abs(cell - wanted) <= 1e-9 * Math.max(scale, Math.abs(wanted));
        if (!isClose) expect(cell).toEqual(wanted);
      }
}
