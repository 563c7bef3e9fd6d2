// Pieces: what the rows of a series have in common, as text between their values.
//
//     ,"a",  value 0  ,  value 1  ,"b"]        cells: a tag, two fields, a tag
//
// They are kept with the series, which mostly is in the next answer of the same columns as well.
import type { Series } from "../../model/scan.ts";
import type { RowCell } from "../../query/columnar.ts";
import { tagText } from "./json-text.ts";

export interface Pieces {
  /** One more than there are values. */
  readonly texts: readonly string[];
  /** All of them in UTF-8, and how many bytes of it each takes. */
  readonly bytes: Uint8Array;
  readonly lengths: readonly number[];
}

const utf8 = new TextEncoder();

const kept = new WeakMap<Series, { readonly shape: string; readonly pieces: Pieces }>();
let last: { readonly cells: readonly RowCell[]; readonly shape: string } = { cells: [], shape: "" };

export function piecesOf(series: Series, cells: readonly RowCell[]): Pieces {
  if (last.cells !== cells) last = { cells, shape: shapeOf(cells) };
  const { shape } = last;
  const known = kept.get(series);
  if (known?.shape === shape) return known.pieces;
  const pieces = made(series, cells);
  kept.set(series, { shape, pieces });
  return pieces;
}

// Which columns are tags, and which ones: all that pieces depend on but for the series. As JSON, for a tag may have any name.
function shapeOf(cells: readonly RowCell[]): string {
  return JSON.stringify(cells.map((cell) => (cell.kind === "tag" ? cell.name : 0)));
}

function made({ tags }: Series, cells: readonly RowCell[]): Pieces {
  const texts: string[] = [];
  let piece = "";
  for (const cell of cells) {
    piece += ",";
    if (cell.kind === "tag") {
      const value = tags.get(cell.name);
      piece += value === undefined ? "null" : tagText(value);
    } else {
      texts.push(piece);
      piece = "";
    }
  }
  texts.push(`${piece}]`);
  const lengths = texts.map((text) => Buffer.byteLength(text));
  return { texts, bytes: utf8.encode(texts.join("")), lengths };
}
