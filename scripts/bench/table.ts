// Figures of several products side by side: a Markdown table that also reads well in a terminal.
//
// Behind each peer stands how many times better the first product is: above 1 it is ahead, below 1 behind,
// whichever direction is good for that figure.

export interface Figure {
  readonly name: string;
  readonly better: "more" | "less";
  /** Absent: not measured; null: the product has no such thing; a string: why there is no number. */
  readonly values: ReadonlyMap<string, number | null | string>;
  format(value: number): string;
}

/** Figures under a heading; a heading becomes a row of its own. */
export interface Section {
  readonly title: string;
  readonly figures: readonly Figure[];
}

/** `hasRatios`: a column for them behind each peer's. */
export function renderTable(
  products: readonly string[],
  sections: readonly Section[],
  hasRatios = true,
): string {
  const [own, ...peers] = products;
  const withRatio = (text: string, factor: string) => (hasRatios ? [text, factor] : [text]);
  const rows: string[][] = [["", own!, ...peers.flatMap((peer) => withRatio(peer, "×"))]];
  for (const { title, figures } of sections) {
    if (figures.length === 0) continue;
    rows.push([`**${title}**`, ...rows[0]!.slice(1).map(() => "")]);
    for (const figure of figures) {
      const mine = figure.values.get(own!);
      rows.push([
        figure.name,
        cell(figure, mine),
        ...peers.flatMap((peer) => {
          const theirs = figure.values.get(peer);
          return withRatio(cell(figure, theirs), ratio(figure, mine, theirs));
        }),
      ]);
    }
  }
  return tableText(rows);
}

/** The first row is the head; the first column stands left, the others right. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join(" | ")} |`;
  const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(rows[0]!), line(rule), ...rows.slice(1).map(line)].join("\n");
}

export function cell(figure: Figure, value: number | null | string | undefined): string {
  if (value === undefined || value === null) return "–";
  return typeof value === "string" ? value : figure.format(value);
}

function ratio(
  figure: Figure,
  mine: Figure["values"] extends ReadonlyMap<string, infer V> ? V | undefined : never,
  theirs: typeof mine,
): string {
  if (typeof mine !== "number" || typeof theirs !== "number") return "";
  const factor = factorOf(figure, mine, theirs);
  if (factor === null) return "";
  return factor >= 10 ? factor.toFixed(0) : factor.toPrecision(2);
}

/** How many times better `mine` is; null where one of them is no amount (a loss that was none). */
export function factorOf({ better }: Pick<Figure, "better">, mine: number, theirs: number): number | null {
  if (mine < 0 || theirs < 0) return null;
  return better === "more" ? mine / theirs : theirs / mine;
}

export const millions = (value: number) => `${(value / 1e6).toFixed(2)} M`;
export const megabytes = (value: number) => `${(value / 1e6).toFixed(0)} MB`;
/** Of a number of megabytes. */
export const megabytesPerS = (value: number) => `${value.toFixed(0)} MB/s`;
export const seconds = (value: number) => `${value.toFixed(2)} s`;
export const milliseconds = (value: number) => `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;
export const plain = (value: number) => value.toFixed(2);
export const thousands = (value: number) => `${(value / 1e3).toFixed(1)} k`;
export const microseconds = (value: number) => `${value.toFixed(1)} us`;
