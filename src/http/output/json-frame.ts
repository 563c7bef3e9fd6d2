// Frames of series in a JSON answer: what stands around the rows of many series that have all but their tags in common.
//
//   ,{"name":"cpu","tags":{   "host":"a"   },"columns":["time","mean"],"values":[   [w0,a0],[w1,a1]   ]}
//   head                      tags         middle                                   rows              tail
import type { Kernels, Pointer } from "../../kernels/kernels.ts";
import type { SeriesHead } from "../../query/parts.ts";
import { tagText } from "./json-text.ts";

/** Series that have all but their tags and their rows in common. */
interface AlikeSeries {
  readonly head: SeriesHead;
  readonly dimensions: readonly string[];
  readonly tags: readonly (readonly string[])[];
  readonly seriesCount: number;
}

const utf8 = new TextEncoder();

/** The frames of series on their way to the kernel. `columns`: their names as JSON. */
export function framesOf({ head, dimensions, tags, seriesCount }: AlikeSeries, columns: string) {
  const named = head.name === undefined ? "" : `"name":${tagText(head.name)},`;
  const [open, close] = dimensions.length === 0 ? ["", ""] : ['"tags":{', "},"];
  const frame = utf8Texts([`{${named}${open}`, `${close}${columns},"values":[`, "]}"]);
  const tagged = utf8Texts(tagTexts(dimensions, tags, seriesCount));
  const frameBytes = (frame.sizeBytes + 3) & ~3;
  return {
    sizeBytes: frameBytes + tagged.sizeBytes,
    /** What they take in the answer, with a comma each. */
    answerBytes: seriesCount * (1 + frame.bytes.length) + tagged.bytes.length,
    /** At a multiple of 4. Gives what the kernel asks for: the frame, the lengths of tags, the tags. */
    put(kernels: Kernels, at: Pointer): [Pointer, Pointer, Pointer] {
      frame.put(kernels, at);
      tagged.put(kernels, at + frameBytes);
      return [at, at + frameBytes, at + frameBytes + seriesCount * 4];
    },
  };
}

/** Of each series what stands between the braces of its tags. */
function tagTexts(
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
function utf8Texts(texts: readonly string[]) {
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
