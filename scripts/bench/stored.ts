// Whether a server has what it acknowledged.
import type { Product } from "./products.ts";

/** How long a product that shows writes later has to show them. */
const SHOWN_WITHIN_MS = 10_000;

/** Throws an Error when a measurement has another number of values than were acknowledged. */
export async function checkStored(
  product: Product,
  base: string,
  measurement: string,
  acknowledged: number,
): Promise<void> {
  const deadline = performance.now() + (product.showsLater === true ? SHOWN_WITHIN_MS : 0);
  for (;;) {
    const stored = await product.countValues(base, measurement);
    if (stored === acknowledged) return;
    if (performance.now() >= deadline)
      throw new Error(
        `${product.name} has ${stored} of ${acknowledged} acknowledged values of ${measurement}`,
      );
    await Bun.sleep(250);
  }
}
