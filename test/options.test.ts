import { expect, test } from "bun:test";
import { InputError } from "../src/base/errors.ts";
import {
  defaultText,
  environmentName,
  kebabName,
  type OptionsInput,
  optionNames,
  optionTable,
  resolveLayers,
  resolveOptions,
} from "../src/db/options.ts";

test("defaults", () => {
  const options = resolveOptions();
  expect(options.dataDir).toBe("./data");
  expect(options.host).toBe("127.0.0.1");
  expect(options.port).toBe(8086);
  expect(options.maxMemSize).toBe(64 * 1024 * 1024);
  expect(options.flushInterval).toBe(600_000);
  expect(options.durability).toBe("always");
  expect(options.partitions).toBe(16);
  expect(options.strictTypes).toBe(false);
  expect(options.maxBodySize).toBe(25_000_000);
});

test("sizes and durations as numbers and as text", () => {
  expect(resolveOptions({ maxMemSize: 5_000_000 }).maxMemSize).toBe(5_000_000);
  expect(resolveOptions({ maxMemSize: "5MB" }).maxMemSize).toBe(5_000_000);
  expect(resolveOptions({ maxMemSize: "1.5 GiB" }).maxMemSize).toBe(1.5 * 2 ** 30);
  expect(resolveOptions({ maxMemSize: "2097152" }).maxMemSize).toBe(2 ** 21);
  expect(resolveOptions({ flushInterval: 1500 }).flushInterval).toBe(1500);
  expect(resolveOptions({ flushInterval: "1500ms" }).flushInterval).toBe(1500);
  expect(resolveOptions({ flushInterval: "2h" }).flushInterval).toBe(7_200_000);
  expect(resolveOptions({ queryTimeout: 0 }).queryTimeout).toBe(0);
});

test.each([
  [{ port: "eighty" }, /port.*"eighty".*integer from 0 to 65535/],
  [{ port: 70000 }, /70000/],
  [{ port: 1.5 }, /1.5/],
  [{ maxMemSize: "64 potatoes" }, /maxMemSize.*64MiB/],
  [{ maxMemSize: 10 }, /below the smallest size, 1MiB/],
  [{ maxMemSize: -1 }, /-1/],
  [{ flushInterval: "60d" }, /flushInterval/],
  [{ flushInterval: Number.NaN }, /NaN/],
  [{ durability: "sometimes" }, /always, interval/],
  [{ strictTypes: "yes" }, /neither true nor false/],
  [{ dataDir: "" }, /dataDir/],
  [{ maxmemsize: 1 }, /unknown option "maxmemsize".*maxMemSize/],
  [{ toString: 1 }, /unknown option "toString"/],
])("%p is refused", (given, message) => {
  expect(() => resolveOptions(given as OptionsInput)).toThrow(InputError);
  expect(() => resolveOptions(given as OptionsInput)).toThrow(message);
});

test("the first layer that has a value wins, and errors name the place", () => {
  const flags = { values: { port: "1" }, nameOf: (name: string) => `--${name}` };
  const environment = { values: { port: "2", host: "h" }, nameOf: (name: string) => `SERIE_${name}` };
  const options = resolveLayers([flags, environment]);
  expect(options.port).toBe(1);
  expect(options.host).toBe("h");
  const bad = { values: { port: "x" }, nameOf: (name: string) => `--${name}` };
  expect(() => resolveLayers([bad, environment])).toThrow(/^--port: /);
});

test("names elsewhere follow from the name", () => {
  expect(kebabName("maxMemSize")).toBe("max-mem-size");
  expect(environmentName("dataDir")).toBe("SERIE_DATA_DIR");
  expect(defaultText("maxMemSize")).toBe("64MiB");
  expect(defaultText("flushInterval")).toBe("10m");
  expect(defaultText("maxBodySize")).toBe("25000000");
});

test("every default passes its own validation, in its text form too", () => {
  for (const name of optionNames) {
    const { kind, default: byDefault } = optionTable[name] as (typeof optionTable)["port"];
    expect(kind.read(byDefault)).toBe(byDefault);
    expect(kind.read(defaultText(name))).toBe(byDefault);
  }
});
