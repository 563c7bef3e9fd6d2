// Compiles src/kernels/assembly/*.ts to src/kernels/kernels.wasm when it is missing or older than a source.
import { existsSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const sources = join(root, "src/kernels/assembly");
const target = join(root, "src/kernels/kernels.wasm");

const inputs = [import.meta.path, join(root, "bun.lock")];
for (const name of readdirSync(sources, { recursive: true })) inputs.push(join(sources, String(name)));
const newest = Math.max(...inputs.map((path) => statSync(path).mtimeMs));

if (!existsSync(target) || statSync(target).mtimeMs < newest || process.argv.includes("--force")) {
  console.log("serie: building src/kernels/kernels.wasm");
  const asc = await import("assemblyscript/asc" as string);
  const temporary = `${target}.${process.pid}`;
  const { error } = await asc.main(
    [
      join(sources, "index.ts"),
      ...["--outFile", temporary],
      ...["--runtime", "stub"],
      ...["--enable", "simd", "--enable", "bulk-memory"],
      ...["--optimizeLevel", "3", "--noAssert"],
      ...["--use", "abort="],
      ...["--maximumMemory", "65535"],
    ],
    { stdout: process.stdout, stderr: process.stderr },
  );
  if (error) {
    console.error(`serie: the kernels do not compile: ${error.message}`);
    process.exit(1);
  }
  renameSync(temporary, target);
}
