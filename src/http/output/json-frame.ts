// Frames of series in a JSON answer: what stands around the rows of many series that have all but their tags in common.
//
//   ,{"name":"cpu","tags":{   "host":"a"   },"columns":["time","mean"],"values":[   [w0,a0],[w1,a1]   ]}
//   head                      tags         middle                                   rows              tail
import type { Kernels, Pointer } from "../../kernels/kernels.ts";
import { tagText } from "./json-text.ts";

const utf8 = new TextEncoder();

/** Head, middle and tail. `columns`: their names as JSON. */
export function frameTexts(name: string | undefined, columns: string) {
  const named = name === undefined ? "" : `"name":${tagText(name)},`;
  return utf8Texts([`{${named}"tags":{`, `},${columns},"values":[`, "]}"]);
}

/** Of each series what stands between the braces of its tags. */
export function tagTexts(
  dimensions: readonly string[],
  tags: readonly (readonly string[])[],
  seriesCount: number,
): string[] {
  const names = dimensions.map((name, d) => `${d === 0 ? "" : ","}${tagText(name)}:`);
  return Array.from({ length: seriesCount }, (_, s) => {
    let text = "";
    for (let d = 0; d < names.length; d++) text += names[d]! + tagText(tags[d]![s]!);
    return text;
  });
}

/** Texts in UTF-8: their lengths, then their bytes. */
export function utf8Texts(texts: readonly string[]) {
  const joined = texts.join("");
  const bytes = utf8.encode(joined);
  const isAscii = bytes.length === joined.length;
  return {
    bytes,
    sizeBytes: texts.length * 4 + bytes.length,
    put(kernels: Kernels, at: Pointer): void {
      const { words } = kernels;
      for (let i = 0; i < texts.length; i++)
        words[(at >>> 2) + i] = isAscii ? texts[i]!.length : Buffer.byteLength(texts[i]!);
      kernels.put(at + texts.length * 4, bytes);
    },
  };
}
