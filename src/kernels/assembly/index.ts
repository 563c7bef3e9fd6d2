// The exports of kernels.wasm: one line per kernel file.
export * from "./area";
export * from "./page";
export * from "./string-page";
export * from "./checksum";
export * from "./stats";
export * from "./group";
export { foldCount, foldFloat, foldInit, foldInteger, foldStatsFloat, foldStatsInteger, foldStatsUnsigned, foldUnsigned, lowerBound } from "./fold";
export { foldPage } from "./fold-page";
export { andMasks, compareFloat, compareInteger, compareUnsigned, gather, gatherBytes, maskColumn, maskRanges, orMasks } from "./masks";
export * from "./line";
export { xxHash64 } from "./hash";
export { parseDecimal, powersOfFive } from "./number";
export * from "./catalog";
export * from "./memtable";
export { blockClear, heapSize, memtableCollect, memtableGather, memtableNextTime, memtableSeries, memtableSeriesRows, mergeColumn, mergeTimes, packHeap } from "./gather";
export * from "./tagindex";
export { jsonEnd, jsonRows, jsonTexts } from "./json";
export { batchOwners, batchPart } from "./split";
