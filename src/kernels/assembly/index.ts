// The exports of kernels.wasm: one line per kernel file.
export * from "./area";
