// Areas: the buddy allocator that owns linear memory from the end of the static data to 4 GiB.
//
// An area is 2^k pages of 64 KiB, aligned to its own size. Free areas of one order form a doubly linked
// list whose links live in the first bytes of the areas themselves; one byte per page tells where an area
// starts, its order, and whether it is free (Knuth, TAOCP 1, 2.5, the buddy system). Everything smaller is
// carved from an area by its user (arenas, columns, tables): no kernel frees a piece of an area.

const PAGE: u32 = 65536;
const ORDERS: u32 = 15;
const PAGES: u32 = 65536;
/** Pages by which memory grows at least, while there is room: 16 MiB. */
const GROWTH: u32 = 256;
const NONE: u32 = 0xffff_ffff;
const FREE: u8 = 0x80;
const USED: u8 = 0x40;
const ORDER: u8 = 0x1f;

// state of the area that starts at a page: 0 = no area starts here
const state: usize = memory.data(65536);
const heads: usize = memory.data(64);
let ready: bool = false;
let endPage: u32 = 0;
let usedPages: u32 = 0;
// pages handed out since the instance was made, the same ones counted each time; goes round
let takenPages: u32 = 0;

@inline function link(page: u32): usize { return <usize>page * PAGE; }

function push(page: u32, order: u32): void {
  const head = load<u32>(heads + (order << 2));
  store<u32>(link(page), NONE);
  store<u32>(link(page), head, 4);
  if (head != NONE) store<u32>(link(head), page);
  store<u32>(heads + (order << 2), page);
  store<u8>(state + page, FREE | <u8>order);
}

function unlink(page: u32, order: u32): void {
  const prev = load<u32>(link(page));
  const next = load<u32>(link(page), 4);
  if (prev == NONE) store<u32>(heads + (order << 2), next);
  else store<u32>(link(prev), next, 4);
  if (next != NONE) store<u32>(link(next), prev);
  store<u8>(state + page, 0);
}

// Gives pages [from, to) to the free lists as the largest aligned areas that fit.
function release(from: u32, to: u32): void {
  let page = from;
  while (page < to) {
    let order: u32 = page == 0 ? ORDERS : min<u32>(ctz(page), ORDERS);
    while (page + (1 << order) > to) order--;
    merge(page, order);
    page += 1 << order;
  }
}

function merge(start: u32, startOrder: u32): void {
  let page = start;
  let order = startOrder;
  while (order < ORDERS) {
    const buddy = page ^ (1 << order);
    if (buddy + (1 << order) > endPage || load<u8>(state + buddy) != (FREE | <u8>order)) break;
    unlink(buddy, order);
    page = min(page, buddy);
    order++;
  }
  push(page, order);
}

function init(): void {
  for (let k: u32 = 0; k <= ORDERS; k++) store<u32>(heads + (k << 2), NONE);
  const first = <u32>((__heap_base + PAGE - 1) / PAGE);
  endPage = memory.size();
  ready = true;
  if (first < endPage) release(first, endPage);
}

/** Bytes of the area that `areaAlloc(bytes)` would hand out: the next power of two of whole pages. */
export function areaSizeFor(bytes: u32): u32 {
  const pages = max<u32>(1, bytes / PAGE + (bytes % PAGE ? 1 : 0));
  const order = pages <= 1 ? 0 : 32 - clz(pages - 1);
  return PAGE << order;
}

/** An area of at least `bytes` bytes, uninitialised; 0 when linear memory is exhausted (or bytes > 1 GiB). */
export function areaAlloc(bytes: u32): usize {
  if (!ready) init();
  if (bytes > 0x4000_0000) return 0;
  const pages = max<u32>(1, bytes / PAGE + (bytes % PAGE ? 1 : 0));
  const order: u32 = pages <= 1 ? 0 : 32 - clz(pages - 1);
  let have = order;
  while (have <= ORDERS && load<u32>(heads + (have << 2)) == NONE) have++;
  if (have > ORDERS) {
    // grow by one aligned area or a whole step (growing is slow, and pages not touched cost nothing); what is before
    // and behind the area goes to the free lists
    const aligned = (endPage + (1 << order) - 1) & ~((1 << order) - 1);
    const need = aligned + (1 << order);
    if (need > PAGES - 1) return 0;
    let end = max(need, min<u32>(endPage + GROWTH, PAGES - 1));
    if (memory.grow(end - endPage) < 0) {
      end = need;
      if (memory.grow(end - endPage) < 0) return 0;
    }
    const gap = endPage;
    endPage = end;
    if (gap < aligned) release(gap, aligned);
    if (need < end) release(need, end);
    store<u8>(state + aligned, USED | <u8>order);
    usedPages += 1 << order;
    takenPages += 1 << order;
    return link(aligned);
  }
  const page = load<u32>(heads + (have << 2));
  unlink(page, have);
  while (have > order) {
    have--;
    push(page + (1 << have), have);
  }
  store<u8>(state + page, USED | <u8>order);
  usedPages += 1 << order;
  takenPages += 1 << order;
  return link(page);
}

/** Gives an area back. `ptr` must come from `areaAlloc` and not have been freed: anything else traps. */
export function areaFree(ptr: usize): void {
  const page = <u32>(ptr / PAGE);
  const s = load<u8>(state + page);
  if (ptr % PAGE != 0 || (s & USED) == 0) unreachable();
  const order: u32 = s & ORDER;
  store<u8>(state + page, 0);
  usedPages -= 1 << order;
  merge(page, order);
}

/** Size in bytes of the area, live or free, that starts at `ptr`. */
export function areaSize(ptr: usize): u32 {
  return PAGE << <u32>(load<u8>(state + ptr / PAGE) & ORDER);
}

/** Bytes in live areas. */
export function areaUsed(): u32 {
  return usedPages * PAGE;
}

/** Pages of 64 KiB handed out so far, modulo 2^32, those handed out again counted again. */
export function areaTaken(): u32 {
  return takenPages;
}

/** The first free area at or behind `ptr`, or 0. Its size is that of `areaSize`; all but its first 8 bytes may be lost. */
export function areaNextFree(ptr: usize): usize {
  let page = <u32>(ptr / PAGE);
  while (page < endPage) {
    const s = load<u8>(state + page);
    if (s & FREE) return link(page);
    page += s & USED ? 1 << <u32>(s & ORDER) : 1;
  }
  return 0;
}
