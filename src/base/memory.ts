// The memory of the process, under the names that Go programs have for it.

/** In bytes. `Alloc`: what is used; `HeapSys`: what is had for it, not all of it touched; `Sys`: for the process. */
export interface MemoryFigures {
  readonly Alloc: number;
  readonly HeapSys: number;
  readonly Sys: number;
}

/** Alloc <= HeapSys <= Sys: Bun counts buffers and linear memory as used, but not as part of its heap, and the system what is touched. */
export function memoryFigures(): MemoryFigures {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
  const HeapSys = Math.max(heapUsed, heapTotal + external);
  return { Alloc: heapUsed, HeapSys, Sys: Math.max(rss, HeapSys) };
}
