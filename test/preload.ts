// Runs before the test files (bunfig.toml): fast-check draws from the seed of the run.
import fc from "fast-check";
import { seed } from "./support/seed.ts";

fc.configureGlobal({ seed });
