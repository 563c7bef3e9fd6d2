// What two replies have in common: rows in any order, rows of one in the other, the same but for nulls.
import { comparable } from "../../oracle/script.ts";
import type { Reply } from "../pair.ts";

/** Neither reply is an error. */
export const isAnswered = (serie: Reply, influxd: Reply): boolean => !isError(serie) && !isError(influxd);

/** An error, of a statement or of the request; in CSV influxd says none. */
export const isError = ({ body }: Reply): boolean => /"error"|^error\n/.test(body);

/** Neither rows nor an error; in CSV no text at all. */
export const isNothing = ({ body }: Reply): boolean =>
  body.startsWith("{") || body.startsWith("\n{") ? !/"error"|"series"/.test(body) : body.trim() === "";

interface Document {
  readonly results?: readonly {
    readonly error?: string;
    readonly series?: readonly { readonly values?: unknown[]; readonly partial?: boolean }[];
  }[];
}

/** One, or a line each. */
function documentsOf(body: string): Document[] {
  try {
    return [comparable(body) as Document];
  } catch {
    return body
      .trim()
      .split("\n")
      .map((line) => comparable(line) as Document);
  }
}

/** The series of a chunked answer, whole; the other parts of its documents left out. */
export function joinedSeries(body: string): { head: string; values: unknown[] }[] {
  const whole: { head: string; values: unknown[] }[] = [];
  for (const document of documentsOf(body))
    for (const result of document.results ?? [])
      for (const { values = [], partial: _, ...rest } of result.series ?? []) {
        const head = textOf(rest);
        if (whole.at(-1)?.head === head) whole.at(-1)!.values.push(...values);
        else whole.push({ head, values: [...values] });
      }
  return whole;
}

/** Floats to 12 digits: sums in another order differ by rounding. */
export const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "bigint"
      ? Number(inner)
      : typeof inner === "number"
        ? Number(inner.toPrecision(10))
        : inner,
  );

export const rounded = (line: string): string =>
  line.replace(/-?\d+\.\d+(?:e[-+]\d+)?/g, (number) => String(Number(Number(number).toPrecision(10))));

export const rowsInAnyOrder = (body: string): string => {
  try {
    return inAnyOrder(joinedSeries(body));
  } catch {
    return body.trim().split("\n").map(rounded).sort().join("\n");
  }
};

/** Names and rows of a body, one a line: `m [["host","a"]]`. */
export function rowLines(body: string): string[] | null {
  try {
    return joinedSeries(body).flatMap(({ head, values }) =>
      values.map((row) => `${JSON.parse(head).name ?? ""} ${textOf(row)}`),
    );
  } catch {
    return body.startsWith("{") ? null : body.trim().split("\n").slice(1);
  }
}

/** Every row of the one stands in the other, in its order. */
export function isPartOf(part: string, whole: string): boolean {
  if (/"error"|^error\n/.test(part) || /"error"|^error\n/.test(whole)) return false;
  const [fewer, more] = [rowLines(part), rowLines(whole)];
  return fewer !== null && more !== null && standIn(fewer, more);
}

function standIn(fewer: readonly string[], more: readonly string[]): boolean {
  let at = 0;
  for (const row of more) if (row === fewer[at]) at++;
  return at === fewer.length;
}

/** Row by row what the one has stands in the other, by column; there may be more columns, and values for nulls. */
export function isCoarserThan(some: string, whole: string): boolean {
  const cells = (body: string) =>
    joinedSeries(body).flatMap(({ head, values }) => {
      const { name, columns } = JSON.parse(head) as {
        readonly name: string;
        readonly columns: readonly string[];
      };
      return (values as readonly (readonly unknown[])[]).map((row) =>
        row.flatMap((value, i) => (value === null ? [] : [`${name} ${columns[i]} ${textOf(value)}`])),
      );
    });
  const [fewer, more] = [cells(some), cells(whole)];
  return (
    fewer.length === more.length && fewer.every((row, i) => row.every((cell) => more[i]!.includes(cell)))
  );
}

/** The same without the columns that `*` shows once more, with a number and the same values: `host_1` beside `host`. */
export function rowsWithoutNumberedColumns(body: string): string {
  const series = joinedSeries(body).map(({ head, values }) => {
    const { columns, ...rest } = JSON.parse(head) as { readonly columns: readonly string[] };
    const rows = values as readonly (readonly unknown[])[];
    const isAgain = columns.map((name, i) => {
      const first = columns.indexOf(name.replace(/_\d+$/, ""));
      return first >= 0 && first !== i && rows.every((row) => row[i] === row[first]);
    });
    const kept = (row: readonly unknown[]) => row.filter((_, i) => !isAgain[i]);
    return { head: textOf({ ...rest, columns: kept(columns) }), values: rows.map(kept) };
  });
  return inAnyOrder(series);
}

const inAnyOrder = (series: ReturnType<typeof joinedSeries>): string =>
  series.map(({ head, values }) => `${head} ${values.map((row) => textOf(row)).sort()}`).join("\n");

/** Of each measurement the rows of the one stand in the other, or the other's in it: the keys of SHOW SERIES, or named rows. */
export function arePartsByMeasurement(a: string, b: string): boolean {
  const [ours, theirs] = [rowLines(a), rowLines(b)];
  if (ours === null || theirs === null) return false;
  const nameOf = (line: string) =>
    line.startsWith(" ") ? line.split(/(?<!\\),|"\]$/)[0] : line.slice(0, line.indexOf(" ["));
  return [...new Set([...ours, ...theirs].map(nameOf))].every((name) => {
    const [mine, others] = [ours, theirs].map((lines) => lines.filter((line) => nameOf(line) === name));
    return standIn(mine!, others!) || standIn(others!, mine!);
  });
}

/** Counts of measurements, each at most the other's; of the same ones, or with `mayMiss` of some of them. */
export function countsAreLess(part: string, whole: string, mayMiss = false): boolean {
  const counts = (body: string) => rowLines(body)?.map((line) => line.match(/^(.*?)(\d+)\]?$/)) ?? null;
  const [ours, theirs] = [counts(part), counts(whole)];
  if (ours === null || theirs === null || (ours.length !== theirs.length && !mayMiss)) return false;
  return ours.every((count, i) => {
    const other = mayMiss ? theirs.find((each) => count !== null && each?.[1] === count[1]) : theirs[i];
    return count?.[1] === other?.[1] && Number(count?.[2]) <= Number(other?.[2]);
  });
}

export function cellsOf(body: string, keep: (cell: unknown) => boolean): string {
  try {
    return joinedSeries(body)
      .map(({ head, values }) => {
        const rows = values.map((row) => textOf((row as unknown[]).filter(keep)));
        return `${JSON.parse(head).name} ${rows}`;
      })
      .join("\n");
  } catch {
    return body;
  }
}

/** The message of a parse error, and where it is. */
export function placeOf(body: string): { words: string; found: string; place: number } | null {
  const message = /^(.*found (.*), expected .* at line \d+, char )(\d+)/.exec(errorOf(body));
  return message === null ? null : { words: message[1]!, found: message[2]!, place: Number(message[3]) };
}

/** The series with those of their rows that have a value beside their time. */
export function withoutEmptyRows(body: string): string {
  try {
    return joinedSeries(body)
      .map(({ head, values }) => {
        const rows = values.filter((row) => (row as unknown[]).slice(1).some((cell) => cell !== null));
        return `${head} ${textOf(rows)}`;
      })
      .join("\n");
  } catch {
    // (in CSV the cells behind name, tags and time)
    return body.replace(/^[^,\n]*,[^,\n]*,[^,\n]*,+$\n?/gm, "");
  }
}

export const isNumber = (cell: unknown) => typeof cell === "number";

/** Those of the cells behind the times. */
export const numbersIn = (body: string): number[] =>
  joinedSeries(body).flatMap(({ values }) =>
    values.flatMap((row) =>
      (row as unknown[])
        .slice(1)
        .flatMap((cell) => (typeof cell === "number" || typeof cell === "bigint" ? [Number(cell)] : [])),
    ),
  );

/** The digits of the first cells of the rows, each. */
export const timesIn = (body: string): string[] =>
  (rowLines(body) ?? []).map((line) => /\[(\d+)/.exec(line)?.[1] ?? "");

/** The same in one. */
export const timesOf = (body: string): string => timesIn(body).join("");

/** The message of a request that failed as a whole; the body where it is none. */
export function errorOf(body: string): string {
  try {
    return JSON.parse(body).error ?? body;
  } catch {
    return body.replace(/^error\n"?/, "");
  }
}

/** Names, tags and columns of the series, in any order. */
export const headsOf = (body: string): string => {
  try {
    return joinedSeries(body)
      .map(({ head }) => head)
      .sort()
      .join("\n");
  } catch {
    return body.split("\n")[0] ?? "";
  }
};

/** The same series, with as many rows. */
export function isAlikeInShape(ours: string, theirs: string): boolean {
  const shape = (body: string) => joinedSeries(body).map(({ head, values }) => [head, values.length]);
  try {
    return Bun.deepEquals(shape(ours), shape(theirs));
  } catch {
    return ours.split("\n").length === theirs.split("\n").length;
  }
}

/** As many rows of as many series, whatever their columns. */
export function isAlikeInLength(ours: string, theirs: string): boolean {
  const lengths = (body: string) => joinedSeries(body).map(({ values }) => values.length);
  try {
    return Bun.deepEquals(lengths(ours), lengths(theirs));
  } catch {
    return ours.split("\n").length === theirs.split("\n").length;
  }
}

/** The same rows, but that ours may have null where theirs has a number. */
export function isAlikeButForNulls(ours: string, theirs: string): boolean {
  const cells = (body: string) => rowLines(body)?.map((line) => line.split(/[,[\]]/)) ?? null;
  const [a, b] = [cells(ours), cells(theirs)];
  if (a === null || b === null || a.length !== b.length) return false;
  return a.every(
    (row, i) =>
      row.length === b[i]!.length &&
      row.every((cell, j) => cell === b[i]![j] || cell === "null" || cell === ""),
  );
}

/** The error of the first result, as JSON; empty: there is none. */
export const resultErrorOf = (body: string): string => JSON.stringify(resultsOf(body)?.[0]?.error ?? "");

/** The results of one document; null: it is none, or several. */
export const resultsOf = (body: string): readonly { readonly error?: string }[] | null => {
  try {
    return JSON.parse(body).results ?? null;
  } catch {
    return null;
  }
};

/** The answer without the columns that are null in every row of every series. */
export function withoutEmptyColumns(body: string): string {
  try {
    const results = (
      comparable(body) as { results: { series?: { columns: string[]; values: unknown[][] }[] }[] }
    ).results;
    const all = results.flatMap(({ series = [] }) => series);
    const used = new Set(
      all.flatMap(({ columns, values }) => columns.filter((_, i) => values.some((row) => row[i] !== null))),
    );
    return textOf(
      all.map(({ columns, values, ...head }) => {
        const kept = [...columns.keys()].filter((i) => used.has(columns[i]!));
        return {
          ...head,
          columns: kept.map((i) => columns[i]),
          values: values.map((row) => kept.map((i) => row[i])),
        };
      }),
    );
  } catch {
    return body;
  }
}

/** Series of such an answer with their rows in any order. */
export function sortedRows(series: string): string {
  try {
    const all = JSON.parse(series) as { readonly values: readonly unknown[] }[];
    return textOf(all.map(({ values, ...rest }) => ({ ...rest, values: values.map(textOf).sort() })));
  } catch {
    return series;
  }
}

/** The same without the tags that are empty. */
export const withoutEmptyTags = (body: string): string =>
  body.replace(/"tags":\{[^}]*\},/g, (tags) =>
    tags
      .replace(/"(?:[^"\\]|\\.)*":""(?:,|(?=\}))/g, "")
      .replace(/,\},$/, "},")
      .replace('"tags":{},', ""),
  );

/** Of columns and tags; what is left has no numbers, as those of `host_1` beside `host`. */
export const withoutEmptyNames = (body: string): string =>
  withoutEmptyColumns(withoutEmptyTags(body)).replace(/(?:_\d+)+(?=")/g, "");

/** Values with their series, time and column, in any order: rows may be put apart, and rows without a value are nothing. */
export function valuesOf(body: string): string {
  try {
    const lines = joinedSeries(body).flatMap(({ head, values }) => {
      const { columns, ...series } = JSON.parse(head) as { columns: string[] };
      return values.flatMap((row) => {
        const [time, ...cells] = row as unknown[];
        return cells.flatMap((cell, i) =>
          cell === null ? [] : [`${JSON.stringify(series)} ${columns[i + 1]} ${textOf([time, cell])}`],
        );
      });
    });
    // (a tag stands in each of the rows)
    return [...new Set(lines)].sort().join("\n");
  } catch {
    return body;
  }
}

/** Every line of the one stands in the other, whose lines are sorted as well. */
export function areAmong(part: string, whole: string): boolean {
  const [fewer, more] = [part.split("\n").filter(Boolean), whole.split("\n")];
  let at = 0;
  for (const line of more) if (line === fewer[at]) at++;
  return at === fewer.length;
}

/** First cells that are numbers, in JSON, are taken for 0. */
export const withoutTimes = (body: string): string => body.replace(/\[-?\d+,/g, "[0,");

/** How many points INTO says that it wrote; null: it does not. */
export const writtenBy = ({ body }: Reply): number | null => {
  const written = /"written"\],"values":\[\[-?\d+,(\d+)\]\]/.exec(body);
  return written === null ? null : Number(written[1]);
};

export const writesMore = (one: Reply, other: Reply): boolean => {
  const [ours, theirs] = [writtenBy(one), writtenBy(other)];
  return ours !== null && theirs !== null && ours > theirs;
};
